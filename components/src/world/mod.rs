//! One commit, compiled: immutable tables that the packet path reads by id. A `World` is built from
//! a configuration elsewhere and swapped whole between batches, never inside one. Names live in
//! [`names::Names`], which the packet path never touches.

pub mod application;
pub mod cluster;
pub mod filter;
pub mod interface;
pub mod names;
pub mod nat;
pub mod policer;
pub mod policy;
pub mod route;
pub mod screen;
pub mod succession;

use application::Applications;
use cluster::Cluster;
use filter::Filter;
use interface::{Interfaces, Zone};
use names::Names;
use nat::NatTable;
use policer::Policer;
use policy::PolicyTable;
use route::RouteTable;
use screen::ScreenProfile;

use crate::ids::{FilterId, ScreenProfileId, ZoneId};
use crate::session::aging::Aging;
use crate::session::tcp::TcpChecks;

/// The compiled configuration.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Counts commits, from 1.
    pub generation: u32,
    /// Logical interfaces by [`crate::ids::IfIndex`].
    pub interfaces: Interfaces,
    /// Zones by [`ZoneId`]; 0 is none, 1 is `junos-host`.
    pub zones: Vec<Zone>,
    /// Forwarding table, own addresses included.
    pub routes: RouteTable,
    /// Applications by [`crate::ids::AppId`].
    pub applications: Applications,
    /// Policies by zone pair.
    pub policies: PolicyTable,
    /// Screen profiles by [`ScreenProfileId`] minus one.
    pub screens: Vec<ScreenProfile>,
    /// NAT rules and pools.
    pub nat: NatTable,
    /// Filters by [`FilterId`] minus one.
    pub filters: Vec<Filter>,
    /// Policers at terms by [`crate::ids::PolicerId`] minus one.
    pub policers: Vec<Policer>,
    /// `lo0` input filters for host-bound packets, IPv4 and IPv6.
    pub host_filters: [FilterId; 2],
    /// `chassis cluster`: sessions of the groups that a node is the primary of are replicated.
    pub cluster: Option<Cluster>,
    /// `security flow` and session timeouts.
    pub flow: FlowOptions,
    /// Names for the collector.
    pub names: Names,
}

impl World {
    /// The zone; the empty zone for ids that do not exist.
    #[must_use]
    pub fn zone(&self, id: ZoneId) -> Option<&Zone> {
        self.zones.get(id.index())
    }

    /// The screen profile of a zone.
    #[must_use]
    pub fn screen_of(&self, zone: ZoneId) -> Option<&ScreenProfile> {
        let id = self.zone(zone).map_or(ScreenProfileId::NONE, |zone| zone.screen);
        self.screens.get(id.index().checked_sub(1)?)
    }

    /// Bits of the attacks that any zone looks for.
    #[must_use]
    pub fn screens_watched(&self) -> u64 {
        let profiles = self
            .zones
            .iter()
            .filter_map(|zone| self.screens.get(zone.screen.index().checked_sub(1)?));
        profiles.fold(0, |attacks, profile| attacks | profile.attacks)
    }

    /// The filter.
    #[must_use]
    pub fn filter(&self, id: FilterId) -> Option<&Filter> {
        self.filters.get(id.index().checked_sub(1)?)
    }
}

/// `security flow`. Times in seconds.
#[derive(Clone, Debug)]
pub struct FlowOptions {
    /// `tcp-session no-syn-check`.
    pub no_syn_check: bool,
    /// `syn-flood-protection-mode`: SYNs above a zone's attack threshold are answered with a SYN
    /// cookie instead of being dropped.
    pub syn_cookies: bool,
    /// `tcp-session tcp-initial-timeout`: until the handshake is complete.
    pub tcp_initial_s: u32,
    /// Established TCP, unless the application says otherwise.
    pub tcp_s: u32,
    /// TCP after FIN in both directions or RST: `time-wait-state session-timeout`.
    pub tcp_closing_s: u32,
    /// The same as when established: `time-wait-state session-ageout`.
    pub tcp_closing_ages_out: bool,
    /// Also after the first FIN: `time-wait-state apply-to-half-close-state`.
    pub tcp_closes_half: bool,
    /// What is checked of sequence numbers and handshake.
    pub tcp_checks: TcpChecks,
    /// `tcp-session rst-invalidate-session`: RST ends a session at once.
    pub rst_invalidates: bool,
    /// `tcp-session fin-invalidate-session`: so does the first FIN.
    pub fin_invalidates: bool,
    /// `allow-dns-reply`: DNS responses that nobody asked for go through the policies.
    pub dns_replies: bool,
    /// `allow-embedded-icmp`: so do ICMP errors about packets of no session.
    pub embedded_icmp: bool,
    /// `tcp-mss all-tcp mss`: the largest segment that a SYN may offer.
    pub tcp_mss: Option<u16>,
    /// `aging`.
    pub aging: Aging,
    /// UDP.
    pub udp_s: u32,
    /// ICMP and ICMPv6.
    pub icmp_s: u32,
    /// Everything else.
    pub other_s: u32,
}

impl Default for FlowOptions {
    fn default() -> Self {
        Self {
            no_syn_check: false,
            syn_cookies: false,
            tcp_initial_s: 20,
            tcp_s: 1800,
            tcp_closing_s: 2,
            tcp_closing_ages_out: false,
            tcp_closes_half: false,
            tcp_checks: TcpChecks::default(),
            rst_invalidates: false,
            fin_invalidates: false,
            dns_replies: false,
            embedded_icmp: false,
            tcp_mss: None,
            aging: Aging::default(),
            udp_s: 60,
            icmp_s: 60,
            other_s: 60,
        }
    }
}
