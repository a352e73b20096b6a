//! Applications: the predefined ones first, then the configured ones, which may take a predefined
//! name over. Sets are resolved once. What an RPC gateway alone can tell matches nothing: safe in a
//! permit, an error where it denies.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use components::ids::AppId;
use components::world::application::{AppTerm, Application};

use super::bounded;
use super::lookup::{SET_DEPTH_MAX, set_cycle, undefined};
use crate::config::diagnostic::Diagnostics;
use crate::config::model::Word;
use crate::config::model::applications::{App, Applications};
use crate::config::predefined;
use crate::config::span::Span;

/// Ids have 16 bits, zero is none.
const APPLICATIONS_MAX: usize = 65_534;

/// All applications and sets by name.
#[derive(Debug, Default)]
pub(crate) struct AppTable<'m> {
    /// In the order of their ids, from 1.
    pub(crate) applications: Vec<Application>,
    /// Their names.
    pub(crate) names: Vec<&'m str>,
    /// What `security alg` disables.
    pub(crate) gateways_off: Vec<&'m str>,
    items: HashMap<&'m str, Item<'m>>,
}

#[derive(Debug)]
struct Item<'m> {
    /// `None` for what is predefined.
    span: Option<Span>,
    value: Value<'m>,
    used: Cell<bool>,
}

#[derive(Clone, Debug)]
enum Value<'m> {
    App(AppId),
    /// Only an RPC gateway could tell.
    Rpc(AppId),
    /// Members by name.
    Unseen(Vec<Word<'m>>),
    Open,
    Set(Rc<[Member]>),
    Invalid,
}

/// A member of a set; `rpc` as above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    id: AppId,
    rpc: bool,
}

/// What the applications of a rule come to.
#[derive(Debug, Default)]
pub(crate) struct AppTerms {
    /// Terms in order.
    pub(crate) terms: Vec<(AppTerm, AppId)>,
    /// One of them matches nothing.
    pub(crate) rpc: bool,
}

impl<'m> AppTable<'m> {
    pub(crate) fn new(model: &'m Applications<'m>, diagnostics: &mut Diagnostics) -> Self {
        let mut table = Self::default();
        for application in predefined::APPLICATIONS {
            let id = table.push(application.name, application.terms.to_vec());
            table.insert(application.name, None, Value::App(id));
        }
        for name in predefined::RPC {
            let id = table.push(name, Vec::new());
            table.insert(name, None, Value::Rpc(id));
        }
        for (name, members) in predefined::SETS {
            let span = Span::default();
            let members = members.iter().map(|&text| Word { text, span }).collect();
            table.insert(name, None, Value::Unseen(members));
        }
        let max = APPLICATIONS_MAX - table.names.len();
        let span = |application: &App<'_>| application.name.span;
        let configured = bounded(&model.applications, max, "applications", span, diagnostics);
        for application in configured {
            let name = application.name;
            table.check_new(name, diagnostics);
            let value = if application.rpc {
                Value::Rpc(table.push(name.text, Vec::new()))
            } else {
                Value::App(table.push(name.text, application.terms.clone()))
            };
            table.insert(name.text, Some(name.span), value);
        }
        for set in &model.sets {
            table.check_new(set.name, diagnostics);
            let value = Value::Unseen(set.members.clone());
            table.insert(set.name.text, Some(set.name.span), value);
        }
        let sets = predefined::SETS.iter().map(|(name, _)| *name);
        for name in sets.chain(model.sets.iter().map(|set| set.name.text)) {
            table.resolve(name, 0, diagnostics);
        }
        table
    }

    /// The terms of the listed applications and sets; an error for each name that is not defined.
    pub(crate) fn terms(
        &self,
        names: &[Word<'m>],
        diagnostics: &mut Diagnostics,
    ) -> Option<AppTerms> {
        let mut members: Vec<Member> = Vec::new();
        let mut complete = true;
        for &name in names {
            let Some(item) = self.items.get(name.text) else {
                self.undefined(name, diagnostics);
                complete = false;
                continue;
            };
            item.used.set(true);
            match &item.value {
                Value::App(id) => members.push(Member { id: *id, rpc: false }),
                Value::Rpc(id) => members.push(Member { id: *id, rpc: true }),
                Value::Set(all) => members.extend_from_slice(all),
                Value::Invalid | Value::Open | Value::Unseen(_) => complete = false,
            }
        }
        let mut read = AppTerms::default();
        for member in members {
            read.rpc |= member.rpc;
            let application = &self.applications[member.id.index() - 1];
            let terms = application.terms.iter().map(|&term| (term, member.id));
            read.terms.extend(terms);
        }
        complete.then_some(read)
    }

    /// Predefined ones among those of these terms whose further connections an SRX would let
    /// through, by a gateway that is not switched off.
    pub(crate) fn with_gateway(&self, terms: &[(AppTerm, AppId)]) -> Vec<&'m str> {
        let has_gateway = |name: &&str| {
            let mut all = predefined::WITH_GATEWAY.iter();
            all.any(|(application, gateway)| {
                application == name && !self.gateways_off.contains(gateway)
            })
        };
        let predefined = |id: &AppId| id.index() <= predefined::APPLICATIONS.len();
        let ids = terms.iter().map(|(_, id)| *id).filter(predefined);
        let mut names: Vec<_> = ids.map(|id| self.names[id.index() - 1]).collect();
        names.retain(has_gateway);
        names.dedup();
        names
    }

    /// Notes on configured ones that neither a rule nor a set refers to.
    pub(crate) fn report_unused(&self, diagnostics: &mut Diagnostics) {
        let unused = self.items.iter().filter(|(_, item)| !item.used.get());
        let mut unused: Vec<_> =
            unused.filter_map(|(name, item)| Some((item.span?, *name))).collect();
        unused.sort_unstable();
        for (span, name) in unused {
            let message = format!("the application `{name}` is not used");
            diagnostics.note("unused-application", span, message);
        }
    }

    fn push(&mut self, name: &'m str, terms: Vec<AppTerm>) -> AppId {
        self.names.push(name);
        self.applications.push(Application { terms });
        AppId(u16::try_from(self.names.len()).expect("bounded by `APPLICATIONS_MAX`"))
    }

    fn insert(&mut self, name: &'m str, span: Option<Span>, value: Value<'m>) {
        let used = Cell::new(false);
        self.items.insert(name, Item { span, value, used });
    }

    fn check_new(&self, name: Word<'_>, diagnostics: &mut Diagnostics) {
        let taken = self.items.get(name.text).is_some_and(|item| item.span.is_some());
        if taken || name.text == "any" {
            let message = format!("`{}` is already the name of an application", name.text);
            diagnostics.error("duplicate-name", name.span, message);
        }
    }

    fn undefined(&self, name: Word<'_>, diagnostics: &mut Diagnostics) {
        let known = self.items.keys().copied();
        undefined("application", "undefined-application", name, known, diagnostics);
    }

    fn resolve(&mut self, name: &'m str, depth: usize, diagnostics: &mut Diagnostics) {
        let Some(item) = self.items.get_mut(name) else {
            return;
        };
        let Value::Unseen(members) = std::mem::replace(&mut item.value, Value::Open) else {
            return;
        };
        let mut all = Vec::new();
        let mut valid = true;
        if let (true, Some(span)) = (members.is_empty(), item.span) {
            let message = format!("the application set `{name}` is empty");
            diagnostics.error("empty-set", span, message);
            valid = false;
        }
        for member in members {
            if depth < SET_DEPTH_MAX && self.is_unseen(member.text) {
                self.resolve(member.text, depth + 1, diagnostics);
            }
            let Some(item) = self.items.get(member.text) else {
                self.undefined(member, diagnostics);
                valid = false;
                continue;
            };
            item.used.set(true);
            match &item.value {
                Value::App(id) => all.push(Member { id: *id, rpc: false }),
                Value::Rpc(id) => all.push(Member { id: *id, rpc: true }),
                Value::Set(members) => all.extend_from_slice(members),
                Value::Invalid => valid = false,
                Value::Open | Value::Unseen(_) => {
                    set_cycle(member, diagnostics);
                    valid = false;
                }
            }
        }
        let mut seen = std::collections::HashSet::new();
        all.retain(|member| seen.insert(member.id));
        if let Some(item) = self.items.get_mut(name) {
            item.value = if valid { Value::Set(all.into()) } else { Value::Invalid };
        }
    }

    fn is_unseen(&self, name: &str) -> bool {
        let item = self.items.get(name);
        item.is_some_and(|item| matches!(item.value, Value::Unseen(_)))
    }
}
