//! Memory of this process, as the kernel counts it.

/// Resident memory, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resident {
    /// Now (`VmRSS`).
    pub now: u64,
    /// The most so far (`VmHWM`).
    pub peak: u64,
}

impl Resident {
    /// As it is; `None` where the kernel does not tell (`/proc/self/status`, proc(5)).
    #[must_use]
    pub fn read() -> Option<Self> {
        Self::parse(&std::fs::read_to_string("/proc/self/status").ok()?)
    }

    fn parse(status: &str) -> Option<Self> {
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some(kib * 1024)
        };
        Some(Self { now: bytes("VmRSS:")?, peak: bytes("VmHWM:")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_prints() {
        let status = "Name:\tweir\nVmHWM:\t   2048 kB\nVmRSS:\t    1024 kB\nThreads:\t1\n";
        let expected = Resident { now: 1 << 20, peak: 2 << 20 };
        assert_eq!(Resident::parse(status), Some(expected));
        assert_eq!(Resident::parse("VmRSS:\t1 kB\n"), None);
    }
}
