//! What a bench is made of: a number of policies drawn at random, the configuration that has them,
//! and flows that they decide. Three sources in ten are any and one destination in twelve, the rest
//! networks of 9 to 32 bits; TCP, UDP and anything are 5 : 4 : 1 and ports are sixty popular ones,
//! a range or any, as access lists of routers have them. A single policy matches everything.

use std::fmt::Write;
use std::net::Ipv4Addr;

use crate::generate::Packet;
use crate::generate::rng::Rng;

/// What the policies do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Permit, and log sessions.
    Permit,
    /// The same, behind a pool of 256 source addresses.
    Translate,
    /// Deny, and log each packet.
    Deny,
}

/// The policies, in order.
#[derive(Clone, Debug)]
pub struct Rules(Vec<Rule>);

#[derive(Clone, Copy, Debug)]
struct Rule {
    source: Option<Prefix>,
    destination: Option<Prefix>,
    service: Service,
}

#[derive(Clone, Copy, Debug)]
struct Prefix {
    first: u32,
    bits: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Any,
    Tcp(Ports),
    Udp(Ports),
}

/// First and last port.
type Ports = (u16, u16);

/// One flow of UDP.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    source: u32,
    destination: u32,
    source_port: u16,
    destination_port: u16,
}

/// A frame as a port hands it on: 64 bytes on the wire without its check sequence.
pub type Frame = [u8; FRAME_BYTES];

impl Rules {
    /// Draws `count` policies; the same count and seed give the same ones.
    #[must_use]
    pub fn draw(count: usize, seed: u64) -> Self {
        let any = Rule { source: None, destination: None, service: Service::Any };
        if count <= 1 {
            return Self(vec![any]);
        }
        let mut rng = Rng::new(seed);
        let mut rules: Vec<_> = (0..count).map(|_| Rule::draw(&mut rng)).collect();
        // There is a flow for every list.
        rules[count - 1] = any;
        Self(rules)
    }

    /// The configuration: two zones, screens without history, a filter at each hook, 256 routes.
    #[must_use]
    pub fn configuration(&self, action: Action) -> String {
        let mut text = String::with_capacity(self.0.len() * 400 + HEAD.len());
        text.push_str(HEAD);
        text.push_str("routing-options {\nstatic {\n");
        text.push_str("route 0.0.0.0/0 next-hop 192.0.2.254;\n");
        text.push_str("route 10.0.0.0/8 next-hop 172.16.0.254;\n");
        for net in 0..256 {
            let _ = writeln!(text, "route 20.{net}.0.0/16 next-hop 192.0.2.253;");
        }
        text.push_str("}\n}\nsecurity {\naddress-book {\nglobal {\n");
        for (number, rule) in self.0.iter().enumerate() {
            for (side, prefix) in [("s", rule.source), ("d", rule.destination)] {
                if let Some(Prefix { first, bits }) = prefix {
                    let first = Ipv4Addr::from(first);
                    let _ = writeln!(text, "address {side}{number} {first}/{bits};");
                }
            }
        }
        text.push_str("}\n}\n");
        if action == Action::Translate {
            text.push_str(NAT);
        }
        text.push_str("policies {\nfrom-zone trust to-zone untrust {\n");
        let then = match action {
            Action::Permit | Action::Translate => "permit; log { session-init; session-close; }",
            Action::Deny => "deny; log { session-init; }",
        };
        for (number, rule) in self.0.iter().enumerate() {
            let name = |side: &str, prefix: Option<Prefix>| match prefix {
                Some(_) => format!("{side}{number}"),
                None => "any".to_owned(),
            };
            let _ = writeln!(
                text,
                "policy p{number} {{ match {{ source-address {}; destination-address {}; \
                 application {}; }} then {{ {then} }} }}",
                name("s", rule.source),
                name("d", rule.destination),
                rule.service.name(),
            );
        }
        text.push_str("}\n}\n}\n");
        self.applications(&mut text);
        text
    }

    fn applications(&self, text: &mut String) {
        let mut services: Vec<_> = self.0.iter().map(|rule| rule.service).collect();
        services.sort_by_key(|service| service.name());
        services.dedup();
        text.push_str("applications {\n");
        for service in services {
            let (protocol, (first, last)) = match service {
                Service::Any => continue,
                Service::Tcp(ports) => ("tcp", ports),
                Service::Udp(ports) => ("udp", ports),
            };
            let name = service.name();
            let _ = writeln!(
                text,
                "application {name} {{ protocol {protocol}; destination-port {first}-{last}; }}"
            );
        }
        text.push_str("}\n");
    }

    /// Flows without end, each within a rule chosen at random among those for UDP.
    pub fn flows(&self, seed: u64) -> impl Iterator<Item = Flow> + use<> {
        let udp: Vec<Rule> =
            self.0.iter().copied().filter(|r| !matches!(r.service, Service::Tcp(_))).collect();
        let mut rng = Rng::new(seed);
        // Source ports are counted up for each rule, so that no flow comes twice however narrow its
        // networks are.
        let mut next_port = vec![0u16; udp.len()];
        std::iter::repeat_with(move || {
            let at = usize::try_from(rng.below(udp.len() as u64)).unwrap_or(0);
            let rule = &udp[at];
            next_port[at] = (next_port[at] + 1) % (u16::MAX - LOW_PORTS);
            let (first, last) = match rule.service {
                Service::Udp(ports) | Service::Tcp(ports) => ports,
                Service::Any => (20, 5_999),
            };
            let span = u64::from(last - first) + 1;
            Flow {
                source: address(rule.source, LAN, &mut rng),
                destination: address(rule.destination, INTERNET, &mut rng),
                source_port: LOW_PORTS + next_port[at],
                destination_port: not_filtered(first + u16::try_from(rng.below(span)).unwrap_or(0)),
            }
        })
    }
}

impl Rule {
    fn draw(rng: &mut Rng) -> Self {
        let source = network(rng, 30, LAN);
        let destination = network(rng, 8, INTERNET);
        let port = u16::try_from(rng.below(60) * 97 + 20).unwrap_or(u16::MAX);
        let ports = match rng.below(4) {
            0 => (1, u16::MAX),
            1 => (port, port + 9),
            _ => (port, port),
        };
        let service = match rng.below(10) {
            0..5 => Service::Tcp(ports),
            5..9 => Service::Udp(ports),
            _ => Service::Any,
        };
        Self { source, destination, service }
    }
}

impl Service {
    fn name(self) -> String {
        match self {
            Self::Any => "any".to_owned(),
            Self::Tcp((first, last)) => format!("tcp-{first}-{last}"),
            Self::Udp((first, last)) => format!("udp-{first}-{last}"),
        }
    }
}

impl Flow {
    /// Its packet.
    #[must_use]
    pub fn frame(&self) -> Frame {
        let between = Packet::ipv4(Ipv4Addr::from(self.source), Ipv4Addr::from(self.destination));
        let packet = between.udp(self.source_port, self.destination_port);
        let bytes = packet.payload(&[0x5a; FRAME_BYTES - HEADER_BYTES]).build();
        bytes.try_into().expect("the payload fills the frame")
    }
}

/// A network within `block`, or any, so many times in a hundred.
fn network(rng: &mut Rng, any: u64, block: Prefix) -> Option<Prefix> {
    if rng.below(100) < any {
        return None;
    }
    let bits = 9 + u32::try_from(rng.below(24)).unwrap_or(0);
    let host = u32::MAX.checked_shr(bits).unwrap_or(0);
    Some(Prefix { first: address(None, block, rng) & !host, bits })
}

/// An address of a network, or of the block that all lie in.
fn address(network: Option<Prefix>, block: Prefix, rng: &mut Rng) -> u32 {
    let Prefix { first, bits } = network.unwrap_or(block);
    first | (rng.next_u32() & u32::MAX.checked_shr(bits).unwrap_or(0))
}

/// The filter of the configuration drops SSDP.
const fn not_filtered(port: u16) -> u16 {
    if port == 1_900 { 1_901 } else { port }
}

/// Ports that no client has.
const LOW_PORTS: u16 = 1_024;
const FRAME_BYTES: usize = 60;
/// Ethernet, IPv4 and UDP.
const HEADER_BYTES: usize = 14 + 20 + 8;

/// Where sources are.
const LAN: Prefix = Prefix { first: 10 << 24, bits: 8 };
/// Where destinations are: nothing in it is special.
const INTERNET: Prefix = Prefix { first: 16 << 24, bits: 4 };

const HEAD: &str = "\
interfaces {
ge-0/0/0 { unit 0 { family inet { filter { output lan-out; } address 192.0.2.1/24; } } }
ge-0/0/1 { unit 0 { family inet { filter { input lan-in; } address 172.16.0.1/24; } } }
}
policy-options { prefix-list bogons { 0.0.0.0/8; 127.0.0.0/8; 169.254.0.0/16; 224.0.0.0/3; } }
firewall { family inet {
filter lan-in {
term bogons { from { source-prefix-list { bogons; } } then { count bogons; syslog; discard; } }
term ssdp { from { protocol udp; destination-port 1900; } then { count ssdp; discard; } }
term rest { then accept; }
}
filter lan-out {
term smb { from { protocol tcp; destination-port 445; } then { count smb; discard; } }
term rest { then accept; }
}
} }
security {
screen { ids-option lan {
icmp { fragment; large; ping-death; }
ip { bad-option; loose-source-route-option; strict-source-route-option; source-route-option;
spoofing; tear-drop; }
tcp { syn-fin; fin-no-ack; tcp-no-flag; syn-frag; land; winnuke; }
} }
zones {
security-zone trust { screen lan; interfaces { ge-0/0/1.0; } }
security-zone untrust { interfaces { ge-0/0/0.0; } }
}
}
";

const NAT: &str = "\
nat { source {
pool outside { address { 198.18.0.0/24; } }
rule-set out {
from zone trust; to zone untrust;
rule all {
match { source-address 10.0.0.0/8; }
then { source-nat { pool { outside; } } }
}
}
} }
";
