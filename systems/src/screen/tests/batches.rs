//! Batches never change what a screen finds.

use proptest::prelude::*;

use super::*;

fn arbitrary_frame() -> impl Strategy<Value = Vec<u8>> {
    let chain = [60, 0, 1, 4, 0, 0, 0, 0, 44, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 1];
    let seeds = vec![
        tcp_in(3),
        v4(1, [0x20, 0], &[7, 3, 4, 0], &[8; 16]),
        v4(41, [0, 0], &[], &[0x60; 48]),
        v6(0, &[&chain[..], &udp(1, 3544, &[0x60; 8])].concat()),
        frame(OUTSIDE6, INSIDE6, 58, &icmp(135, 0, [0; 4], &[0; 24])),
    ];
    let mutations = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (prop::sample::select(seeds), mutations).prop_map(|(mut frame, list)| {
        for (at, value) in list {
            let at = at.index(frame.len());
            frame[at] = value;
        }
        if frame[12..14] == [8, 0] {
            let end = (14 + usize::from(frame[14] & 15) * 4).clamp(34, frame.len());
            frame[24..26].fill(0);
            let sum = crate::checksum::checksum(&frame[14..end], 0);
            frame[24..26].copy_from_slice(&sum.to_be_bytes());
        }
        frame
    })
}

proptest! {
    #[test]
    fn batches_do_not_change_what_fires(
        frames in prop::collection::vec(arbitrary_frame(), 1..100),
        attacks in any::<u64>(),
    ) {
        let alone = run(&frames, &watching(attacks), UNTRUST_IFL, 1);
        prop_assert_eq!(&run(&frames, &watching(attacks), UNTRUST_IFL, 64), &alone);
        prop_assert_eq!(&run(&frames, &watching(attacks), UNTRUST_IFL, 7), &alone);
    }
}
