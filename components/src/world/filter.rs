//! Firewall filters: terms in order, the first terminating action wins, no match is an implicit
//! discard (Junos).

use crate::address::{AddressSet, Family};
use crate::ids::{CounterId, FilterId, IfIndex, PolicerId};
use crate::world::policer::LossPriority;

/// `from …` of a term: every condition given must hold; an absent one is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterMatch {
    /// `source-address`, `source-prefix-list`, less their `except`s.
    pub source: Option<AddressSet>,
    /// `destination-address`.
    pub destination: Option<AddressSet>,
    /// `address`: either side.
    pub either: Option<AddressSet>,
    /// `protocol`, `next-header`, `payload-protocol`; with `protocol-except` already inverted.
    pub protocols: Vec<u8>,
    /// `source-port`, inclusive ranges.
    pub source_ports: Vec<(u16, u16)>,
    /// `destination-port`.
    pub destination_ports: Vec<(u16, u16)>,
    /// `port`: either side.
    pub ports: Vec<(u16, u16)>,
    /// `tcp-flags`, a disjunction of (mask, value) pairs over the flags byte.
    pub tcp_flags: Vec<(u8, u8)>,
    /// `tcp-established`: ACK or RST.
    pub tcp_established: bool,
    /// `tcp-initial`: SYN without ACK.
    pub tcp_initial: bool,
    /// `icmp-type`.
    pub icmp_types: Vec<(u8, u8)>,
    /// `icmp-code`.
    pub icmp_codes: Vec<(u8, u8)>,
    /// `dscp` or `traffic-class`.
    pub dscps: Vec<u8>,
    /// `is-fragment`: not the first fragment (Junos).
    pub is_fragment: bool,
    /// `first-fragment`.
    pub first_fragment: bool,
    /// `fragment-flags more-fragments` and the like as (mask, value) over the IPv4 flags and offset
    /// field.
    pub fragment_flags: Option<(u16, u16)>,
    /// `packet-length`, bytes of the IP packet.
    pub packet_lengths: Vec<(u16, u16)>,
    /// `ttl` or `hop-limit`.
    pub ttls: Vec<(u8, u8)>,
    /// `ip-options any`.
    pub any_ip_option: bool,
    /// `ip-options NAME`: bits of [`crate::columns::ip_option`], any of them; 0 is no condition.
    pub ip_options: u16,
    /// `fragment-offset`, in units of 8 bytes.
    pub fragment_offsets: Vec<(u16, u16)>,
    /// `loss-priority` that earlier terms or hooks gave.
    pub loss_priorities: Vec<LossPriority>,
    /// `interface`: where the packet came in.
    pub interfaces: Vec<IfIndex>,
}

/// How a term ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FilterAction {
    /// Let it on.
    #[default]
    Accept,
    /// Drop it.
    Discard,
    /// Drop it and answer with this ICMP code of destination unreachable, or with RST
    /// (`tcp-reset`).
    Reject(RejectWith),
    /// `next term`: go on.
    NextTerm,
}

/// What `then reject` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectWith {
    /// TCP reset for TCP, ICMP administratively prohibited for everything else.
    TcpReset,
    /// ICMP destination unreachable with this code (IPv4 numbering).
    Unreachable(u8),
}

/// One term.
#[derive(Clone, Debug, Default)]
pub struct FilterTerm {
    /// When.
    pub matches: FilterMatch,
    /// What.
    pub action: FilterAction,
    /// `log` or `syslog`: raise a FilterLog event.
    pub log: bool,
    /// `count`: index into the shard's filter counters plus one.
    pub counter: CounterId,
    /// `policer`, `three-color-policer`.
    pub policer: PolicerId,
    /// `loss-priority`.
    pub loss_priority: Option<LossPriority>,
    /// `dscp`, `traffic-class`: the six bits that the packet leaves with.
    pub dscp: Option<u8>,
}

/// What a term asks about, so that nobody looks through conditions that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Nothing: every packet fits.
    Nothing,
    /// Addresses only.
    Addresses,
    /// The protocol only.
    Protocol,
    /// Ports or other things too.
    More,
}

/// A filter.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Its id.
    pub id: FilterId,
    /// `inet` or `inet6`.
    pub family: Family,
    terms: Vec<FilterTerm>,
    asks: Vec<Asks>,
    plain: bool,
}

impl Filter {
    /// A filter of terms in order; a term's id is its position from 1.
    #[must_use]
    pub fn new(id: FilterId, family: Family, terms: Vec<FilterTerm>) -> Self {
        let asks = terms.iter().map(|term| term.matches.asks()).collect();
        let plain = terms.iter().all(FilterTerm::is_plain);
        Self { id, family, terms, asks, plain }
    }

    /// The terms.
    #[must_use]
    pub fn terms(&self) -> &[FilterTerm] {
        &self.terms
    }

    /// The terms and what each asks about.
    pub fn asking(&self) -> impl Iterator<Item = (&FilterTerm, Asks)> {
        self.terms.iter().zip(self.asks.iter().copied())
    }

    /// Each packet's way through it is its own: no term meters, marks, or goes by marks, and the
    /// first that fits decides. Then packets may be judged term by term instead of one by one.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.plain
    }
}

impl FilterTerm {
    fn is_plain(&self) -> bool {
        self.policer.is_none()
            && self.loss_priority.is_none()
            && self.dscp.is_none()
            && self.matches.loss_priorities.is_empty()
            && self.action != FilterAction::NextTerm
    }
}

impl FilterMatch {
    fn asks(&self) -> Asks {
        let without_addresses =
            Self { source: None, destination: None, either: None, ..self.clone() };
        let without_protocol = Self { protocols: Vec::new(), ..self.clone() };
        if *self == Self::default() {
            Asks::Nothing
        } else if without_addresses == Self::default() {
            Asks::Addresses
        } else if without_protocol == Self::default() {
            Asks::Protocol
        } else {
            Asks::More
        }
    }
}
