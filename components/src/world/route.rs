//! The forwarding table: longest prefix match over disjoint intervals, found by binary search.
//! Nested prefixes are flattened when the table is built, so a lookup never backtracks.

use crate::address::{Address, AddressRange, Family};
use crate::ids::{IfIndex, NextHopId};

/// What a route does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RouteKind {
    /// Send to the gateway, or to the destination itself on a connected prefix.
    #[default]
    Forward,
    /// One of the firewall's own addresses.
    Local,
    /// The broadcast address of a connected IPv4 prefix.
    Broadcast,
    /// `discard` or `reject`.
    Discard,
}

/// Where packets of a prefix go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NextHop {
    /// What to do.
    pub kind: RouteKind,
    /// Interface to send on, or that owns the local address.
    pub egress: IfIndex,
    /// Gateway; [`Address::ZERO`] on connected prefixes.
    pub gateway: Address,
}

/// A prefix and its next hop, before compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The prefix as a range.
    pub range: AddressRange,
    /// Prefix length in bits.
    pub length: u8,
    /// Lower wins among equal prefixes: 0 direct and local, 5 static.
    pub preference: u32,
    /// Where to.
    pub next_hop: NextHop,
}

/// The compiled table.
#[derive(Clone, Debug, Default)]
pub struct RouteTable {
    v4: Intervals<u32>,
    v6: Intervals<u128>,
    next_hops: Vec<NextHop>,
}

#[derive(Clone, Debug, Default)]
struct Intervals<K> {
    /// First key of each interval; an interval reaches to the next one's first key.
    starts: Vec<K>,
    hops: Vec<NextHopId>,
}

impl RouteTable {
    /// Compiles routes: longer prefixes win, then lower preference, then the earlier route.
    ///
    /// # Panics
    /// With more than 65,534 different next hops; the compiler of the configuration bounds them.
    #[must_use]
    pub fn new(routes: &[Route]) -> Self {
        let mut next_hops: Vec<NextHop> = Vec::new();
        let mut ids = std::collections::HashMap::new();
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        // Painted in this order, later over earlier: short prefixes first, the best of equals last.
        let mut ordered: Vec<(usize, &Route)> = routes.iter().enumerate().collect();
        ordered.sort_by_key(|(place, route)| {
            (route.length, std::cmp::Reverse((route.preference, *place)))
        });
        for (_, route) in ordered {
            let id = *ids.entry(route.next_hop).or_insert_with(|| {
                next_hops.push(route.next_hop);
                NextHopId(u16::try_from(next_hops.len()).expect("next hops are bounded"))
            });
            match route.range {
                AddressRange::V4(first, last) => v4.push((first, last, id)),
                AddressRange::V6(first, last) => v6.push((first, last, id)),
            }
        }
        Self {
            v4: Intervals::paint(&v4, 0, |x| x.checked_add(1)),
            v6: Intervals::paint(&v6, 0, |x| x.checked_add(1)),
            next_hops,
        }
    }

    /// Longest match; [`NextHopId::NONE`] if nothing matches.
    #[must_use]
    pub fn lookup(&self, family: Family, address: Address) -> NextHopId {
        match family {
            Family::None => NextHopId::NONE,
            Family::Inet => self.v4.lookup(address.v4_key()),
            Family::Inet6 => self.v6.lookup(address.v6_key()),
        }
    }

    /// The next hop of an id that [`Self::lookup`] returned; `None` for no route.
    #[must_use]
    pub fn next_hop(&self, id: NextHopId) -> Option<&NextHop> {
        self.next_hops.get(id.index().checked_sub(1)?)
    }

    /// Longest match, resolved.
    #[must_use]
    pub fn route(&self, family: Family, address: Address) -> Option<&NextHop> {
        self.next_hop(self.lookup(family, address))
    }
}

impl<K: Ord + Copy> Intervals<K> {
    /// Sweeps over the edges of all ranges; later ranges cover earlier ones. O(n log n).
    fn paint(ranges: &[(K, K, NextHopId)], zero: K, next: impl Fn(K) -> Option<K>) -> Self {
        let mut edges: Vec<(K, bool, usize)> = Vec::with_capacity(ranges.len() * 2);
        for (order, &(first, last, _)) in ranges.iter().enumerate() {
            edges.push((first, true, order));
            if let Some(after) = next(last) {
                edges.push((after, false, order));
            }
        }
        edges.sort_unstable();
        let mut table = Self { starts: vec![zero], hops: vec![NextHopId::NONE] };
        let mut covering = std::collections::BTreeSet::new();
        let mut at = 0;
        while at < edges.len() {
            let key = edges[at].0;
            while at < edges.len() && edges[at].0 == key {
                let (_, opens, order) = edges[at];
                if opens {
                    covering.insert(order)
                } else {
                    covering.remove(&order)
                };
                at += 1;
            }
            let hop = covering.last().map_or(NextHopId::NONE, |&order| ranges[order].2);
            table.push(key, hop);
        }
        table
    }

    fn push(&mut self, start: K, hop: NextHopId) {
        if self.starts.last() == Some(&start) {
            self.hops.pop();
            self.starts.pop();
        }
        if self.hops.last() != Some(&hop) || self.starts.is_empty() {
            self.starts.push(start);
            self.hops.push(hop);
        }
    }

    fn lookup(&self, key: K) -> NextHopId {
        let after = self.starts.partition_point(|&start| start <= key);
        after.checked_sub(1).map_or(NextHopId::NONE, |at| self.hops[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn route(prefix: &str, length: u8, preference: u32, egress: u16) -> Route {
        let ip: IpAddr = prefix.parse().expect("test prefix");
        Route {
            range: AddressRange::prefix(ip, length).expect("test length"),
            length,
            preference,
            next_hop: NextHop { egress: IfIndex(egress), ..NextHop::default() },
        }
    }

    fn egress(table: &RouteTable, address: &str) -> Option<u16> {
        let ip: IpAddr = address.parse().expect("test address");
        table.route(crate::address::family_of(ip), ip.into()).map(|hop| hop.egress.0)
    }

    #[test]
    fn the_longest_prefix_wins_whatever_the_order() {
        let mut routes = vec![
            route("10.0.0.0", 8, 5, 1),
            route("10.1.0.0", 16, 5, 2),
            route("10.1.2.0", 24, 5, 3),
            route("10.1.2.3", 32, 0, 4),
            route("2001:db8::", 32, 5, 5),
            route("255.255.255.255", 32, 0, 6),
        ];
        for _ in 0..routes.len() {
            routes.rotate_left(1);
            let table = RouteTable::new(&routes);
            assert_eq!(egress(&table, "10.255.255.255"), Some(1));
            assert_eq!(egress(&table, "10.1.3.0"), Some(2));
            assert_eq!(egress(&table, "10.1.2.2"), Some(3));
            assert_eq!(egress(&table, "10.1.2.3"), Some(4));
            assert_eq!(egress(&table, "10.1.2.4"), Some(3));
            assert_eq!(egress(&table, "9.255.255.255"), None);
            assert_eq!(egress(&table, "11.0.0.0"), None);
            assert_eq!(egress(&table, "2001:db8:ffff::1"), Some(5));
            assert_eq!(egress(&table, "2001:db9::"), None);
            assert_eq!(egress(&table, "255.255.255.255"), Some(6));
        }
    }

    #[test]
    fn among_equal_prefixes_the_lower_preference_then_the_earlier_route_wins() {
        let table = RouteTable::new(&[
            route("0.0.0.0", 0, 5, 1),
            route("0.0.0.0", 0, 0, 2),
            route("0.0.0.0", 0, 0, 3),
        ]);
        assert_eq!(egress(&table, "192.0.2.1"), Some(2));
    }
}
