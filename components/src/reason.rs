//! Why something did not go on: one enum a boundary, each made by one list that gives the variant,
//! its label in the ledger and its description. Counters are arrays over the enum, so a new reason
//! cannot lack its counter.

/// Counts by the variants of a reason enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts<const N: usize>(pub [u64; N]);

impl<const N: usize> Default for Counts<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Counts<N> {
    /// Sum over all variants.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Adds another table, variant by variant.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine += theirs;
        }
    }
}

/// Declares a reason enum with labels and descriptions.
#[macro_export]
macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$attribute:meta])* $variant:ident $label:literal $text:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $(#[doc = $text] $(#[$attribute])* $variant,)+
        }

        impl $name {
            /// All variants in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// Number of variants.
            pub const COUNT: usize = Self::ALL.len();

            /// The name in ledgers and metrics.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }

            /// What it means, one sentence.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Position in [`Self::ALL`].
            #[must_use]
            pub const fn index(self) -> usize {
                self as usize
            }
        }
    };
}

reasons! {
    /// Why a packet was dropped. The first variant is what a row is born with.
    DropReason {
        #[default] Default "default" "No system decided; the default is drop.",
        UnsupportedLinkType "unsupported_link_type" "The capture's link type is not one that is parsed.",
        RuntFrame "runt_frame" "Shorter than a link-layer header, or than the headers that the frame announces.",
        UnsupportedEtherType "unsupported_ether_type" "Neither IPv4, IPv6 nor ARP.",
        VlanStackTooDeep "vlan_stack_too_deep" "More than two VLAN tags.",
        Snapped "snapped" "The capture's snap length cut a header that is needed.",
        BadIpVersion "bad_ip_version" "The IP version is not that of the ether type.",
        BadIpv4HeaderLength "bad_ipv4_header_length" "IHL below 5 or beyond the packet.",
        BadIpv4TotalLength "bad_ipv4_total_length" "IPv4 total length below the header length.",
        Ipv4LengthBeyondFrame "ipv4_length_beyond_frame" "IPv4 total length beyond the frame.",
        Ipv4HeaderChecksum "ipv4_header_checksum" "The IPv4 header checksum is wrong.",
        Ipv6LengthBeyondFrame "ipv6_length_beyond_frame" "IPv6 payload length beyond the frame.",
        Ipv6Jumbogram "ipv6_jumbogram" "IPv6 payload length 0 with a payload: jumbograms are not forwarded.",
        ExtensionChainTooLong "extension_chain_too_long" "More IPv6 extension headers than the bound.",
        TruncatedExtensionHeader "truncated_extension_header" "An IPv6 extension header runs beyond the packet.",
        TruncatedL4 "truncated_l4" "The transport header runs beyond the packet.",
        BadTcpDataOffset "bad_tcp_data_offset" "TCP data offset below 5 or beyond the packet.",
        BadUdpLength "bad_udp_length" "UDP length below 8 or beyond the packet.",
        L4Checksum "l4_checksum" "The transport checksum is wrong (verified only when asked).",
        BadFragment "bad_fragment" "A fragment that is empty, no multiple of 8, or beyond 65,535 or the last one.",
        FragmentTiny "fragment_tiny" "A first fragment without its whole transport header (RFC 1858, RFC 7112).",
        FragmentBeforeFirst "fragment_before_first" "A later fragment whose first fragment has not come yet or is forgotten.",
        FragmentOverlap "fragment_overlap" "It overlaps an earlier fragment, or is of a datagram where one did (RFC 5722).",
        FragmentDuplicate "fragment_duplicate" "A fragment that came before.",
        FragmentTooMany "fragment_too_many" "More fragments of one datagram than are tracked.",
        BadArp "bad_arp" "Not Ethernet and IPv4 ARP, or truncated.",
        IngressUnknown "ingress_unknown" "No ingress interface: the source address is not routed.",
        IngressZoneNone "ingress_zone_none" "The ingress interface belongs to no security zone.",
        MartianSource "martian_source" "A source address that no packet may have: multicast, broadcast, loopback, unspecified.",
        MartianDestination "martian_destination" "A destination that no packet may have: loopback, unspecified, reserved.",
        OwnSource "own_source" "The source is one of the firewall's own addresses.",
        FilterDiscard "filter_discard" "A firewall filter discarded it.",
        FilterReject "filter_reject" "A firewall filter rejected it.",
        Policer "policer" "A policer's rate and burst were exceeded.",
        Screen "screen" "A screen fired.",
        SynCookieAnswered "syn_cookie_answered" "The answer to a SYN cookie: the server is sent a SYN of the firewall's own.",
        SynCookieOpening "syn_cookie_opening" "Of a connection whose client answered its SYN cookie and whose server has not answered yet.",
        SynCookieJoined "syn_cookie_joined" "A server's SYN-ACK that connects it with a client whose SYN cookie was right.",
        TcpNoSession "tcp_no_session" "TCP without SYN and without a session.",
        TcpOutOfState "tcp_out_of_state" "TCP flags that the session's state does not allow.",
        TcpOutOfWindow "tcp_out_of_window" "TCP sequence or acknowledgment number outside the session's windows.",
        TcpBadReset "tcp_bad_reset" "TCP RST whose number the receiver would not obey.",
        IcmpNoSession "icmp_no_session" "An ICMP reply or error without the session it belongs to.",
        IcmpOutOfWindow "icmp_out_of_window" "An ICMP error that quotes TCP which the session's side has not in flight (RFC 5927).",
        DnsNoSession "dns_no_session" "A DNS response that nobody asked for.",
        SessionTableFull "session_table_full" "The session table is full: fail closed.",
        NoRoute "no_route" "No route to the destination.",
        DiscardRoute "discard_route" "The route says discard or reject.",
        EgressZoneNone "egress_zone_none" "The egress interface belongs to no security zone.",
        Multicast "multicast" "Multicast and broadcast are not forwarded.",
        HostInbound "host_inbound" "For the firewall itself, but host-inbound-traffic does not list the service.",
        NeighborHopLimit "neighbor_hop_limit" "Neighbor discovery or MLD that a router forwarded: its hop limit is not 255 or 1.",
        PolicyDeny "policy_deny" "A policy denied it.",
        PolicyReject "policy_reject" "A policy rejected it.",
        NatPoolExhausted "nat_pool_exhausted" "No free port or address in the source NAT pool.",
        NatNoAddress "nat_no_address" "Interface or pool has no address of this family to translate to.",
        NatTupleTaken "nat_tuple_taken" "Another session has the same translated tuple.",
        NatBindingSessions "nat_binding_sessions" "The persistent NAT binding has as many sessions as its rule allows.",
        NatBindingsFull "nat_bindings_full" "The table of persistent NAT bindings is full: fail closed.",
        NatBindingClosed "nat_binding_closed" "To a persistent NAT binding, from a host that it does not let in.",
        Untranslatable "untranslatable" "It has no form in the other address family (RFC 7915).",
        TtlExceeded "ttl_exceeded" "TTL or hop limit would become 0.",
    }
}

reasons! {
    /// Why an event got no sequence number.
    RefuseReason {
        #[default] RateLimited "rate_limited" "The limiter of its type and zone had no token.",
        RingFull "ring_full" "The replay ring, or its type's quota of it, was full.",
        NoStream "no_stream" "No stream is configured or attached.",
        Disabled "disabled" "Events of this type are switched off in the schedule.",
    }
}

reasons! {
    /// Why a sequence number was never applied.
    LossReason {
        #[default] Evicted "evicted" "Pushed out of the ring before it was acked.",
        Torn "torn" "Half written when its process died.",
        Quarantined "quarantined" "Malformed: kept aside, counted as applied.",
        UnknownType "unknown_type" "A frame type that the collector does not know.",
    }
}

reasons! {
    /// Why an applied event did not reach a sink.
    SinkLoss {
        #[default] Expired "expired" "Older than the sink's retention.",
        Rejected "rejected" "The sink's receiver or file refused it.",
        DiskFull "disk_full" "No space left on the device.",
        QueueOverflow "queue_overflow" "The sink's queue was full.",
        Damaged "damaged" "The spool was damaged before the sink had read it.",
    }
}

/// What happened to a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Fate {
    /// Dropped under a [`DropReason`].
    #[default]
    Dropped = 0,
    /// Transmitted on the egress interface.
    Forwarded = 1,
    /// Handed to the firewall's own stack.
    ToHost = 2,
}

/// A packet's fate and, if dropped, why. Zeroed it reads "dropped by default".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Verdict {
    /// The fate.
    pub fate: Fate,
    /// Meaningful for [`Fate::Dropped`] only.
    pub reason: DropReason,
}

impl Verdict {
    /// Dropped under `reason`.
    #[must_use]
    pub const fn dropped(reason: DropReason) -> Self {
        Self { fate: Fate::Dropped, reason }
    }

    /// Any other fate.
    #[must_use]
    pub const fn of(fate: Fate) -> Self {
        Self { fate, reason: DropReason::Default }
    }
}
