//! Numbers and addresses as text, appended to a buffer without allocating: `core::fmt` costs
//! several times more, and a session line has about twenty of them. IPv6 in the form of RFC 5952,
//! as the standard library prints it.

use components::address::{Address, Family};

/// Appends an unsigned number in decimal.
pub(super) fn push_u64(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        let pair = usize::try_from(value % 100).unwrap_or(0) * 2;
        value /= 100;
        start -= 2;
        digits[start..start + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
        if value == 0 {
            break;
        }
    }
    // The first pair may have a leading zero.
    let leading = usize::from(digits[start] == b'0' && start + 1 < digits.len());
    out.extend_from_slice(&digits[start + leading..]);
}

/// Appends `value`, which is below 100, as two digits.
pub(super) fn push_two_digits(out: &mut Vec<u8>, value: u8) {
    let pair = usize::from(value % 100) * 2;
    out.extend_from_slice(&PAIRS[pair..pair + 2]);
}

/// Appends an address; `0.0.0.0` for [`Family::None`], which no record has.
pub(super) fn push_address(out: &mut Vec<u8>, family: Family, address: Address) {
    match family {
        Family::None | Family::Inet => push_v4(out, address.v4_key().to_be_bytes()),
        Family::Inet6 => push_v6(out, address.0),
    }
}

fn push_v4(out: &mut Vec<u8>, octets: [u8; 4]) {
    for (at, octet) in octets.into_iter().enumerate() {
        if at > 0 {
            out.push(b'.');
        }
        push_u64(out, u64::from(octet));
    }
}

/// RFC 5952: lower case, the longest run of two or more zero groups as `::`, the first of equals,
/// and IPv4-mapped addresses with the IPv4 part in dots.
fn push_v6(out: &mut Vec<u8>, bytes: [u8; 16]) {
    let mut groups = [0u16; 8];
    for (group, pair) in groups.iter_mut().zip(bytes.as_chunks::<2>().0) {
        *group = u16::from_be_bytes(*pair);
    }
    if let [0, 0, 0, 0, 0, 0xffff, _, _] = groups {
        out.extend_from_slice(b"::ffff:");
        let [.., a, b, c, d] = bytes;
        return push_v4(out, [a, b, c, d]);
    }
    let (run_start, run_length) = longest_zero_run(&groups);
    let mut at = 0;
    while at < groups.len() {
        if run_length > 1 && at == run_start {
            out.extend_from_slice(b"::");
            at += run_length;
            continue;
        }
        if at > 0 && !(run_length > 1 && at == run_start + run_length) {
            out.push(b':');
        }
        push_hex(out, groups[at]);
        at += 1;
    }
}

fn longest_zero_run(groups: &[u16; 8]) -> (usize, usize) {
    let (mut best, mut current) = ((0, 0), (0, 0));
    for (at, group) in groups.iter().enumerate() {
        current = match (group, current.1) {
            (0, 0) => (at, 1),
            (0, length) => (current.0, length + 1),
            _ => (0, 0),
        };
        if current.1 > best.1 {
            best = current;
        }
    }
    best
}

fn push_hex(out: &mut Vec<u8>, group: u16) {
    let nibbles = (16 - group.leading_zeros()).div_ceil(4).max(1);
    for nibble in (0..nibbles).rev() {
        out.push(HEX[usize::from(group >> (nibble * 4) & 0xf)]);
    }
}

/// Hexadecimal digits.
pub(super) const HEX: &[u8; 16] = b"0123456789abcdef";

/// "00" to "99".
const PAIRS: &[u8; 200] = &{
    let mut pairs = [0; 200];
    let mut value = 0u8;
    while value < 100 {
        pairs[value as usize * 2] = b'0' + value / 10;
        pairs[value as usize * 2 + 1] = b'0' + value % 10;
        value += 1;
    }
    pairs
};

/// Sixteen hexadecimal digits.
pub(super) fn push_id(out: &mut Vec<u8>, value: u64) {
    for byte in value.to_be_bytes() {
        for digit in [byte >> 4, byte & 15] {
            out.push(b"0123456789abcdef"[usize::from(digit)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn text(push: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        push(&mut out);
        String::from_utf8(out).expect("digits are ASCII")
    }

    #[test]
    fn prints_numbers_at_their_widths() {
        for value in [0, 9, 10, 99, 100, 101, 65_535, 1_000_000, u64::MAX] {
            assert_eq!(text(|out| push_u64(out, value)), value.to_string());
        }
    }

    #[test]
    fn compresses_the_first_longest_zero_run_only() {
        for address in ["::", "::1", "1::", "2001:db8::1:0:0:1", "1:0:2:0:3:0:4:0", "1:0:0:2::3"] {
            let ip: Ipv6Addr = address.parse().expect("test address");
            assert_eq!(text(|out| push_v6(out, ip.octets())), ip.to_string());
        }
        assert_eq!(
            text(|out| push_v6(out, Ipv4Addr::new(1, 2, 3, 4).to_ipv6_mapped().octets())),
            "::ffff:1.2.3.4"
        );
    }

    proptest! {
        #[test]
        fn prints_what_the_standard_library_prints(
            number: u64,
            v4: u32,
            groups in prop::array::uniform8(prop_oneof![Just(0u16), any::<u16>()]),
        ) {
            prop_assert_eq!(text(|out| push_u64(out, number)), number.to_string());
            let v4 = Ipv4Addr::from(v4);
            prop_assert_eq!(text(|out| push_v4(out, v4.octets())), v4.to_string());
            let v6 = Ipv6Addr::from(groups);
            prop_assert_eq!(text(|out| push_v6(out, v6.octets())), v6.to_string());
        }
    }
}
