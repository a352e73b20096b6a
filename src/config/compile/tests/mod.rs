//! Compiled values, stanza by stanza, from configurations as people write them, and the findings as
//! people read them.

mod addresses;
mod applications;
mod filters;
mod findings;
mod interfaces;
mod nat;
mod options;
mod policers;
mod policies;
mod random;
mod schedulers;
mod screens;

use components::world::World;

use super::{CompileOptions, Compiled};
use crate::config::diagnostic::{Diagnostics, Severity};
use crate::config::load::load_bytes;
use crate::config::render;
use crate::config::span::Sources;

/// Three zones, one interface each, that most tests build on.
const OFFICE: &str = "
    set interfaces ge-0/0/0 unit 0 family inet address 203.0.113.2/24
    set interfaces ge-0/0/1 unit 0 family inet address 10.1.1.1/24
    set interfaces ge-0/0/1 unit 0 family inet6 address 2001:db8:1::1/64
    set interfaces ge-0/0/2 unit 0 family inet address 10.1.2.1/24
    set security zones security-zone untrust interfaces ge-0/0/0.0
    set security zones security-zone trust interfaces ge-0/0/1.0
    set security zones security-zone dmz interfaces ge-0/0/2.0
";

fn load(text: &str) -> (Option<Compiled>, Sources, Diagnostics) {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let options = CompileOptions::default();
    let bytes = text.as_bytes();
    let compiled = load_bytes(&mut sources, "fw.conf", bytes, &options, &mut diagnostics);
    (compiled, sources, diagnostics)
}

/// Compiles what must compile.
fn compiled(text: &str) -> Compiled {
    let (compiled, sources, diagnostics) = load(text);
    match compiled {
        Some(compiled) => compiled,
        None => panic!("{}", render::text(&sources, &diagnostics)),
    }
}

/// The World of the three zones and more set lines.
fn office(more: &str) -> World {
    compiled(&format!("{OFFICE}{more}")).world
}

/// Ids of what was found in the three zones and more set lines, at least as bad as a warning.
fn found(more: &str) -> Vec<&'static str> {
    let (compiled, _, diagnostics) = load(&format!("{OFFICE}{more}"));
    assert_eq!(compiled.is_none(), diagnostics.has_errors());
    let bad = diagnostics.0.iter().filter(|d| d.severity > Severity::Note);
    bad.map(|d| d.id).collect()
}

/// All findings as people read them.
fn rendered(text: &str) -> String {
    let (_, sources, diagnostics) = load(text);
    render::text(&sources, &diagnostics)
}

/// The three zones' ids.
const UNTRUST: components::ids::ZoneId = components::ids::ZoneId(2);
const TRUST: components::ids::ZoneId = components::ids::ZoneId(3);
const DMZ: components::ids::ZoneId = components::ids::ZoneId(4);

fn v4(text: &str) -> components::address::Address {
    let ip: std::net::IpAddr = text.parse().expect("test address");
    components::address::Address::from(ip)
}
