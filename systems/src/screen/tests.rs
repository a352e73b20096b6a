//! Each attack fires on its packet and on nothing else; ordinary traffic passes a profile that
//! looks for everything.

use components::columns::LinkType;
use components::ids::{IfIndex, ScreenProfileId};
use components::reason::{Fate, Verdict};

use super::*;
use crate::counters::Counters;
use crate::parse::Parse;
use crate::schedule::settings::{ParseSettings, ScreenSettings};
use crate::test_support::*;

mod batches;
mod cookies;
mod history;

const OUTSIDE: &str = "198.51.100.7";
const INSIDE: &str = "10.0.0.5";
const OUTSIDE6: &str = "2001:db8:9::9";
const INSIDE6: &str = "2001:db8:1::5";

/// What a run left behind: events, verdicts, counters of attacks that fired.
type Outcome = (Vec<Event>, Vec<Verdict>, Vec<(ScreenAttack, u64)>);

fn fired(counters: &Counters) -> Vec<(ScreenAttack, u64)> {
    let counts = ScreenAttack::ALL.iter().copied().zip(counters.screens.iter().copied());
    counts.filter(|&(_, count)| count > 0).collect()
}

/// Runs frames, `rows_max` at a time, through parse and a screen on zone untrust.
fn run(frames: &[Vec<u8>], profile: &ScreenProfile, bound: IfIndex, rows_max: usize) -> Outcome {
    let mut world = world();
    world.screens = vec![profile.clone()];
    world.zones[UNTRUST.index()].screen = ScreenProfileId(1);
    let mut shard = shard(&world);
    let (mut events, mut verdicts) = (Vec::new(), Vec::new());
    for frames in frames.chunks(rows_max) {
        let base = u16::try_from(verdicts.len()).expect("few rows");
        with_batch(frames, LinkType::Ethernet, bound, |batch| {
            Parse::new(&ParseSettings::default()).run(batch, &mut shard, &world);
            Screen::new(&ScreenSettings::default()).run(batch, &mut shard, &world);
            batch.events.sort();
            events.extend(
                batch.events.rows.iter().map(|event| Event { row: event.row + base, ..*event }),
            );
            verdicts.extend_from_slice(batch.columns.verdict);
        });
    }
    let fired = fired(&shard.counters);
    (events, verdicts, fired)
}

fn watching(attacks: u64) -> ScreenProfile {
    ScreenProfile { attacks, extension_headers_max: 1, ..ScreenProfile::default() }
}

/// The attack that a profile which looks for everything finds in a packet from outside.
fn attack_of(frame: Vec<u8>) -> Option<ScreenAttack> {
    let (events, verdicts, fired) = run(&[frame], &watching(u64::MAX), UNTRUST_IFL, 64);
    let Some(event) = events.first() else {
        assert_eq!(verdicts[0], Verdict::default(), "not parsed");
        return None;
    };
    assert_eq!(verdicts[0], Verdict::dropped(DropReason::Screen));
    assert_eq!(event.kind, EventKind::ScreenDrop);
    let attack = ScreenAttack::from_record(event.rule, event.term).expect("an attack");
    assert_eq!(event.policy, attack.flag());
    assert_eq!(fired, [(attack, 1)]);
    assert_eq!(event.action, Action::Deny);
    Some(attack)
}

fn tcp_in(flags: u8) -> Vec<u8> {
    frame(OUTSIDE, INSIDE, 6, &tcp(1025, 80, flags, &[]))
}

fn v4(protocol: u8, fragment: [u8; 2], options: &[u8], payload: &[u8]) -> Vec<u8> {
    let packet = ipv4_packet(ip(OUTSIDE), ip(INSIDE), protocol, fragment, options, payload);
    ethernet(0x0800, &packet)
}

fn v6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    ethernet(0x86dd, &ipv6_packet(ip(OUTSIDE6), ip(INSIDE6), next_header, payload))
}

#[test]
fn lets_ordinary_traffic_pass_a_profile_that_looks_for_everything() {
    let (fin_ack, syn, syn_ack) = (0x11, 0x02, 0x12);
    let ordinary = [
        tcp_in(syn),
        tcp_in(syn_ack),
        tcp_in(fin_ack),
        tcp_in(0x38),
        frame(OUTSIDE, INSIDE, 6, &tcp(1025, 139, 0x18, b"SMB")),
        frame(OUTSIDE, INSIDE, 17, &udp(53, 1025, b"answer")),
        frame(OUTSIDE, INSIDE, 17, &udp(3544, 1025, b"not teredo")),
        frame(OUTSIDE, INSIDE, 1, &icmp(8, 0, [0, 1, 0, 1], &[0; 996])),
        frame(OUTSIDE, INSIDE, 47, &[0, 0, 0x65, 0x58]),
        frame(OUTSIDE, INSIDE, 132, &[0; 12]),
        frame(OUTSIDE, INSIDE, 136, &udp(1, 2, &[])),
        v4(17, [0, 0], &[148, 4, 0, 0], &udp(1, 2, &[])),
        v4(17, [0x40, 0], &[], &udp(1, 2, &[])),
        frame(OUTSIDE6, INSIDE6, 6, &tcp(1025, 80, syn, &[])),
        frame(OUTSIDE6, INSIDE6, 58, &icmp(128, 0, [0, 1, 0, 1], &[0; 56])),
        frame("0.0.0.0", "255.255.255.255", 17, &udp(68, 67, &[0; 240])),
    ];
    for frame in ordinary {
        assert_eq!(attack_of(frame.clone()), None, "{frame:02x?}");
    }
}

#[test]
fn knows_attacks_by_tcp_flags() {
    assert_eq!(attack_of(tcp_in(0x03)), Some(ScreenAttack::SynFin));
    assert_eq!(attack_of(tcp_in(0x13)), Some(ScreenAttack::SynFin));
    assert_eq!(attack_of(tcp_in(0x00)), Some(ScreenAttack::TcpNoFlag));
    assert_eq!(attack_of(tcp_in(0xc0)), Some(ScreenAttack::TcpNoFlag));
    assert_eq!(attack_of(tcp_in(0x01)), Some(ScreenAttack::FinNoAck));
    assert_eq!(attack_of(tcp_in(0x29)), Some(ScreenAttack::FinNoAck));
    let urgent = frame(OUTSIDE, INSIDE, 6, &tcp(1025, 139, 0x38, b"Bye"));
    assert_eq!(attack_of(urgent), Some(ScreenAttack::WinNuke));
    let land = frame("203.0.113.9", "203.0.113.9", 6, &tcp(80, 80, 2, &[]));
    assert_eq!(attack_of(land), Some(ScreenAttack::Land));
}

#[test]
fn knows_attacks_by_fragments() {
    assert_eq!(attack_of(v4(1, [0x1f, 0xff], &[], &[0; 32])), Some(ScreenAttack::PingDeath));
    // 8,140 * 8 + 395 + 20 is 65,535: it just fits.
    assert_eq!(attack_of(v4(1, [0x1f, 0xcc], &[], &[0; 395])), Some(ScreenAttack::IcmpFragment));
    assert_eq!(attack_of(v4(1, [0x1f, 0xcc], &[], &[0; 396])), Some(ScreenAttack::PingDeath));
    assert_eq!(attack_of(v4(17, [0x1f, 0xff], &[], &[0; 32])), Some(ScreenAttack::BlockFragment));
    let syn = tcp(1025, 80, 2, &[0; 4]);
    assert_eq!(attack_of(v4(6, [0x20, 0], &[], &syn)), Some(ScreenAttack::SynFragment));
    let ack = tcp(1025, 80, 16, &[0; 4]);
    assert_eq!(attack_of(v4(6, [0x20, 0], &[], &ack)), Some(ScreenAttack::BlockFragment));
    assert_eq!(attack_of(v4(6, [0, 9], &[], &ack)), Some(ScreenAttack::BlockFragment));
    let echo = icmp(8, 0, [0; 4], &[]);
    assert_eq!(attack_of(v4(1, [0x20, 0], &[], &echo)), Some(ScreenAttack::IcmpFragment));
    let fragment6 = [&[58, 0, 0, 1, 0, 0, 0, 9][..], &icmp(128, 0, [0; 4], &[])].concat();
    assert_eq!(attack_of(v6(44, &fragment6)), Some(ScreenAttack::IcmpFragment));
    // 65,528 and 8 bytes are beyond an IPv6 payload.
    let death6 = [&[58, 0, 0xff, 0xf8, 0, 0, 0, 9][..], &[0; 8]].concat();
    assert_eq!(attack_of(v6(44, &death6)), Some(ScreenAttack::PingDeath));
}

#[test]
fn knows_attacks_by_ipv4_options() {
    let udp = udp(1, 2, &[]);
    for (options, attack) in [
        ([131, 3, 4, 0], ScreenAttack::LooseSourceRoute),
        ([137, 3, 4, 0], ScreenAttack::StrictSourceRoute),
        ([7, 3, 4, 0], ScreenAttack::RecordRoute),
        ([130, 4, 0, 0], ScreenAttack::SecurityOption),
        ([136, 4, 0, 1], ScreenAttack::StreamOption),
        ([68, 4, 5, 0], ScreenAttack::TimestampOption),
        ([148, 9, 0, 0], ScreenAttack::BadOption),
    ] {
        assert_eq!(attack_of(v4(17, [0, 0], &options, &udp)), Some(attack));
    }
    let strict = v4(17, [0, 0], &[137, 3, 4, 0], &udp);
    let only = watching(ScreenAttack::SourceRoute.bit());
    let (_, _, fired) = run(&[strict], &only, UNTRUST_IFL, 64);
    assert_eq!(fired, [(ScreenAttack::SourceRoute, 1)], "either route is a source route");
}

#[test]
fn knows_attacks_by_protocol_length_and_source() {
    assert_eq!(attack_of(v4(137, [0, 0], &[], &[0; 8])), Some(ScreenAttack::UnknownProtocol));
    assert_eq!(attack_of(v4(255, [0, 0], &[], &[])), Some(ScreenAttack::UnknownProtocol));
    assert_eq!(attack_of(v6(200, &[0; 8])), Some(ScreenAttack::UnknownProtocol));
    let large = frame(OUTSIDE, INSIDE, 1, &icmp(8, 0, [0; 4], &[0; 997]));
    assert_eq!(attack_of(large), Some(ScreenAttack::IcmpLarge));
    for source in ["10.0.0.9", "203.0.113.1", "172.16.0.1"] {
        let spoofed = frame(source, INSIDE, 17, &udp(1, 2, &[]));
        assert_eq!(attack_of(spoofed), Some(ScreenAttack::IpSpoofing), "{source}");
    }
}

#[test]
fn knows_attacks_by_extension_headers() {
    let udp = udp(1, 2, &[]);
    let with = |kind, header: &[u8]| v6(kind, &[header, &udp].concat());
    let padded = |next| [next, 0, 1, 4, 0, 0, 0, 0];
    let routing = |kind| [17, 0, kind, 0, 0, 0, 0, 0];
    assert_eq!(attack_of(with(0, &padded(17))), Some(ScreenAttack::ExtHopByHop));
    assert_eq!(attack_of(with(60, &padded(17))), Some(ScreenAttack::ExtDestination));
    assert_eq!(attack_of(with(43, &routing(0))), Some(ScreenAttack::LooseSourceRoute));
    assert_eq!(attack_of(with(43, &routing(4))), Some(ScreenAttack::ExtRouting));
    assert_eq!(attack_of(with(44, &[17, 0, 0, 0, 0, 0, 0, 1])), Some(ScreenAttack::ExtFragment));
    assert_eq!(attack_of(v6(50, &[0; 8])), Some(ScreenAttack::ExtEsp));
    assert_eq!(attack_of(v6(51, &[0; 12])), Some(ScreenAttack::ExtAh));
    assert_eq!(attack_of(v6(59, &[])), Some(ScreenAttack::ExtNoNext));
    assert_eq!(attack_of(v6(135, &[59; 8])), Some(ScreenAttack::ExtMobility));
    assert_eq!(attack_of(v6(139, &[59; 8])), Some(ScreenAttack::ExtHip));
    assert_eq!(attack_of(v6(140, &[59; 8])), Some(ScreenAttack::ExtShim6));
    assert_eq!(attack_of(with(60, &[17, 0, 1, 9, 0, 0, 0, 0])), Some(ScreenAttack::BadOption));
    let only = |attacks: &[ScreenAttack], frame| {
        let bits = attacks.iter().fold(0, |bits, attack| bits | attack.bit());
        run(&[frame], &watching(bits), UNTRUST_IFL, 64).2
    };
    let limit = ScreenAttack::ExtHeaderLimit;
    let two = with(60, &[padded(60), padded(17)].concat());
    assert_eq!(only(&[limit], two), [(limit, 1)]);
    assert_eq!(only(&[limit], with(60, &padded(17))), []);
    let late = with(60, &[padded(0), padded(17)].concat());
    let malformed = ScreenAttack::Ipv6Malformed;
    assert_eq!(only(&[malformed, ScreenAttack::BadOption], late), [(malformed, 1)]);
}

#[test]
fn looks_for_the_options_that_the_profile_names() {
    let mut profile =
        watching(ScreenAttack::ExtHopByHop.bit() | ScreenAttack::ExtDestination.bit());
    profile.hop_by_hop_options = vec![0xc2, 5];
    profile.destination_options = vec![0xc9];
    let with = |kind, header: [u8; 8]| v6(kind, &[&header[..], &udp(1, 2, &[])].concat());
    let frames = [
        with(0, [17, 0, 5, 2, 0, 0, 1, 0]),
        with(0, [17, 0, 1, 4, 0, 0, 0, 0]),
        with(60, [17, 0, 5, 2, 0, 0, 1, 0]),
        with(60, [17, 0, 0, 0, 0xc9, 2, 0, 0]),
    ];
    let (events, _, _) = run(&frames, &profile, UNTRUST_IFL, 64);
    let rows: Vec<_> = events.iter().map(|event| event.row).collect();
    assert_eq!(rows, [0, 3]);
}

#[test]
fn knows_malformed_icmpv6() {
    let message = |kind, code, ttl, data: &[u8]| {
        let mut frame = frame(OUTSIDE6, INSIDE6, 58, &icmp(kind, code, [0; 4], data));
        frame[21] = ttl;
        attack_of(frame)
    };
    let malformed = Some(ScreenAttack::Icmpv6Malformed);
    assert_eq!(message(128, 1, 64, &[]), malformed, "echo has one code");
    assert_eq!(message(1, 0, 64, &[0; 39]), malformed, "an error quotes a header");
    assert_eq!(message(1, 0, 64, &[0x60; 40]), None);
    assert_eq!(message(135, 0, 64, &[0; 16]), malformed, "discovery from beyond the link");
    assert_eq!(message(135, 0, 255, &[0; 16]), None);
    assert_eq!(message(135, 0, 255, &[0; 15]), malformed, "no target");
    assert_eq!(message(135, 0, 255, &[0; 24]), malformed, "an option of no length");
    let mut option = [0; 24];
    option[16..18].copy_from_slice(&[1, 1]);
    assert_eq!(message(135, 0, 255, &option), None);
    let in_ipv4 = frame(OUTSIDE, INSIDE, 58, &icmp(128, 0, [0; 4], &[]));
    assert_eq!(attack_of(in_ipv4), malformed);
}

#[test]
fn knows_tunnels_by_what_they_carry() {
    let gre4 = [0, 0, 0x08, 0x00, 0x45, 0, 0, 0];
    let gre6 = [0, 0, 0x86, 0xdd, 0x60, 0, 0, 0];
    assert_eq!(attack_of(v4(47, [0, 0], &[], &gre4)), Some(ScreenAttack::TunnelGre4in4));
    assert_eq!(attack_of(v4(47, [0, 0], &[], &gre6)), Some(ScreenAttack::TunnelGre6in4));
    assert_eq!(attack_of(v6(47, &gre4)), Some(ScreenAttack::TunnelGre4in6));
    assert_eq!(attack_of(v6(47, &gre6)), Some(ScreenAttack::TunnelGre6in6));
    assert_eq!(attack_of(v4(4, [0, 0], &[], &[0x45; 20])), Some(ScreenAttack::TunnelIpip4in4));
    assert_eq!(attack_of(v4(41, [0, 0], &[], &[0x60; 40])), Some(ScreenAttack::TunnelIpip6in4));
    assert_eq!(attack_of(v6(4, &[0x45; 20])), Some(ScreenAttack::TunnelIpip4in6));
    assert_eq!(attack_of(v6(41, &[0x60; 40])), Some(ScreenAttack::TunnelIpip6in6));
    let teredo = |data: &[u8]| attack_of(frame(OUTSIDE, INSIDE, 17, &udp(1025, 3544, data)));
    let mut ipv6 = [0x60; 40];
    ipv6[4..6].fill(0);
    let authenticated = [&[0, 1, 0, 0][..], &[7; 9], &[0, 0, 1, 2, 3, 4, 5, 6], &ipv6].concat();
    assert_eq!(teredo(&ipv6), Some(ScreenAttack::TunnelTeredo));
    assert_eq!(teredo(&authenticated), Some(ScreenAttack::TunnelTeredo));
    assert_eq!(teredo(&[0x45; 40]), None);
    assert_eq!(teredo(&[0x60; 40]), None, "an inner length that does not fit");
}

#[test]
fn the_first_attack_in_the_table_wins() {
    // Land, SYN and FIN, an option and a fragment at once.
    let both = tcp(80, 80, 3, &[]);
    let (at, options) = (ip("203.0.113.9"), [7, 3, 4, 0]);
    let frame = ethernet(0x0800, &ipv4_packet(at, at, 6, [0, 0], &options, &both));
    assert_eq!(attack_of(frame.clone()), Some(ScreenAttack::Land));
    let without_land = watching(!ScreenAttack::Land.bit());
    let (_, _, fired) = run(&[frame], &without_land, UNTRUST_IFL, 64);
    assert_eq!(fired, [(ScreenAttack::SynFin, 1)]);
}

#[test]
fn an_alarm_lets_the_packet_through_and_is_raised_once() {
    let mut profile = watching(u64::MAX);
    profile.alarm_without_drop = true;
    let (events, verdicts, fired) = run(&[tcp_in(3)], &profile, UNTRUST_IFL, 64);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].action, Action::Permit);
    assert_eq!(verdicts, [Verdict { fate: Fate::Dropped, reason: DropReason::Default }]);
    assert_eq!(fired, [(ScreenAttack::SynFin, 1)]);
}

#[test]
fn judges_by_the_profile_of_the_ingress_zone() {
    let (events, _, fired) = run(&[tcp_in(3)], &watching(u64::MAX), TRUST_IFL, 64);
    assert!(events.is_empty() && fired.is_empty(), "trust has no screen");
    let (events, _, _) = run(&[tcp_in(3)], &watching(ScreenAttack::Land.bit()), UNTRUST_IFL, 64);
    assert!(events.is_empty(), "not looked for");
}
