//! A reader of RFC 5424 structured data (section 6.3), written from the grammar and not from the
//! writer, so that the two can disagree.

/// A parsed line.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) tag: String,
    pub(super) parameters: Vec<(String, String)>,
}

impl Message {
    pub(super) fn value(&self, key: &str) -> &str {
        let found = self.parameters.iter().find(|(k, _)| k == key);
        &found.unwrap_or_else(|| panic!("no {key} in {self:?}")).1
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.parameters.iter().any(|(k, _)| k == key)
    }
}

/// Parses a line; panics where it breaks the grammar.
pub(super) fn parse(line: &str) -> Message {
    let mut header = line.splitn(7, ' ');
    let mut next = || header.next().expect("seven parts");
    let priority = next();
    assert!(priority.starts_with('<') && priority.ends_with(">1"), "{priority}");
    let (time, host, _program, process) = (next(), next(), next(), next());
    assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
    assert!(host.bytes().all(|b| b.is_ascii_graphic()) && !host.is_empty());
    assert_eq!(process, "-");
    let tag = next().to_string();
    let data = next().strip_prefix("[junos@2636.1.1.1.2.").expect("one element");
    let mut characters = data.trim_start_matches(|c: char| c.is_ascii_digit()).chars();
    let mut parameters = Vec::new();
    loop {
        match characters.next() {
            Some(' ') => parameters.push(parameter(&mut characters)),
            Some(']') => break,
            other => panic!("{other:?} after a parameter"),
        }
    }
    assert_eq!(characters.as_str(), "", "nothing after the structured data");
    Message { tag, parameters }
}

fn parameter(characters: &mut std::str::Chars<'_>) -> (String, String) {
    let key: String = characters.by_ref().take_while(|&c| c != '=').collect();
    assert!(!key.is_empty() && key.len() <= 32, "SD-NAME has 1 to 32 characters: {key}");
    assert_eq!(characters.next(), Some('"'));
    let mut value = String::new();
    loop {
        match characters.next().expect("a value ends") {
            '"' => return (key, value),
            ']' => panic!("a bare ] in {key}"),
            '\\' => match characters.next().expect("a value ends") {
                escaped @ ('"' | '\\' | ']') => value.push(escaped),
                other => panic!("\\{other} in {key} is no escape"),
            },
            other => value.push(other),
        }
    }
}
