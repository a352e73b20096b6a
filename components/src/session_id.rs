//! The id that a session's create and its close share. The RT_FLOW record has no room for one, so
//! it is derived from the fields that both carry alike: tuple, translated tuple and time of
//! creation. Zone and policy are left out: a commit between the two may give them other ids or
//! names. The mixing is fixed here and pinned by a test, because an id in last year's
//! logs must still be the id of that session. Two sessions of one tuple that are created within one
//! second cannot be told apart by their records, and share an id.

use crate::address::Address;
use crate::ids::SessionId;
use crate::kinds::EventKind;
use crate::wire::RtFlow;

/// The id of the session that a create or close tells of: 1 to `i64::MAX`, so that it fits the
/// signed integers of those who store logs. 0 for the other kinds, which belong to no session.
#[must_use]
pub fn session_id(event: &RtFlow) -> SessionId {
    match event.kind {
        EventKind::SessionCreate | EventKind::SessionClose => {}
        EventKind::PolicyDeny | EventKind::ScreenDrop | EventKind::FilterLog => {
            return SessionId(0);
        }
    }
    let ports = [
        event.source_port,
        event.destination_port,
        event.nat_source_port,
        event.nat_destination_port,
    ];
    let kind_and_time = u64::from(event.created_seconds) << 32
        | u64::from(event.protocol) << 8
        | event.family as u64;
    let mut hash = mix(SEED ^ kind_and_time);
    hash = mix(hash ^ ports.iter().fold(0, |word, &p| word << 16 | u64::from(p)));
    for address in [event.source, event.destination, event.nat_source, event.nat_destination] {
        for half in halves(address) {
            hash = mix(hash ^ half);
        }
    }
    SessionId((hash >> 1).max(1))
}

/// Both halves of an address, big-endian.
fn halves(address: Address) -> [u64; 2] {
    let key = address.v6_key();
    let low = key & u128::from(u64::MAX);
    [key >> 64, low].map(|half| u64::try_from(half).unwrap_or(u64::MAX))
}

/// One step of SplitMix64 (Steele, Lea and Flood 2014): each input bit reaches every output bit.
const fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Where the mixing starts: "weir-sid" in ASCII.
const SEED: u64 = 0x7765_6972_2d73_6964;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Family;
    use crate::kinds::Action;
    use crate::wire::Detail;

    fn event(kind: EventKind) -> RtFlow {
        RtFlow {
            kind,
            time_ns: 1_700_000_000_000_000_000,
            family: Family::Inet,
            protocol: 6,
            action: Action::Permit,
            source: Address::v4([10, 0, 0, 5]),
            destination: Address::v4([192, 0, 2, 80]),
            source_port: 40_000,
            destination_port: 443,
            policy: 1,
            ingress_zone: 2,
            egress_zone: 3,
            nat_source: Address::v4([203, 0, 113, 1]),
            nat_destination: Address::v4([192, 0, 2, 80]),
            nat_source_port: 1024,
            nat_destination_port: 443,
            created_seconds: 1_700_000_000,
            ingress_ifindex: 1,
            application: 7,
            reason: 0,
            detail: Detail::Session {
                client_packets: 0,
                client_bytes: 0,
                server_packets: 0,
                server_bytes: 0,
            },
        }
    }

    #[test]
    fn create_and_close_of_one_session_share_the_id() {
        let create = event(EventKind::SessionCreate);
        let close = RtFlow {
            time_ns: create.time_ns + 60_000_000_000,
            reason: 2,
            detail: Detail::Session {
                client_packets: 5,
                client_bytes: 600,
                server_packets: 4,
                server_bytes: 5000,
            },
            ..event(EventKind::SessionClose)
        };
        assert_eq!(session_id(&create), session_id(&close));
    }

    #[test]
    fn every_shared_field_changes_the_id() {
        let base = event(EventKind::SessionCreate);
        let changed = [
            RtFlow { family: Family::Inet6, ..base },
            RtFlow { protocol: 17, ..base },
            RtFlow { source: Address::v4([10, 0, 0, 6]), ..base },
            RtFlow { destination: Address::v4([192, 0, 2, 81]), ..base },
            RtFlow { source_port: 40_001, ..base },
            RtFlow { destination_port: 80, ..base },
            RtFlow { nat_source: Address::ZERO, ..base },
            RtFlow { nat_destination: Address::ZERO, ..base },
            RtFlow { nat_source_port: 1025, ..base },
            RtFlow { nat_destination_port: 8443, ..base },
            RtFlow { created_seconds: 1_700_000_001, ..base },
        ];
        let mut ids: Vec<SessionId> = changed.iter().map(session_id).collect();
        ids.push(session_id(&base));
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), changed.len() + 1);
    }

    #[test]
    fn what_a_commit_may_change_does_not_change_the_id() {
        let base = event(EventKind::SessionClose);
        let after = RtFlow {
            ingress_zone: 9,
            egress_zone: 8,
            policy: 7,
            application: 6,
            ingress_ifindex: 5,
            ..base
        };
        assert_eq!(session_id(&base), session_id(&after));
    }

    #[test]
    fn the_id_never_changes_between_versions() {
        assert_eq!(
            session_id(&event(EventKind::SessionCreate)),
            SessionId(2_768_374_265_171_210_126)
        );
    }

    #[test]
    fn other_kinds_belong_to_no_session() {
        for kind in [EventKind::PolicyDeny, EventKind::ScreenDrop, EventKind::FilterLog] {
            assert_eq!(session_id(&event(kind)), SessionId(0));
        }
    }
}
