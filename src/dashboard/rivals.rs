//! What others take for the same work, clocks a packet. Measured on a machine of the kind that
//! Weir is measured on (Zen 5 guest, TSC 2.596 GHz, one core, no NIC cost, 64-byte UDP, full
//! vectors of 256 packets, pages of 4 KiB).

/// A rival's figures for a scenario, by flows.
pub(super) struct Rival {
    pub(super) name: &'static str,
    pub(super) scenario: &'static str,
    pub(super) clocks: &'static [(u64, f64)],
}

pub(super) const RIVALS: [Rival; 8] = [
    Rival { name: "VPP 26.06", scenario: "forward", clocks: &[(1_000, 54.0), (1_000_000, 49.0)] },
    Rival {
        name: "OVS 3.1, user space",
        scenario: "forward",
        clocks: &[(1_000, 138.0), (100_000, 302.0)],
    },
    Rival { name: "nftables 6.18", scenario: "forward", clocks: &[(1_000, 2937.0)] },
    Rival {
        name: "VPP 26.06",
        scenario: "rules",
        clocks: &[(1_000, 84.0), (100_000, 185.0), (1_000_000, 213.0)],
    },
    Rival {
        name: "OVS 3.1, user space",
        scenario: "rules",
        clocks: &[(1_000, 501.0), (100_000, 1072.0)],
    },
    Rival {
        name: "VPP 26.06",
        scenario: "rules-nat",
        clocks: &[(1_000, 171.0), (100_000, 795.0), (1_000_000, 1009.0)],
    },
    Rival {
        name: "OVS 3.1, user space",
        scenario: "rules-nat",
        clocks: &[(1_000, 845.0), (100_000, 2041.0)],
    },
    Rival {
        name: "nftables 6.18",
        scenario: "rules-nat",
        clocks: &[(1_000, 4723.0), (100_000, 6012.0), (1_000_000, 6999.0)],
    },
];
