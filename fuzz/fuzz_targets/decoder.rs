//! The decoder of the event stream: however the bytes are cut, the same frames come out, and a
//! frame that can be read says the same when it is written and read again. The collector that is
//! fed with them keeps the same account.
#![no_main]

use components::wire::{DecodeError, Decoder, Frame, FrameHeader, FrameType, HEADER_LENGTH};
use libfuzzer_sys::fuzz_target;
use weir::collector::InlineCollector;
use zerocopy::IntoBytes;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[mode, size], rest)) = bytes.split_first_chunk() else {
        return;
    };
    let stream = if mode % 2 == 0 { rest.to_vec() } else { framed(rest) };
    let whole = frames(&stream, stream.len().max(1));
    let pieces = frames(&stream, 1 + usize::from(size));
    assert_eq!(whole, pieces);
    let whole = collected(&stream, stream.len().max(1));
    let pieces = collected(&stream, 1 + usize::from(size));
    assert_eq!(whole, pieces);
});

/// Each frame's bytes and what it says, and the error that ended the stream.
fn frames(stream: &[u8], piece: usize) -> (Vec<(Vec<u8>, String)>, Option<String>) {
    let mut decoder = Decoder::new(0);
    let mut frames = Vec::new();
    for mut piece in stream.chunks(piece) {
        while !piece.is_empty() {
            let taken = decoder.push(piece);
            piece = &piece[taken..];
            while let Some(frame) = decoder.next_frame() {
                match frame {
                    Ok(frame) => {
                        frames.push((frame.bytes.to_vec(), format!("{:?}", frame.decode())));
                        check_rewritten(frame.bytes);
                    }
                    Err(error) => return (frames, Some(error.to_string())),
                }
            }
        }
    }
    (frames, None)
}

fn check_rewritten(bytes: &[u8]) {
    let (header, frame) = read(bytes);
    if let Ok(frame) = frame {
        let mut again = Vec::new();
        let written = frame.encode(header.sequence.get(), &mut again);
        written.expect("what was read can be written");
        assert_eq!(read(&again).1, Ok(frame));
    }
}

fn read(bytes: &[u8]) -> (FrameHeader, Result<Frame, DecodeError>) {
    let header = FrameHeader::parse(bytes).expect("a whole frame has a header");
    let payload = &bytes[HEADER_LENGTH..];
    (header, Frame::decode(&header, payload))
}

fn collected(stream: &[u8], piece: usize) -> (String, Option<String>) {
    let mut collector = InlineCollector::new(Vec::new());
    let mut pieces = stream.chunks(piece);
    let error = pieces.find_map(|piece| collector.receive(piece).err());
    let report = format!("{:?} {}", collector.stream_report(), collector.ack());
    (report, error.map(|error| error.to_string()))
}

/// Frames under right headers: of each step the first byte chooses the type, the second the length,
/// and what follows is the payload, as far as it goes.
fn framed(mut bytes: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut sequence = 0;
    while let Some((&[kind, length], rest)) = bytes.split_first_chunk() {
        let kind = FrameType::ALL[usize::from(kind) % FrameType::ALL.len()];
        let payload = &rest[..usize::from(length).min(rest.len())];
        sequence += u64::from(length % 3);
        let header = FrameHeader::new(kind, payload.len() as u16, sequence);
        stream.extend(header.as_bytes());
        stream.extend(payload);
        bytes = &rest[payload.len()..];
    }
    stream
}
