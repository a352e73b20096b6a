//! One JSON object a line: first the fields of the Elastic Common Schema that name the same things
//! (flat, dotted), then the columns, which are the structured data's keys with underscores. Numbers
//! are JSON numbers; absent things are left out of the former and `N/A` in the latter.

use components::address::{Address, Family};
use components::kinds::{Action, EventKind};
use components::world::application::{ICMP, ICMPV6, SCTP, TCP, UDP, UDP_LITE};

use super::Mark;
use super::escape::push_json;
use super::facts::Facts;
use super::lines::{Fields, Tag, attack_name};
use super::number::{push_address, push_id, push_u64};

/// Writes members after the object's first, the time stamp.
pub(super) struct JsonObject<'a> {
    pub(super) out: &'a mut Vec<u8>,
}

impl JsonObject<'_> {
    /// The members of the Elastic Common Schema, after `@timestamp`.
    pub(super) fn common_schema(&mut self, facts: &Facts<'_>, tag: Tag, host: &[u8]) {
        let event = facts.event;
        self.count("time_ns", event.time_ns);
        self.ecs("event.kind", if matches!(tag, Tag::Screen(_)) { "alert" } else { "event" });
        self.raw("event.category", "[\"network\"]");
        self.raw("event.type", event_type(facts));
        self.ecs("event.action", event.kind.label());
        self.ecs("event.code", tag.name());
        self.ecs("event.provider", tag.program().name());
        self.member("observer.hostname", |out| push_bytes(out, host));
        self.text("observer.ingress.zone", facts.source_zone());
        if event.egress_zone != 0 {
            self.text("observer.egress.zone", facts.destination_zone());
        }
        self.text("observer.ingress.interface.name", facts.interface());
        self.ecs("network.type", if event.family == Family::Inet6 { "ipv6" } else { "ipv4" });
        if let Some(transport) = transport(event.protocol) {
            self.ecs("network.transport", transport);
        }
        self.count("network.iana_number", u64::from(event.protocol));
        self.endpoints(facts);
        match tag {
            Tag::Create | Tag::Close | Tag::Deny => self.text("rule.name", facts.policy().0),
            Tag::Screen(_) => self.ecs("rule.name", attack_name(facts)),
            Tag::Filter(_) => {
                self.text("rule.ruleset", facts.filter());
                self.text("rule.name", facts.term());
            }
        }
        if tag == Tag::Close {
            self.ecs("event.reason", facts.close_reason());
            self.count("event.duration", facts.elapsed_s().saturating_mul(1_000_000_000));
        }
    }

    /// What tells the event from every other.
    pub(super) fn mark(&mut self, mark: Mark) {
        self.member("event.id", |out| {
            out.push(b'"');
            push_id(out, mark.stream);
            out.push(b'-');
            push_u64(out, mark.sequence);
            out.push(b'"');
        });
        self.count("event.sequence", mark.sequence);
    }

    fn endpoints(&mut self, facts: &Facts<'_>) {
        let (family, icmp) = (facts.event.family, facts.icmp_type_and_code().is_some());
        let (original, translated) = (facts.original(), facts.translated());
        let volume = facts.volume();
        let closed = facts.event.kind == EventKind::SessionClose;
        self.ip("source.address", family, original.source);
        self.ip("source.ip", family, original.source);
        if !icmp {
            self.count("source.port", u64::from(original.source_port));
        }
        if (translated.source, translated.source_port) != (original.source, original.source_port) {
            self.ip("source.nat.ip", family, translated.source);
            self.count("source.nat.port", u64::from(translated.source_port));
        }
        if closed {
            self.count("source.packets", volume.client_packets);
            self.count("source.bytes", volume.client_bytes);
        }
        self.ip("destination.address", family, original.destination);
        self.ip("destination.ip", family, original.destination);
        if !icmp {
            self.count("destination.port", u64::from(original.destination_port));
        }
        if (translated.destination, translated.destination_port)
            != (original.destination, original.destination_port)
        {
            self.ip("destination.nat.ip", family, translated.destination);
            self.count("destination.nat.port", u64::from(translated.destination_port));
        }
        if closed {
            self.count("destination.packets", volume.server_packets);
            self.count("destination.bytes", volume.server_bytes);
        }
    }

    /// A member whose value `push` writes whole. Keys hold nothing that JSON escapes, and the time
    /// stamp always stands before them.
    #[inline]
    fn member(&mut self, key: &str, push: impl FnOnce(&mut Vec<u8>)) {
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        push(self.out);
    }

    /// A member named after a structured data key. Keys are known when this is compiled, and so is
    /// then what the loop makes of them.
    #[inline]
    fn column(&mut self, key: &'static str, push: impl FnOnce(&mut Vec<u8>)) {
        // RFC 5424 allows 32 characters in an SD-NAME.
        let mut name = [0; 32];
        let name = &mut name[..key.len()];
        for (to, from) in name.iter_mut().zip(key.bytes()) {
            *to = if from == b'-' { b'_' } else { from };
        }
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(name);
        self.out.extend_from_slice(b"\":");
        push(self.out);
    }

    #[inline]
    fn ecs(&mut self, key: &str, value: &'static str) {
        self.member(key, |out| push_bytes(out, value.as_bytes()));
    }

    #[inline]
    fn raw(&mut self, key: &str, value: &'static str) {
        self.member(key, |out| out.extend_from_slice(value.as_bytes()));
    }

    #[inline]
    fn text(&mut self, key: &str, value: &str) {
        self.member(key, |out| push_string(out, value));
    }

    #[inline]
    fn count(&mut self, key: &str, value: u64) {
        self.member(key, |out| push_u64(out, value));
    }

    #[inline]
    fn ip(&mut self, key: &str, family: Family, value: Address) {
        self.member(key, |out| push_quoted_address(out, family, value));
    }
}

impl Fields for JsonObject<'_> {
    #[inline]
    fn name(&mut self, key: &'static str, value: &str) {
        self.column(key, |out| push_string(out, value));
    }

    #[inline]
    fn suffixed(&mut self, key: &'static str, value: &str, suffix: &'static str) {
        self.column(key, |out| {
            out.push(b'"');
            push_json(out, value);
            out.extend_from_slice(suffix.as_bytes());
            out.push(b'"');
        });
    }

    #[inline]
    fn word(&mut self, key: &'static str, value: &'static str) {
        self.column(key, |out| push_bytes(out, value.as_bytes()));
    }

    #[inline]
    fn constant(&mut self, key: &'static str, value: &'static str) {
        self.column(key, |out| out.extend_from_slice(value.as_bytes()));
    }

    #[inline]
    fn number(&mut self, key: &'static str, value: u64) {
        self.column(key, |out| push_u64(out, value));
    }

    /// A string: readers that take JSON numbers for doubles would mix up sessions above 2⁵³.
    #[inline]
    fn id(&mut self, key: &'static str, value: u64) {
        self.column(key, |out| {
            out.push(b'"');
            push_u64(out, value);
            out.push(b'"');
        });
    }

    #[inline]
    fn address(&mut self, key: &'static str, family: Family, value: Address) {
        self.column(key, |out| push_quoted_address(out, family, value));
    }
}

fn push_string(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    push_json(out, value);
    out.push(b'"');
}

/// A string that needs no escapes.
fn push_bytes(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(value);
    out.push(b'"');
}

fn push_quoted_address(out: &mut Vec<u8>, family: Family, value: Address) {
    out.push(b'"');
    push_address(out, family, value);
    out.push(b'"');
}

/// The values that the schema allows for `event.type`.
fn event_type(facts: &Facts<'_>) -> &'static str {
    match (facts.event.kind, facts.event.action) {
        (EventKind::SessionCreate, _) => "[\"connection\",\"start\",\"allowed\"]",
        (EventKind::SessionClose, _) => "[\"connection\",\"end\"]",
        (EventKind::PolicyDeny, _) => "[\"connection\",\"denied\"]",
        (EventKind::ScreenDrop | EventKind::FilterLog, Action::Permit) => {
            "[\"connection\",\"allowed\"]"
        }
        (EventKind::ScreenDrop | EventKind::FilterLog, Action::Deny | Action::Reject) => {
            "[\"connection\",\"denied\"]"
        }
    }
}

/// `network.transport`, of the protocols that have a name in the schema.
const fn transport(protocol: u8) -> Option<&'static str> {
    match protocol {
        TCP => Some("tcp"),
        UDP => Some("udp"),
        ICMP => Some("icmp"),
        ICMPV6 => Some("ipv6-icmp"),
        SCTP => Some("sctp"),
        UDP_LITE => Some("udplite"),
        _ => None,
    }
}
