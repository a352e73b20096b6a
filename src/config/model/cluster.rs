//! `chassis cluster`: redundancy groups and their priorities. What keeps the nodes of a cluster in
//! touch (control and fabric links, heartbeats, monitoring) is the peer link's.

use components::world::cluster::{Cluster, RedundancyGroup};

use super::reader::{Reader, Stanza, statements};
use crate::config::tree::Node;

/// Reads `chassis cluster`.
pub(crate) fn read(node: &Node, reader: &mut Reader<'_>) -> Cluster {
    let mut cluster = Cluster::default();
    for statement in statements(node) {
        match statement.word.as_str() {
            "redundancy-group" => {
                for group in statement.active() {
                    cluster.groups.extend(read_group(group, reader));
                }
            }
            // The number of reth interfaces: each is there because it is configured.
            "reth-count" => {
                reader.number(statement, 1..=128);
            }
            _ => reader.other(&CLUSTER, statement),
        }
    }
    cluster
}

fn read_group(node: &Node, reader: &mut Reader<'_>) -> Option<RedundancyGroup> {
    let id = reader.number_of(node.into(), 0..=128)?;
    let mut group = RedundancyGroup { id: u8::try_from(id).ok()?, ..Default::default() };
    for statement in statements(node) {
        if statement.word != "node" {
            reader.other(&GROUP, statement);
            continue;
        }
        for member in statement.active() {
            let number = reader.number_of(member.into(), 0..=1);
            let priority = member.child("priority").and_then(|p| reader.small(p, 1..=254));
            if let (Some(number), Some(priority)) = (number, priority) {
                group.priorities[number as usize] = u8::try_from(priority).unwrap_or(0);
            }
        }
    }
    Some(group)
}

const CLUSTER: Stanza = Stanza {
    path: "chassis cluster",
    honoured: "redundancy-group reth-count",
    later: "control-link-recovery control-ports health-monitoring heartbeat-interval \
        heartbeat-threshold redundant-interface",
    ignored: "configuration-synchronize network-management",
    ..Stanza::EMPTY
};

const GROUP: Stanza = Stanza {
    path: "chassis cluster redundancy-group",
    honoured: "node",
    later: "gratuitous-arp-count hold-down-interval interface-monitor ip-monitoring preempt",
    ..Stanza::EMPTY
};
