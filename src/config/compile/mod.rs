//! The model to the compiled [`World`]: names resolved to ids, limits checked before any table is
//! built, everything that is wrong found in one run. The tables are built only if there is no
//! error.

mod addresses;
mod applications;
mod filters;
mod interfaces;
pub(crate) mod lookup;
mod nat;
mod policies;
mod routes;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use components::ids::{FilterId, IfIndex, ScreenProfileId, ZoneId};
use components::world::application::Applications;
use components::world::policy::scheduler::Scheduler;
use components::world::route::RouteTable;
use components::world::{FlowOptions, World};

use addresses::Books;
use applications::AppTable;
use lookup::Lookup;

use super::diagnostic::Diagnostics;
use super::model::Model;
use super::model::log::LogConfig;
use super::model::reader::Reader;
use super::span::Span;
use super::tree::Node;

/// What the caller wants beside the configuration.
#[derive(Clone, Copy, Debug, Default)]
pub struct CompileOptions {
    /// Log what the default policy decides, whatever the configuration says: replay does.
    pub log_default_policy: bool,
}

/// A configuration that compiled.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The tables of the packet path, as the first commit.
    pub world: World,
    /// `security log`, for the collector.
    pub log: LogConfig,
}

/// Compiles a tree that is in force (groups applied). `None` if there is an error among the
/// diagnostics, its own or earlier ones of reading the text.
#[must_use]
pub fn compile(
    tree: &Node,
    options: &CompileOptions,
    diagnostics: &mut Diagnostics,
) -> Option<Compiled> {
    let model = Model::read(tree, &mut Reader::new(diagnostics));
    let books = model.books.iter();
    let own = model.zones.iter().filter_map(|zone| zone.book.as_ref());
    let mut applications = AppTable::new(&model.applications, diagnostics);
    applications.gateways_off.extend(&model.gateways_off);
    let mut compiler = Compiler {
        books: Books::new(books.chain(own), diagnostics),
        applications,
        zones: Lookup::new("zone", "undefined-zone", "unused-zone"),
        interfaces: Lookup::new("interface", "undefined-interface", "unused-interface"),
        screens: Lookup::new("screen", "undefined-screen", "unused-screen"),
        prefix_lists: Lookup::new("prefix list", "undefined-prefix-list", "unused-prefix-list"),
        schedulers: Lookup::new("scheduler", "undefined-scheduler", "unused-scheduler"),
        filters: [(); 2].map(|()| Lookup::new("filter", "undefined-filter", "unused-filter")),
        policers: ["policer", "three-color policer"]
            .map(|kind| Lookup::new(kind, "undefined-policer", "unused-policer")),
        disabled: HashSet::new(),
        world: World {
            generation: 1,
            flow: flow_options(&model),
            cluster: model.cluster.clone(),
            ..World::default()
        },
        diagnostics,
    };
    compiler.name_interfaces(&model);
    compiler.check_attached(&model);
    compiler.compile_filters(&model);
    compiler.compile_interfaces(&model);
    let routes = compiler.compile_routes(&model);
    let policies = compiler.compile_policies(&model, options.log_default_policy);
    compiler.world.nat = compiler.compile_nat(&model);
    if !compiler.diagnostics.has_errors() {
        // What nothing refers to is often what a misspelt name meant.
        compiler.report_unused();
    }
    let Compiler { applications, mut world, diagnostics, .. } = compiler;
    if diagnostics.has_errors() {
        return None;
    }
    world.names.host = model.host.map_or_else(String::new, |host| host.text.to_owned());
    let names = applications.names.iter().map(|name| (*name).to_owned());
    world.names.applications.extend(names);
    world.applications = Applications::new(applications.applications);
    world.routes = RouteTable::new(&routes);
    world.policies = policies.into_table();
    Some(Compiled { world, log: model.log })
}

/// What is known while the tables are filled. `'m` is the model's.
struct Compiler<'m, 'd> {
    books: Books<'m>,
    applications: AppTable<'m>,
    zones: Lookup<'m, ZoneId>,
    interfaces: Lookup<'m, IfIndex>,
    screens: Lookup<'m, ScreenProfileId>,
    prefix_lists: Lookup<'m, usize>,
    schedulers: Lookup<'m, &'m Scheduler>,
    /// Of `inet` and `inet6`.
    filters: [Lookup<'m, FilterId>; 2],
    /// `policer` and `three-color-policer`, by place in the model.
    policers: [Lookup<'m, usize>; 2],
    /// Indices of interfaces that are disabled.
    disabled: HashSet<usize>,
    world: World,
    diagnostics: &'d mut Diagnostics,
}

impl Compiler<'_, '_> {
    /// Zones that address books are attached to.
    fn check_attached(&mut self, model: &Model<'_>) {
        for zone in model.books.iter().flat_map(|book| &book.zones) {
            self.zones.find(*zone, self.diagnostics);
        }
    }

    fn report_unused(&mut self) {
        self.books.report_unused(self.diagnostics);
        self.applications.report_unused(self.diagnostics);
        self.screens.report_unused(self.diagnostics);
        self.prefix_lists.report_unused(self.diagnostics);
        self.schedulers.report_unused(self.diagnostics);
        for policers in &self.policers {
            policers.report_unused(self.diagnostics);
        }
        for filters in &self.filters {
            filters.report_unused(self.diagnostics);
        }
    }
}

/// The objects that ids suffice for; an error at the first one beyond.
fn bounded<'m, T>(
    all: &'m [T],
    max: usize,
    what: &str,
    span: impl Fn(&T) -> Span,
    diagnostics: &mut Diagnostics,
) -> &'m [T] {
    match all.get(max) {
        None => all,
        Some(beyond) => {
            let message = format!("{} {what}, at most {max}", all.len());
            diagnostics.error("too-many", span(beyond), message);
            &all[..max]
        }
    }
}

/// `security flow`. Without the DNS gateway nobody matches responses with questions.
fn flow_options(model: &Model<'_>) -> FlowOptions {
    let gateway_off = model.gateways_off.contains(&"dns");
    let dns_replies = model.flow.dns_replies || gateway_off;
    FlowOptions { dns_replies, ..model.flow.clone() }
}
