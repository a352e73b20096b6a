//! `tcp-flags` expressions: `syn`, `"(syn & !ack)"`, `"syn | fin"`, `0x02`. An expression is
//! evaluated for all sixty-four combinations of the six flags and turned into a few (mask, value)
//! pairs.

/// Flags by their Junos names.
const FLAGS: [(&str, u8); 6] =
    [("fin", 0x01), ("syn", 0x02), ("rst", 0x04), ("push", 0x08), ("ack", 0x10), ("urgent", 0x20)];

/// Nesting of parentheses and negations.
const DEPTH_MAX: usize = 32;

/// A disjunction of (mask, value): the flags fit if `flags & mask == value` for one of them. `None`
/// if the text is no expression, or one that no flags fit.
pub(crate) fn parse(text: &str) -> Option<Vec<(u8, u8)>> {
    let mut parser = Parser { rest: text.trim(), depth: 0, mentioned: 0 };
    let table = parser.any_of()?;
    if !parser.rest.is_empty() || table == 0 {
        return None;
    }
    Some(cubes(table, parser.mentioned))
}

/// Bit `n` is set if the flags `n` fit.
type Truth = u64;

struct Parser<'t> {
    rest: &'t str,
    depth: usize,
    /// Flags that the expression depends on.
    mentioned: u8,
}

impl<'t> Parser<'t> {
    fn any_of(&mut self) -> Option<Truth> {
        let mut table = self.all_of()?;
        while self.takes(&['|', ',']) {
            table |= self.all_of()?;
        }
        Some(table)
    }

    fn all_of(&mut self) -> Option<Truth> {
        let mut table = self.one()?;
        while self.takes(&['&', '+']) {
            table &= self.one()?;
        }
        Some(table)
    }

    fn one(&mut self) -> Option<Truth> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let table = if self.takes(&['!']) {
            !self.one()?
        } else if self.takes(&['(']) {
            let inner = self.any_of()?;
            self.takes(&[')']).then_some(inner)?
        } else {
            let mask = flag(self.word())?;
            self.mentioned |= mask;
            table_of(mask, mask)
        };
        self.depth -= 1;
        Some(table)
    }

    fn takes(&mut self, any: &[char]) -> bool {
        let Some(rest) = self.rest.strip_prefix(any) else {
            return false;
        };
        self.rest = rest.trim_start();
        true
    }

    fn word(&mut self) -> &'t str {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }
}

/// A flag by name, or all the bits of a number.
fn flag(word: &str) -> Option<u8> {
    let named = FLAGS.iter().find(|(name, _)| *name == word);
    let mask = match (named, word.strip_prefix("0x")) {
        (Some(&(_, mask)), _) => mask,
        (None, Some(hex)) => u8::from_str_radix(hex, 16).ok()?,
        (None, None) => word.parse().ok()?,
    };
    (1..=0x3f).contains(&mask).then_some(mask)
}

fn table_of(mask: u8, value: u8) -> Truth {
    (0..64).filter(|flags| flags & mask == value).fold(0, |table, flags| table | 1 << flags)
}

/// Covers a table with cubes over the flags that it depends on, the largest first.
fn cubes(table: Truth, mentioned: u8) -> Vec<(u8, u8)> {
    let mut masks: Vec<u8> = (0..64).filter(|mask| mask & !mentioned == 0).collect();
    masks.sort_by_key(|mask| mask.count_ones());
    let mut left = table;
    let mut pairs = Vec::new();
    for mask in masks {
        for value in (0..64).filter(|value| value & !mask == 0) {
            let cube = table_of(mask, value);
            if cube & !table == 0 && cube & left != 0 {
                left &= !cube;
                pairs.push((mask, value));
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn expressions_become_masks_and_values() {
        let cases: [(&str, &[(u8, u8)]); 8] = [
            ("syn", &[(0x02, 0x02)]),
            ("(syn & !ack)", &[(0x12, 0x02)]),
            ("!ack & syn", &[(0x12, 0x02)]),
            ("fin | rst", &[(0x01, 0x01), (0x04, 0x04)]),
            ("0x12", &[(0x12, 0x12)]),
            ("!(syn | ack)", &[(0x12, 0x00)]),
            ("(ack | rst)", &[(0x04, 0x04), (0x10, 0x10)]),
            ("syn | !syn", &[(0, 0)]),
        ];
        for (text, pairs) in cases {
            assert_eq!(parse(text).as_deref(), Some(pairs), "{text}");
        }
    }

    #[test]
    fn rejects_what_is_no_expression() {
        let deep = "!".repeat(1000);
        for text in ["", "foo", "syn &", "(syn", "syn ack", "syn & !syn", "0x40", "0", &deep] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
