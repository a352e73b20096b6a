//! The Internet checksum (RFC 1071) and its incremental update (RFC 1624, equation 3), in host
//! order throughout: a sum is what the big-endian words of the bytes add up to. Partial sums may be
//! chained as long as every part but the last has an even length. UDP's rule that a computed 0 is
//! sent as 0xffff is the caller's.

use components::address::{Address, Family};

/// Adds the 16-bit words of `bytes` to `initial` in ones' complement; an odd last byte is padded
/// with zero.
#[inline]
#[must_use]
pub fn ones_complement_sum(bytes: &[u8], initial: u32) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut sum = u64::from(initial);
    for word in words {
        sum += u64::from(u32::from_be_bytes(*word));
    }
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    sum += u64::from(u32::from_be_bytes(last));
    // 2^16 is 1 in ones' complement, so 32-bit words fold to the same 16 bits.
    let folded = (sum >> 32) + (sum & 0xffff_ffff);
    low32((folded >> 32) + (folded & 0xffff_ffff))
}

/// Folds a sum to 16 bits, carries added back in. A packet with a right checksum folds to 0xffff.
#[inline]
#[must_use]
pub const fn fold(sum: u32) -> u16 {
    let once = (sum >> 16) + (sum & 0xffff);
    let twice = (once >> 16) + (once & 0xffff);
    low16(twice)
}

/// The checksum field of a message whose own field is zero: the complement of the folded sum.
#[inline]
#[must_use]
pub fn checksum(bytes: &[u8], initial: u32) -> u16 {
    !fold(ones_complement_sum(bytes, initial))
}

/// The checksum field after one 16-bit word that it covers changed from `old` to `new`.
#[inline]
#[must_use]
pub const fn update16(sum: u16, old: u16, new: u16) -> u16 {
    !fold(!sum as u32 + !old as u32 + new as u32)
}

/// The checksum field after the bytes `old` became `new`. Both start at an even offset of what the
/// checksum covers.
#[inline]
#[must_use]
pub fn update(sum: u16, old: &[u8], new: &[u8]) -> u16 {
    let removed = !fold(ones_complement_sum(old, 0));
    let kept = u32::from(!sum) + u32::from(removed);
    !fold(ones_complement_sum(new, kept))
}

/// The sum of a pseudo-header (RFC 9293 for IPv4, RFC 8200 section 8.1 for IPv6); `length` is the
/// upper layer's.
#[must_use]
pub fn pseudo_header_sum(
    family: Family,
    source: Address,
    destination: Address,
    protocol: u8,
    length: u32,
) -> u32 {
    // An IPv4 address is followed by zeros, which add nothing.
    debug_assert!(family != Family::None, "a pseudo-header has a family");
    let addresses = ones_complement_sum(&destination.0, ones_complement_sum(&source.0, 0));
    ones_complement_sum(&length.to_be_bytes(), u32::from(fold(addresses)) + u32::from(protocol))
}

#[expect(clippy::cast_possible_truncation, reason = "folded below 2^16")]
const fn low16(value: u32) -> u16 {
    value as u16
}

#[expect(clippy::cast_possible_truncation, reason = "folded below 2^32")]
const fn low32(value: u64) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn adds_up_the_example_of_rfc_1071() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(fold(ones_complement_sum(&bytes, 0)), 0xddf2);
        assert_eq!(checksum(&bytes, 0), !0xddf2);
    }

    #[test]
    fn updates_the_example_of_rfc_1624() {
        // Section 4: HC 0xdd2f, m 0x5555 becomes 0x3285; equation 3 gives 0x0000, not 0xffff.
        assert_eq!(update16(0xdd2f, 0x5555, 0x3285), 0x0000);
        assert_eq!(update(0xdd2f, &[0x55, 0x55], &[0x32, 0x85]), 0x0000);
    }

    #[test]
    fn pads_an_odd_last_byte_with_zero() {
        assert_eq!(ones_complement_sum(&[0x12, 0x34, 0x56], 0), 0x1234_5600);
        assert_eq!(fold(ones_complement_sum(&[0x56], 0)), 0x5600);
    }

    #[test]
    fn sums_a_pseudo_header_with_its_protocol_and_length() {
        let (source, destination) = (Address::v4([192, 0, 2, 1]), Address::v4([192, 0, 2, 2]));
        let sum = pseudo_header_sum(Family::Inet, source, destination, 17, 8);
        let bytes = [192, 0, 2, 1, 192, 0, 2, 2, 0, 17, 0, 8];
        assert_eq!(fold(sum), fold(ones_complement_sum(&bytes, 0)));
    }

    proptest! {
        #[test]
        fn an_update_equals_a_fresh_sum(
            mut bytes in proptest::collection::vec(any::<u8>(), 2..200),
            new in any::<[u8; 8]>(),
            at in any::<prop::sample::Index>(),
            width in 0usize..=4,
        ) {
            let at = at.index(bytes.len()) & !1;
            let end = (at + width * 2).min(bytes.len() & !1).max(at);
            // Without this byte an all-zero message has two checksums, 0 and 0xffff.
            bytes.extend_from_slice(&[1, 1]);
            let before = checksum(&bytes, if bytes.len() % 2 == 1 { 1 } else { 0 });
            let old = bytes[at..end].to_vec();
            bytes[at..end].copy_from_slice(&new[..end - at]);
            let after = checksum(&bytes, if bytes.len() % 2 == 1 { 1 } else { 0 });
            prop_assert_eq!(update(before, &old, &bytes[at..end]), after);
            if end - at == 2 {
                let word = |b: &[u8]| u16::from_be_bytes([b[0], b[1]]);
                prop_assert_eq!(update16(before, word(&old), word(&bytes[at..end])), after);
            }
        }
    }
}
