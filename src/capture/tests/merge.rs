//! Merging: order among sources, stability, and one damaged source among good ones.

use super::super::{CaptureError, Merge, PcapWriter, Resolution};
use super::{Damage, reader};

/// A capture with one frame per stamp, whose one byte is `mark`.
fn capture(mark: u8, times: &[u64]) -> Vec<u8> {
    let mut writer =
        PcapWriter::new("memory", Vec::new(), Resolution::Nanoseconds).expect("writing to memory");
    for &time in times {
        writer.write(time, &[mark]).expect("writing to memory");
    }
    writer.finish().expect("writing to memory")
}

fn order(merge: &mut Merge) -> Vec<(usize, u64)> {
    let mut order = Vec::new();
    while let Some((source, packet)) = merge.next_packet().expect("no damage") {
        assert_eq!(packet.data, [u8::try_from(source).expect("few sources")]);
        order.push((source, packet.time_ns));
    }
    order
}

#[test]
fn equal_stamps_go_in_the_order_of_the_sources() {
    let files = [capture(0, &[10, 20, 20]), capture(1, &[]), capture(2, &[5, 20])];
    let mut merge = Merge::new(files.iter().map(|file| reader("test", file)).collect());
    assert_eq!(order(&mut merge), [(2, 5), (0, 10), (0, 20), (0, 20), (2, 20)]);
    assert!(matches!(merge.next_packet(), Ok(None)));
}

#[test]
fn a_source_whose_time_runs_backwards_keeps_its_order() {
    let files = [capture(0, &[10, 3, 30]), capture(1, &[11, 12])];
    let mut merge = Merge::new(files.iter().map(|file| reader("test", file)).collect());
    assert_eq!(order(&mut merge), [(0, 10), (0, 3), (1, 11), (1, 12), (0, 30)]);
}

#[test]
fn one_source_or_none_is_merged_too() {
    assert!(matches!(Merge::new(vec![]).next_packet(), Ok(None)));
    let mut merge = Merge::new(vec![reader("test", &capture(0, &[2, 1]))]);
    assert_eq!(order(&mut merge), [(0, 2), (0, 1)]);
}

#[test]
fn a_damaged_source_ends_and_the_others_go_on() {
    let damaged = capture(0, &[10, 20]);
    let good = capture(1, &[5, 30]);
    let sources = vec![
        reader("bad", &damaged[..damaged.len() - 1]),
        reader("good", &good),
        reader("empty", b""),
    ];
    let mut merge = Merge::new(sources);
    let mut seen = Vec::new();
    loop {
        match merge.next_packet() {
            Ok(Some((source, packet))) => seen.push(format!("{source} {}", packet.time_ns)),
            Ok(None) => break,
            Err(CaptureError::Damaged { path, offset, what }) => {
                let cut = Damage::Truncated { needed: 17, present: 16 };
                assert!(what == cut || what == Damage::NoHeader(0));
                seen.push(format!("{path} {offset}"));
            }
            Err(error) => panic!("reading from memory cannot fail: {error}"),
        }
    }
    assert_eq!(seen, ["empty 0", "1 5", "0 10", "bad 41", "1 30"]);
}
