//! Random statements: whatever words stand where, compiling ends without a panic, with a World or
//! with an error.

use proptest::prelude::*;

use super::{OFFICE, load};

/// Beginnings of statements, so that random words reach every reader.
const PATHS: &[&str] = &[
    "interfaces ge-0/0/0 unit 0 family inet",
    "interfaces ge-0/0/1 unit 0 family inet6 filter",
    "interfaces lo0 unit 0 family inet filter input",
    "routing-options static route",
    "routing-options static route 10.0.0.0/8 qualified-next-hop",
    "policy-options prefix-list p",
    "security zones security-zone",
    "security zones security-zone trust host-inbound-traffic",
    "security zones security-zone trust interfaces",
    "security address-book global",
    "security address-book global address a",
    "security address-book global address-set s",
    "security policies from-zone trust to-zone untrust policy p",
    "security policies from-zone trust to-zone untrust policy p match",
    "security policies global policy g then",
    "security policies",
    "security screen ids-option s",
    "security screen ids-option s ip ipv6-extension-header",
    "security nat source pool p",
    "security nat source rule-set r",
    "security nat source rule-set r rule x",
    "security nat destination pool p",
    "security nat destination rule-set r rule x match",
    "security nat static rule-set r rule x then static-nat",
    "security flow tcp-session",
    "security log stream s",
    "applications application a",
    "applications application a term t",
    "applications application-set s",
    "firewall filter f term t from",
    "firewall family inet6 filter f term t from",
    "firewall filter f term t then",
];

/// Words that mean something somewhere.
const WORDS: &[&str] = &[
    "any",
    "all",
    "global",
    "trust",
    "untrust",
    "junos-host",
    "junos-http",
    "a",
    "s",
    "p",
    "f",
    "t",
    "r",
    "x",
    "0",
    "1",
    "80",
    "255",
    "65535",
    "4294967295",
    "10.0.0.0/8",
    "10.1.1.1",
    "0.0.0.0/0",
    "::/0",
    "2001:db8::1/64",
    "255.255.255.255/32",
    "ffff::/128",
    "ge-0/0/0.0",
    "ge-0/0/1",
    "address",
    "address-set",
    "to",
    "range-address",
    "except",
    "match",
    "then",
    "from",
    "zone",
    "interface",
    "rule",
    "pool",
    "port",
    "range",
    "protocol",
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "icmp-type",
    "source-address",
    "destination-address",
    "source-address-excluded",
    "application",
    "application-set",
    "destination-port",
    "source-port",
    "permit",
    "deny",
    "reject",
    "log",
    "session-init",
    "count",
    "discard",
    "accept",
    "next",
    "term",
    "tcp-flags",
    "(syn & !ack)",
    "!",
    "protocol-except",
    "port-except",
    "0-65535",
    "system-services",
    "protocols",
    "ssh",
    "off",
    "source-nat",
    "destination-nat",
    "static-nat",
    "prefix",
    "mapped-port",
    "next-hop",
    "preference",
    "input",
    "output",
    "input-list",
    "filter",
    "attach",
    "inactivity-timeout",
    "never",
    "screen",
    "host",
    "severity",
    "apply-path",
    "interfaces <*> unit <*> family inet address <*>",
    "<*>",
    "user-defined-option-type",
    "hop-by-hop-header",
    "ipv6-extension-header-limit",
    "source-prefix-list",
];

fn line() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => proptest::sample::select(WORDS).prop_map(str::to_owned),
        1 => "[a-z0-9./:-]{0,12}",
    ];
    (proptest::sample::select(PATHS), proptest::collection::vec(word, 1..6)).prop_map(
        |(path, words)| {
            let quoted = words.iter().map(|word| format!(" \"{word}\""));
            format!("set {path}{}\n", quoted.collect::<String>())
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(512)
    })]

    #[test]
    fn random_statements_never_panic(lines in proptest::collection::vec(line(), 0..40)) {
        let (compiled, _, diagnostics) = load(&format!("{OFFICE}{}", lines.concat()));
        prop_assert_eq!(compiled.is_none(), diagnostics.has_errors());
    }
}
