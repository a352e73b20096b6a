//! The applications and sets that Junos predefines (`show groups junos-defaults applications`),
//! with the protocol and the ports that they have there. Later ones name a packet where several fit
//! equally well. Those that only an RPC gateway can tell (program numbers, UUIDs) have no terms:
//! they match nothing, which the compiler reports.

use components::world::application::{AppTerm, ICMP, ICMPV6, SCTP, TCP, UDP};

/// A predefined application.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Predefined {
    pub(crate) name: &'static str,
    pub(crate) terms: &'static [AppTerm],
}

/// A predefined set: name and members, which are applications or sets.
pub(crate) type PredefinedSet = (&'static str, &'static [&'static str]);

const fn app(name: &'static str, terms: &'static [AppTerm]) -> Predefined {
    Predefined { name, terms }
}

const fn ports(protocol: u8, first: u16, last: u16) -> AppTerm {
    let mut term = AppTerm::of_protocol(protocol);
    term.destination_ports = (first, last);
    term
}

const fn tcp(port: u16) -> AppTerm {
    ports(TCP, port, port)
}

const fn udp(port: u16) -> AppTerm {
    ports(UDP, port, port)
}

const fn icmp(kind: u8) -> AppTerm {
    let mut term = AppTerm::of_protocol(ICMP);
    term.icmp_type = Some(kind);
    term
}

const fn icmp6(kind: u8, code: Option<u8>) -> AppTerm {
    let mut term = AppTerm::of_protocol(ICMPV6);
    term.icmp_type = Some(kind);
    term.icmp_code = code;
    term
}

const fn any(protocol: u8) -> AppTerm {
    AppTerm::of_protocol(protocol)
}

/// `junos-persistent-nat`: no packet has this protocol.
const PERSISTENT_NAT: AppTerm = {
    let mut term = ports(255, 65_535, 65_535);
    term.source_ports = (65_535, 65_535);
    term
};

pub(crate) const APPLICATIONS: &[Predefined] = &[
    app("junos-tcp-any", &[any(TCP)]),
    app("junos-udp-any", &[any(UDP)]),
    app("junos-sctp-any", &[any(SCTP)]),
    app("junos-gprs-sctp", &[any(SCTP)]),
    app("junos-aol", &[ports(TCP, 5190, 5193)]),
    app("junos-bgp", &[tcp(179)]),
    app("junos-biff", &[udp(512)]),
    app("junos-bootpc", &[udp(68)]),
    app("junos-bootps", &[udp(67)]),
    app("junos-chargen", &[udp(19)]),
    app("junos-cvspserver", &[tcp(2401)]),
    app("junos-dhcp-relay", &[udp(67)]),
    app("junos-dhcp-client", &[udp(68)]),
    app("junos-dhcp-server", &[udp(67)]),
    app("junos-discard", &[udp(9)]),
    app("junos-dns-tcp", &[tcp(53)]),
    app("junos-dns-udp", &[udp(53)]),
    app("junos-echo", &[udp(7)]),
    app("junos-finger", &[tcp(79)]),
    app("junos-ftp", &[tcp(21)]),
    app("junos-ftp-data", &[tcp(20)]),
    app("junos-gnutella", &[ports(UDP, 6346, 6347)]),
    app("junos-gopher", &[tcp(70)]),
    app("junos-gprs-gtp-c-tcp", &[tcp(2123)]),
    app("junos-gprs-gtp-c-udp", &[udp(2123)]),
    app("junos-gprs-gtp-u-tcp", &[tcp(2152)]),
    app("junos-gprs-gtp-u-udp", &[udp(2152)]),
    app("junos-gprs-gtp-v0-tcp", &[tcp(3386)]),
    app("junos-gprs-gtp-v0-udp", &[udp(3386)]),
    app("junos-gre", &[any(47)]),
    app("junos-gtp", &[udp(2123)]),
    app("junos-h323", &[tcp(1720), udp(1719), tcp(1503), tcp(389), tcp(522), tcp(1731)]),
    app("junos-http-ext", &[tcp(7001)]),
    app("junos-http", &[tcp(80)]),
    app("junos-https", &[tcp(443)]),
    app("junos-ping", &[any(ICMP)]),
    app("junos-icmp-ping", &[icmp(8)]),
    app("junos-icmp-all", &[any(ICMP)]),
    app("junos-pingv6", &[any(ICMPV6)]),
    app("junos-icmp6-dst-unreach-addr", &[icmp6(1, Some(3))]),
    app("junos-icmp6-dst-unreach-admin", &[icmp6(1, Some(1))]),
    app("junos-icmp6-dst-unreach-beyond", &[icmp6(1, Some(2))]),
    app("junos-icmp6-dst-unreach-port", &[icmp6(1, Some(4))]),
    app("junos-icmp6-dst-unreach-route", &[icmp6(1, Some(0))]),
    app("junos-icmp6-echo-reply", &[icmp6(129, None)]),
    app("junos-icmp6-echo-request", &[icmp6(128, None)]),
    app("junos-icmp6-packet-to-big", &[icmp6(2, Some(0))]),
    app("junos-icmp6-packet-too-big", &[icmp6(2, Some(0))]),
    app("junos-icmp6-param-prob-header", &[icmp6(4, Some(0))]),
    app("junos-icmp6-param-prob-nexthdr", &[icmp6(4, Some(1))]),
    app("junos-icmp6-param-prob-option", &[icmp6(4, Some(2))]),
    app("junos-icmp6-time-exceed-reassembly", &[icmp6(3, Some(1))]),
    app("junos-icmp6-time-exceed-transit", &[icmp6(3, Some(0))]),
    app("junos-icmp6-all", &[any(ICMPV6)]),
    app("junos-ident", &[tcp(113)]),
    app("junos-ike", &[udp(500)]),
    app("junos-ike-nat", &[udp(4500)]),
    app("junos-imap", &[tcp(143)]),
    app("junos-imaps", &[tcp(993)]),
    app("junos-internet-locator-service", &[tcp(389)]),
    app("junos-irc", &[ports(TCP, 6660, 6669)]),
    app("junos-l2tp", &[udp(1701)]),
    app("junos-ldap", &[tcp(389)]),
    app("junos-ldp-tcp", &[tcp(646)]),
    app("junos-ldp-udp", &[udp(646)]),
    app("junos-lpr", &[tcp(515)]),
    app("junos-mail", &[tcp(25)]),
    app("junos-mgcp-ca", &[udp(2727)]),
    app("junos-mgcp-ua", &[udp(2427)]),
    app("junos-ms-rpc-tcp", &[tcp(135)]),
    app("junos-ms-rpc-udp", &[udp(135)]),
    app("junos-ms-sql", &[tcp(1433)]),
    app("junos-msn", &[tcp(1863)]),
    app("junos-nbds", &[udp(138)]),
    app("junos-nbname", &[udp(137)]),
    app("junos-netbios-session", &[tcp(139)]),
    app("junos-nfs", &[udp(111)]),
    app("junos-nfsd-tcp", &[tcp(2049)]),
    app("junos-nfsd-udp", &[udp(2049)]),
    app("junos-nntp", &[tcp(119)]),
    app("junos-ns-global", &[tcp(15_397)]),
    app("junos-ns-global-pro", &[tcp(15_397)]),
    app("junos-nsm", &[udp(69)]),
    app("junos-ntalk", &[udp(518), tcp(518)]),
    app("junos-ntp", &[udp(123)]),
    app("junos-ospf", &[any(89)]),
    app("junos-pc-anywhere", &[udp(5632)]),
    app("junos-persistent-nat", &[PERSISTENT_NAT]),
    app("junos-pop3", &[tcp(110)]),
    app("junos-pptp", &[tcp(1723)]),
    app("junos-printer", &[tcp(515)]),
    app("junos-r2cp", &[udp(28_672)]),
    app("junos-radacct", &[udp(1813)]),
    app("junos-radius", &[udp(1812)]),
    app("junos-rdp", &[tcp(3389)]),
    app("junos-realaudio", &[tcp(554)]),
    app("junos-rip", &[udp(520)]),
    app("junos-rsh", &[tcp(514)]),
    app("junos-rtsp", &[tcp(554)]),
    app("junos-sccp", &[tcp(2000)]),
    app("junos-sip", &[udp(5060), tcp(5060)]),
    app("junos-smb-session", &[tcp(445)]),
    app("junos-smb", &[tcp(139), tcp(445)]),
    app("junos-smtp", &[tcp(25)]),
    app("junos-smtps", &[tcp(465)]),
    app("junos-snmp-agentx", &[tcp(705)]),
    app("junos-snpp", &[tcp(444)]),
    app("junos-sql-monitor", &[udp(1434)]),
    app("junos-sqlnet-v1", &[tcp(1525)]),
    app("junos-sqlnet-v2", &[tcp(1521)]),
    app("junos-ssh", &[tcp(22)]),
    app("junos-stun", &[ports(UDP, 3478, 3479), ports(TCP, 3478, 3479)]),
    app("junos-sun-rpc-tcp", &[tcp(111)]),
    app("junos-sun-rpc-udp", &[udp(111)]),
    app("junos-syslog", &[udp(514)]),
    app("junos-tacacs", &[tcp(49)]),
    app("junos-tacacs-ds", &[tcp(65)]),
    app("junos-talk", &[udp(517), tcp(517)]),
    app("junos-telnet", &[tcp(23)]),
    app("junos-tftp", &[udp(69)]),
    app("junos-twamp", &[tcp(862)]),
    app("junos-uucp", &[udp(540)]),
    app("junos-vdo-live", &[ports(UDP, 7000, 7010)]),
    app("junos-vnc", &[tcp(5800)]),
    app("junos-vxlan", &[udp(4789)]),
    app("junos-wais", &[tcp(210)]),
    app("junos-who", &[udp(513)]),
    app("junos-whois", &[tcp(43)]),
    app("junos-winframe", &[tcp(1494)]),
    app("junos-wxcontrol", &[tcp(3578)]),
    app("junos-x-windows", &[ports(TCP, 6000, 6063)]),
    app("junos-xnm-clear-text", &[tcp(3221)]),
    app("junos-xnm-ssl", &[tcp(3220)]),
    app("junos-ymsg", &[ports(TCP, 5000, 5010), tcp(5050), ports(UDP, 5000, 5010), udp(5050)]),
];

/// Told apart by an RPC gateway alone.
pub(crate) const RPC: &[&str] = &[
    "junos-ms-rpc-epm",
    "junos-ms-rpc-iis-com-1",
    "junos-ms-rpc-iis-com-adminbase",
    "junos-ms-rpc-msexchange-directory-nsp",
    "junos-ms-rpc-msexchange-directory-rfr",
    "junos-ms-rpc-msexchange-info-store",
    "junos-ms-rpc-uuid-any-tcp",
    "junos-ms-rpc-uuid-any-udp",
    "junos-ms-rpc-wmic-admin",
    "junos-ms-rpc-wmic-admin2",
    "junos-ms-rpc-wmic-mgmt",
    "junos-ms-rpc-wmic-webm-callresult",
    "junos-ms-rpc-wmic-webm-classobject",
    "junos-ms-rpc-wmic-webm-level1login",
    "junos-ms-rpc-wmic-webm-login-clientid",
    "junos-ms-rpc-wmic-webm-login-helper",
    "junos-ms-rpc-wmic-webm-objectsink",
    "junos-ms-rpc-wmic-webm-refreshing-services",
    "junos-ms-rpc-wmic-webm-remote-refresher",
    "junos-ms-rpc-wmic-webm-services",
    "junos-ms-rpc-wmic-webm-shutdown",
    "junos-sun-rpc-any-tcp",
    "junos-sun-rpc-any-udp",
    "junos-sun-rpc-mountd-tcp",
    "junos-sun-rpc-mountd-udp",
    "junos-sun-rpc-nfs-tcp",
    "junos-sun-rpc-nfs-udp",
    "junos-sun-rpc-nlockmgr-tcp",
    "junos-sun-rpc-nlockmgr-udp",
    "junos-sun-rpc-portmap-tcp",
    "junos-sun-rpc-portmap-udp",
    "junos-sun-rpc-rquotad-tcp",
    "junos-sun-rpc-rquotad-udp",
    "junos-sun-rpc-ruserd-tcp",
    "junos-sun-rpc-ruserd-udp",
    "junos-sun-rpc-sadmind-tcp",
    "junos-sun-rpc-sadmind-udp",
    "junos-sun-rpc-sprayd-tcp",
    "junos-sun-rpc-sprayd-udp",
    "junos-sun-rpc-status-tcp",
    "junos-sun-rpc-status-udp",
    "junos-sun-rpc-walld-tcp",
    "junos-sun-rpc-walld-udp",
    "junos-sun-rpc-ypbind-tcp",
    "junos-sun-rpc-ypbind-udp",
    "junos-sun-rpc-ypserv-tcp",
    "junos-sun-rpc-ypserv-udp",
];

pub(crate) const SETS: &[PredefinedSet] = &[
    ("junos-cifs", &["junos-netbios-session", "junos-smb-session"]),
    ("junos-gprs-gtp", &["junos-gprs-gtp-c", "junos-gprs-gtp-u", "junos-gprs-gtp-v0"]),
    ("junos-gprs-gtp-c", &["junos-gprs-gtp-c-tcp", "junos-gprs-gtp-c-udp"]),
    ("junos-gprs-gtp-u", &["junos-gprs-gtp-u-tcp", "junos-gprs-gtp-u-udp"]),
    ("junos-gprs-gtp-v0", &["junos-gprs-gtp-v0-tcp", "junos-gprs-gtp-v0-udp"]),
    ("junos-mgcp", &["junos-mgcp-ua", "junos-mgcp-ca"]),
    ("junos-ms-rpc", &["junos-ms-rpc-tcp", "junos-ms-rpc-udp"]),
    (
        "junos-ms-rpc-any",
        &["junos-ms-rpc", "junos-ms-rpc-uuid-any-tcp", "junos-ms-rpc-uuid-any-udp"],
    ),
    (
        "junos-ms-rpc-iis-com",
        &["junos-ms-rpc-tcp", "junos-ms-rpc-iis-com-1", "junos-ms-rpc-iis-com-adminbase"],
    ),
    (
        "junos-ms-rpc-msexchange",
        &[
            "junos-ms-rpc",
            "junos-ms-rpc-epm",
            "junos-ms-rpc-msexchange-directory-rfr",
            "junos-ms-rpc-msexchange-info-store",
            "junos-ms-rpc-msexchange-directory-nsp",
        ],
    ),
    (
        "junos-ms-rpc-wmic",
        &[
            "junos-ms-rpc-tcp",
            "junos-ms-rpc-wmic-admin",
            "junos-ms-rpc-wmic-admin2",
            "junos-ms-rpc-wmic-webm-level1login",
            "junos-ms-rpc-wmic-mgmt",
        ],
    ),
    ("junos-routing-inbound", &["junos-bgp", "junos-rip", "junos-ldp-tcp", "junos-ldp-udp"]),
    ("junos-sun-rpc", &["junos-sun-rpc-tcp", "junos-sun-rpc-udp"]),
    ("junos-sun-rpc-any", &["junos-sun-rpc", "junos-sun-rpc-any-tcp", "junos-sun-rpc-any-udp"]),
    (
        "junos-sun-rpc-mountd",
        &["junos-sun-rpc", "junos-sun-rpc-mountd-tcp", "junos-sun-rpc-mountd-udp"],
    ),
    ("junos-sun-rpc-nfs", &["junos-sun-rpc", "junos-sun-rpc-nfs-tcp", "junos-sun-rpc-nfs-udp"]),
    ("junos-sun-rpc-nfs-access", &["junos-sun-rpc-nfs", "junos-sun-rpc-mountd"]),
    (
        "junos-sun-rpc-portmap",
        &["junos-sun-rpc", "junos-sun-rpc-portmap-tcp", "junos-sun-rpc-portmap-udp"],
    ),
    (
        "junos-sun-rpc-status",
        &["junos-sun-rpc", "junos-sun-rpc-status-tcp", "junos-sun-rpc-status-udp"],
    ),
    (
        "junos-sun-rpc-ypbind",
        &["junos-sun-rpc", "junos-sun-rpc-ypbind-tcp", "junos-sun-rpc-ypbind-udp"],
    ),
];

/// Applications for which an SRX opens further connections by an application layer gateway, and
/// what `security alg` calls it: their own terms name the first connection only.
pub(crate) const WITH_GATEWAY: &[(&str, &str)] = &[
    ("junos-ftp", "ftp"),
    ("junos-h323", "h323"),
    ("junos-mgcp-ca", "mgcp"),
    ("junos-mgcp-ua", "mgcp"),
    ("junos-ntalk", "talk"),
    ("junos-pptp", "pptp"),
    ("junos-rsh", "rsh"),
    ("junos-rtsp", "rtsp"),
    ("junos-sccp", "sccp"),
    ("junos-sip", "sip"),
    ("junos-sqlnet-v2", "sql"),
    ("junos-talk", "talk"),
    ("junos-tftp", "tftp"),
];

#[cfg(test)]
mod tests {
    use super::{APPLICATIONS, RPC, SETS};

    #[test]
    fn members_of_predefined_sets_exist_and_names_are_unique() {
        let applications = APPLICATIONS.iter().map(|app| app.name);
        let mut names: Vec<&str> = applications.chain(RPC.iter().copied()).collect();
        names.extend(SETS.iter().map(|(name, _)| *name));
        names.sort_unstable();
        let duplicates: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(duplicates.is_empty(), "{duplicates:?}");
        for (set, members) in SETS {
            for member in *members {
                assert!(names.binary_search(member).is_ok(), "{member} of {set}");
            }
        }
    }
}
