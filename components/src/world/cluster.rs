//! `chassis cluster`: redundancy groups, and which node is the primary of which. Without a link to
//! the other node nobody fails over: the node with the higher priority is the primary.

/// The redundancy groups of a cluster of two nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Groups in configuration order.
    pub groups: Vec<RedundancyGroup>,
}

/// `redundancy-group N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RedundancyGroup {
    /// Its number; 0 is that of the routing engines.
    pub id: u8,
    /// `node 0 priority`, `node 1 priority`, 1 to 254; 0 where none is set.
    pub priorities: [u8; 2],
}

impl RedundancyGroup {
    /// The node with the higher priority, of equals the one with the lower number.
    #[must_use]
    pub const fn primary(&self) -> u8 {
        let [first, second] = self.priorities;
        (second > first) as u8
    }
}

impl Cluster {
    /// Whether `node` is the primary of the group; nobody is of one that is not configured.
    #[must_use]
    pub fn owns(&self, node: u8, group: u8) -> bool {
        self.groups.iter().any(|known| known.id == group && known.primary() == node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_higher_priority_owns_a_group_and_node_0_of_equals() {
        let group = |id, priorities| RedundancyGroup { id, priorities };
        let groups = vec![group(1, [200, 100]), group(2, [100, 200]), group(3, [100, 100])];
        let cluster = Cluster { groups };
        assert_eq!([1, 2, 3, 4].map(|id| cluster.owns(0, id)), [true, false, true, false]);
        assert_eq!([1, 2, 3, 4].map(|id| cluster.owns(1, id)), [false, true, false, false]);
    }
}
