//! What most packets are: a whole IPv4 packet without options, UDP or TCP, that leaves as IPv4.
//! TTL, addresses, ports and both checksums in one go, each byte read and written once; everything
//! else goes the way that knows all cases.

use components::address::Address;
use components::world::application::{TCP, UDP};

use crate::checksum::fold;

/// A packet's new tuple.
pub(super) struct Leaving {
    pub(super) protocol: u8,
    pub(super) source: Address,
    pub(super) destination: Address,
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
}

/// Translates the packet and lowers its TTL; false if it is not what this is for, and as it was.
pub(super) fn translate(packet: &mut [u8], leaving: &Leaving) -> bool {
    let sum_at = match leaving.protocol {
        TCP => HEADER + 16,
        UDP => HEADER + 6,
        _ => return false,
    };
    let Some((header, transport)) = packet.split_first_chunk_mut::<HEADER>() else {
        return false;
    };
    let Some(ports) = transport.first_chunk_mut::<8>() else {
        return false;
    };
    if header[0] != VERSION_AND_LENGTH || header[9] != leaving.protocol {
        return false;
    }
    let [a, b, c, d, ..] = leaving.source.0;
    let [e, f, g, h, ..] = leaving.destination.0;
    let addresses = [a, b, c, d, e, f, g, h];
    let old = header.last_chunk_mut::<8>().expect("twenty bytes have a last eight");
    let of_addresses = change(*old, addresses);
    *old = addresses;
    let hops = [header[8], header[9], 0, 0, 0, 0, 0, 0];
    header[8] = header[8].wrapping_sub(1);
    let of_hops = change(hops, [header[8], header[9], 0, 0, 0, 0, 0, 0]);
    let sum = u16::from_be_bytes([header[10], header[11]]);
    [header[10], header[11]] = updated(sum, of_hops + of_addresses).to_be_bytes();
    let [p, q] = leaving.source_port.to_be_bytes();
    let [r, s] = leaving.destination_port.to_be_bytes();
    let [i, j, k, l, ..] = *ports;
    let of_ports = change([i, j, k, l, 0, 0, 0, 0], [p, q, r, s, 0, 0, 0, 0]);
    ports[..4].copy_from_slice(&[p, q, r, s]);
    // A snap length may have cut it off.
    if let Some(field) = packet.get_mut(sum_at..sum_at + 2) {
        let sum = u16::from_be_bytes([field[0], field[1]]);
        let is_udp = leaving.protocol == UDP;
        if sum != 0 || !is_udp {
            let new = match updated(sum, of_addresses + of_ports) {
                // RFC 768: a computed 0 is sent as its other form.
                0 if is_udp => 0xffff,
                new => new,
            };
            field.copy_from_slice(&new.to_be_bytes());
        }
    }
    true
}

/// The sum of `~old + new` over the words of eight bytes, folded. Words that stay add 0xffff, which
/// is another 0. The sum is taken in the machine's byte order, all words at once, and turned round
/// (RFC 1071, section 2).
fn change(old: [u8; 8], new: [u8; 8]) -> u32 {
    let (sum, carry) = (!u64::from_ne_bytes(old)).overflowing_add(u64::from_ne_bytes(new));
    let sum = sum.wrapping_add(u64::from(carry));
    let halves = (sum >> 32) + (sum & 0xffff_ffff);
    let quarters = (halves >> 16) + (halves & 0xffff);
    // Below 2^18.
    u32::from(u16::from_be(fold(u32::try_from(quarters).unwrap_or(u32::MAX))))
}

/// A checksum after something was added to what it covers (RFC 1624, equation 3); one that nothing
/// was added to stays, because 0x0000 and 0xffff are one value in ones' complement.
fn updated(sum: u16, added: u32) -> u16 {
    match fold(added) {
        0 | 0xffff => sum,
        added => !fold(u32::from(!sum) + u32::from(added)),
    }
}

/// Length of an IPv4 header without options, and its first byte.
pub(super) const HEADER: usize = 20;
const VERSION_AND_LENGTH: u8 = 0x45;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rewrite::{Tuple, lower_ttl, translate as in_general};
    use components::address::Family;

    fn packet(protocol: u8, ttl: u8, ports: [u16; 2], sum: u16, rest: &[u8]) -> Vec<u8> {
        let length = if protocol == TCP { 20 } else { 8 };
        let mut packet = vec![0; HEADER + length];
        packet[..2].copy_from_slice(&[0x45, 0]);
        packet[8..12].copy_from_slice(&[ttl, protocol, 0x12, 0x34]);
        packet[12..20].copy_from_slice(&[10, 0, 0, 5, 8, 8, 8, 8]);
        packet[20..22].copy_from_slice(&ports[0].to_be_bytes());
        packet[22..24].copy_from_slice(&ports[1].to_be_bytes());
        let at = HEADER + if protocol == TCP { 16 } else { 6 };
        packet[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        packet.extend_from_slice(rest);
        packet
    }

    proptest! {
        #[test]
        fn gives_the_bytes_that_the_way_for_all_cases_gives(
            udp in any::<bool>(),
            ttl in 2u8..,
            ports in any::<[u16; 2]>(),
            to_ports in any::<[u16; 2]>(),
            source in any::<[u8; 4]>(),
            destination in prop_oneof![Just([8, 8, 8, 8]), any::<[u8; 4]>()],
            sum in prop_oneof![Just(0u16), Just(0xffff), any::<u16>()],
            cut in 28usize..60,
        ) {
            let protocol = if udp { UDP } else { TCP };
            let mut general = packet(protocol, ttl, ports, sum, &[7; 20]);
            general.truncate(cut);
            let mut quick = general.clone();
            let [source, destination] = [source, destination].map(Address::v4);
            let tuple = Tuple {
                family: Family::Inet,
                protocol,
                source: [Address::v4([10, 0, 0, 5]), source],
                destination: [Address::v4([8, 8, 8, 8]), destination],
                source_port: [ports[0], to_ports[0]],
                destination_port: [ports[1], to_ports[1]],
            };
            lower_ttl(&mut general, Family::Inet);
            in_general(&mut general, HEADER, &tuple);
            let leaving = Leaving {
                protocol,
                source,
                destination,
                source_port: to_ports[0],
                destination_port: to_ports[1],
            };
            prop_assert!(translate(&mut quick, &leaving));
            prop_assert_eq!(quick, general);
        }
    }

    #[test]
    fn leaves_alone_what_it_is_not_for() {
        let leaving = Leaving {
            protocol: UDP,
            source: Address::v4([1, 2, 3, 4]),
            destination: Address::v4([5, 6, 7, 8]),
            source_port: 9,
            destination_port: 10,
        };
        let whole = packet(UDP, 64, [1, 2], 3, &[]);
        let mut options = whole.clone();
        options[0] = 0x46;
        let mut tcp = whole.clone();
        tcp[9] = TCP;
        for bytes in [options, tcp, whole[..27].to_vec(), whole[..10].to_vec(), Vec::new()] {
            let mut packet = bytes.clone();
            assert!(!translate(&mut packet, &leaving));
            assert_eq!(packet, bytes);
        }
    }
}
