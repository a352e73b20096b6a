//! Network prefix translation (RFC 6296): one IPv6 prefix becomes another of the same length, and
//! one 16-bit word of the address takes up what that changes in a transport checksum, so that no
//! packet's payload needs to be looked at. Both directions are the same computation.

use crate::address::{Address, AddressRange};

/// True for two prefixes of one length that leave a word to take up the difference.
#[must_use]
pub fn fits(from: AddressRange, to: AddressRange) -> bool {
    let length = |range| match range {
        AddressRange::V6(first, last) => {
            let host = last - first;
            let whole = host & host.wrapping_add(1) == 0 && first & host == 0;
            (whole && host.leading_zeros() <= 64 && first != 0).then(|| host.leading_zeros())
        }
        AddressRange::V4(..) => None,
    };
    length(from).is_some() && length(from) == length(to)
}

/// The same address in another prefix, checksum-neutral. `None`: `from` does not hold it, or it has
/// no word that could take up the difference (RFC 6296 section 3.5: all are 0xffff).
#[must_use]
pub fn translate(from: AddressRange, to: AddressRange, address: Address) -> Option<Address> {
    let (AddressRange::V6(first, last), AddressRange::V6(base, _)) = (from, to) else {
        return None;
    };
    let key = address.v6_key();
    if !(first..=last).contains(&key) {
        return None;
    }
    let moved = (key & (last - first)) | base;
    let length = (last - first).leading_zeros();
    let mut words = words_of(moved);
    let at = match length {
        0..=48 => 3,
        // The first word of the interface identifier that can be changed.
        _ => (4..8).find(|&at| words[at] != 0xffff)?,
    };
    if words[at] == 0xffff {
        return None;
    }
    let old: u64 = words_of(key).iter().map(|&word| u64::from(word)).sum();
    let new: u64 = words.iter().map(|&word| u64::from(word)).sum();
    // In ones' complement: word + (old - new). 0xffff is written as 0 (section 3.4).
    let sum = (u64::from(words[at]) + old + 0xffff * 16 - new) % 0xffff;
    words[at] = u16::try_from(sum).ok()?;
    let mut bytes = [0; 16];
    for (pair, word) in bytes.chunks_exact_mut(2).zip(words) {
        pair.copy_from_slice(&word.to_be_bytes());
    }
    Some(Address(bytes))
}

fn words_of(key: u128) -> [u16; 8] {
    let bytes = key.to_be_bytes();
    std::array::from_fn(|at| u16::from_be_bytes([bytes[2 * at], bytes[2 * at + 1]]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::IpAddr;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn range(text: &str, length: u8) -> AddressRange {
        AddressRange::prefix(ip(text), length).expect("a prefix")
    }

    #[test]
    fn translates_the_example_of_rfc_6296() {
        // Section 3.1: fd01:203:405:1::1234 goes out as 2001:db8:1:d550::1234.
        let (inside, outside) = (range("fd01:203:405::", 48), range("2001:db8:1::", 48));
        let (host, public) =
            (ip("fd01:203:405:1::1234").into(), ip("2001:db8:1:d550::1234").into());
        assert_eq!(translate(inside, outside, host), Some(public));
        assert_eq!(translate(outside, inside, public), Some(host));
        assert_eq!(translate(inside, outside, ip("fd01:203:406:1::1").into()), None);
        assert_eq!(translate(inside, outside, ip("fd01:203:405:ffff::1").into()), None);
    }

    #[test]
    fn prefixes_have_one_length_of_at_most_64_bits() {
        assert!(fits(range("fd00::", 48), range("2001:db8::", 48)));
        assert!(fits(range("fd00::", 64), range("2001:db8::", 64)));
        assert!(!fits(range("fd00::", 65), range("2001:db8::", 65)));
        assert!(!fits(range("fd00::", 48), range("2001:db8::", 56)));
        assert!(!fits(range("10.0.0.0", 8), range("11.0.0.0", 8)));
        assert!(!fits(range("::", 0), range("::", 0)));
    }

    proptest! {
        #[test]
        fn neutral_to_the_checksum_and_undone_by_the_way_back(
            host in any::<u128>(),
            bases in any::<[u128; 2]>(),
            length in prop::sample::select(vec![32u8, 44, 48, 52, 56, 60, 64]),
        ) {
            let prefix = |base: u128| {
                let base = std::net::Ipv6Addr::from(base).into();
                AddressRange::prefix(base, length).expect("a length")
            };
            let (inside, outside) = (prefix(bases[0]), prefix(bases[1]));
            let AddressRange::V6(first, last) = inside else { unreachable!() };
            let address = Address((first | host & (last - first)).to_be_bytes());
            let Some(public) = translate(inside, outside, address) else {
                return Ok(());
            };
            let sum = |address: Address| {
                words_of(address.v6_key()).iter().map(|&word| u64::from(word)).sum::<u64>() % 0xffff
            };
            prop_assert_eq!(sum(address), sum(public));
            let AddressRange::V6(first, last) = outside else { unreachable!() };
            prop_assert!((first..=last).contains(&public.v6_key()));
            if let Some(back) = translate(outside, inside, public) {
                // The word that takes up the difference has two zeros, 0 and 0xffff; which word it
                // is may change by it.
                if !words_of(address.v6_key())[3..].contains(&0xffff) {
                    prop_assert_eq!(back, address);
                }
            }
        }
    }
}
