//! Names of protocols, ports, ICMP types and codes and DSCPs, as Junos spells them, and readers of
//! numbers and ranges. Sources: IANA registries and the Junos policy-options and firewall
//! reference.

use super::reader::{Reader, Word};

/// IP protocol names.
const PROTOCOLS: &[(&str, u8)] = &[
    ("ah", 51),
    ("dstopts", 60),
    ("egp", 8),
    ("esp", 50),
    ("fragment", 44),
    ("gre", 47),
    ("hop-by-hop", 0),
    ("icmp", 1),
    ("icmp6", 58),
    ("icmpv6", 58),
    ("igmp", 2),
    ("ipip", 4),
    ("ipv6", 41),
    ("mobility", 135),
    ("no-next-header", 59),
    ("ospf", 89),
    ("pim", 103),
    ("routing", 43),
    ("rsvp", 46),
    ("sctp", 132),
    ("tcp", 6),
    ("udp", 17),
    ("vrrp", 112),
];

/// Port names.
const PORTS: &[(&str, u16)] = &[
    ("afs", 1483),
    ("bgp", 179),
    ("biff", 512),
    ("bootpc", 68),
    ("bootps", 67),
    ("cmd", 514),
    ("cvspserver", 2401),
    ("dhcp", 67),
    ("domain", 53),
    ("eklogin", 2105),
    ("ekshell", 2106),
    ("exec", 512),
    ("finger", 79),
    ("ftp", 21),
    ("ftp-data", 20),
    ("http", 80),
    ("https", 443),
    ("ident", 113),
    ("imap", 143),
    ("kerberos-sec", 88),
    ("klogin", 543),
    ("kpasswd", 761),
    ("krb-prop", 754),
    ("krbupdate", 760),
    ("kshell", 544),
    ("ldap", 389),
    ("ldp", 646),
    ("login", 513),
    ("mobileip-agent", 434),
    ("mobilip-mn", 435),
    ("msdp", 639),
    ("netbios-dgm", 138),
    ("netbios-ns", 137),
    ("netbios-ssn", 139),
    ("nfsd", 2049),
    ("nntp", 119),
    ("ntalk", 518),
    ("ntp", 123),
    ("pop3", 110),
    ("pptp", 1723),
    ("printer", 515),
    ("radacct", 1813),
    ("radius", 1812),
    ("rip", 520),
    ("rkinit", 2108),
    ("smtp", 25),
    ("snmp", 161),
    ("snmp-trap", 162),
    ("snmptrap", 162),
    ("snpp", 444),
    ("socks", 1080),
    ("ssh", 22),
    ("sunrpc", 111),
    ("syslog", 514),
    ("tacacs", 49),
    ("tacacs-ds", 65),
    ("talk", 517),
    ("telnet", 23),
    ("tftp", 69),
    ("timed", 525),
    ("who", 513),
    ("xdmcp", 177),
    ("zephyr-clt", 2103),
    ("zephyr-hm", 2104),
];

/// ICMP types.
const ICMP_TYPES: &[(&str, u8)] = &[
    ("echo-reply", 0),
    ("unreachable", 3),
    ("destination-unreachable", 3),
    ("source-quench", 4),
    ("redirect", 5),
    ("echo-request", 8),
    ("router-advertisement", 9),
    ("router-solicit", 10),
    ("time-exceeded", 11),
    ("parameter-problem", 12),
    ("timestamp", 13),
    ("timestamp-reply", 14),
    ("info-request", 15),
    ("info-reply", 16),
    ("mask-request", 17),
    ("mask-reply", 18),
];

/// ICMPv6 types.
const ICMP6_TYPES: &[(&str, u8)] = &[
    ("destination-unreachable", 1),
    ("packet-too-big", 2),
    ("time-exceeded", 3),
    ("parameter-problem", 4),
    ("echo-request", 128),
    ("echo-reply", 129),
    ("membership-query", 130),
    ("membership-report", 131),
    ("membership-termination", 132),
    ("router-solicit", 133),
    ("router-advertisement", 134),
    ("neighbor-solicit", 135),
    ("neighbor-advertisement", 136),
    ("redirect", 137),
    ("router-renumbering", 138),
    ("node-information-request", 139),
    ("node-information-reply", 140),
];

/// ICMP codes; their meaning depends on the type, the names do not overlap.
const ICMP_CODES: &[(&str, u8)] = &[
    ("network-unreachable", 0),
    ("host-unreachable", 1),
    ("protocol-unreachable", 2),
    ("port-unreachable", 3),
    ("fragmentation-needed", 4),
    ("source-route-failed", 5),
    ("destination-network-unknown", 6),
    ("destination-host-unknown", 7),
    ("source-host-isolated", 8),
    ("destination-network-prohibited", 9),
    ("destination-host-prohibited", 10),
    ("network-unreachable-for-tos", 11),
    ("host-unreachable-for-tos", 12),
    ("communication-prohibited-by-filtering", 13),
    ("host-precedence-violation", 14),
    ("precedence-cutoff-in-effect", 15),
    ("redirect-for-network", 0),
    ("redirect-for-host", 1),
    ("redirect-for-tos-and-net", 2),
    ("redirect-for-tos-and-host", 3),
    ("ttl-eq-zero-during-transit", 0),
    ("ttl-eq-zero-during-reassembly", 1),
    ("ip-header-bad", 0),
    ("required-option-missing", 1),
];

/// ICMPv6 codes.
const ICMP6_CODES: &[(&str, u8)] = &[
    ("no-route-to-destination", 0),
    ("administratively-prohibited", 1),
    ("address-unreachable", 3),
    ("port-unreachable", 4),
    ("ttl-eq-zero-during-transit", 0),
    ("ttl-eq-zero-during-reassembly", 1),
    ("ip6-header-bad", 0),
    ("unrecognized-next-header", 1),
    ("unrecognized-option", 2),
];

/// DSCPs (RFC 2474, 2597, 3246).
const DSCPS: &[(&str, u8)] = &[
    ("be", 0),
    ("cs0", 0),
    ("cs1", 8),
    ("af11", 10),
    ("af12", 12),
    ("af13", 14),
    ("cs2", 16),
    ("af21", 18),
    ("af22", 20),
    ("af23", 22),
    ("cs3", 24),
    ("af31", 26),
    ("af32", 28),
    ("af33", 30),
    ("cs4", 32),
    ("af41", 34),
    ("af42", 36),
    ("af43", 38),
    ("cs5", 40),
    ("ef", 46),
    ("cs6", 48),
    ("nc1", 48),
    ("cs7", 56),
    ("nc2", 56),
];

/// Which names a number may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Protocol,
    IcmpType,
    Icmp6Type,
    IcmpCode,
    Icmp6Code,
    Dscp,
    Ttl,
}

impl Kind {
    fn names(self) -> &'static [(&'static str, u8)] {
        match self {
            Self::Protocol => PROTOCOLS,
            Self::IcmpType => ICMP_TYPES,
            Self::Icmp6Type => ICMP6_TYPES,
            Self::IcmpCode => ICMP_CODES,
            Self::Icmp6Code => ICMP6_CODES,
            Self::Dscp => DSCPS,
            Self::Ttl => &[],
        }
    }

    const fn expected(self) -> &'static str {
        match self {
            Self::Protocol => "an IP protocol (a name or 0 to 255)",
            Self::IcmpType => "an ICMP type (a name or 0 to 255)",
            Self::Icmp6Type => "an ICMPv6 type (a name or 0 to 255)",
            Self::IcmpCode => "an ICMP code (a name or 0 to 255)",
            Self::Icmp6Code => "an ICMPv6 code (a name or 0 to 255)",
            Self::Dscp => "a DSCP (a name or 0 to 63)",
            Self::Ttl => "a number from 0 to 255",
        }
    }

    fn parse(self, text: &str) -> Option<u8> {
        let named = self.names().iter().find(|(name, _)| *name == text);
        match named {
            Some(&(_, number)) => Some(number),
            None => number(text).filter(|&n| self != Self::Dscp || n < 64),
        }
    }
}

impl Reader<'_> {
    /// A name or a number of one byte.
    pub(crate) fn byte(&mut self, kind: Kind, word: Word<'_>) -> Option<u8> {
        let parsed = kind.parse(word.text);
        if parsed.is_none() {
            self.bad_number(word, kind.expected(), kind.names().iter().map(|(n, _)| *n));
        }
        parsed
    }

    /// A name, a number or a range `A-B` of one byte.
    pub(crate) fn byte_range(&mut self, kind: Kind, word: Word<'_>) -> Option<(u8, u8)> {
        if let Some(one) = kind.parse(word.text) {
            return Some((one, one));
        }
        let range = word.text.split_once('-').and_then(|(first, last)| {
            let range = (kind.parse(first)?, kind.parse(last)?);
            (range.0 <= range.1).then_some(range)
        });
        if range.is_none() {
            self.bad_number(word, kind.expected(), kind.names().iter().map(|(n, _)| *n));
        }
        range
    }

    /// A port by name or number, or a range `A-B`.
    pub(crate) fn ports(&mut self, word: Word<'_>) -> Option<(u16, u16)> {
        let one = |text: &str| {
            let named = PORTS.iter().find(|(name, _)| *name == text);
            named.map(|&(_, port)| port).or_else(|| number(text))
        };
        if let Some(port) = one(word.text) {
            return Some((port, port));
        }
        let range = word.text.split_once('-').and_then(|(first, last)| {
            let range = (one(first)?, one(last)?);
            (range.0 <= range.1).then_some(range)
        });
        if range.is_none() {
            let expected = "a port (a name, a number or a range A-B)";
            self.bad_number(word, expected, PORTS.iter().map(|(n, _)| *n));
        }
        range
    }

    /// Numbers of 16 bits or ranges `A-B`.
    pub(crate) fn lengths(&mut self, word: Word<'_>) -> Option<(u16, u16)> {
        let (first, last) = word.text.split_once('-').unwrap_or((word.text, word.text));
        let range = number(first).zip(number(last)).filter(|(a, b)| a <= b);
        if range.is_none() {
            self.bad("bad-number", word, "a number or a range A-B up to 65535");
        }
        range
    }

    fn bad_number<'k>(
        &mut self,
        word: Word<'_>,
        expected: &str,
        names: impl Iterator<Item = &'k str>,
    ) {
        let message = format!("`{}` is not {expected}", word.text);
        let found = self.diagnostics.error("bad-number", word.span, message);
        found.expected(expected);
        if let Some(near) = super::reader::near(word.text, names) {
            found.suggest(format!("did you mean `{near}`?"));
        }
    }
}

/// Digits only: `+5` and blanks are no numbers.
fn number<N: std::str::FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}
