//! TCP options (RFC 9293 section 3.1): where one stands in a header that may be cut short, as in a
//! first fragment or a capture with a snap length. A list that is malformed ends where it is.

use std::ops::Range;

/// Maximum segment size, four bytes (RFC 9293).
pub(crate) const MAXIMUM_SEGMENT_SIZE: u8 = 2;
/// Window scale, three bytes (RFC 7323).
pub(crate) const WINDOW_SCALE: u8 = 3;
/// Selective acknowledgment, two bytes and eight for each block (RFC 2018).
pub(crate) const SELECTIVE_ACKNOWLEDGMENT: u8 = 5;

/// The value of a one-byte option in the segment that begins `l4`.
pub(crate) fn find(l4: &[u8], kind: u8) -> Option<u8> {
    match &l4[place(l4, kind)?] {
        &[value] => Some(value),
        _ => None,
    }
}

/// Where the value of an option stands.
pub(crate) fn place(l4: &[u8], kind: u8) -> Option<Range<usize>> {
    let header_length = usize::from(l4.get(12)? >> 4) * 4;
    let end = header_length.min(l4.len());
    let mut at = FIXED_LENGTH;
    while at < end {
        match l4[at] {
            END => return None,
            NO_OPERATION => at += 1,
            found => {
                let length = usize::from(*l4.get(at + 1)?);
                if length < 2 || at + length > end {
                    return None;
                }
                if found == kind {
                    return Some(at + 2..at + length);
                }
                at += length;
            }
        }
    }
    None
}

const FIXED_LENGTH: usize = 20;
const END: u8 = 0;
const NO_OPERATION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with these options, which must fill words.
    fn header(options: &[u8]) -> Vec<u8> {
        let mut header = vec![0; 12];
        let words = u8::try_from(5 + options.len() / 4).expect("at most 40 bytes");
        header.extend([words << 4, 2, 0, 0, 0, 0, 0, 0]);
        header.extend(options);
        header
    }

    #[test]
    fn finds_an_option_behind_others_and_at_odd_places() {
        let linux = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];
        assert_eq!(find(&header(&linux), WINDOW_SCALE), Some(7));
        assert_eq!(place(&header(&linux), MAXIMUM_SEGMENT_SIZE), Some(22..24));
        assert_eq!(
            place(&header(&[1, 2, 4, 5, 0xb4, 0, 0, 0]), MAXIMUM_SEGMENT_SIZE),
            Some(23..25)
        );
    }

    #[test]
    fn ends_at_the_end_of_the_list_of_the_header_and_of_what_is_there() {
        assert_eq!(find(&header(&[0, 3, 3, 7]), WINDOW_SCALE), None, "end of list");
        let mut behind = header(&[]);
        behind.extend([3, 3, 7, 0]);
        assert_eq!(find(&behind, WINDOW_SCALE), None, "data, not options");
        let cut = header(&[1, 3, 3, 7]);
        for length in 0..cut.len() {
            assert_eq!(find(&cut[..length], WINDOW_SCALE), None, "{length} bytes");
        }
        assert_eq!(find(&cut, WINDOW_SCALE), Some(7));
    }

    #[test]
    fn a_length_that_lies_ends_the_list() {
        for length in [0, 1, 5, 255] {
            assert_eq!(find(&header(&[4, length, 3, 3]), WINDOW_SCALE), None, "{length}");
        }
        assert_eq!(find(&header(&[3, 4, 7, 7]), WINDOW_SCALE), None, "two bytes of scale");
    }
}
