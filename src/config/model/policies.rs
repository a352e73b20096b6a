//! `security policies`: lists of zone pairs, the global list and the default policy. Everything
//! that would narrow a match or restrict a permit and is not supported is an error: without it the
//! policy would let more through.

use components::kinds::Action;
use components::world::policy::Rematch;

use super::reader::{Reader, Stanza, Word, statements};
use crate::config::tree::Node;

/// Whose policies a list has.
#[derive(Clone, Copy, Debug)]
pub enum ListKind<'t> {
    /// `from-zone A to-zone B`.
    Pair(Word<'t>, Word<'t>),
    /// `global`.
    Global,
}

/// One list of policies.
#[derive(Clone, Debug)]
pub struct PolicyList<'t> {
    /// Whose.
    pub kind: ListKind<'t>,
    /// In order.
    pub policies: Vec<Policy<'t>>,
}

/// One policy.
#[derive(Clone, Debug)]
pub struct Policy<'t> {
    /// Its name.
    pub name: Word<'t>,
    /// `match source-address`.
    pub sources: Vec<Word<'t>>,
    /// `match destination-address`.
    pub destinations: Vec<Word<'t>>,
    /// `match application`.
    pub applications: Vec<Word<'t>>,
    /// `source-address-excluded`.
    pub source_excluded: bool,
    /// `destination-address-excluded`.
    pub destination_excluded: bool,
    /// `match from-zone` of a global policy.
    pub from_zones: Vec<Word<'t>>,
    /// `match to-zone` of a global policy.
    pub to_zones: Vec<Word<'t>>,
    /// `then permit/deny/reject`.
    pub action: Action,
    /// `log session-init`.
    pub log_init: bool,
    /// `log session-close`.
    pub log_close: bool,
    /// `then count`.
    pub count: bool,
    /// `scheduler-name`.
    pub scheduler: Option<Word<'t>>,
}

/// `security policies`.
#[derive(Clone, Debug, Default)]
pub struct Policies<'t> {
    /// Lists in the order of the file.
    pub lists: Vec<PolicyList<'t>>,
    /// `default-policy`.
    pub default_action: Action,
    /// `default-policy-logging`.
    pub default_log: bool,
    /// `policy-rematch`.
    pub rematch: Rematch,
}

/// Reads `security policies`.
pub(crate) fn read<'t>(node: &'t Node, reader: &mut Reader<'_>) -> Policies<'t> {
    let mut read = Policies::default();
    for statement in statements(node) {
        match statement.word.as_str() {
            "from-zone" => {
                for from in statement.active() {
                    read_pairs(from, reader, &mut read.lists);
                }
            }
            "global" => read.lists.push(PolicyList {
                kind: ListKind::Global,
                policies: read_list(statement, true, reader),
            }),
            "default-policy" => {
                for action in statements(statement) {
                    match action.word.as_str() {
                        "permit-all" => read.default_action = Action::Permit,
                        "deny-all" => read.default_action = Action::Deny,
                        "reject-all" => read.default_action = Action::Reject,
                        _ => reader.other(&DEFAULT, action),
                    }
                }
            }
            "default-policy-logging" => read.default_log = true,
            "policy-rematch" => {
                let extensive = statements(statement).any(|option| option.word == "extensive");
                read.rematch = if extensive { Rematch::Any } else { Rematch::Same };
            }
            _ => reader.other(&POLICIES, statement),
        }
    }
    read
}

fn read_pairs<'t>(from: &'t Node, reader: &mut Reader<'_>, lists: &mut Vec<PolicyList<'t>>) {
    for statement in statements(from) {
        if statement.word != "to-zone" {
            reader.other(&PAIR, statement);
            continue;
        }
        for to in statement.active() {
            lists.push(PolicyList {
                kind: ListKind::Pair(from.into(), to.into()),
                policies: read_list(to, false, reader),
            });
        }
    }
}

fn read_list<'t>(node: &'t Node, global: bool, reader: &mut Reader<'_>) -> Vec<Policy<'t>> {
    let mut policies = Vec::new();
    for statement in statements(node) {
        match statement.word.as_str() {
            "policy" => {
                policies.extend(statement.active().map(|p| read_policy(p, global, reader)));
            }
            _ => reader.other(&LIST, statement),
        }
    }
    policies
}

fn read_policy<'t>(node: &'t Node, global: bool, reader: &mut Reader<'_>) -> Policy<'t> {
    let mut policy = Policy {
        name: reader.name(node),
        sources: Vec::new(),
        destinations: Vec::new(),
        applications: Vec::new(),
        source_excluded: false,
        destination_excluded: false,
        from_zones: Vec::new(),
        to_zones: Vec::new(),
        action: Action::Deny,
        log_init: false,
        log_close: false,
        count: false,
        scheduler: None,
    };
    if node.word == DEFAULT_POLICY {
        let message = format!("a policy named `{DEFAULT_POLICY}` looks like the default one");
        let found = reader.diagnostics.warning("ambiguous-name", node.span, message);
        found.expected("another name: log lines tell the two apart by nothing else");
    }
    let mut action = None;
    for statement in statements(node) {
        match statement.word.as_str() {
            "match" => read_match(statement, global, &mut policy, reader),
            "then" => read_then(statement, &mut policy, &mut action, reader),
            "scheduler-name" => policy.scheduler = reader.value(statement),
            _ => reader.other(&POLICY, statement),
        }
    }
    match action {
        Some(action) => policy.action = action,
        None => {
            let message = format!("the policy `{}` does not say what to do", node.word);
            let found = reader.diagnostics.error("missing-action", node.span, message);
            found.expected("then permit, deny or reject");
        }
    }
    let missing = [
        ("source-address", policy.sources.is_empty()),
        ("destination-address", policy.destinations.is_empty()),
        ("application", policy.applications.is_empty()),
    ];
    for (what, _) in missing.iter().filter(|(_, missing)| *missing) {
        let message = format!("the policy `{}` does not match any {what}", node.word);
        let found = reader.diagnostics.error("missing-match", node.span, message);
        found.expected(format!("match {what} any, or names"));
    }
    policy
}

fn read_match<'t>(node: &'t Node, global: bool, policy: &mut Policy<'t>, reader: &mut Reader<'_>) {
    for statement in statements(node) {
        match statement.word.as_str() {
            "source-address" => policy.sources = reader.values(statement),
            "destination-address" => policy.destinations = reader.values(statement),
            "application" => policy.applications = reader.values(statement),
            "source-address-excluded" => policy.source_excluded = true,
            "destination-address-excluded" => policy.destination_excluded = true,
            "from-zone" if global => policy.from_zones = zones(statement, reader),
            "to-zone" if global => policy.to_zones = zones(statement, reader),
            _ => reader.other(&MATCH, statement),
        }
    }
}

/// Zones of a global policy; `any` is every zone, as no statement is.
fn zones<'t>(statement: &'t Node, reader: &mut Reader<'_>) -> Vec<Word<'t>> {
    let zones = reader.values(statement);
    let any = zones.iter().any(|zone| zone.text == "any");
    if any { Vec::new() } else { zones }
}

fn read_then(
    node: &Node,
    policy: &mut Policy<'_>,
    action: &mut Option<Action>,
    reader: &mut Reader<'_>,
) {
    for statement in statements(node) {
        let (decides, stanza) = match statement.word.as_str() {
            "permit" => (Action::Permit, &PERMIT),
            "deny" => (Action::Deny, &DENY),
            "reject" => (Action::Reject, &DENY),
            "log" => {
                for what in statements(statement) {
                    match what.word.as_str() {
                        "session-init" => policy.log_init = true,
                        "session-close" => policy.log_close = true,
                        _ => reader.other(&LOG, what),
                    }
                }
                continue;
            }
            "count" => {
                policy.count = true;
                statements(statement).for_each(|option| reader.other(&COUNT, option));
                continue;
            }
            _ => {
                reader.other(&THEN, statement);
                continue;
            }
        };
        if action.is_some_and(|earlier| earlier != decides) {
            let message = format!("the policy `{}` has two actions", policy.name.text);
            let found = reader.diagnostics.error("two-actions", statement.span, message);
            found.expected("one of permit, deny and reject");
        }
        *action = Some(decides);
        for option in statements(statement) {
            reader.other(stanza, option);
        }
    }
}

/// What the default policy is called in log lines.
const DEFAULT_POLICY: &str = "default-policy";

const POLICIES: Stanza = Stanza {
    path: "security policies",
    honoured: "from-zone global default-policy default-policy-logging policy-rematch",
    later: "pre-id-default-policy unified-policy-explicit-match",
    ignored: "policy-stats lookup-intra-zone",
    ..Stanza::EMPTY
};

const DEFAULT: Stanza = Stanza {
    path: "security policies default-policy",
    honoured: "permit-all deny-all reject-all",
    ..Stanza::EMPTY
};

const PAIR: Stanza =
    Stanza { path: "security policies from-zone", honoured: "to-zone", ..Stanza::EMPTY };

const LIST: Stanza =
    Stanza { path: "security policies from-zone to-zone", honoured: "policy", ..Stanza::EMPTY };

const POLICY: Stanza = Stanza {
    path: "security policies policy",
    honoured: "match then scheduler-name",
    later: "report-skip",
    ..Stanza::EMPTY
};

const MATCH: Stanza = Stanza {
    path: "security policies policy match",
    honoured: "source-address destination-address application source-address-excluded \
        destination-address-excluded from-zone to-zone",
    opening: "dynamic-application source-identity source-identity-feed \
        destination-identity-feed source-end-user-profile url-category \
        source-l3vpn-vrf-group destination-l3vpn-vrf-group",
    ..Stanza::EMPTY
};

const THEN: Stanza = Stanza {
    path: "security policies policy then",
    honoured: "permit deny reject log count",
    ..Stanza::EMPTY
};

const COUNT: Stanza =
    Stanza { path: "security policies policy then count", later: "alarm", ..Stanza::EMPTY };

const LOG: Stanza = Stanza {
    path: "security policies policy then log",
    honoured: "session-init session-close",
    later: "session-update",
    ..Stanza::EMPTY
};

const PERMIT: Stanza = Stanza {
    path: "security policies policy then permit",
    ignored: "services-offload",
    opening: "application-services destination-address firewall-authentication tcp-options \
        tunnel advanced-connection-tracking",
    ..Stanza::EMPTY
};

const DENY: Stanza = Stanza {
    path: "security policies policy then deny",
    later: "application-services profile ssl-proxy",
    ..Stanza::EMPTY
};
