//! Policies with a scheduler, whose sessions end with it, and policies that count.

use components::kinds::CloseReason;
use components::world::policy::scheduler::{DAY_S, Scheduler};

use super::*;
use crate::counters::FilterCount;

/// Policy 1 permits until Thursday, 1970-01-01T00:05:00Z, and counts; then policy 2 denies.
fn until_five_past() -> World {
    let mut world = world();
    let week = vec![(0, 3 * DAY_S + 299)];
    let out = Policy {
        id: PolicyId(1),
        ordinal: RuleId(1),
        source: AddressMatch::any(),
        destination: AddressMatch::any(),
        scheduler: Some(Scheduler { week, ..Scheduler::default() }),
        action: Action::Permit,
        log_close: true,
        count: true,
        ..Policy::default()
    };
    let rest = Policy {
        id: PolicyId(2),
        ordinal: RuleId(2),
        scheduler: None,
        action: Action::Deny,
        count: false,
        ..out.clone()
    };
    world.names.policies.resize(3, world.names.policies[0].clone());
    let pairs = vec![((TRUST, UNTRUST), vec![out, rest])];
    world.policies = PolicyTable::new(pairs, Vec::new(), DefaultPolicy::default());
    world
}

#[test]
fn a_session_ends_with_the_scheduler_of_its_policy_and_no_other_begins() {
    let mut firewall = Firewall::new(until_five_past());
    let request = |port| udp(("10.0.0.5", port), ("198.51.100.1", 53));
    let reply = udp(("198.51.100.1", 53), ("10.0.0.5", 4000));
    for second in [100, 150, 200, 250, 299] {
        firewall.clock_ns = second * SECOND;
        firewall.forward(TRUST_IFL, &request(4000));
        firewall.forward(UNTRUST_IFL, &reply);
    }
    firewall.clock_ns = 300 * SECOND - 1;
    firewall.forward(UNTRUST_IFL, &reply);
    firewall.clock_ns = 300 * SECOND;
    assert_eq!(firewall.send(UNTRUST_IFL, &reply), Sent::Dropped(DropReason::PolicyDeny));
    assert_eq!(firewall.shard.closed.0[CloseReason::Policy.index()], 1);
    let record = &firewall.events.records[0];
    assert_eq!((record.event_type, record.reason), (2, CloseReason::Policy as u8));
    assert_eq!(firewall.shard.sessions.active(), 0);
    let late = firewall.send(TRUST_IFL, &request(4001));
    assert_eq!(late, Sent::Dropped(DropReason::PolicyDeny));
    assert_eq!(firewall.shard.counters.policies, [1, 1, 1]);
}

#[test]
fn then_count_counts_packets_and_bytes_that_pass_in_both_directions() {
    let mut firewall = Firewall::new(until_five_past());
    let request = udp(("10.0.0.5", 4000), ("198.51.100.1", 53));
    let reply = udp(("198.51.100.1", 53), ("10.0.0.5", 4000));
    firewall.forward(TRUST_IFL, &request);
    firewall.forward(UNTRUST_IFL, &reply);
    firewall.forward(TRUST_IFL, &request);
    let mut expired = request.clone();
    expired[8] = 1;
    support::fix_header_checksum(&mut expired);
    assert_eq!(firewall.send(TRUST_IFL, &expired), Sent::Dropped(DropReason::TtlExceeded));
    firewall.clock_ns = 300 * SECOND;
    firewall.send(TRUST_IFL, &request);
    let passed = FilterCount { packets: 3, bytes: 96 };
    let nothing = FilterCount::default();
    assert_eq!(firewall.shard.counters.policy_traffic, [nothing, passed, nothing]);
}
