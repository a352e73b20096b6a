//! IPv4 addresses inside IPv6 ones (RFC 6052 section 2.2): behind a prefix of 32, 40, 48, 56, 64 or
//! 96 bits, around the octet at bit 64 that is always zero.

use crate::address::{Address, AddressRange};

/// Prefix lengths that RFC 6052 knows.
pub const LENGTHS: [u8; 6] = [32, 40, 48, 56, 64, 96];
/// The octet that no address bit is put into.
const ZERO_OCTET: usize = 8;

/// Length of the prefix that a range is, if an IPv4 address can be embedded behind it.
#[must_use]
pub fn length_of(range: AddressRange) -> Option<u8> {
    let AddressRange::V6(first, last) = range else { return None };
    LENGTHS.into_iter().find(|&length| {
        let host = u128::MAX >> length;
        first & host == 0 && first | host == last
    })
}

/// The IPv4 address behind a prefix of this length.
#[must_use]
pub fn extract(address: Address, length: u8) -> Address {
    let mut octets = [0; 4];
    for (octet, at) in octets.iter_mut().zip(places(length)) {
        *octet = address.0[at];
    }
    Address::v4(octets)
}

/// An IPv4 address behind the prefix of this length of `prefix`; the suffix is zero.
#[must_use]
pub fn embed(prefix: Address, length: u8, v4: Address) -> Address {
    let mut all = [0; 16];
    let octets = usize::from(length / 8);
    all[..octets].copy_from_slice(&prefix.0[..octets]);
    all[ZERO_OCTET] = if length == 96 { prefix.0[ZERO_OCTET] } else { 0 };
    for (&octet, at) in v4.0.iter().zip(places(length).take(4)) {
        all[at] = octet;
    }
    Address(all)
}

/// Octets that hold the address, in order.
fn places(length: u8) -> impl Iterator<Item = usize> {
    let from = usize::from(length / 8);
    (from..16).filter(move |&at| at != ZERO_OCTET || from > ZERO_OCTET)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn ip(text: &str) -> Address {
        text.parse::<IpAddr>().expect("an address").into()
    }

    #[test]
    fn embeds_the_table_of_rfc_6052() {
        // Section 2.4, table 1: 192.0.2.33.
        let cases = [
            ("2001:db8::", 32, "2001:db8:c000:221::"),
            ("2001:db8:100::", 40, "2001:db8:1c0:2:21::"),
            ("2001:db8:122::", 48, "2001:db8:122:c000:2:2100::"),
            ("2001:db8:122:300::", 56, "2001:db8:122:3c0:0:221::"),
            ("2001:db8:122:344::", 64, "2001:db8:122:344:c0:2:2100::"),
            ("2001:db8:122:344::", 96, "2001:db8:122:344::192.0.2.33"),
            ("64:ff9b::", 96, "64:ff9b::192.0.2.33"),
        ];
        for (prefix, length, expected) in cases {
            let v4 = ip("192.0.2.33");
            assert_eq!(embed(ip(prefix), length, v4), ip(expected), "{prefix}/{length}");
            assert_eq!(extract(ip(expected), length), v4, "{prefix}/{length}");
        }
    }

    #[test]
    fn only_whole_prefixes_of_known_lengths_hold_addresses() {
        let prefix = |text: &str, length| {
            AddressRange::prefix(text.parse().expect("an address"), length).expect("a prefix")
        };
        assert_eq!(length_of(prefix("64:ff9b::", 96)), Some(96));
        assert_eq!(length_of(prefix("2001:db8::", 32)), Some(32));
        assert_eq!(length_of(prefix("2001:db8::", 80)), None);
        assert_eq!(length_of(prefix("10.0.0.0", 8)), None);
        assert_eq!(length_of(AddressRange::V6(1 << 32, (1 << 33) - 2)), None);
    }
}
