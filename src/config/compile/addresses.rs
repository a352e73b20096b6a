//! Address books: every entry as ranges, sets resolved once with their cycles found, looked up as
//! Junos does: the book of the zone first, then the global one.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use components::address::{AddressRange, AddressSet};
use components::world::policy::AddressMatch;

use super::lookup::{SET_DEPTH_MAX, set_cycle, undefined};
use crate::config::diagnostic::Diagnostics;
use crate::config::model::Word;
use crate::config::model::addresses::{AddressValue, Book};

/// All address books.
#[derive(Debug, Default)]
pub(crate) struct Books<'m> {
    books: Vec<Resolved<'m>>,
    global: Option<usize>,
    of_zone: HashMap<&'m str, Vec<usize>>,
}

#[derive(Debug, Default)]
struct Resolved<'m> {
    entries: HashMap<&'m str, Entry<'m>>,
}

#[derive(Debug)]
struct Entry<'m> {
    name: Word<'m>,
    members: Option<&'m [Word<'m>]>,
    covers: Covers<'m>,
    used: Cell<bool>,
}

/// What an entry stands for.
#[derive(Clone, Debug)]
enum Covers<'m> {
    Ranges(Rc<[AddressRange]>),
    /// `dns-name` or `wildcard-address`, here or in a member, and whose it is.
    Unsupported(&'static str, &'m str),
    /// Has been reported.
    Invalid,
    /// A set that is being resolved.
    Open,
    /// A set that has not been looked at.
    Unseen,
}

impl<'m> Books<'m> {
    /// Resolves all books, unused entries too, so that their errors are found.
    pub(crate) fn new(
        books: impl Iterator<Item = &'m Book<'m>>,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let mut all = Self::default();
        for book in books {
            let index = all.books.len();
            if book.name.text == "global" {
                all.global = Some(index);
            } else if book.zones.is_empty() {
                let message = format!("no zone has the address book `{}`", book.name.text);
                diagnostics
                    .warning("unused-address-book", book.name.span, message)
                    .expected("attach zone, or the name global");
            }
            for zone in &book.zones {
                all.of_zone.entry(zone.text).or_default().push(index);
            }
            all.books.push(Resolved::new(book, diagnostics));
        }
        all
    }

    /// `any`, `any-ipv4`, `any-ipv6` and names, of the zone's books and the global one.
    pub(crate) fn matching(
        &self,
        names: &[Word<'m>],
        zone: Option<&str>,
        excluded: bool,
        diagnostics: &mut Diagnostics,
    ) -> Option<AddressMatch> {
        let mut ranges = Vec::new();
        let mut complete = true;
        for &name in names {
            match name.text {
                "any" => ranges.extend([ALL_V4, ALL_V6]),
                "any-ipv4" => ranges.push(ALL_V4),
                "any-ipv6" => ranges.push(ALL_V6),
                _ => match self.find(name, zone, diagnostics) {
                    Some(found) => ranges.extend_from_slice(&found),
                    None => complete = false,
                },
            }
        }
        complete.then(|| AddressMatch { set: AddressSet::from_ranges(ranges), excluded })
    }

    /// The ranges of one name; an error if it is not defined or cannot be matched.
    pub(crate) fn find(
        &self,
        name: Word<'_>,
        zone: Option<&str>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Rc<[AddressRange]>> {
        let books = || {
            let of_zone = zone.and_then(|zone| self.of_zone.get(zone));
            of_zone.into_iter().flatten().chain(self.global.iter())
        };
        let entry = books().find_map(|&book| self.books[book].entries.get(name.text));
        let Some(entry) = entry else {
            let known = books()
                .flat_map(|&book| self.books[book].entries.keys().copied())
                .chain(["any", "any-ipv4", "any-ipv6"]);
            undefined("address", "undefined-address", name, known, diagnostics);
            return None;
        };
        entry.used.set(true);
        match &entry.covers {
            Covers::Ranges(ranges) => Some(Rc::clone(ranges)),
            Covers::Unsupported(what, whose) => {
                let message = format!("`{whose}` is a {what}, which cannot be matched");
                diagnostics
                    .error("unsupported-address", name.span, message)
                    .expected("an address of prefixes or ranges");
                None
            }
            Covers::Invalid | Covers::Open | Covers::Unseen => None,
        }
    }

    /// Notes on entries that neither a rule nor a set refers to.
    pub(crate) fn report_unused(&self, diagnostics: &mut Diagnostics) {
        let entries = self.books.iter().flat_map(|book| book.entries.values());
        let mut unused: Vec<_> = entries.filter(|entry| !entry.used.get()).collect();
        unused.sort_unstable_by_key(|entry| entry.name.span);
        for entry in unused {
            let kind = if entry.members.is_some() { "address set" } else { "address" };
            let message = format!("the {kind} `{}` is not used", entry.name.text);
            diagnostics.note("unused-address", entry.name.span, message);
        }
    }
}

impl<'m> Resolved<'m> {
    fn new(book: &'m Book<'m>, diagnostics: &mut Diagnostics) -> Self {
        let mut resolved = Self::default();
        for address in &book.addresses {
            let covers = match &address.value {
                AddressValue::Range(range) => Covers::Ranges(Rc::new([*range])),
                AddressValue::Unsupported(what) => Covers::Unsupported(what, address.name.text),
                AddressValue::Invalid => Covers::Invalid,
            };
            resolved.insert(address.name, None, covers, diagnostics);
        }
        for set in &book.sets {
            resolved.insert(set.name, Some(&set.members), Covers::Unseen, diagnostics);
        }
        for set in &book.sets {
            resolved.resolve(set.name.text, 0, diagnostics);
        }
        resolved
    }

    fn insert(
        &mut self,
        name: Word<'m>,
        members: Option<&'m [Word<'m>]>,
        covers: Covers<'m>,
        diagnostics: &mut Diagnostics,
    ) {
        let reserved = matches!(name.text, "any" | "any-ipv4" | "any-ipv6");
        if reserved || self.entries.contains_key(name.text) {
            let message = match reserved {
                true => format!("the address name `{}` is reserved", name.text),
                false => format!("`{}` is already the name of an address", name.text),
            };
            diagnostics.error("duplicate-name", name.span, message);
        }
        let entry = Entry { name, members, covers, used: Cell::new(false) };
        self.entries.insert(name.text, entry);
    }

    /// What a name covers; sets are resolved on the way.
    fn resolve(
        &mut self,
        name: &'m str,
        depth: usize,
        diagnostics: &mut Diagnostics,
    ) -> Option<Covers<'m>> {
        let entry = self.entries.get_mut(name)?;
        let (Covers::Unseen, Some(members)) = (&entry.covers, entry.members) else {
            return Some(entry.covers.clone());
        };
        let own = entry.name;
        entry.covers = Covers::Open;
        let mut ranges = Vec::new();
        let mut unsupported = None;
        let mut valid = true;
        if members.is_empty() {
            let message = format!("the address set `{}` is empty", own.text);
            diagnostics.error("empty-set", own.span, message);
            valid = false;
        }
        for &member in members {
            let found = match depth < SET_DEPTH_MAX {
                true => self.resolve(member.text, depth + 1, diagnostics),
                false => Some(Covers::Open),
            };
            if let Some(entry) = self.entries.get(member.text) {
                entry.used.set(true);
            }
            match found {
                Some(Covers::Ranges(found)) => ranges.extend_from_slice(&found),
                Some(Covers::Unsupported(what, whose)) => unsupported = Some((what, whose)),
                Some(Covers::Open) => {
                    set_cycle(member, diagnostics);
                    valid = false;
                }
                Some(Covers::Invalid | Covers::Unseen) => valid = false,
                None => {
                    let known = self.entries.keys().copied();
                    undefined("address", "undefined-address", member, known, diagnostics);
                    valid = false;
                }
            }
        }
        let covers = match (valid, unsupported) {
            (false, _) => Covers::Invalid,
            (true, Some((what, whose))) => Covers::Unsupported(what, whose),
            (true, None) => {
                ranges.sort_unstable();
                ranges.dedup();
                Covers::Ranges(ranges.into())
            }
        };
        if let Some(entry) = self.entries.get_mut(name) {
            entry.covers = covers.clone();
        }
        Some(covers)
    }
}

const ALL_V4: AddressRange = AddressRange::V4(0, u32::MAX);
const ALL_V6: AddressRange = AddressRange::V6(0, u128::MAX);
