//! Places in source text: a byte range of a numbered source, and line and column of a byte.
//! Lines and columns count from 1; a column counts characters, as editors do.

use std::ops::Range;

/// Index of a source in [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u16);

/// A byte range `start..end` of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Which source.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes as a range into the source's text.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One text with the name that diagnostics print (a path, or `<stdin>`).
#[derive(Clone, Debug)]
pub struct Source {
    /// Printed name.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// All texts that spans refer to.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Adds a text; its spans carry the returned id.
    ///
    /// # Panics
    /// With more than 65,536 sources, or a text of 4 GiB or more; callers check file sizes first.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let text = text.into();
        assert!(u32::try_from(text.len()).is_ok(), "source text below 4 GiB");
        let id = SourceId(u16::try_from(self.0.len()).expect("at most 65,536 sources"));
        self.0.push(Source { name: name.into(), text });
        id
    }

    /// The source with this id.
    #[must_use]
    pub fn get(&self, id: SourceId) -> &Source {
        &self.0[usize::from(id.0)]
    }

    /// Line and column of the first byte of `span`, both from 1.
    #[must_use]
    pub fn line_column(&self, span: Span) -> (usize, usize) {
        let before = &self.get(span.source).text.as_bytes()[..span.start as usize];
        let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
        let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
        (line, column)
    }
}
