//! The typed model: what the data plane reads of a configuration, values checked one by one, names
//! not yet resolved. It borrows its words from the tree, so that every later finding still has its
//! place.

pub mod addresses;
pub mod applications;
pub mod cluster;
pub mod filter_match;
pub mod filters;
mod flow;
mod host_inbound;
pub mod interfaces;
pub mod log;
pub mod nat;
pub mod nat_match;
pub mod nat_pools;
pub mod nat_then;
mod numbers;
pub mod policers;
pub mod policies;
pub mod prefix_lists;
pub(crate) mod reader;
pub mod routes;
pub mod schedulers;
mod screen_history;
pub mod screens;
mod tcp_flags;
mod top;
pub mod zones;

use components::world::FlowOptions;
use components::world::cluster::Cluster;

pub use reader::Word;

use reader::Reader;

use super::tree::Node;

/// A configuration.
#[derive(Clone, Debug, Default)]
pub struct Model<'t> {
    /// `system host-name`.
    pub host: Option<Word<'t>>,
    /// Logical interfaces.
    pub units: Vec<interfaces::Unit<'t>>,
    /// Static routes.
    pub routes: Vec<routes::StaticRoute<'t>>,
    /// Zones.
    pub zones: Vec<zones::Zone<'t>>,
    /// Address books other than the zones' own.
    pub books: Vec<addresses::Book<'t>>,
    /// Custom applications and sets.
    pub applications: applications::Applications<'t>,
    /// Policies.
    pub policies: policies::Policies<'t>,
    /// Screens.
    pub screens: Vec<screens::Screen<'t>>,
    /// NAT.
    pub nat: nat::Nat<'t>,
    /// Prefix lists.
    pub prefix_lists: Vec<prefix_lists::PrefixList<'t>>,
    /// Filters.
    pub filters: Vec<filters::Filter<'t>>,
    /// `firewall policer`, `firewall three-color-policer`.
    pub policers: Vec<policers::Policer<'t>>,
    /// Application layer gateways that `security alg` disables.
    pub gateways_off: Vec<&'t str>,
    /// `security flow`.
    pub flow: FlowOptions,
    /// `security log`.
    pub log: log::LogConfig,
    /// Schedulers.
    pub schedulers: Vec<schedulers::NamedScheduler<'t>>,
    /// `chassis cluster`.
    pub cluster: Option<Cluster>,
    /// `system time-zone`.
    pub time_zone: Option<schedulers::TimeZone<'t>>,
}

impl<'t> Model<'t> {
    /// Reads the tree that is in force: groups applied, inactive statements left out.
    pub(crate) fn read(tree: &'t Node, reader: &mut Reader<'_>) -> Self {
        top::read(tree, reader)
    }
}
