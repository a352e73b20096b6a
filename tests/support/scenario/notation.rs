//! Packets in one line: `tcp 10.1.1.5:4000 > 198.51.100.1:80 SYN seq=1 ttl=3`. Lengths and
//! checksums come out right unless a word says otherwise; the README beside the cases lists the
//! words.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use weir::generate::{
    Layer, Packet, arp_reply, arp_request, flag, neighbor_advertisement, neighbor_solicitation,
};

/// A frame as a port would take it.
pub(crate) struct Frame {
    /// Captured bytes.
    pub(crate) bytes: Vec<u8>,
    /// Bytes on the wire.
    pub(crate) wire_length: usize,
}

/// Reads a packet's line.
pub(crate) fn frame(text: &str) -> Result<Frame, String> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    if words.first() == Some(&"hex") {
        let bytes = hex(&words[1..].concat())?;
        return Ok(Frame { wire_length: bytes.len(), bytes });
    }
    let quoted = match words.iter().position(|word| *word == "quotes") {
        Some(at) => {
            let quoted = packet(&words[at + 1..], Vec::new())?;
            words.truncate(at);
            quoted[LINK_LEN..].to_vec()
        }
        None => Vec::new(),
    };
    let (words, shape) = shape(&words)?;
    let mut bytes = packet(&words, quoted)?;
    let l3 = LINK_LEN + 4 * usize::from(bytes[12..14] == [0x81, 0]);
    spoil(&mut bytes, l3, &shape)?;
    if let Some(len) = shape.get("cut") {
        bytes.truncate(l3 + number::<usize>(len)?);
    } else if bytes.len() < FRAME_LEN_MIN {
        bytes.resize(FRAME_LEN_MIN, 0);
    }
    if let Some(len) = shape.get("pad") {
        bytes.resize(bytes.len() + number::<usize>(len)?, 0xee);
    }
    let wire_length = bytes.len();
    if let Some(len) = shape.get("snap") {
        bytes.truncate(l3 + number::<usize>(len)?);
    }
    Ok(Frame { bytes, wire_length })
}

/// Takes out the words that change the finished frame.
fn shape<'t>(words: &[&'t str]) -> Result<(Vec<&'t str>, BTreeMap<&'t str, &'t str>), String> {
    let mut shape = BTreeMap::new();
    let mut rest = Vec::new();
    for word in words {
        match word.split_once('=') {
            Some((key, value)) if SHAPES.contains(&key) => {
                if shape.insert(key, value).is_some() {
                    return Err(format!("`{key}` stands twice"));
                }
            }
            _ => rest.push(*word),
        }
    }
    Ok((rest, shape))
}

/// Overwrites bytes and breaks checksums.
fn spoil(frame: &mut [u8], l3: usize, shape: &BTreeMap<&str, &str>) -> Result<(), String> {
    for (key, start) in [("link", 0), ("patch", l3)] {
        if let Some(patch) = shape.get(key) {
            let (at, bytes) = patch.split_once(':').ok_or("a patch is OFFSET:HEX")?;
            let (at, bytes) = (start + number::<usize>(at)?, hex(bytes)?);
            let place = frame.get_mut(at..at + bytes.len()).ok_or("the patch is out of bounds")?;
            place.copy_from_slice(&bytes);
        }
    }
    if shape.contains_key("ip-sum") {
        frame[l3 + 10] ^= 0x55;
    }
    if shape.contains_key("sum") {
        let ipv6 = frame[l3] >> 4 == 6;
        let (l4, protocol) = if ipv6 {
            (l3 + 40, frame[l3 + 6])
        } else {
            (l3 + usize::from(frame[l3] & 15) * 4, frame[l3 + 9])
        };
        let at = match protocol {
            6 => 16,
            17 | 136 => 6,
            _ => 2,
        };
        frame[l4 + at] ^= 0x55;
    }
    Ok(())
}

/// The words of one packet that are not yet used.
struct Words<'t> {
    keys: BTreeMap<&'t str, &'t str>,
    bare: Vec<&'t str>,
}

impl<'t> Words<'t> {
    fn new(words: &[&'t str]) -> Result<Self, String> {
        let (mut keys, mut bare) = (BTreeMap::new(), Vec::new());
        for word in words {
            match word.split_once('=') {
                Some((key, value)) => {
                    if keys.insert(key, value).is_some() {
                        return Err(format!("`{key}` stands twice"));
                    }
                }
                None => bare.push(*word),
            }
        }
        Ok(Self { keys, bare })
    }

    fn number<T: TryFrom<u64>>(&mut self, key: &str) -> Result<Option<T>, String> {
        self.keys.remove(key).map(number).transpose()
    }

    fn hex(&mut self, key: &str) -> Result<Option<Vec<u8>>, String> {
        self.keys.remove(key).map(hex).transpose()
    }

    fn has(&mut self, word: &str) -> bool {
        let before = self.bare.len();
        self.bare.retain(|bare| *bare != word);
        self.bare.len() < before
    }

    fn finish(self) -> Result<(), String> {
        let keys = self.keys.keys().chain(&self.bare);
        match keys.copied().next() {
            Some(word) => Err(format!("`{word}` means nothing here")),
            None => Ok(()),
        }
    }
}

/// `PROTOCOL SOURCE > DESTINATION words…` as an Ethernet frame without padding.
fn packet(words: &[&str], quoted: Vec<u8>) -> Result<Vec<u8>, String> {
    let [protocol, source, ">", destination, rest @ ..] = words else {
        return Err("a packet is PROTOCOL SOURCE > DESTINATION and words".into());
    };
    let mut words = Words::new(rest)?;
    let ((source, from), (destination, to)) = (endpoint(source)?, endpoint(destination)?);
    let ports = from.zip(to).ok_or("both sides need a port");
    let base = Packet::between(source, destination);
    let bytes = match *protocol {
        "tcp" => tcp(base, ports?, &mut words)?,
        "udp" => {
            let (from, to) = ports?;
            let mut packet = base.udp(from, to);
            if words.has("no-sum") {
                packet = packet.no_checksum();
            }
            if let Some(len) = words.number("udp-len")? {
                packet = packet.claimed_udp_len(len);
            }
            finished(packet, &mut words)?
        }
        "icmp" => icmp(base, quoted, &mut words)?,
        "ip" => {
            let protocol = words.number("proto")?.ok_or("`ip` needs proto=N")?;
            finished(base.protocol(protocol), &mut words)?
        }
        "arp" | "nd" => neighbor(source, destination, &mut words)?,
        other => return Err(format!("`{other}` is no protocol")),
    };
    words.finish()?;
    Ok(bytes)
}

fn tcp(base: Packet, (from, to): (u16, u16), words: &mut Words<'_>) -> Result<Vec<u8>, String> {
    let mut packet = base.tcp(from, to);
    for word in std::mem::take(&mut words.bare) {
        match word.split(',').map(tcp_flag).collect::<Option<Vec<u8>>>() {
            Some(flags) => packet = flags.into_iter().fold(packet, |p, flag| p.flags(flag)),
            None => words.bare.push(word),
        }
    }
    if let Some(sequence) = words.number("seq")? {
        packet = packet.seq(sequence);
    }
    if let Some(number) = words.number("ack")? {
        packet = packet.ack(number);
    }
    if let Some(window) = words.number("win")? {
        packet = packet.window(window);
    }
    if let Some(pointer) = words.number("urg")? {
        packet = packet.urgent(pointer);
    }
    if let Some(size) = words.number("mss")? {
        packet = packet.mss(size);
    }
    if let Some(shift) = words.number("wscale")? {
        packet = packet.tcp_option(&[3, 3, shift]);
    }
    if let Some(option) = words.hex("tcp-opt")? {
        packet = packet.tcp_option(&option);
    }
    finished(packet, words)
}

fn tcp_flag(name: &str) -> Option<u8> {
    Some(match name {
        "NONE" => 0,
        "FIN" => flag::FIN,
        "SYN" => flag::SYN,
        "RST" => flag::RST,
        "PSH" => flag::PSH,
        "ACK" => flag::ACK,
        "URG" => flag::URG,
        _ => return None,
    })
}

fn icmp(base: Packet, quoted: Vec<u8>, words: &mut Words<'_>) -> Result<Vec<u8>, String> {
    let ipv6 = base.source().is_ipv6();
    let named = ICMP_TYPES.iter().find(|(name, ..)| words.has(name));
    let kind = match named {
        Some(&(_, v4, v6)) => Some(if ipv6 { v6 } else { v4 }),
        None => words.number("type")?,
    };
    let kind = kind.ok_or("`icmp` needs a type")?;
    let code = words.number("code")?.unwrap_or(0);
    let identifier: u16 = words.number("id")?.unwrap_or(0);
    let second: u16 = words.number("seq")?.or(words.number("mtu")?).unwrap_or(0);
    let word = (u32::from(identifier) << 16) | u32::from(second);
    let mut packet = base.icmp(kind, code, word.to_be_bytes());
    if !quoted.is_empty() {
        packet = packet.payload(&quoted);
    }
    finished(packet, words)
}

/// What every packet may have.
fn finished<L: Layer>(mut packet: Packet<L>, words: &mut Words<'_>) -> Result<Vec<u8>, String> {
    if let Some(ttl) = words.number("ttl")? {
        packet = packet.ttl(ttl);
    }
    if let Some(class) = words.number("tos")? {
        packet = packet.traffic_class(class);
    }
    if let Some(dscp) = words.number::<u8>("dscp")? {
        packet = packet.traffic_class(dscp << 2);
    }
    if let Some(label) = words.number("label")? {
        packet = packet.flow_label(label);
    }
    if let Some(identification) = words.number("ident")? {
        packet = packet.identification(identification);
    }
    if words.has("df") {
        packet = packet.dont_fragment();
    }
    let (offset, more) = (words.number("off")?, words.has("mf"));
    if offset.is_some() || more || words.has("atomic") {
        packet = packet.fragment(offset.unwrap_or(0), more);
    }
    if let Some(option) = words.hex("opt")? {
        packet = packet.option(&option);
    }
    if let Some(options) = words.hex("hop-by-hop")? {
        packet = packet.hop_by_hop(&options);
    }
    if let Some(options) = words.hex("dst-opts")? {
        packet = packet.destination_options(&options);
    }
    // `ext=43:…` appends a header of that type, `exts=N` as many destination options headers.
    if let Some(header) = words.keys.remove("ext") {
        let (kind, body) = header.split_once(':').ok_or("an extension is TYPE:HEX")?;
        packet = packet.extension(number(kind)?, &hex(body)?);
    }
    for _ in 0..words.number("exts")?.unwrap_or(0u8) {
        packet = packet.destination_options(&[]);
    }
    if let Some(len) = words.number("len")? {
        packet = packet.claimed_len(len);
    }
    if let Some(vlan) = words.number("vlan")? {
        packet = packet.vlan(vlan);
    }
    if let Some(len) = words.number::<usize>("payload")? {
        packet = packet.payload_len(len);
    }
    if let Some(data) = words.hex("data")? {
        packet = packet.payload(&data);
    }
    Ok(packet.build())
}

fn neighbor(source: IpAddr, target: IpAddr, words: &mut Words<'_>) -> Result<Vec<u8>, String> {
    let reply = words.has("reply");
    let (ours, theirs) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    match (source, target) {
        (IpAddr::V4(source), IpAddr::V4(target)) if reply => {
            Ok(arp_reply(ours, source, theirs, target))
        }
        (IpAddr::V4(source), IpAddr::V4(target)) => Ok(arp_request(ours, source, target)),
        (IpAddr::V6(source), IpAddr::V6(target)) if reply => {
            Ok(neighbor_advertisement(ours, source, theirs, target))
        }
        (IpAddr::V6(source), IpAddr::V6(target)) => Ok(neighbor_solicitation(ours, source, target)),
        _ => Err("addresses of two families".into()),
    }
}

/// `10.1.1.5:80`, `[2001:db8::1]:80` or an address alone.
fn endpoint(text: &str) -> Result<(IpAddr, Option<u16>), String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok((address, None));
    }
    let both: SocketAddr = text.parse().map_err(|_| format!("`{text}` is no address"))?;
    Ok((both.ip(), Some(both.port())))
}

/// Decimal or `0x…`.
pub(crate) fn number<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    let value = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    let fits = value.and_then(|value| T::try_from(value).ok());
    fits.ok_or_else(|| format!("`{text}` is not a number that fits"))
}

fn hex(text: &str) -> Result<Vec<u8>, String> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return Err(format!("`{text}` is not whole bytes in hex"));
    }
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| format!("`{text}`: hex"));
    (0..text.len()).step_by(2).map(byte).collect()
}

/// Words that change the finished frame.
const SHAPES: &[&str] = &["cut", "pad", "snap", "link", "patch", "sum", "ip-sum"];
const LINK_LEN: usize = 14;
const FRAME_LEN_MIN: usize = 60;
/// Names of ICMP types with their numbers in ICMP and ICMPv6.
const ICMP_TYPES: &[(&str, u8, u8)] = &[
    ("echo-request", 8, 128),
    ("echo-reply", 0, 129),
    ("unreachable", 3, 1),
    ("too-big", 3, 2),
    ("time-exceeded", 11, 3),
    ("parameter-problem", 12, 4),
];
