//! What stands between a name and a log line. Names come from a configuration that someone else may
//! have written, and a line must stay one line, its fields stay apart, and a terminal must show
//! what is there: control characters, line separators and bidirectional overrides become visible
//! (`\x1b`, `\u{202e}`), and no value holds ` word=`. Then each format adds its own: RFC 5424
//! section 6.3.3 escapes `"`, `\` and `]`, RFC 8259 section 7 escapes `"` and `\`.

use super::number::HEX;

/// Appends the inside of an RFC 5424 parameter value.
pub(super) fn push_sd(out: &mut Vec<u8>, value: &str) {
    push_with(out, value, |out, character| {
        if matches!(character, '"' | '\\' | ']') {
            out.push(b'\\');
        }
        push_char(out, character);
    });
}

/// Appends the inside of a JSON string.
pub(super) fn push_json(out: &mut Vec<u8>, value: &str) {
    push_with(out, value, |out, character| {
        if matches!(character, '"' | '\\') {
            out.push(b'\\');
        }
        push_char(out, character);
    });
}

/// Appends one word of a text body: spaces, which would shift every later field, are visible too.
pub(super) fn push_word(out: &mut Vec<u8>, value: &str) {
    push_with(out, value, |out, character| match character {
        ' ' => out.extend_from_slice(b"\\x20"),
        _ => push_char(out, character),
    });
}

/// The host name as RFC 5424 section 6 has it: 1 to 255 printable ASCII characters, `-` for none.
/// Quotes and backslashes, which no host name has, go too, so that no format need escape it.
pub(super) fn host_name(host: &str) -> Vec<u8> {
    let printable = |c: char| match c {
        '"' | '\\' => '_',
        c if c.is_ascii_graphic() => c,
        _ => '_',
    };
    let name: String = host.chars().map(printable).take(255).collect();
    if name.is_empty() { b"-".to_vec() } else { name.into_bytes() }
}

/// Makes visible what must be, and leaves every other character to `push`. The escapes' own
/// backslash goes through `push` as well, so that undoing a format's escapes gives them back.
fn push_with(out: &mut Vec<u8>, value: &str, push: impl Fn(&mut Vec<u8>, char)) {
    if value.bytes().all(is_plain) {
        return out.extend_from_slice(value.as_bytes());
    }
    let mut after_space = false;
    for character in value.chars() {
        let code = u32::from(character);
        if is_hidden(character) {
            push(out, '\\');
            if code < 0x100 {
                out.push(b'x');
                push_hex_digits(out, code, 2);
            } else {
                out.extend_from_slice(b"u{");
                push_hex_digits(out, code, 4);
                out.push(b'}');
            }
        } else if character == '=' && after_space {
            push(out, '\\');
            out.extend_from_slice(b"x3d");
        } else {
            push(out, character);
            after_space |= character.is_whitespace();
        }
    }
}

/// A byte that no format escapes, in a value without spaces: what nearly all names are made of.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/' | b':')
}

/// A character that a terminal obeys instead of showing: controls, DEL, line and paragraph
/// separators, and what Unicode calls `Bidi_Control`.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
        )
}

fn push_hex_digits(out: &mut Vec<u8>, code: u32, digits: u32) {
    for nibble in (0..digits).rev() {
        let digit = usize::try_from(code >> (nibble * 4) & 0xf).unwrap_or(0);
        out.push(HEX[digit]);
    }
}

fn push_char(out: &mut Vec<u8>, character: char) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}
