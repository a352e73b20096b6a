//! `routing-options static` and `rib … static`: where packets go when the capture or the kernel
//! does not say.

use std::net::IpAddr;

use super::reader::{Reader, Stanza, Word, statements};
use crate::config::span::Span;
use crate::config::tree::Node;

/// What a static route does.
#[derive(Clone, Debug)]
pub enum StaticTarget<'t> {
    /// `next-hop A` or `qualified-next-hop A`, with the interface that a qualified one may name.
    Gateway(IpAddr, Option<Word<'t>>),
    /// `next-hop IFL`: point to point.
    Interface(Word<'t>),
    /// `discard` or `reject`.
    Discard,
    /// `receive`: the firewall's own.
    Receive,
    /// `next-table` and other things that cannot be followed: packets are discarded.
    Unfollowed,
}

/// A static route.
#[derive(Clone, Debug)]
pub struct StaticRoute<'t> {
    /// Destination prefix.
    pub prefix: (IpAddr, u8),
    /// Where its prefix stands.
    pub span: Span,
    /// Where to; one element for each next hop, in order.
    pub targets: Vec<(StaticTarget<'t>, u32)>,
}

/// Reads `routing-options`.
pub(crate) fn read<'t>(node: &'t Node, reader: &mut Reader<'_>) -> Vec<StaticRoute<'t>> {
    let mut routes = Vec::new();
    for statement in statements(node) {
        match statement.word.as_str() {
            "static" => read_static(statement, reader, &mut routes),
            "rib" => {
                for rib in statement.active() {
                    if !matches!(rib.word.as_str(), "inet.0" | "inet6.0") {
                        reader.not_honoured(rib.span, "routing-options rib of an instance");
                        continue;
                    }
                    for statement in statements(rib) {
                        match statement.word.as_str() {
                            "static" => read_static(statement, reader, &mut routes),
                            _ => reader.other(&ROUTING, statement),
                        }
                    }
                }
            }
            _ => reader.other(&ROUTING, statement),
        }
    }
    routes
}

fn read_static<'t>(node: &'t Node, reader: &mut Reader<'_>, routes: &mut Vec<StaticRoute<'t>>) {
    for statement in statements(node) {
        match statement.word.as_str() {
            "route" => {
                for route in statement.active() {
                    routes.extend(read_route(route, reader));
                }
            }
            _ => reader.other(&STATIC, statement),
        }
    }
}

fn read_route<'t>(node: &'t Node, reader: &mut Reader<'_>) -> Option<StaticRoute<'t>> {
    let prefix = reader.prefix(node.into())?;
    let mut route = StaticRoute { prefix, span: node.span, targets: Vec::new() };
    let mut preference = 5;
    for statement in statements(node) {
        match statement.word.as_str() {
            "next-hop" => {
                for word in reader.values(statement) {
                    let target = match word.text.parse() {
                        Ok(ip) => StaticTarget::Gateway(ip, None),
                        Err(_) => StaticTarget::Interface(word),
                    };
                    route.targets.push((target, u32::MAX));
                }
            }
            "qualified-next-hop" => read_qualified(statement, reader, &mut route.targets),
            "discard" | "reject" => route.targets.push((StaticTarget::Discard, u32::MAX)),
            "receive" => route.targets.push((StaticTarget::Receive, u32::MAX)),
            "next-table" | "lsp-next-hop" | "static-lsp-next-hop" | "p2mp-lsp-next-hop" => {
                reader.not_honoured(statement.span, "routing-options static route next-table");
                route.targets.push((StaticTarget::Unfollowed, u32::MAX));
            }
            "preference" => preference = reader.number(statement, 0..=u32::MAX).unwrap_or(5),
            _ => reader.other(&ROUTE, statement),
        }
    }
    if route.targets.is_empty() {
        let message = format!("the route to `{}` says nothing about where to", node.word);
        reader
            .diagnostics
            .error("missing-next-hop", node.span, message)
            .expected("next-hop, qualified-next-hop, discard or reject");
    }
    for (_, own) in &mut route.targets {
        *own = if *own == u32::MAX { preference } else { *own };
    }
    Some(route)
}

fn read_qualified<'t>(
    node: &'t Node,
    reader: &mut Reader<'_>,
    targets: &mut Vec<(StaticTarget<'t>, u32)>,
) {
    for hop in node.active() {
        let (mut interface, mut preference) = (None, u32::MAX);
        for statement in statements(hop) {
            match statement.word.as_str() {
                "interface" => interface = reader.value(statement),
                "preference" => {
                    preference = reader.number(statement, 0..=u32::MAX - 1).unwrap_or(5);
                }
                _ => reader.other(&QUALIFIED, statement),
            }
        }
        let target = match hop.word.parse() {
            Ok(ip) => StaticTarget::Gateway(ip, interface),
            Err(_) => StaticTarget::Interface(hop.into()),
        };
        targets.push((target, preference));
    }
}

const ROUTING: Stanza = Stanza {
    path: "routing-options",
    honoured: "static rib",
    later: "aggregate generate flow instance-import rib-groups interface-routes dynamic-tunnels",
    ignored: "autonomous-system router-id forwarding-table graceful-restart options \
        nonstop-routing martians resolution route-distinguisher-id multicast confederation \
        maximum-paths maximum-prefixes fate-sharing auto-export bmp validation ppm warm-standby \
        backup-selection access med-igp-update-interval",
    ..Stanza::EMPTY
};

const STATIC: Stanza = Stanza {
    path: "routing-options static",
    honoured: "route",
    later: "defaults rib-group iso-route",
    ..Stanza::EMPTY
};

const ROUTE: Stanza = Stanza {
    path: "routing-options static route",
    honoured: "next-hop qualified-next-hop discard reject receive preference next-table",
    later: "bfd-liveness-detection resolve backup-pe-group",
    ignored: "active as-path color community install metric metric2 metric3 metric4 no-install \
        no-readvertise no-resolve no-retain no-tag passive readvertise retain tag tag2",
    ..Stanza::EMPTY
};

const QUALIFIED: Stanza = Stanza {
    path: "routing-options static route qualified-next-hop",
    honoured: "interface preference",
    later: "bfd-liveness-detection",
    ignored: "metric tag mac-address",
    ..Stanza::EMPTY
};
