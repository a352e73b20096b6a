//! What came out, as words: transmitted packets, answers and events. A case gives the words that
//! matter to it; positional ones must come first and in this order, `key=value` ones anywhere.

use std::net::{IpAddr, SocketAddr};

use components::address::Address;
use components::ids::{AppId, FilterId, PolicyId, TermId, ZoneId};
use components::kinds::{CloseReason, EventKind, FilterSource, OpenFailure};
use components::wire::{Detail, RtFlow};
use components::world::World;
use components::world::screen::ScreenAttack;
use weir::generate::checksum;

/// True if `words` say nothing that `seen` does not show.
pub(crate) fn shows(seen: &str, words: &str) -> bool {
    let is_pair = |word: &&str| word.contains('=');
    let (pairs, place): (Vec<_>, Vec<_>) = words.split_whitespace().partition(is_pair);
    let (seen_pairs, seen_place): (Vec<_>, Vec<_>) = seen.split_whitespace().partition(is_pair);
    seen_place.starts_with(&place) && pairs.iter().all(|pair| seen_pairs.contains(pair))
}

/// An IP packet as transmitted: `tcp 203.0.113.2:4000 > 198.51.100.1:80 ttl=63 flags=SYN …`. One
/// with an Ethernet header says too who it is for.
pub(crate) fn packet(bytes: &[u8]) -> String {
    let Some(header) = Header::read(bytes) else {
        if let Some((link, rest)) = bytes.split_at_checked(14)
            && link[12..] == [0x86, 0xdd]
        {
            let to: Vec<String> = link[..6].iter().map(|byte| format!("{byte:02x}")).collect();
            return format!("{} mac={}", packet(rest), to.join(":"));
        }
        return format!("unreadable {bytes:02x?}");
    };
    let Header { source, destination, protocol, ttl, class, fragment, ref l4 } = header;
    let mut words = format!(" ttl={ttl} tos={class} len={}", bytes.len());
    if let Some((offset, more)) = fragment {
        words += &format!(" off={offset} more={more}");
    }
    if header.is_whole() {
        words += if header.sums_up(bytes) { " sum=ok" } else { " sum=bad" };
    }
    let later = fragment.is_some_and(|(offset, _)| offset != 0);
    let port = |at: usize| u16::from_be_bytes([l4[at], l4[at + 1]]);
    let word = |at: usize| u32::from_be_bytes([l4[at], l4[at + 1], l4[at + 2], l4[at + 3]]);
    match protocol {
        6 | 17 if later || l4.len() < 8 => {
            format!("{} {source} > {destination}{words}", protocol_name(protocol))
        }
        6 | 17 => {
            let (from, to) =
                (SocketAddr::new(source, port(0)), SocketAddr::new(destination, port(2)));
            if protocol == 6 && l4.len() >= 20 {
                let (flags, seq, ack) = (flags(l4[13]), word(4), word(8));
                words += &format!(" flags={flags} seq={seq} ack={ack} win={}", port(14));
                if let Some(mss) = mss(&l4[20..]) {
                    words += &format!(" mss={mss}");
                }
                if let Some(blocks) = sack(l4) {
                    words += &format!(" sack={blocks}");
                }
            }
            format!("{} {from} > {to}{words}", protocol_name(protocol))
        }
        1 | 58 if !later && l4.len() >= 8 => {
            words += &format!(" type={} code={}", l4[0], l4[1]);
            if let Some(quoted) = Header::read(&l4[8..]).filter(|_| is_error(protocol, l4[0])) {
                words += &format!(" quotes={}", quoted.in_one_word());
            } else {
                words += &format!(" id={}", port(4));
            }
            format!("icmp {source} > {destination}{words}")
        }
        _ => format!("ip {source} > {destination} proto={protocol}{words}"),
    }
}

/// An event: its kind, then every field that its kind has.
pub(crate) fn event(record: &RtFlow, world: &World, start_ns: u64) -> String {
    let names = &world.names;
    let end = |address: Address, port: u16| match address.to_ip(record.family) {
        Some(ip) => SocketAddr::new(ip, port).to_string(),
        None => format!("?:{port}"),
    };
    let protocol = protocol_name(record.protocol);
    let mut words = format!("{} {protocol}", record.kind.label());
    let from = end(record.source, record.source_port);
    words += &format!(" from={from} to={}", end(record.destination, record.destination_port));
    if record.nat_source != Address::ZERO {
        words += &format!(" nat-from={}", end(record.nat_source, record.nat_source_port));
    }
    if record.nat_destination != Address::ZERO {
        let to = end(record.nat_destination, record.nat_destination_port);
        words += &format!(" nat-to={to}");
    }
    words += &match (record.kind, record.detail) {
        (EventKind::ScreenDrop, Detail::Rule { rule, term, .. }) => {
            let attack = ScreenAttack::from_record(rule, term);
            format!(" screen={}", attack.map_or("?", ScreenAttack::label))
        }
        (EventKind::FilterLog, Detail::Rule { term, .. }) => {
            let filter = FilterId(u16::try_from(record.policy).unwrap_or(0));
            let term = TermId(u16::try_from(term).unwrap_or(0));
            let hook = FilterSource::ALL.iter().find(|hook| **hook as u8 == record.reason);
            let hook = hook.map_or("?", |hook| hook.label());
            let name = &names.filter(filter).name;
            format!(" filter={name} term={} hook={hook}", names.term(filter, term))
        }
        _ => format!(" policy={}", names.policy(PolicyId(record.policy)).name),
    };
    words += &format!(" action={}", format!("{:?}", record.action).to_lowercase());
    if record.application != 0 {
        words += &format!(" app={}", names.application(AppId(record.application)));
    }
    let zone = |id: u16| names.zone(ZoneId(u8::try_from(id).unwrap_or(0)));
    words += &format!(" zones={}>{}", zone(record.ingress_zone), zone(record.egress_zone));
    if let (EventKind::PolicyDeny, Detail::Rule { term, .. }) = (record.kind, record.detail)
        && let Some(failure) = OpenFailure::from_record(record.reason, term)
    {
        words += &format!(" reason={}", failure.text().replace(' ', "-"));
    }
    if record.kind == EventKind::SessionClose {
        let reason = CloseReason::ALL.iter().find(|reason| **reason as u8 == record.reason);
        words += &format!(" reason={}", reason.map_or("?", |reason| reason.label()));
        if let Detail::Session { client_packets, client_bytes, server_packets, server_bytes } =
            record.detail
        {
            words += &format!(" packets={client_packets}/{server_packets}");
            words += &format!(" bytes={client_bytes}/{server_bytes}");
        }
    }
    let after_ms = record.time_ns.saturating_sub(start_ns) / 1_000_000;
    words + &format!(" at={}.{:03}s", after_ms / 1000, after_ms % 1000)
}

/// What is read of an IP header, and what follows it.
struct Header {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    ttl: u8,
    class: u8,
    /// Offset in bytes and "more fragments", of a fragment.
    fragment: Option<(u16, bool)>,
    l4: Vec<u8>,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        match bytes.first()? >> 4 {
            4 => Self::read_v4(bytes),
            6 => Self::read_v6(bytes),
            _ => None,
        }
    }

    fn read_v4(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..20)?;
        let ip = |at: usize| IpAddr::from([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let word = u16::from_be_bytes([head[6], head[7]]);
        let fragment = (word & 0x3fff != 0).then_some((word % 0x2000 * 8, word & 0x2000 != 0));
        let l4 = bytes.get(usize::from(head[0] & 15) * 4..)?.to_vec();
        Some(Self {
            source: ip(12),
            destination: ip(16),
            protocol: head[9],
            ttl: head[8],
            class: head[1],
            fragment,
            l4,
        })
    }

    fn read_v6(bytes: &[u8]) -> Option<Self> {
        let ip = |at: usize| {
            let octets: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
            Some(IpAddr::from(octets))
        };
        let (mut protocol, mut at, mut fragment) = (*bytes.get(6)?, 40, None);
        while matches!(protocol, 0 | 43 | 44 | 60) {
            let header = bytes.get(at..at + 8)?;
            if protocol == 44 {
                let word = u16::from_be_bytes([header[2], header[3]]);
                fragment = Some((word & !7, word & 1 != 0));
            }
            at += if protocol == 44 { 8 } else { usize::from(header[1]) * 8 + 8 };
            protocol = header[0];
            if fragment.is_some_and(|(offset, _)| offset != 0) {
                break;
            }
        }
        Some(Self {
            source: ip(8)?,
            destination: ip(24)?,
            protocol,
            ttl: bytes[7],
            class: (bytes[0] << 4) | (bytes[1] >> 4),
            fragment,
            l4: bytes.get(at..)?.to_vec(),
        })
    }

    /// True if the transport checksum can be computed: no fragment, and a protocol that has one.
    fn is_whole(&self) -> bool {
        let whole = self.fragment.is_none_or(|(offset, more)| offset == 0 && !more);
        whole && matches!(self.protocol, 1 | 6 | 17 | 58)
    }

    /// The checksums over the packet, computed from scratch.
    fn sums_up(&self, bytes: &[u8]) -> bool {
        let header = usize::from(bytes[0] & 15) * 4;
        let ip = bytes[0] >> 4 == 6 || checksum(&[&bytes[..header]]) == 0;
        let absent = self.protocol == 17 && self.l4.get(6..8) == Some(&[0, 0]);
        let addresses = if bytes[0] >> 4 == 6 { &bytes[8..40] } else { &bytes[12..20] };
        let length = u32::try_from(self.l4.len()).unwrap_or(0).to_be_bytes();
        let tail = [&length[..], &[0, 0, 0, self.protocol]].concat();
        let l4 = match self.protocol {
            1 => checksum(&[&self.l4]),
            _ => checksum(&[addresses, &tail, &self.l4]),
        };
        ip && (absent || l4 == 0)
    }

    fn in_one_word(&self) -> String {
        let Self { source, destination, protocol, l4, .. } = self;
        let port = |at: usize| u16::from_be_bytes([l4[at], l4[at + 1]]);
        match protocol {
            6 | 17 if l4.len() >= 4 => {
                let (from, to) =
                    (SocketAddr::new(*source, port(0)), SocketAddr::new(*destination, port(2)));
                format!("{}:{from}>{to}", protocol_name(*protocol))
            }
            1 | 58 if l4.len() >= 6 => format!("icmp:{source}>{destination}:{}", port(4)),
            _ => format!("{protocol}:{source}>{destination}"),
        }
    }
}

fn is_error(protocol: u8, kind: u8) -> bool {
    if protocol == 58 { kind < 128 } else { matches!(kind, 3 | 4 | 5 | 11 | 12) }
}

pub(crate) fn protocol_name(protocol: u8) -> String {
    match protocol {
        1 | 58 => "icmp".into(),
        6 => "tcp".into(),
        17 => "udp".into(),
        other => format!("proto-{other}"),
    }
}

fn flags(flags: u8) -> String {
    let set = FLAGS.iter().enumerate().filter(|(bit, _)| flags >> bit & 1 == 1);
    let names: Vec<&str> = set.map(|(_, name)| *name).collect();
    if names.is_empty() { "NONE".into() } else { names.join(",") }
}

fn mss(options: &[u8]) -> Option<u16> {
    let at = options.windows(2).position(|pair| pair == [2, 4])?;
    Some(u16::from_be_bytes([*options.get(at + 2)?, *options.get(at + 3)?]))
}

/// Selective acknowledgments as `LEFT-RIGHT`, with commas between.
fn sack(l4: &[u8]) -> Option<String> {
    let options = l4.get(20..usize::from(l4[12] >> 4) * 4)?;
    let at = options.windows(2).position(|pair| pair[0] == 5 && pair[1] % 8 == 2)?;
    let blocks = options.get(at + 2..at + usize::from(options[at + 1]))?;
    let edge = |edge: &[u8; 4]| u32::from_be_bytes(*edge);
    let blocks = blocks.as_chunks::<4>().0.as_chunks::<2>().0.iter();
    let texts = blocks.map(|[left, right]| format!("{}-{}", edge(left), edge(right)));
    Some(texts.collect::<Vec<_>>().join(","))
}

const FLAGS: [&str; 6] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"];
