//! Addresses in the form that the columns and RT_FLOW have: 16 bytes, IPv4 in the first four, the
//! rest zero. Beside them prefixes, ranges and sorted sets of ranges, which compiled tables are
//! made of. Integer keys are big-endian readings, so that numeric order is prefix order.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Address family as the RT_FLOW record carries it; 0 is "not IP".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Family {
    /// Not an IP packet, or not parsed.
    #[default]
    None = 0,
    /// `AF_INET`.
    Inet = 2,
    /// `AF_INET6`.
    Inet6 = 10,
}

/// An IPv4 or IPv6 address, 16 bytes.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    zerocopy::FromBytes,
    zerocopy::IntoBytes,
    zerocopy::Immutable,
)]
#[repr(transparent)]
pub struct Address(pub [u8; 16]);

impl Address {
    /// All bytes zero: no address.
    pub const ZERO: Self = Self([0; 16]);

    /// From four bytes.
    #[must_use]
    pub fn v4(bytes: [u8; 4]) -> Self {
        let mut all = [0; 16];
        all[..4].copy_from_slice(&bytes);
        Self(all)
    }

    /// An IPv4 address as an IPv6 one (RFC 4291 section 2.5.5.2), for records of the other family.
    #[must_use]
    pub fn mapped(self) -> Self {
        Self((0xffff_0000_0000_u128 | u128::from(self.v4_key())).to_be_bytes())
    }

    /// The IPv4 address that [`Self::mapped`] made this one of.
    #[must_use]
    pub fn unmapped(self) -> Option<Self> {
        let key = u32::try_from(self.v6_key().checked_sub(0xffff_0000_0000)?).ok()?;
        Some(Self::v4(key.to_be_bytes()))
    }

    /// IPv4 key, big-endian reading of the first four bytes.
    #[must_use]
    pub const fn v4_key(self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }

    /// IPv6 key, big-endian reading of all bytes.
    #[must_use]
    pub const fn v6_key(self) -> u128 {
        u128::from_be_bytes(self.0)
    }

    /// The standard library's form; `None` for [`Family::None`].
    #[must_use]
    pub fn to_ip(self, family: Family) -> Option<IpAddr> {
        match family {
            Family::None => None,
            Family::Inet => Some(Ipv4Addr::from(self.v4_key()).into()),
            Family::Inet6 => Some(Ipv6Addr::from(self.0).into()),
        }
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(v4) => Self::v4(v4.octets()),
            IpAddr::V6(v6) => Self(v6.octets()),
        }
    }
}

/// The family of an address.
#[must_use]
pub fn family_of(ip: IpAddr) -> Family {
    if ip.is_ipv4() { Family::Inet } else { Family::Inet6 }
}

/// An inclusive range of IPv4 or IPv6 addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressRange {
    /// First and last key.
    V4(u32, u32),
    /// First and last key.
    V6(u128, u128),
}

impl AddressRange {
    /// The addresses of `ip/length`; host bits are ignored. `None` if the length is beyond the
    /// family's.
    #[must_use]
    pub fn prefix(ip: IpAddr, length: u8) -> Option<Self> {
        match ip {
            IpAddr::V4(v4) if length <= 32 => {
                let host = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
                Some(Self::V4(u32::from(v4) & !host, u32::from(v4) | host))
            }
            IpAddr::V6(v6) if length <= 128 => {
                let host = u128::MAX.checked_shr(u32::from(length)).unwrap_or(0);
                Some(Self::V6(u128::from(v6) & !host, u128::from(v6) | host))
            }
            _ => None,
        }
    }

    /// Membership.
    #[must_use]
    pub fn contains(&self, family: Family, address: Address) -> bool {
        match (*self, family) {
            (Self::V4(first, last), Family::Inet) => (first..=last).contains(&address.v4_key()),
            (Self::V6(first, last), Family::Inet6) => (first..=last).contains(&address.v6_key()),
            _ => false,
        }
    }

    /// The addresses in order.
    pub fn addresses(self) -> impl Iterator<Item = Address> {
        let (first, last, v4) = match self {
            Self::V4(first, last) => (u128::from(first), u128::from(last), true),
            Self::V6(first, last) => (first, last, false),
        };
        (first..=last).map(move |key| match u32::try_from(key) {
            Ok(key) if v4 => Address::v4(key.to_be_bytes()),
            _ => Address(key.to_be_bytes()),
        })
    }

    /// Number of addresses, saturating.
    #[must_use]
    pub fn count(self) -> u128 {
        match self {
            Self::V4(first, last) => u128::from(last - first) + 1,
            Self::V6(first, last) => (last - first).saturating_add(1),
        }
    }
}

/// A set of addresses: sorted, disjoint, merged ranges of both families.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressSet {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl AddressSet {
    /// Every address of both families.
    #[must_use]
    pub fn any() -> Self {
        Self { v4: vec![(0, u32::MAX)], v6: vec![(0, u128::MAX)] }
    }

    /// From ranges in any order, overlapping or not.
    pub fn from_ranges(ranges: impl IntoIterator<Item = AddressRange>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for range in ranges {
            match range {
                AddressRange::V4(first, last) => v4.push((first, last)),
                AddressRange::V6(first, last) => v6.push((first, last)),
            }
        }
        Self { v4: merge(v4, |x| x.checked_add(1)), v6: merge(v6, |x| x.checked_add(1)) }
    }

    /// True if no address is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Membership; false for [`Family::None`].
    #[must_use]
    pub fn contains(&self, family: Family, address: Address) -> bool {
        match family {
            Family::None => false,
            Family::Inet => within(&self.v4, address.v4_key()),
            Family::Inet6 => within(&self.v6, address.v6_key()),
        }
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_of_val::<[_]>(&self.v4) + size_of_val::<[_]>(&self.v6)
    }

    /// The IPv4 ranges, sorted and disjoint.
    #[must_use]
    pub fn v4(&self) -> &[(u32, u32)] {
        &self.v4
    }

    /// The IPv6 ranges, sorted and disjoint.
    #[must_use]
    pub fn v6(&self) -> &[(u128, u128)] {
        &self.v6
    }
}

/// True if the key is in one of the ranges, which are sorted, disjoint and inclusive.
pub(crate) fn within<K: Ord + Copy>(ranges: &[(K, K)], key: K) -> bool {
    let after = ranges.partition_point(|&(first, _)| first <= key);
    after > 0 && key <= ranges[after - 1].1
}

/// Sorts inclusive ranges and joins those that touch or overlap.
pub(crate) fn merge<K: Ord + Copy>(
    mut ranges: Vec<(K, K)>,
    next: impl Fn(K) -> Option<K>,
) -> Vec<(K, K)> {
    ranges.sort_unstable();
    let mut merged: Vec<(K, K)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(previous) if next(previous.1).is_none_or(|adjacent| first <= adjacent) => {
                previous.1 = previous.1.max(last);
            }
            _ => merged.push((first, last)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("test address")
    }

    #[test]
    fn prefix_of_length_zero_covers_everything() {
        assert_eq!(AddressRange::prefix(ip("1.2.3.4"), 0), Some(AddressRange::V4(0, u32::MAX)));
        assert_eq!(AddressRange::prefix(ip("::1"), 0), Some(AddressRange::V6(0, u128::MAX)));
        assert_eq!(AddressRange::prefix(ip("1.2.3.4"), 33), None);
    }

    #[test]
    fn ipv4_addresses_are_mapped_into_ipv6_and_back() {
        let v4 = Address::v4([203, 0, 113, 1]);
        assert_eq!(v4.mapped(), ip("::ffff:203.0.113.1").into());
        assert_eq!(v4.mapped().unmapped(), Some(v4));
        for other in ["::203.0.113.1", "::1:ffff:0:0", "2001:db8::ffff:203.0.113.1"] {
            assert_eq!(Address::from(ip(other)).unmapped(), None, "{other}");
        }
    }

    #[test]
    fn sets_merge_adjacent_and_overlapping_ranges() {
        let set = AddressSet::from_ranges([
            AddressRange::V4(10, 19),
            AddressRange::V4(20, 29),
            AddressRange::V4(5, 12),
            AddressRange::V4(40, 40),
            AddressRange::V4(u32::MAX, u32::MAX),
        ]);
        assert_eq!(set.v4(), [(5, 29), (40, 40), (u32::MAX, u32::MAX)]);
        for (key, inside) in
            [(4, false), (5, true), (29, true), (30, false), (40, true), (41, false)]
        {
            let address = Address::v4(u32::to_be_bytes(key));
            assert_eq!(set.contains(Family::Inet, address), inside, "{key}");
        }
        assert!(!set.contains(Family::Inet6, Address::ZERO));
        assert!(!set.contains(Family::None, Address::v4([0, 0, 0, 5])));
    }
}
