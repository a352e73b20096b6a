//! The maximum segment size that a SYN or SYN-ACK offers, lowered to what the configuration allows
//! (`security flow tcp-mss all-tcp mss`). An offer that is low enough, or none, stays as it is.

use super::delta::Delta;
use crate::tcp_options::{self, MAXIMUM_SEGMENT_SIZE};

/// Lowers the offer of the segment that begins `l4`, and updates its checksum.
pub(super) fn clamp(l4: &mut [u8], mss_max: u16) {
    let Some(place) = tcp_options::place(l4, MAXIMUM_SEGMENT_SIZE) else {
        return;
    };
    let [high, low] = l4[place.clone()] else {
        return;
    };
    if u16::from_be_bytes([high, low]) <= mss_max {
        return;
    }
    // The words that hold it: an option may stand at an odd place.
    let words = place.start & !1..place.end.next_multiple_of(2);
    let mut before = [0; 4];
    let before = &mut before[..words.len()];
    let Some(field) = l4.get(words.clone()) else {
        return;
    };
    before.copy_from_slice(field);
    l4[place].copy_from_slice(&mss_max.to_be_bytes());
    let delta = Delta::default().change_bytes(before, &l4[words]);
    delta.apply(l4, CHECKSUM);
}

const CHECKSUM: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::checksum;

    /// A SYN with these options, its checksum without a pseudo-header set.
    fn syn(options: &[u8]) -> Vec<u8> {
        let mut segment = vec![0x12, 0x34, 0, 80, 0, 0, 0x10, 0, 0, 0, 0, 0];
        let words = u8::try_from(5 + options.len() / 4).expect("at most 40 bytes");
        segment.extend([words << 4, 2, 0xfa, 0xf0, 0, 0, 0, 0]);
        segment.extend(options);
        let sum = checksum(&segment, 0).to_be_bytes();
        segment[16..18].copy_from_slice(&sum);
        segment
    }

    fn clamped(options: &[u8], mss_max: u16) -> Vec<u8> {
        let mut segment = syn(options);
        clamp(&mut segment, mss_max);
        assert_eq!(checksum(&segment, 0), 0, "{options:?}");
        segment[20..].to_vec()
    }

    #[test]
    fn lowers_what_is_above_and_leaves_what_is_not() {
        assert_eq!(clamped(&[2, 4, 0x05, 0xb4], 1_350), [2, 4, 0x05, 0x46]);
        assert_eq!(clamped(&[2, 4, 0x05, 0x47], 1_350), [2, 4, 0x05, 0x46], "one above");
        assert_eq!(clamped(&[2, 4, 0x05, 0x46], 1_350), [2, 4, 0x05, 0x46]);
        assert_eq!(clamped(&[2, 4, 0x02, 0x18], 1_350), [2, 4, 0x02, 0x18]);
        assert_eq!(clamped(&[], 1_350), []);
        assert_eq!(clamped(&[3, 3, 7, 0], 1_350), [3, 3, 7, 0]);
    }

    #[test]
    fn finds_the_option_at_an_odd_place() {
        assert_eq!(clamped(&[1, 2, 4, 0xff, 0xff, 0, 0, 0], 1_350)[..5], [1, 2, 4, 0x05, 0x46]);
    }

    #[test]
    fn an_option_that_runs_beyond_what_is_there_or_lies_stays() {
        let even = syn(&[2, 4, 0xff, 0xff]);
        let odd = syn(&[1, 2, 4, 0xff, 0xff, 0, 0, 0]);
        for (whole, least) in [(even, 24), (odd, 26)] {
            for length in 0..least {
                let mut cut = whole[..length].to_vec();
                clamp(&mut cut, 1_350);
                assert_eq!(cut, whole[..length], "{length} bytes");
            }
        }
        assert_eq!(clamped(&[2, 3, 0xff, 0], 1_350), [2, 3, 0xff, 0]);
        assert_eq!(clamped(&[2, 6, 0xff, 0xff, 0xff, 0xff, 0, 0], 1_350)[2..4], [0xff, 0xff]);
    }
}
