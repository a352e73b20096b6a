//! Newtypes for ids. An id is an index into a table of the compiled [`crate::world::World`]; names
//! stay out of the packet path. Zero means none wherever a `NONE` constant exists, so that a zeroed
//! column says nothing.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($repr:ty);)+) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(pub $repr);

        impl $name {
            /// No such thing.
            pub const NONE: Self = Self(0);

            /// The id as an index into its table.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }

            /// True for [`Self::NONE`].
            #[must_use]
            pub const fn is_none(self) -> bool {
                self.0 == 0
            }
        }
    )+};
}

ids! {
    /// A security zone, 1..=255: the wire has one byte for it in session frames.
    ZoneId(u8);
    /// A logical interface (`ge-0/0/0.0`), 1..=32767: the wire has an i16 for it in session frames.
    IfIndex(u16);
    /// A security policy; 0 is the default policy.
    PolicyId(u32);
    /// A rule's ordinal within its list, from 1.
    RuleId(u32);
    /// An application, predefined or configured.
    AppId(u16);
    /// A firewall filter.
    FilterId(u16);
    /// A term's ordinal within its filter, from 1.
    TermId(u16);
    /// A `count` counter of a filter.
    CounterId(u16);
    /// A policer at a term.
    PolicerId(u16);
    /// A NAT rule of any kind.
    NatRuleId(u16);
    /// A source NAT pool.
    PoolId(u16);
    /// An `ids-option` profile.
    ScreenProfileId(u16);
    /// A next hop of the route table.
    NextHopId(u16);
    /// A slot of the session table plus one.
    SessionRef(u32);
    /// A slot of the fragment table plus one.
    FragmentRef(u32);
}

impl ZoneId {
    /// The firewall itself (`junos-host`).
    pub const JUNOS_HOST: Self = Self(1);
    /// The first id that a configured zone gets.
    pub const FIRST_CONFIGURED: Self = Self(2);
}

/// A session's own id, shared by its create and its close event; 0 is no session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct SessionId(pub u64);
