//! The decoder against streams cut at every place: any chunking gives the frames of the whole.

use proptest::prelude::*;

use super::*;

type Taken = (u8, u64, Vec<u8>);

fn frame(frame_type: u8, sequence: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(&[frame_type, 0, 0, 0]);
    bytes.extend_from_slice(&sequence.to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// Everything that comes out of `stream` in pieces of the given sizes, the last repeated.
fn decode_in_pieces(
    decoder: &mut Decoder,
    stream: &[u8],
    sizes: &[usize],
) -> (Vec<Taken>, Option<ProtocolError>) {
    let (mut taken, mut error, mut rest, mut turn) = (Vec::new(), None, stream, 0);
    while !rest.is_empty() {
        let size = sizes[turn.min(sizes.len() - 1)].clamp(1, rest.len());
        turn += 1;
        let pushed = decoder.push(&rest[..size]);
        assert!(pushed > 0, "room once the whole frames are taken");
        rest = &rest[pushed..];
        while let Some(next) = decoder.next_frame() {
            match next {
                Ok(raw) => taken.push((
                    raw.header.frame_type,
                    raw.header.sequence.get(),
                    raw.payload().to_vec(),
                )),
                Err(e) => assert_eq!(error.replace(e), None, "the error is told once"),
            }
        }
    }
    (taken, error)
}

proptest! {
    #[test]
    fn any_chunking_gives_the_frames_of_the_whole(
        frames in prop::collection::vec(
            (any::<u8>(), any::<u64>(), prop::collection::vec(any::<u8>(), 0..=1024)), 0..12),
        cut in any::<prop::sample::Index>(),
        sizes in prop::collection::vec(1usize..700, 1..20),
        capacity in 0usize..4096,
        too_long in proptest::option::of(1025u32..),
    ) {
        let mut stream: Vec<u8> =
            frames.iter().flat_map(|(t, s, payload)| frame(*t, *s, payload)).collect();
        if let Some(length) = too_long {
            stream.extend_from_slice(&length.to_le_bytes());
            stream.extend_from_slice(&[9; 100]);
        }
        let whole = decode_in_pieces(&mut Decoder::new(1 << 16), &stream, &[usize::MAX]);
        prop_assert_eq!(&whole.0, &frames);
        prop_assert_eq!(
            whole.1,
            too_long.map(|length| ProtocolError::PayloadTooLong { frame_type: 9, length })
        );
        let pieces = decode_in_pieces(&mut Decoder::new(capacity), &stream, &sizes);
        prop_assert_eq!(&pieces, &whole);
        let bytes = decode_in_pieces(&mut Decoder::new(capacity), &stream, &[1]);
        prop_assert_eq!(&bytes, &whole);
        let cut = cut.index(stream.len() + 1);
        let two = decode_in_pieces(&mut Decoder::new(capacity), &stream, &[cut, usize::MAX]);
        prop_assert_eq!(&two, &whole);
    }

    #[test]
    fn no_bytes_panic(stream in prop::collection::vec(any::<u8>(), 0..4096)) {
        let _ = decode_in_pieces(&mut Decoder::new(0), &stream, &[1, 7, 64, 1000]);
    }
}

#[test]
fn a_length_of_1024_is_a_frame_and_1025_ends_the_stream() {
    let mut stream = frame(13, 1, &[0x5a; 1024]);
    stream.extend_from_slice(&frame(13, 2, &[0x5a; 1025]));
    stream.extend_from_slice(&frame(10, 0, &[]));
    let mut decoder = Decoder::new(8192);
    let (taken, error) = decode_in_pieces(&mut decoder, &stream, &[usize::MAX]);
    assert_eq!(taken, [(13, 1, vec![0x5a; 1024])]);
    let error = error.unwrap();
    assert_eq!(
        error.to_string(),
        "frame of type 13 announces 1025 bytes of payload, at most 1024 allowed"
    );
    assert!(decoder.is_poisoned());
    assert_eq!(decode_in_pieces(&mut decoder, &frame(10, 0, &[]), &[1]), (vec![], None));
    assert_eq!(decoder.buffered(), 0);
}

#[test]
fn a_truncated_header_waits_for_its_last_byte() {
    let keepalive = frame(10, 0, &[]);
    let mut decoder = Decoder::new(0);
    assert_eq!(decoder.push(&keepalive[..15]), 15);
    assert_eq!(decoder.next_frame(), None);
    assert_eq!(decoder.buffered(), 15);
    assert_eq!(decoder.push(&keepalive[15..]), 1);
    assert_eq!(decoder.next_frame().unwrap().unwrap().bytes, keepalive);
    assert_eq!(decoder.buffered(), 0);
}

#[test]
fn half_a_frame_does_not_survive_a_reconnect() {
    for cut in 0..152 {
        let deny = frame(11, 5, &[0xa5; 136]);
        let mut decoder = Decoder::new(0);
        assert_eq!(decoder.push(&deny[..cut]), cut);
        assert_eq!(decoder.next_frame(), None);
        decoder.reset();
        let (taken, error) = decode_in_pieces(&mut decoder, &deny, &[usize::MAX]);
        assert_eq!((taken, error), (vec![(11, 5, vec![0xa5; 136])], None));
    }
}

#[test]
fn memory_is_bounded_by_the_capacity() {
    let mut decoder = Decoder::new(2000);
    assert_eq!(decoder.push(&[0; 5000]), 2000);
    assert_eq!(decoder.push(&[0; 1]), 0);
    while decoder.next_frame().is_some() {}
    assert_eq!(decoder.push(&[0; 5000]), 2000);
}
