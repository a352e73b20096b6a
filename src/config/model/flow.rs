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
            "tcp-mss" => read_mss(statement, &mut flow, reader),
            "aging" => read_aging(statement, &mut flow, reader),
            "syn-flood-protection-mode" => {
                if let Some(mode) = reader.value(statement) {
                    match mode.text {
                        "syn-cookie" | "syn-proxy" => flow.syn_cookies = true,
                        _ => reader.bad("bad-value", mode, "`syn-cookie` or `syn-proxy`"),
                    }
                }
            }
            "allow-dns-reply" => flow.dns_replies = true,
            "allow-embedded-icmp" => flow.embedded_icmp = true,
            _ => reader.other(&FLOW, statement),
        }
    }
    flow
}

fn read_tcp(node: &Node, flow: &mut FlowOptions, reader: &mut Reader<'_>) {
    let checks = &mut flow.tcp_checks;
    for statement in statements(node) {
        match statement.word.as_str() {
            "no-syn-check" => flow.no_syn_check = true,
            "no-sequence-check" => checks.sequence = false,
            "rst-sequence-check" => checks.exact_reset = true,
            "strict-syn-check" => checks.strict_syn = true,
            "rst-invalidate-session" => flow.rst_invalidates = true,
            "fin-invalidate-session" => flow.fin_invalidates = true,
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
                        "session-ageout" => flow.tcp_closing_ages_out = true,
                        "apply-to-half-close-state" => flow.tcp_closes_half = true,
                        _ => reader.other(&TIME_WAIT, statement),
                    }
                }
            }
            _ => reader.other(&TCP, statement),
        }
    }
    if flow.no_syn_check && flow.tcp_checks.strict_syn {
        let message = "`strict-syn-check` contradicts `no-syn-check`";
        reader.diagnostics.error("contradiction", node.span, message.to_owned());
    }
}

fn read_mss(node: &Node, flow: &mut FlowOptions, reader: &mut Reader<'_>) {
    for statement in statements(node) {
        match statement.word.as_str() {
            "all-tcp" => match statement.child("mss") {
                Some(mss) => flow.tcp_mss = reader.small(mss, 64..=65_535),
                None => drop(reader.value(statement)),
            },
            _ => reader.other(&MSS, statement),
        }
    }
}

fn read_aging(node: &Node, flow: &mut FlowOptions, reader: &mut Reader<'_>) {
    let aging = &mut flow.aging;
    let percent = |reader: &mut Reader<'_>, statement| {
        reader.number(statement, 0..=100).and_then(|percent| u8::try_from(percent).ok())
    };
    for statement in statements(node) {
        match statement.word.as_str() {
            "early-ageout" => {
                let seconds = reader.number(statement, 1..=65_535);
                aging.early_ageout_s = seconds.unwrap_or(aging.early_ageout_s);
            }
            "low-watermark" => {
                aging.low_watermark = percent(reader, statement).unwrap_or(aging.low_watermark);
            }
            "high-watermark" => aging.high_watermark = percent(reader, statement),
            _ => reader.other(&AGING, statement),
        }
    }
    let high = aging.high_watermark.unwrap_or(100);
    if aging.low_watermark > high && aging.low_watermark < 100 {
        let message =
            format!("low-watermark {} is above high-watermark {high}", aging.low_watermark);
        reader.diagnostics.error("bad-range", node.span, message);
    }
}

const FLOW: Stanza = Stanza {
    path: "security flow",
    honoured: "aging allow-dns-reply allow-embedded-icmp syn-flood-protection-mode tcp-mss \
        tcp-session",
    later: "advanced-options enhanced-routing-mode \
        ethernet-switching force-ip-reassembly gre-performance-acceleration \
        ipsec-performance-acceleration \
        load-distribution mcast-buffer-enhance packet-ordering-mode pending-sess-queue-length \
        preserve-incoming-fragment-size power-mode-disable power-mode-ipsec \
        route-change-timeout strict-packet-order sync-icmp-session",
    ..Stanza::EMPTY
};

const TCP: Stanza = Stanza {
    path: "security flow tcp-session",
    honoured: "fin-invalidate-session no-sequence-check no-syn-check rst-invalidate-session \
        rst-sequence-check strict-syn-check tcp-initial-timeout time-wait-state",
    later: "aggressive-aging maximum-window no-syn-check-in-tunnel",
    ..Stanza::EMPTY
};

const TIME_WAIT: Stanza = Stanza {
    path: "security flow tcp-session time-wait-state",
    honoured: "apply-to-half-close-state session-ageout session-timeout",
    ..Stanza::EMPTY
};

/// There are no tunnels: what goes through one passes as it is.
const MSS: Stanza = Stanza {
    path: "security flow tcp-mss",
    honoured: "all-tcp",
    ignored: "gre-in gre-out ipsec-vpn",
    ..Stanza::EMPTY
};

const AGING: Stanza = Stanza {
    path: "security flow aging",
    honoured: "early-ageout high-watermark low-watermark",
    ..Stanza::EMPTY
};
