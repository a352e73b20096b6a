//! The list of scenarios: names, what they show, and what makes their frames.

use super::loads::Nth;
use super::rng::Rng;
use super::timeline::{EPOCH_NS, Frame, MICROSECOND, Timeline};
use super::{GenerateError, Parameters, attacks, loads, office, traffic};

/// A kind of capture.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// The word on the command line.
    pub name: &'static str,
    /// One line for a person who chooses.
    pub description: &'static str,
    /// Packets if nothing else is said; `None` where the number is fixed.
    pub count: Option<u64>,
    /// Flows if nothing else is said; `None` where the number is fixed.
    pub flows: Option<u32>,
    content: Content,
}

#[derive(Clone, Copy)]
enum Content {
    /// All frames at once, sorted by time.
    Written(fn(&mut Timeline)),
    /// Likewise, for a number of flows.
    WrittenFlows(fn(&mut Timeline, u32)),
    /// One frame at a time, this long apart.
    Streamed(u64, fn(Nth, &mut Rng) -> Vec<u8>),
}

/// The scenario of this name.
#[must_use]
pub fn scenario(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

impl Scenario {
    /// The frames in the order of their time.
    ///
    /// # Errors
    /// When a parameter is given that this scenario has no use for, or no flows are asked for.
    pub fn frames(
        &self,
        parameters: &Parameters,
    ) -> Result<Box<dyn Iterator<Item = Frame>>, GenerateError> {
        let no_choice = |what| GenerateError::NoChoice { scenario: self.name, what };
        if parameters.count.is_some() && self.count.is_none() {
            return Err(no_choice("count"));
        }
        if parameters.flows.is_some() && self.flows.is_none() {
            return Err(no_choice("flows"));
        }
        let flows = parameters.flows.or(self.flows);
        if flows == Some(0) {
            return Err(GenerateError::NoFlows(self.name));
        }
        let mut timeline = Timeline::new(parameters.seed);
        match self.content {
            Content::Written(write) => write(&mut timeline),
            Content::WrittenFlows(write) => write(&mut timeline, flows.unwrap_or(1)),
            Content::Streamed(gap_ns, frame) => {
                let flows = flows.map(u64::from);
                // Unless a count is given, every flow gets at least one packet.
                let fallback = self.count.max(flows).unwrap_or(0);
                let count = parameters.count.unwrap_or(fallback);
                let rng = Rng::new(parameters.seed);
                return Ok(Box::new(stream(count, flows, gap_ns, rng, frame)));
            }
        }
        Ok(Box::new(timeline.finish().into_iter()))
    }
}

/// Every flow once in turn, then flows at random.
fn stream(
    count: u64,
    flows: Option<u64>,
    gap_ns: u64,
    mut rng: Rng,
    make: fn(Nth, &mut Rng) -> Vec<u8>,
) -> impl Iterator<Item = Frame> {
    (0..count).map(move |frame| {
        let flow = match flows {
            Some(flows) if frame >= flows => rng.below(flows),
            _ => frame,
        };
        let bytes = make(Nth { frame, flow }, &mut rng);
        Frame::new(EPOCH_NS + frame * gap_ns, bytes)
    })
}

const fn written(
    name: &'static str,
    description: &'static str,
    write: fn(&mut Timeline),
) -> Scenario {
    Scenario { name, description, count: None, flows: None, content: Content::Written(write) }
}

const fn flood(
    name: &'static str,
    description: &'static str,
    count: u64,
    gap_ns: u64,
    frame: fn(Nth, &mut Rng) -> Vec<u8>,
) -> Scenario {
    Scenario {
        name,
        description,
        count: Some(count),
        flows: None,
        content: Content::Streamed(gap_ns, frame),
    }
}

const fn load(
    name: &'static str,
    description: &'static str,
    count: u64,
    flows: u32,
    frame: fn(Nth, &mut Rng) -> Vec<u8>,
) -> Scenario {
    Scenario {
        name,
        description,
        count: Some(count),
        flows: Some(flows),
        content: Content::Streamed(MICROSECOND, frame),
    }
}

/// Every scenario, in the order in which help lists them.
#[rustfmt::skip]
pub const SCENARIOS: &[Scenario] = &[
    written("branch-office", "five minutes of a small site: web, mail, DNS, IPv6, guests, attacks",
        office::branch_office),
    written("land", "source address equals destination address", attacks::land),
    written("ping-death", "ICMP fragments that end beyond 65,535 bytes", attacks::ping_death),
    written("syn-fin", "TCP with SYN and FIN", attacks::syn_fin),
    written("no-flag", "TCP without any flag", attacks::no_flag),
    written("fin-no-ack", "TCP with FIN but without ACK", attacks::fin_no_ack),
    written("winnuke", "urgent data to port 139", attacks::winnuke),
    written("source-route", "IPv4 loose and strict source routes", attacks::source_route),
    written("ip-options", "IPv4 record route, timestamp, security, stream and malformed options",
        attacks::ip_options),
    written("syn-frag", "fragmented SYN segments", attacks::syn_frag),
    written("icmp-fragment", "fragmented ICMP", attacks::icmp_fragment),
    written("icmp-large", "ICMP up to and over 1,024 bytes", attacks::icmp_large),
    written("block-frag", "fragments of UDP and TCP", attacks::block_frag),
    written("unknown-protocol", "IP protocols that nobody owns", attacks::unknown_protocol),
    written("ip-spoofing", "inner addresses from outside; bind it: --ingress ge-0/0/0.0=FILE",
        attacks::ip_spoofing),
    written("tear-drop", "overlapping fragments", attacks::tear_drop),
    flood("syn-flood", "3,000 SYNs a second from everywhere to one server",
        3_000, 333 * MICROSECOND, loads::syn_flood),
    flood("icmp-flood", "3,000 echo requests a second to one address",
        3_000, 333 * MICROSECOND, loads::icmp_flood),
    flood("udp-flood", "3,000 datagrams a second to one address",
        3_000, 333 * MICROSECOND, loads::udp_flood),
    flood("port-scan", "one source asks a server port after port, 200 us apart",
        200, 200 * MICROSECOND, loads::port_scan),
    flood("ip-sweep", "one source pings address after address, 200 us apart",
        254, 200 * MICROSECOND, loads::ip_sweep),
    load("deny-storm", "flows that no policy permits", 100_000, 100_000, loads::deny_storm),
    Scenario {
        name: "nat",
        description: "clients behind source NAT, callers of a server behind destination NAT",
        count: None,
        flows: Some(300),
        content: Content::WrittenFlows(traffic::nat),
    },
    written("fragments", "fragments in order, reversed, doubled, missing, interleaved",
        traffic::fragments),
    written("ipv6", "neighbor discovery, every extension header, chains that end badly",
        traffic::ipv6),
    written("icmp-errors", "ICMP errors about live sessions, unknown ones and cut quotes",
        traffic::icmp_errors),
    load("mixed-sizes", "simple IMIX: frames of 64, 594 and 1,518 bytes",
        10_000, 100, loads::mixed_sizes),
    load("many-flows", "UDP frames of 64 bytes in many flows", 100_000, 1_000, loads::many_flows),
];
