//! Floods, scans and sweeps: screens that count what came before. Rows are judged in their order
//! and each attack has its own memory, so batches change nothing. A rate counts packets of a second
//! of the packet clock; a scan or sweep is ten different ports or hosts within the interval.

use components::address::Address;
use components::columns::{FRAGMENT_OFFSET_MASK, tcp_flag};
use components::mask::RowMask;
use components::screen_state::ScreenState;
use components::screen_state::memory::Probes;
use components::screen_state::table::subject;
use components::session::key::{FlowKey, HashSeed};
use components::world::application::{ICMP, ICMPV6, TCP, UDP};
use components::world::screen::{ScreenAttack, ScreenProfile};

use super::ScreenView;

/// The rows that count for `attack`; none for attacks without history.
pub(super) fn candidates(view: &ScreenView<'_>, attack: ScreenAttack) -> RowMask {
    use ScreenAttack as A;
    let of = |number: u8| RowMask::where_each(view.protocol, |protocol| protocol == number);
    let whole = || RowMask::where_each(view.fragment, |field| field & FRAGMENT_OFFSET_MASK == 0);
    let syn = || RowMask::where_each(view.tcp_flags, is_opening).and(&of(TCP)).and(&whole());
    match attack {
        A::SynFlood | A::SynFloodSource | A::SynFloodDestination | A::TcpPortScan | A::TcpSweep => {
            syn()
        }
        A::IcmpFlood => of(ICMP).or(&of(ICMPV6)),
        A::UdpFlood => of(UDP),
        A::IpSweep => {
            let mut kinds = view.protocol.iter();
            RowMask::where_each(view.destination_port, |port| {
                let protocol = kinds.next().copied().unwrap_or(0);
                let [kind, _] = port.to_be_bytes();
                ((protocol == ICMP) & (kind == 8)) | ((protocol == ICMPV6) & (kind == 128))
            })
            .and(&whole())
        }
        A::UdpSweep | A::UdpPortScan => of(UDP).and(&whole()),
        _ => RowMask::default(),
    }
}

/// What a rate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rated {
    /// Within bounds.
    Within,
    /// Above the threshold.
    Above,
    /// Likewise, and the first that is above the alarm threshold in its second.
    Alarm,
}

/// Counts a SYN of the row's zone.
pub(super) fn zone_syns(
    view: &ScreenView<'_>,
    row: usize,
    profile: &ScreenProfile,
    state: &mut ScreenState,
) -> Rated {
    if is_trusted(view, row, profile) {
        return Rated::Within;
    }
    let zone = &mut state.zones[view.zone[row].index()];
    let count = zone.rate.count(view.clock_ns[row]);
    let attack = profile.thresholds.syn_attack;
    let alarm = attack.saturating_add(profile.thresholds.syn_alarm).saturating_add(1);
    match count {
        _ if count == alarm => Rated::Alarm,
        _ if count > attack => Rated::Above,
        _ => Rated::Within,
    }
}

/// Judges one row for an attack that counts by address.
pub(super) fn fires(
    view: &ScreenView<'_>,
    row: usize,
    attack: ScreenAttack,
    profile: &ScreenProfile,
    state: &mut ScreenState,
    evicted: &mut u64,
) -> bool {
    use ScreenAttack as A;
    let thresholds = &profile.thresholds;
    let now_ns = view.clock_ns[row];
    let source = || key(view, row, view.source[row], Address::ZERO);
    let destination = || key(view, row, view.destination[row], Address::ZERO);
    let pair = || key(view, row, view.source[row], view.destination[row]);
    let port = u32::from(view.destination_port[row]);
    let host = || host_of(view, row);
    match attack {
        A::SynFloodSource | A::SynFloodDestination if is_trusted(view, row, profile) => false,
        A::SynFloodSource => {
            let rate = state.syn_sources.entry(&source(), now_ns, evicted);
            rate.count(now_ns) > thresholds.syn_source
        }
        A::SynFloodDestination => {
            let rate = state.syn_destinations.entry(&destination(), now_ns, evicted);
            rate.count(now_ns) > thresholds.syn_destination
        }
        A::IcmpFlood => {
            let rate = state.icmp_destinations.entry(&destination(), now_ns, evicted);
            rate.is_flood(now_ns, thresholds.icmp_flood)
        }
        A::UdpFlood if is_trusted_datagram(view, row, profile) => false,
        A::UdpFlood => {
            let rate = state.udp_destinations.entry(&destination(), now_ns, evicted);
            rate.is_flood(now_ns, thresholds.udp_flood)
        }
        A::TcpPortScan => {
            let probes = state.tcp_ports.entry(&pair(), now_ns, evicted);
            is_scan(probes, port, now_ns, thresholds.tcp_port_scan_us)
        }
        A::UdpPortScan => {
            let probes = state.udp_ports.entry(&pair(), now_ns, evicted);
            is_scan(probes, port, now_ns, thresholds.udp_port_scan_us)
        }
        A::IpSweep => {
            let probes = state.icmp_hosts.entry(&source(), now_ns, evicted);
            is_scan(probes, host(), now_ns, thresholds.ip_sweep_us)
        }
        A::TcpSweep => {
            let probes = state.tcp_hosts.entry(&source(), now_ns, evicted);
            is_scan(probes, host(), now_ns, thresholds.tcp_sweep_us)
        }
        A::UdpSweep => {
            let probes = state.udp_hosts.entry(&source(), now_ns, evicted);
            is_scan(probes, host(), now_ns, thresholds.udp_sweep_us)
        }
        _ => false,
    }
}

fn is_scan(probes: &mut Probes, item: u32, now_ns: u64, interval_us: u32) -> bool {
    probes.probe(item, now_ns, u64::from(interval_us) * 1000)
}

/// `tcp syn-flood white-list`: a trusted source, or a trusted destination.
fn is_trusted(view: &ScreenView<'_>, row: usize, profile: &ScreenProfile) -> bool {
    let (family, list) = (view.family[row], &profile.syn_white_list);
    list.sources.contains(family, view.source[row])
        || list.destinations.contains(family, view.destination[row])
}

/// `udp flood white-list`: at either end.
fn is_trusted_datagram(view: &ScreenView<'_>, row: usize, profile: &ScreenProfile) -> bool {
    let trusted = |address| profile.udp_white_list.contains(view.family[row], address);
    trusted(view.source[row]) || trusted(view.destination[row])
}

pub(super) fn key(view: &ScreenView<'_>, row: usize, one: Address, other: Address) -> FlowKey {
    subject(view.zone[row], view.family[row], one, other)
}

/// A destination in 32 bits: an IPv4 address is itself, of an IPv6 address it is a hash.
fn host_of(view: &ScreenView<'_>, row: usize) -> u32 {
    let destination = view.destination[row];
    let key = FlowKey { destination, family: view.family[row], ..FlowKey::default() };
    match view.family[row] {
        components::address::Family::Inet => destination.v4_key(),
        _ => u32::try_from(key.hash(HashSeed::new(HOST_SEED)) >> 32).unwrap_or(0),
    }
}

/// SYN without ACK: it wants to open a connection, whatever else it says.
const fn is_opening(flags: u8) -> bool {
    flags & (tcp_flag::SYN | tcp_flag::ACK) == tcp_flag::SYN
}

/// Two hosts that collide count as one, which only costs a probe; no secret is needed.
const HOST_SEED: u64 = 0x5eed;
