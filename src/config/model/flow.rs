//! `security flow`: what the session table honours of it.

use components::world::FlowOptions;

use super::reader::{Reader, Stanza, statements};
use crate::config::tree::Node;

/// Reads `security flow`.
pub(crate) fn read(node: &Node, reader: &mut Reader<'_>) -> FlowOptions {
    let mut flow = FlowOptions::default();
    for statement in statements(node) {
        match statement.word.as_str() {
            "tcp-session" => read_tcp(statement, &mut flow, reader),
            _ => reader.other(&FLOW, statement),
        }
    }
    flow
}

fn read_tcp(node: &Node, flow: &mut FlowOptions, reader: &mut Reader<'_>) {
    for statement in statements(node) {
        match statement.word.as_str() {
            "no-syn-check" => flow.no_syn_check = true,
            "tcp-initial-timeout" => {
                let timeout = reader.number(statement, 4..=300);
                flow.tcp_initial_s = timeout.unwrap_or(flow.tcp_initial_s);
            }
            "time-wait-state" => {
                for statement in statements(statement) {
                    match statement.word.as_str() {
                        "session-timeout" => {
                            let timeout = reader.number(statement, 2..=600);
                            flow.tcp_closing_s = timeout.unwrap_or(flow.tcp_closing_s);
                        }
                        _ => reader.other(&TIME_WAIT, statement),
                    }
                }
            }
            _ => reader.other(&TCP, statement),
        }
    }
}

const FLOW: Stanza = Stanza {
    path: "security flow",
    honoured: "tcp-session",
    later: "advanced-options aging allow-dns-reply allow-embedded-icmp enhanced-routing-mode \
        ethernet-switching force-ip-reassembly gre-performance-acceleration \
        ipsec-performance-acceleration \
        load-distribution mcast-buffer-enhance packet-ordering-mode pending-sess-queue-length \
        preserve-incoming-fragment-size power-mode-disable power-mode-ipsec \
        route-change-timeout strict-packet-order sync-icmp-session syn-flood-protection-mode \
        tcp-mss",
    ..Stanza::EMPTY
};

const TCP: Stanza = Stanza {
    path: "security flow tcp-session",
    honoured: "no-syn-check tcp-initial-timeout time-wait-state",
    later: "aggressive-aging fin-invalidate-session maximum-window no-sequence-check \
        no-syn-check-in-tunnel rst-invalidate-session rst-sequence-check",
    opening: "strict-syn-check",
    ..Stanza::EMPTY
};

const TIME_WAIT: Stanza = Stanza {
    path: "security flow tcp-session time-wait-state",
    honoured: "session-timeout",
    later: "apply-to-half-close-state session-ageout",
    ..Stanza::EMPTY
};
