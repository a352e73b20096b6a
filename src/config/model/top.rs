//! The top of the hierarchy: which stanza goes to which reader, and which are not the data plane's.
//! Routing instances that take interfaces are errors, since their interfaces would be routed by the
//! wrong table.

use super::reader::{Reader, Stanza, statements};
use super::{
    Model, addresses, applications, cluster, filters, flow, interfaces, log, nat, policies,
    prefix_lists, routes, schedulers, screens, zones,
};
use crate::config::tree::Node;

pub(super) fn read<'t>(tree: &'t Node, reader: &mut Reader<'_>) -> Model<'t> {
    let mut model = Model::default();
    for statement in statements(tree) {
        match statement.word.as_str() {
            "groups" | "version" => {}
            "system" => read_system(statement, &mut model, reader),
            "interfaces" => model.units = interfaces::read(statement, reader),
            "routing-options" => model.routes = routes::read(statement, reader),
            "security" => read_security(statement, &mut model, reader),
            "applications" => model.applications = applications::read(statement, reader),
            "firewall" => filters::read(statement, &mut model, reader),
            "policy-options" => {
                for statement in statements(statement) {
                    match statement.word.as_str() {
                        "prefix-list" => {
                            let lists = statement.active();
                            let read = |list| prefix_lists::read(list, tree, reader);
                            model.prefix_lists.extend(lists.map(read));
                        }
                        _ => reader.other(&POLICY_OPTIONS, statement),
                    }
                }
            }
            "routing-instances" => read_instances(statement, reader),
            "chassis" => read_chassis(statement, &mut model, reader),
            "schedulers" => model.schedulers = schedulers::read(statement, reader),
            _ => reader.other(&TOP, statement),
        }
    }
    model
}

fn read_system<'t>(node: &'t Node, model: &mut Model<'t>, reader: &mut Reader<'_>) {
    for statement in statements(node) {
        match statement.word.as_str() {
            "host-name" => {
                if let Some(name) = statement.value() {
                    model.host = Some(reader.name(name));
                }
            }
            "time-zone" => {
                model.time_zone = reader.value(statement).map(schedulers::TimeZone::from);
            }
            _ => reader.ignored(node.span, "system (all but host-name and time-zone)"),
        }
    }
}

fn read_security<'t>(node: &'t Node, model: &mut Model<'t>, reader: &mut Reader<'_>) {
    for statement in statements(node) {
        match statement.word.as_str() {
            "zones" => model.zones = zones::read(statement, reader),
            "address-book" => {
                let books = statement.active();
                model.books.extend(books.map(|book| addresses::read_book(book, reader)));
            }
            "policies" => model.policies = policies::read(statement, reader),
            "screen" => model.screens = screens::read(statement, reader),
            "nat" => model.nat = nat::read(statement, reader),
            "flow" => model.flow = flow::read(statement, reader),
            "log" => model.log = log::read(statement, reader),
            "forwarding-options" => read_forwarding(statement, reader),
            "alg" => read_alg(statement, model, reader),
            _ => reader.other(&SECURITY, statement),
        }
    }
}

/// There are no gateways: one that is switched off is what everybody has.
fn read_alg<'t>(node: &'t Node, model: &mut Model<'t>, reader: &mut Reader<'_>) {
    let off = |alg: &&Node| alg.child("disable").is_some();
    model.gateways_off.extend(statements(node).filter(off).map(|alg| &*alg.word));
    if !statements(node).all(|alg| off(&alg)) {
        reader.other(&SECURITY, node);
    }
}

/// `family inet6 mode drop` and `packet-based` forwarding decide whether sessions exist at all.
fn read_forwarding(node: &Node, reader: &mut Reader<'_>) {
    for statement in statements(node) {
        if statement.word != "family" {
            reader.other(&FORWARDING, statement);
            continue;
        }
        for family in statement.active() {
            let mode = family.child("mode").and_then(Node::value);
            match (family.word.as_str(), mode.map(|mode| mode.word.as_str())) {
                ("inet6", Some("flow-based") | None) => {}
                ("inet6", Some("drop")) => {
                    reader.opens(family.span, "security forwarding-options family inet6 mode drop");
                }
                _ => {
                    let what = format!("security forwarding-options family {}", family.word);
                    reader.not_honoured(family.span, &what);
                }
            }
        }
    }
}

fn read_instances(node: &Node, reader: &mut Reader<'_>) {
    for instance in statements(node) {
        match instance.child("interface") {
            Some(interface) => {
                reader.opens(interface.span, "routing-instances interface");
            }
            None => reader.ignored(node.span, "routing-instances without interfaces"),
        }
    }
}

fn read_chassis<'t>(node: &'t Node, model: &mut Model<'t>, reader: &mut Reader<'_>) {
    for statement in statements(node) {
        match statement.word.as_str() {
            "cluster" => model.cluster = Some(cluster::read(statement, reader)),
            _ => reader.ignored(node.span, "chassis (all but cluster)"),
        }
    }
}

const TOP: Stanza = Stanza {
    path: "",
    honoured: "groups version system interfaces routing-options security applications firewall \
        policy-options routing-instances chassis schedulers",
    later: "bridge-domains logical-systems tenants vlans",
    ignored: "access accounting-options apply-groups class-of-service diameter dynamic-profiles \
        ethernet-switching-options event-options fabric forwarding-options igmp-snooping \
        jsrc jsrc-partition layer2-control multi-chassis multicast-snooping-options \
        openconfig poe protocols rcsid services session-limit-group smtp snmp switch-options \
        system-services unified-edge virtual-chassis wlan",
    ..Stanza::EMPTY
};

const SECURITY: Stanza = Stanza {
    path: "security",
    honoured: "zones address-book policies screen nat flow log forwarding-options",
    later: "alg application-tracking ipsec dynamic-address group-vpn softwires tunnel-inspection \
        dscp-header dynamic-vpn tcp-encap",
    ignored: "advance-policy-based-routing advanced-anti-malware alarms analysis \
        anti-virus application-firewall application-traffic-control authentication-key-chains \
        certificates datapath-debug dynamic-application firewall-authentication \
        forwarding-process gprs gtp idp ike ipsec-policy internal key-protection \
        l3vpn macsec metadata-streaming mirror-filter monitoring ngfw packet-capture pki \
        profiler remote-access resource-manager respond-bad-spi secure-wire \
        security-intelligence ssh-known-hosts traceoptions turboflux user-identification utm \
        web-filtering",
    ..Stanza::EMPTY
};

const FORWARDING: Stanza = Stanza {
    path: "security forwarding-options",
    honoured: "family",
    later: "mirror-filter resource-manager secure-wire",
    ..Stanza::EMPTY
};

const POLICY_OPTIONS: Stanza = Stanza {
    path: "policy-options",
    honoured: "prefix-list",
    ignored: "as-list as-path as-path-group community condition damping defaults \
        policy-statement resolution-map route-distinguisher route-filter-list rtf-prefix-list \
        mac-list tunnel-attribute community-list",
    ..Stanza::EMPTY
};
