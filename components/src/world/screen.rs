//! Screens: every attack with its flag on the wire, its option number and the name that Junos logs,
//! in one list. Flags above 31 share bit 31; the option number (the record's rule id) and the
//! variant (its term id) tell them apart.

use crate::address::AddressSet;

/// Declares [`ScreenAttack`].
macro_rules! attacks {
    ($($variant:ident $option:literal $term:literal $label:literal $name:literal,)+) => {
        /// What a screen found. One variant for each name that is logged; several may share an
        /// option number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum ScreenAttack {
            $(#[doc = $name] $variant,)+
        }

        impl ScreenAttack {
            /// All, in the order in which they are judged within one packet.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Number of the `ids-option` statement: the spec's flag number.
            #[must_use]
            pub const fn option(self) -> u32 {
                match self { $(Self::$variant => $option,)+ }
            }

            /// Which of the attacks that share an option number.
            #[must_use]
            pub const fn term(self) -> u32 {
                match self { $(Self::$variant => $term,)+ }
            }

            /// Name in counters.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }

            /// `attack-name` of the log line.
            #[must_use]
            pub const fn attack_name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

attacks! {
    SynFlood 0 0 "syn_flood" "SYN flood!",
    SynFloodSource 0 1 "syn_flood_source" "SYN flood Src-IP based!",
    SynFloodDestination 0 2 "syn_flood_destination" "SYN flood Dst-IP based!",
    IcmpFlood 1 0 "icmp_flood" "ICMP flood!",
    UdpFlood 2 0 "udp_flood" "UDP flood!",
    TcpPortScan 3 0 "tcp_port_scan" "TCP port scan!",
    IpSweep 4 0 "ip_sweep" "Address sweep!",
    TcpSweep 4 1 "tcp_sweep" "TCP sweep!",
    UdpSweep 4 2 "udp_sweep" "UDP sweep!",
    Land 5 0 "land" "Land attack!",
    PingDeath 6 0 "ping_death" "Ping of death attack!",
    TearDrop 7 0 "tear_drop" "Tear drop attack!",
    SynFin 8 0 "syn_fin" "SYN and FIN bits!",
    TcpNoFlag 9 0 "tcp_no_flag" "No TCP flag!",
    FinNoAck 10 0 "fin_no_ack" "FIN but no ACK bit!",
    WinNuke 11 0 "winnuke" "WinNuke attack!",
    LooseSourceRoute 12 0 "ip_loose_source_route" "Loose source route IP option!",
    StrictSourceRoute 12 1 "ip_strict_source_route" "Strict source route IP option!",
    RecordRoute 12 2 "ip_record_route" "Record Route IP option!",
    SecurityOption 12 3 "ip_security_option" "Security IP option!",
    StreamOption 12 4 "ip_stream_option" "Stream IP option!",
    TimestampOption 12 5 "ip_timestamp_option" "Timestamp IP option!",
    BadOption 12 6 "ip_bad_option" "Bad IP option!",
    SourceRoute 12 7 "ip_source_route" "Source route IP option!",
    SynFragment 13 0 "syn_fragment" "SYN fragment!",
    SynCookie 14 0 "syn_cookie" "SYN cookie!",
    SessionLimitSource 15 0 "session_limit_source" "Src IP session limit!",
    SessionLimitDestination 16 0 "session_limit_destination" "Dst IP session limit!",
    IcmpFragment 17 0 "icmp_fragment" "ICMP fragment!",
    IcmpLarge 18 0 "icmp_large" "Large ICMP packet!",
    BlockFragment 19 0 "ip_block_frag" "Fragmented traffic!",
    UnknownProtocol 20 0 "ip_unknown_protocol" "Unknown protocol!",
    IpSpoofing 21 0 "ip_spoofing" "IP spoofing!",
    SynAckAckProxy 22 0 "syn_ack_ack_proxy" "SYN-ACK-ACK proxy DoS!",
    UdpPortScan 23 0 "udp_port_scan" "UDP port scan!",
    ExtHopByHop 24 0 "ipv6_hop_by_hop_header" "IPv6 hop by hop header!",
    ExtRouting 24 1 "ipv6_routing_header" "IPv6 routing header!",
    ExtFragment 24 2 "ipv6_fragment_header" "IPv6 fragment header!",
    ExtEsp 24 3 "ipv6_esp_header" "IPv6 ESP header!",
    ExtAh 24 4 "ipv6_ah_header" "IPv6 AH header!",
    ExtNoNext 24 5 "ipv6_no_next_header" "IPv6 no next header!",
    ExtDestination 24 6 "ipv6_destination_header" "IPv6 destination header!",
    ExtMobility 24 7 "ipv6_mobility_header" "IPv6 mobility header!",
    ExtShim6 24 8 "ipv6_shim6_header" "IPv6 shim6 header!",
    ExtHip 24 9 "ipv6_hip_header" "IPv6 HIP header!",
    ExtHeaderLimit 25 0 "ipv6_extension_header_limit" "IPv6 extension header limit!",
    Icmpv6Malformed 26 0 "icmpv6_malformed" "ICMPv6 malformed packet!",
    Ipv6Malformed 27 0 "ipv6_malformed_header" "IPv6 malformed header!",
    TunnelGre4in4 28 0 "tunnel_gre_4in4" "Tunnel GRE 4in4!",
    TunnelGre4in6 28 1 "tunnel_gre_4in6" "Tunnel GRE 4in6!",
    TunnelGre6in4 28 2 "tunnel_gre_6in4" "Tunnel GRE 6in4!",
    TunnelGre6in6 28 3 "tunnel_gre_6in6" "Tunnel GRE 6in6!",
    TunnelIpip4in4 28 4 "tunnel_ipip_4in4" "Tunnel IPIP 4in4!",
    TunnelIpip4in6 28 5 "tunnel_ipip_4in6" "Tunnel IPIP 4in6!",
    TunnelIpip6in4 28 6 "tunnel_ipip_6in4" "Tunnel IPIP 6in4!",
    TunnelIpip6in6 28 7 "tunnel_ipip_6in6" "Tunnel IPIP 6in6!",
    TunnelTeredo 28 8 "tunnel_teredo" "Tunnel TEREDO!",
}

impl ScreenAttack {
    /// The bit that the ScreenDrop record carries in its policy field: `1 << option`, bit 31 for
    /// higher options.
    #[must_use]
    pub const fn flag(self) -> u32 {
        let option = self.option();
        1 << if option > 31 { 31 } else { option }
    }

    /// The attack that a record names.
    #[must_use]
    pub fn from_record(option: u32, term: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|attack| attack.option() == option && attack.term() == term)
    }

    /// Attacks that are told by what came before, not by one packet: their order of packets matters
    /// over the whole box.
    pub const WITH_HISTORY: u64 = Self::SynFlood.bit()
        | Self::SynFloodSource.bit()
        | Self::SynFloodDestination.bit()
        | Self::IcmpFlood.bit()
        | Self::UdpFlood.bit()
        | Self::TcpPortScan.bit()
        | Self::UdpPortScan.bit()
        | Self::IpSweep.bit()
        | Self::TcpSweep.bit()
        | Self::UdpSweep.bit()
        | Self::SynCookie.bit()
        | Self::SessionLimitSource.bit()
        | Self::SessionLimitDestination.bit()
        | Self::SynAckAckProxy.bit();

    /// True if what came before tells it.
    #[must_use]
    pub const fn has_history(self) -> bool {
        Self::WITH_HISTORY & self.bit() != 0
    }

    /// Its bit in a [`ScreenProfile`].
    #[must_use]
    pub const fn bit(self) -> u64 {
        1 << self as u8
    }
}

/// One `ids-option`.
#[derive(Clone, Debug, Default)]
pub struct ScreenProfile {
    /// Bits of [`ScreenAttack`]s that are looked for.
    pub attacks: u64,
    /// Log and let through.
    pub alarm_without_drop: bool,
    /// `ipv6-extension-header-limit`: headers above this number fire, if
    /// [`ScreenAttack::ExtHeaderLimit`] is on.
    pub extension_headers_max: u8,
    /// Option types of hop-by-hop and destination headers that fire the header's attack; empty with
    /// the attack on means that the header itself fires.
    pub hop_by_hop_options: Vec<u8>,
    /// Likewise.
    pub destination_options: Vec<u8>,
    /// How much is too much.
    pub thresholds: Thresholds,
    /// Sources and destinations that `tcp syn-flood` passes over.
    pub syn_white_list: WhiteList,
    /// Addresses that `udp flood` passes over, as source or as destination.
    pub udp_white_list: AddressSet,
}

/// Thresholds of the attacks that need history; each one counts only if its attack is looked for.
/// Defaults are those of Junos.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// `tcp syn-flood attack-threshold`: SYNs of the zone per second.
    pub syn_attack: u32,
    /// `alarm-threshold`: SYNs per second beyond `syn_attack` that are worth an alarm of their own
    /// while SYN cookies answer them.
    pub syn_alarm: u32,
    /// `source-threshold`: SYNs of one source per second.
    pub syn_source: u32,
    /// `destination-threshold`: SYNs to one destination per second.
    pub syn_destination: u32,
    /// `timeout`: the longest that a handshake may take, seconds.
    pub syn_timeout_s: u32,
    /// `icmp flood`: packets to one destination per second.
    pub icmp_flood: u32,
    /// `udp flood`: packets to one destination per second.
    pub udp_flood: u32,
    /// `tcp port-scan`: interval, microseconds.
    pub tcp_port_scan_us: u32,
    /// `udp port-scan`.
    pub udp_port_scan_us: u32,
    /// `icmp ip-sweep`.
    pub ip_sweep_us: u32,
    /// `tcp tcp-sweep`.
    pub tcp_sweep_us: u32,
    /// `udp udp-sweep`.
    pub udp_sweep_us: u32,
    /// `limit-session source-ip-based`: sessions.
    pub sessions_of_source: u32,
    /// `limit-session destination-ip-based`: sessions.
    pub sessions_of_destination: u32,
    /// `tcp syn-ack-ack-proxy`: sessions of one source whose client has been silent since the
    /// handshake.
    pub silent_sessions: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            syn_attack: 200,
            syn_alarm: 512,
            syn_source: 4000,
            syn_destination: 4000,
            syn_timeout_s: 20,
            icmp_flood: 1000,
            udp_flood: 1000,
            tcp_port_scan_us: 5000,
            udp_port_scan_us: 5000,
            ip_sweep_us: 5000,
            tcp_sweep_us: 5000,
            udp_sweep_us: 5000,
            sessions_of_source: 128,
            sessions_of_destination: 128,
            silent_sessions: 512,
        }
    }
}

/// Addresses that are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhiteList {
    /// As a packet's source.
    pub sources: AddressSet,
    /// As its destination.
    pub destinations: AddressSet,
}

impl ScreenProfile {
    /// True if the attack is looked for.
    #[must_use]
    pub const fn watches(&self, attack: ScreenAttack) -> bool {
        self.attacks & attack.bit() != 0
    }
}

const _: () = assert!(ScreenAttack::ALL.len() <= 64, "a profile has 64 bits");
