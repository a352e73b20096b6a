//! Any bytes: nothing panics, a row does not depend on its batch, and both paths agree.

use proptest::prelude::*;

use super::*;

/// Every value of every byte of common packets, and every length: what the common path takes, the
/// general path reads alike.
#[test]
fn the_common_path_agrees_with_the_general_one() {
    let agree = |frame: &[u8]| {
        let common = common::parse(frame)?;
        let whole = Frame { bytes: frame, wire_length: frame.len() };
        let general = parse_frame(whole, LinkType::Ethernet, lenient());
        let same = matches!(general, Ok(Parsed::Ip(packet)) if packet == common);
        assert!(same, "{frame:02x?}: {common:?}");
        Some(())
    };
    for frame in [
        frame("10.0.0.5", "8.8.8.8", 17, &udp(1, 2, &[7; 30])),
        frame("10.0.0.5", "8.8.8.8", 6, &tcp(1, 2, 0x18, &[7; 30])),
    ] {
        assert!(agree(&frame).is_some());
        for length in 0..frame.len() {
            agree(&frame[..length]);
        }
        for (at, value) in (0..54).flat_map(|at| (0..=255).map(move |value| (at, value))) {
            let mut changed = frame.clone();
            changed[at] = value;
            agree(&changed);
            set_header_checksum(&mut changed);
            agree(&changed);
        }
    }
}

fn arbitrary_frame() -> impl Strategy<Value = Vec<u8>> {
    let valid = prop::sample::select(vec![
        TAGGED_SYN.to_vec(),
        frame("10.0.0.5", "8.8.8.8", 17, &udp(1, 2, b"abc")),
        frame("10.0.0.5", "8.8.8.8", 17, &udp(1, 2, b"long enough for both headers")),
        frame("10.0.0.5", "8.8.8.8", 6, &tcp(1, 2, 0x18, b"data")),
        v6(
            0,
            &[&[44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 1][..], &udp(1, 2, &[0; 8])]
                .concat(),
        ),
        ethernet(
            0x0800,
            &ipv4_packet(ip("10.0.0.5"), ip("8.8.8.8"), 1, [0x20, 0], &[7, 3, 4, 0], &[8; 16]),
        ),
    ]);
    let mutations = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let mutated = (valid, mutations, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(mut frame, list, cut, repair)| {
            for (at, value) in list {
                let at = at.index(frame.len());
                frame[at] = value;
            }
            if repair && frame[12..14] == [8, 0] {
                set_header_checksum(&mut frame);
            }
            let keep = frame.len() - cut.index(frame.len()) / 4;
            frame.truncate(keep);
            frame
        },
    );
    prop_oneof![prop::collection::vec(any::<u8>(), 0..120), mutated]
}

/// Most mutated packets should get past the checksum.
fn set_header_checksum(frame: &mut [u8]) {
    let end = (14 + usize::from(frame[14] & 15) * 4).clamp(34, frame.len());
    frame[24..26].fill(0);
    let sum = crate::checksum::checksum(&frame[14..end], 0);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
}

proptest! {
    #[test]
    fn a_row_does_not_depend_on_its_batch(
        frames in prop::collection::vec(arbitrary_frame(), 1..64),
        link in prop::sample::select(vec![LinkType::Ethernet, LinkType::RawIp, LinkType::LinuxSll]),
    ) {
        let mut parse = strict();
        let together = parse_with(&frames, link, IfIndex::NONE, &mut parse);
        for (frame, row) in frames.into_iter().zip(together) {
            let alone = parse_with(&[frame], link, IfIndex::NONE, &mut parse);
            prop_assert_eq!(&alone[0], &row);
        }
    }
}
