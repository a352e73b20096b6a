//! The bodies of the `syslog` format: the sentences that Junos prints where structured data is not
//! asked for. Parsers split them at spaces, so each value is one word, and the order of words is
//! not always that of the structured data (RT_FLOW in the Junos system log reference).

use components::kinds::Action;

use super::SessionIdKey;
use super::escape::push_word;
use super::facts::{Facts, Tuple};
use super::lines::{FilterTag, ScreenTag, Tag, attack_name};
use super::number::{push_address, push_u64};

/// Appends the body of an event's line.
pub(super) fn push_body(out: &mut Vec<u8>, facts: &Facts<'_>, tag: Tag, id: SessionIdKey) {
    let mut body = Body { out, facts };
    match tag {
        Tag::Create => body.create(id),
        Tag::Close => body.close(id),
        Tag::Deny => body.deny(),
        Tag::Screen(tag) => body.screen(tag),
        Tag::Filter(tag) => body.filter(tag),
    }
}

struct Body<'a, 'f> {
    out: &'a mut Vec<u8>,
    facts: &'a Facts<'f>,
}

impl Body<'_, '_> {
    fn create(&mut self, id: SessionIdKey) {
        self.fixed("session created ");
        self.session(id);
        self.fixed(" N/A(N/A) ");
        self.word(self.facts.interface());
        self.fixed(" UNKNOWN UNKNOWN UNKNOWN N/A N/A -1 N/A");
    }

    fn close(&mut self, id: SessionIdKey) {
        self.fixed("session closed ");
        self.fixed(self.facts.close_reason());
        self.fixed(": ");
        self.session(id);
        let volume = self.facts.volume();
        for (packets, bytes) in [
            (volume.client_packets, volume.client_bytes),
            (volume.server_packets, volume.server_bytes),
        ] {
            self.fixed(" ");
            self.number(packets);
            self.fixed("(");
            self.number(bytes);
            self.fixed(")");
        }
        self.fixed(" ");
        self.number(self.facts.elapsed_s());
        self.fixed(" UNKNOWN UNKNOWN N/A(N/A) ");
        self.word(self.facts.interface());
        self.fixed(" UNKNOWN N/A N/A -1 N/A");
    }

    fn deny(&mut self) {
        self.fixed("session denied ");
        self.tuple(self.facts.original());
        self.fixed(" 0x0 ");
        self.word(self.facts.service());
        self.fixed(" ");
        self.number(u64::from(self.facts.event.protocol));
        self.fixed("(");
        let icmp_type = self.facts.icmp_type_and_code().map_or(0, |(icmp_type, _)| icmp_type);
        self.number(u64::from(icmp_type));
        self.fixed(") ");
        self.policy_and_zones();
        self.fixed(" UNKNOWN UNKNOWN N/A(N/A) ");
        self.word(self.facts.interface());
        self.fixed(" No ");
        self.fixed(self.facts.deny_reason());
    }

    /// The part that create and close share: both tuples to the session id.
    fn session(&mut self, id: SessionIdKey) {
        self.tuple(self.facts.original());
        self.fixed(" 0x0 ");
        self.word(self.facts.service());
        self.fixed(" ");
        self.tuple(self.facts.translated());
        self.fixed(" 0x0 ");
        let (source_rule, destination_rule) = self.facts.nat_rules();
        for rule in [source_rule, destination_rule] {
            self.fixed(rule.kind);
            self.fixed(" ");
            self.word(rule.name);
            self.fixed(" ");
        }
        self.number(u64::from(self.facts.event.protocol));
        self.fixed(" ");
        self.policy_and_zones();
        self.fixed(" ");
        self.number(id.value(self.facts.session_id()));
    }

    fn policy_and_zones(&mut self) {
        let (policy, global) = self.facts.policy();
        self.word(policy);
        self.fixed(if global { "(global) " } else { " " });
        self.word(self.facts.source_zone());
        self.fixed(" ");
        self.word(self.facts.destination_zone());
    }

    fn screen(&mut self, tag: ScreenTag) {
        let event = self.facts.event;
        let ports = matches!(tag, ScreenTag::Tcp | ScreenTag::Udp);
        self.fixed(attack_name(self.facts));
        if !matches!(tag, ScreenTag::TcpDestination | ScreenTag::LimitDestination) {
            self.fixed(" source: ");
            push_address(self.out, event.family, event.source);
            if ports {
                self.fixed(":");
                self.number(u64::from(event.source_port));
            }
            self.fixed(",");
        }
        if !matches!(tag, ScreenTag::TcpSource | ScreenTag::LimitSource) {
            self.fixed(" destination: ");
            push_address(self.out, event.family, event.destination);
            if ports {
                self.fixed(":");
                self.number(u64::from(event.destination_port));
            }
            self.fixed(",");
        }
        if tag == ScreenTag::Ip {
            self.fixed(" protocol-id: ");
            self.number(u64::from(event.protocol));
            self.fixed(",");
        }
        self.fixed(" zone name: ");
        self.word(self.facts.source_zone());
        self.fixed(", interface name: ");
        self.word(self.facts.interface());
        self.fixed(", action: ");
        self.fixed(self.facts.screen_action());
    }

    /// One packet a line; ICMP has its type and code where others have ports.
    fn filter(&mut self, tag: FilterTag) {
        let event = self.facts.event;
        self.fixed("FW: ");
        self.word(self.facts.interface());
        self.fixed(match event.action {
            Action::Permit => " A ",
            Action::Deny => " D ",
            Action::Reject => " R ",
        });
        match protocol_name(event.protocol) {
            Some(name) => self.fixed(name),
            None => self.number(u64::from(event.protocol)),
        }
        for address in [event.source, event.destination] {
            self.fixed(" ");
            push_address(self.out, event.family, address);
        }
        let numbers = match self.facts.icmp_type_and_code() {
            Some((icmp_type, code)) => Some((u16::from(icmp_type), u16::from(code))),
            None if tag == FilterTag::Ip6Gen => None,
            None => Some((event.source_port, event.destination_port)),
        };
        if let Some((first, second)) = numbers {
            for number in [first, second] {
                self.fixed(" ");
                self.number(u64::from(number));
            }
        }
        self.fixed(" (1 packets)");
    }

    /// `SA/SP->DA/DP`.
    fn tuple(&mut self, tuple: Tuple) {
        let family = self.facts.event.family;
        push_address(self.out, family, tuple.source);
        self.fixed("/");
        self.number(u64::from(tuple.source_port));
        self.fixed("->");
        push_address(self.out, family, tuple.destination);
        self.fixed("/");
        self.number(u64::from(tuple.destination_port));
    }

    fn fixed(&mut self, text: &'static str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn word(&mut self, name: &str) {
        push_word(self.out, name);
    }

    fn number(&mut self, value: u64) {
        push_u64(self.out, value);
    }
}

/// Protocols that filter lines call by name (as in `from protocol`).
const fn protocol_name(protocol: u8) -> Option<&'static str> {
    Some(match protocol {
        1 => "icmp",
        2 => "igmp",
        4 => "ipip",
        6 => "tcp",
        8 => "egp",
        17 => "udp",
        41 => "ipv6",
        46 => "rsvp",
        47 => "gre",
        50 => "esp",
        51 => "ah",
        58 => "icmpv6",
        89 => "ospf",
        103 => "pim",
        112 => "vrrp",
        132 => "sctp",
        _ => return None,
    })
}
