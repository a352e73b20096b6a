//! Which words of the hierarchy take names, values or statements below them: enough of the Junos
//! grammar to split `match source-address any destination-address any` where the first value ends,
//! to replace a single value by a later one, and to print natural braces from set lines.
//! It refuses nothing; statements it does not know keep the shape in which they were written.

mod firewall;
mod security;
mod table;

/// One keyword (or, with an empty word, any other word) at one level of the hierarchy.
#[derive(Debug)]
pub(super) struct Shape {
    word: &'static str,
    kind: Kind,
    /// One of several of which a container holds one (`permit`, `deny`, `reject`).
    choice: bool,
    /// Continues the name of its parent: `to-zone B` after `from-zone A`.
    inline: bool,
    /// Printed on one line if what stands below is plain.
    line: bool,
    below: &'static [Self],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Statements below it.
    Block,
    /// The whole hierarchy again, below the name of a group.
    Hierarchy,
    /// Nothing below it.
    Flag,
    /// A name, statements below the name.
    Keyed,
    /// One value; a later one replaces it.
    Value,
    /// Any number of values.
    Values,
}

impl Shape {
    const fn choice(mut self) -> Self {
        self.choice = true;
        self
    }

    const fn inline(mut self) -> Self {
        self.inline = true;
        self
    }

    const fn line(mut self) -> Self {
        self.line = true;
        self
    }

    /// The shape of a child: its keyword's, else that of any other word.
    fn child(&self, word: &str) -> Option<&'static Self> {
        let named = self.below.iter().chain(&COMMON).find(|s| s.word == word);
        named.or_else(|| self.below.iter().find(|s| s.word.is_empty()))
    }
}

/// Where a node stands: what may come below it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// Statements of this shape.
    Inside(&'static Shape),
    /// The name or value of this keyword.
    Name(&'static Shape),
    /// Nothing: a complete value.
    Value,
    /// Nothing: a complete flag.
    Flag,
    /// Outside the table.
    Unknown,
}

impl Place {
    /// The place of the root node.
    pub(super) const ROOT: Self = Self::Inside(&table::ROOT);

    /// The place of a child with this word.
    pub(super) fn step(self, word: &str) -> Self {
        match self {
            Self::Inside(shape) => shape.child(word).map_or(Self::Unknown, Self::of),
            Self::Name(shape) if shape.kind == Kind::Keyed => Self::Inside(shape),
            Self::Name(_) => Self::Value,
            Self::Value | Self::Flag | Self::Unknown => {
                APPLY.iter().find(|s| s.word == word).map_or(Self::Unknown, Self::of)
            }
        }
    }

    fn of(shape: &'static Shape) -> Self {
        match shape.kind {
            Kind::Block => Self::Inside(shape),
            Kind::Hierarchy => Self::ROOT,
            Kind::Flag => Self::Flag,
            Kind::Keyed | Kind::Value | Kind::Values => Self::Name(shape),
        }
    }

    /// Nothing is expected below, so a further word may belong to the enclosing statements.
    pub(super) fn is_complete(self) -> bool {
        match self {
            Self::Value | Self::Flag => true,
            Self::Inside(shape) => shape.below.is_empty(),
            Self::Name(_) | Self::Unknown => false,
        }
    }

    /// Statements stand below, and this is the keyword of one.
    pub(super) fn knows(self, word: &str) -> bool {
        matches!(self, Self::Inside(shape)
            if shape.below.iter().chain(&COMMON).any(|s| s.word == word))
    }

    /// Statements stand below.
    pub(super) fn is_container(self) -> bool {
        matches!(self, Self::Inside(shape) if !shape.below.is_empty())
    }

    /// No statement as long as nothing stands below: a keyword without its name or value, or
    /// `from-zone A` without `to-zone B`.
    pub(super) fn is_partial(self) -> bool {
        match self {
            Self::Name(_) => true,
            Self::Inside(shape) => shape.below.iter().any(|s| s.inline && s.kind == Kind::Keyed),
            _ => false,
        }
    }

    /// A keyword whose name or value comes next.
    pub(super) fn needs_word(self) -> bool {
        matches!(self, Self::Name(_))
    }

    /// Some children exclude others here.
    pub(super) fn has_exclusive(self) -> bool {
        match self {
            Self::Name(shape) => shape.kind == Kind::Value,
            Self::Inside(shape) => shape.below.iter().any(|s| s.choice),
            _ => false,
        }
    }

    /// A child `new` replaces a child `old`: values of one leaf, alternatives of one container.
    pub(super) fn replaces(self, new: &str, old: &str) -> bool {
        new != old
            && match self {
                Self::Name(shape) => shape.kind == Kind::Value,
                Self::Inside(shape) => {
                    [new, old].iter().all(|word| shape.child(word).is_some_and(|s| s.choice))
                }
                _ => false,
            }
    }

    /// The child is printed on the line of this node; `None` outside the table.
    pub(super) fn joins(self, word: &str) -> Option<bool> {
        match self {
            Self::Name(_) => Some(true),
            Self::Inside(shape) => Some(shape.child(word).is_some_and(|s| s.inline)),
            _ => None,
        }
    }

    /// Several children are printed as `[ a b ]`; `None` outside the table.
    pub(super) fn lists(self) -> Option<bool> {
        match self {
            Self::Name(shape) => Some(matches!(shape.kind, Kind::Values | Kind::Value)),
            Self::Inside(_) => Some(false),
            _ => None,
        }
    }

    /// What stands below goes on one line if it is plain.
    pub(super) fn is_line(self) -> bool {
        matches!(self, Self::Inside(shape) if shape.line)
    }

    /// The child may stand on the line among others; the container's own value only as the first.
    pub(super) fn takes_on_line(self, word: &str, is_first: bool) -> bool {
        matches!(self, Self::Inside(shape) if shape.kind == Kind::Keyed
            && shape.below.iter().any(|s| s.word == word || (is_first && s.word.is_empty())))
    }

    /// Index of the word that ends the object which a statement starting here names: what a tag
    /// such as `inactive:` before the statement means. `None` outside the table: the last word.
    pub(super) fn object_end<'w>(self, words: impl IntoIterator<Item = &'w str>) -> Option<usize> {
        let mut words = words.into_iter().enumerate().peekable();
        let mut place = self.step(words.next()?.1);
        let mut end = 0;
        while let Self::Name(Shape { kind: Kind::Keyed, .. }) = place
            && let Some((name_at, name)) = words.next()
        {
            (place, end) = (place.step(name), name_at);
            match words.peek() {
                Some((_, word)) if place.joins(word) == Some(true) => place = place.step(word),
                _ => break,
            }
            words.next();
        }
        (!matches!(place, Self::Unknown)).then_some(end)
    }
}

/// Statements that may stand at every level of the table.
static COMMON: [Shape; 4] = [
    values("apply-groups"),
    values("apply-groups-except"),
    keyed("apply-macro", &[]),
    value("description"),
];

/// Statements that may stand outside the table as well.
static APPLY: [Shape; 2] = [values("apply-groups"), values("apply-groups-except")];

const fn shape(word: &'static str, kind: Kind, below: &'static [Shape]) -> Shape {
    Shape { word, kind, choice: false, inline: false, line: false, below }
}

const fn block(word: &'static str, below: &'static [Shape]) -> Shape {
    shape(word, Kind::Block, below)
}

const fn flag(word: &'static str) -> Shape {
    shape(word, Kind::Flag, &[])
}

const fn keyed(word: &'static str, below: &'static [Shape]) -> Shape {
    shape(word, Kind::Keyed, below)
}

const fn value(word: &'static str) -> Shape {
    shape(word, Kind::Value, &[])
}

const fn values(word: &'static str) -> Shape {
    shape(word, Kind::Values, &[])
}

/// Any other word: a name with statements below it, without a keyword.
const fn any(below: &'static [Shape]) -> Shape {
    shape("", Kind::Block, below)
}

/// Any other word: the container's own value, without a keyword.
const fn own() -> Shape {
    shape("", Kind::Flag, &[]).choice()
}
