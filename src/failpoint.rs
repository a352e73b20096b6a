//! Places where a test has the process killed: `KILL_AT=NAME[:N]` kills it the N-th time that it
//! comes by, as `kill -9` would. Builds without debug assertions have none of it.

/// Dies here if the environment says so.
#[inline]
pub fn failpoint(name: &str) {
    #[cfg(debug_assertions)]
    armed::pass(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Armed {
        name: String,
        left: AtomicU64,
    }

    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

    pub(super) fn pass(name: &str) {
        let armed = ARMED.get_or_init(|| {
            let value = std::env::var("KILL_AT").ok()?;
            let (name, times) = value.split_once(':').unwrap_or((&value, "1"));
            let left = AtomicU64::new(times.parse().unwrap_or(1));
            Some(Armed { name: name.to_owned(), left })
        });
        let Some(armed) = armed.as_ref().filter(|armed| armed.name == name) else {
            return;
        };
        if armed.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            let _ = rustix::process::kill_process(
                rustix::process::getpid(),
                rustix::process::Signal::KILL,
            );
        }
    }
}
