//! What events are: their kinds, the action that really happened, close reasons and filter hooks,
//! numbered as the RT_FLOW record carries them. Why a permitted packet opened no session has no
//! byte of its own there and travels as the term of a PolicyDeny.

use crate::reason::DropReason;

/// Event kinds of the RT_FLOW record (its byte 52).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EventKind {
    /// A session was created.
    SessionCreate = 1,
    /// A session ended.
    SessionClose = 2,
    /// A policy denied or rejected a packet.
    PolicyDeny = 3,
    /// A screen fired.
    ScreenDrop = 4,
    /// A filter term with `log` or `syslog` matched.
    FilterLog = 6,
}

impl EventKind {
    /// All kinds in the order of their numbers.
    pub const ALL: [Self; 5] = [
        Self::SessionCreate,
        Self::SessionClose,
        Self::PolicyDeny,
        Self::ScreenDrop,
        Self::FilterLog,
    ];
    /// Number of kinds.
    pub const COUNT: usize = 5;

    /// Position in [`Self::ALL`], 0..5.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::SessionCreate => 0,
            Self::SessionClose => 1,
            Self::PolicyDeny => 2,
            Self::ScreenDrop => 3,
            Self::FilterLog => 4,
        }
    }

    /// The name in ledgers and metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::SessionCreate => "session_create",
            Self::SessionClose => "session_close",
            Self::PolicyDeny => "policy_deny",
            Self::ScreenDrop => "screen_drop",
            Self::FilterLog => "filter_log",
        }
    }

    /// From the record's byte.
    #[must_use]
    pub const fn from_wire(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::SessionCreate),
            2 => Some(Self::SessionClose),
            3 => Some(Self::PolicyDeny),
            4 => Some(Self::ScreenDrop),
            6 => Some(Self::FilterLog),
            _ => None,
        }
    }
}

/// What really happened to the packet (byte 54).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Action {
    /// Dropped silently.
    #[default]
    Deny = 0,
    /// Let through.
    Permit = 1,
    /// Dropped and answered.
    Reject = 2,
}

impl Action {
    /// From the record's byte.
    #[must_use]
    pub const fn from_wire(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Deny),
            1 => Some(Self::Permit),
            2 => Some(Self::Reject),
            _ => None,
        }
    }
}

crate::reasons! {
    /// What a frame of session replication tells: types 1 to 3, in this order.
    SessionChange {
        #[default] Open "open" "A session began.",
        Close "close" "It ended.",
        Update "update" "It changed.",
    }
}

impl SessionChange {
    /// From a frame's type.
    #[must_use]
    pub fn from_wire(frame_type: u8) -> Option<Self> {
        Self::ALL.get(usize::from(frame_type.checked_sub(1)?)).copied()
    }
}

crate::reasons! {
    /// Why a session ended (byte 134 of a close).
    CloseReason {
        #[default] None "none" "Not a close, or not known.",
        IdleTimeout "idle_timeout" "No packet for as long as its timeout.",
        TcpFin "tcp_fin" "FIN in both directions.",
        TcpRst "tcp_rst" "RST in either direction.",
        AgedOut "aged_out" "Removed early to make room.",
        Policy "policy" "A commit, or the end of a scheduler, took its permission away.",
    }
}

/// Why a packet that its policy permits opened no session all the same: the term of a PolicyDeny
/// whose reason byte is not that of a policy. Values are those of natEvent (RFC 8158); what it has
/// no value for lies above its 8 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum OpenFailure {
    /// "NAT ports exhausted", and where a protocol has no ports, the pool's addresses.
    Exhausted = 12,
    /// "Quota exceeded": sessions of a persistent binding, or the table of bindings.
    Quota = 13,
    /// Another session has the translated tuple.
    TupleTaken = 256,
    /// No room for one more session.
    TableFull = 257,
}

impl OpenFailure {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Exhausted, Self::Quota, Self::TupleTaken, Self::TableFull];

    /// That of a drop, if NAT or the session table had nothing left to give.
    #[must_use]
    pub const fn of(reason: DropReason) -> Option<Self> {
        match reason {
            DropReason::NatPoolExhausted => Some(Self::Exhausted),
            DropReason::NatBindingSessions | DropReason::NatBindingsFull => Some(Self::Quota),
            DropReason::NatTupleTaken => Some(Self::TupleTaken),
            DropReason::SessionTableFull => Some(Self::TableFull),
            _ => None,
        }
    }

    /// From a record's reason byte and term.
    #[must_use]
    pub fn from_record(reason: u8, term: u32) -> Option<Self> {
        let is_policy = reason == CloseReason::Policy as u8;
        Self::ALL.into_iter().find(|failure| !is_policy && *failure as u32 == term)
    }

    /// The `reason` of its log line.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Exhausted => "NAT pool exhausted",
            Self::Quota => "NAT quota exceeded",
            Self::TupleTaken => "NAT translation in use",
            Self::TableFull => "Session table full",
        }
    }
}

crate::reasons! {
    /// Which hook a filter ran at (byte 134 of a FilterLog).
    FilterSource {
        #[default] None "none" "Not a filter event.",
        Pbr "pbr" "Policy-based routing.",
        Input "input" "Input of the ingress interface.",
        Output "output" "Output of the egress interface.",
        CachedOutput "cached_output" "Output, decided by a cached flow.",
        Lo0 "lo0" "Host-bound traffic.",
    }
}
