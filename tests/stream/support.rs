//! Processes of one test, in a directory of their own.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use components::wire::split_frame;

pub(crate) const CONFIG: &str = "examples/branch-office.conf";
pub(crate) const CAPTURE: &str = "examples/branch-office.pcap";

/// A directory with a socket, a ring and a spool.
pub(crate) struct Bench {
    directory: tempfile::TempDir,
}

/// A collector that ends with its test.
pub(crate) struct Collector {
    child: Child,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory") }
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// Starts a collector and waits until it listens.
    pub(crate) fn collect(&self, environment: &[(&str, &str)]) -> Collector {
        self.start_collector(CONFIG, &[], environment)
    }

    /// The same with more arguments.
    pub(crate) fn collect_with(&self, more: &[&str]) -> Collector {
        self.start_collector(CONFIG, more, &[])
    }

    /// The same by another configuration.
    pub(crate) fn collect_in(
        &self,
        config: &str,
        more: &[&str],
        environment: &[(&str, &str)],
    ) -> Collector {
        self.start_collector(config, more, environment)
    }

    fn start_collector(
        &self,
        config: &str,
        more: &[&str],
        environment: &[(&str, &str)],
    ) -> Collector {
        let (socket, spool) = (self.file("socket"), self.file("spool"));
        let _ = fs::remove_file(&socket);
        let start = ["collect", "--config", config, "--listen", &socket, "--spool", &spool];
        let mut command = command(&[&start[..], more].concat());
        command.envs(environment.iter().copied());
        self.listening(command)
    }

    /// A collector that may have so many descriptors.
    pub(crate) fn collect_limited(&self, more: &[&str], descriptors: u32) -> Collector {
        let (socket, spool) = (self.file("socket"), self.file("spool"));
        let mut command = Command::new("sh");
        let script = format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_weir")]);
        command.args(["collect", "--config", CONFIG, "--listen", &socket, "--spool", &spool]);
        command.args(more).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
        self.listening(command)
    }

    /// A collector whose system calls fail as `strace -e inject` is told.
    pub(crate) fn collect_failing(&self, injected: &[&str], more: &[&str]) -> Collector {
        let (socket, spool) = (self.file("socket"), self.file("spool"));
        let mut command = failing(injected);
        command.args(["collect", "--config", CONFIG, "--listen", &socket, "--spool", &spool]);
        command.args(more);
        self.listening(command)
    }

    /// The same of a producer, which waits for its end.
    pub(crate) fn replay_failing(&self, injected: &[&str]) -> Output {
        let (socket, ring) = (self.file("socket"), self.file("ring"));
        let mut command = failing(injected);
        command.args(["replay", "--config", CONFIG, "--stream", &socket, "--ring", &ring, CAPTURE]);
        command.output().expect("strace runs")
    }

    /// Starts a collector and waits until it listens.
    fn listening(&self, mut command: Command) -> Collector {
        let socket = self.file("socket");
        let child = command
            .stderr(fs::File::create(self.file("collector.log")).expect("a file"))
            .spawn()
            .expect("weir runs");
        let mut collector = Collector { child };
        let limit = Instant::now() + Duration::from_secs(20);
        while !Path::new(&socket).exists() {
            let ended = !matches!(collector.child.try_wait(), Ok(None));
            if ended || Instant::now() >= limit {
                let said = fs::read_to_string(self.file("collector.log")).unwrap_or_default();
                panic!("the collector does not listen: {said}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        collector
    }

    fn producer(&self, config: &str, more: &[&str], capture: &str) -> Command {
        let (socket, ring) = (self.file("socket"), self.file("ring"));
        let start = ["replay", "--config", config, "--stream", &socket, "--ring", &ring];
        command(&[&start[..], more, &[capture]].concat())
    }

    pub(crate) fn replay(&self, more: &[&str]) -> Output {
        self.replay_by(CONFIG, more, CAPTURE)
    }

    /// The same by another configuration, of another capture.
    pub(crate) fn replay_by(&self, config: &str, more: &[&str], capture: &str) -> Output {
        self.producer(config, more, capture).output().expect("weir runs")
    }

    pub(crate) fn replay_with(&self, environment: &[(&str, &str)]) -> Output {
        let mut command = self.producer(CONFIG, &[], CAPTURE);
        command.envs(environment.iter().copied()).output().expect("weir runs")
    }

    pub(crate) fn replay_in_background(&self, more: &[&str]) -> Child {
        self.replay_capture(more, CAPTURE)
    }

    /// Another capture, in the background.
    pub(crate) fn replay_capture(&self, more: &[&str], capture: &str) -> Child {
        self.replay_capture_by(CONFIG, more, capture)
    }

    /// The same by another configuration.
    pub(crate) fn replay_capture_by(&self, config: &str, more: &[&str], capture: &str) -> Child {
        self.producer(config, more, capture)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("weir runs")
    }

    /// The frames as `--frames` writes them.
    pub(crate) fn frames(&self) -> Vec<u8> {
        self.frames_of(CAPTURE)
    }

    /// Those of another capture.
    pub(crate) fn frames_of(&self, capture: &str) -> Vec<u8> {
        let frames = self.file("frames");
        let output = weir(&[
            "replay",
            "--config",
            CONFIG,
            "--frames",
            &frames,
            "--log",
            "/dev/null",
            capture,
        ]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        fs::read(frames).expect("the frames")
    }

    /// The frames in the spool, which must be whole.
    pub(crate) fn spooled(&self) -> Vec<u8> {
        let spool = self.file("spool");
        let verified = weir(&["spool", "verify", &spool]);
        assert!(text(&verified.stdout).contains(" 0 findings"), "{}", text(&verified.stdout));
        weir(&["spool", "dump", &spool]).stdout
    }
}

impl Collector {
    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it was killed by its failpoint.
    pub(crate) fn died(&mut self) -> bool {
        let limit = Instant::now() + Duration::from_secs(10);
        while Instant::now() < limit {
            if self.child.try_wait().expect("a child").is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        false
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a child");
        self.child.wait().expect("a child");
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.child.wait();
    }
}

/// The same frames with numbers that are higher by `by`.
pub(crate) fn numbered(frames: &[u8], by: u64) -> Vec<u8> {
    let mut out = frames.to_vec();
    let mut at = 0;
    while let Some(Ok(frame)) = split_frame(&frames[at..]) {
        let sequence = frame.header.sequence.get() + by;
        out[at + 8..at + 16].copy_from_slice(&sequence.to_le_bytes());
        at += frame.bytes.len();
    }
    out
}

/// Frames, from the first on as far as they are whole.
pub(crate) fn count(frames: &[u8]) -> u64 {
    let (mut at, mut count) = (0, 0);
    while let Some(Ok(frame)) = split_frame(&frames[at..]) {
        at += frame.bytes.len();
        count += 1;
    }
    count
}

pub(crate) fn weir(arguments: &[&str]) -> Output {
    command(arguments).output().expect("weir runs")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command
}

/// Our program below `strace`, which stays out of the way: the child is the program itself.
fn failing(injected: &[&str]) -> Command {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-qq", "-o", "/dev/null"]);
    for inject in injected {
        command.args(["-e", &format!("inject={inject}")]);
    }
    command.arg(env!("CARGO_BIN_EXE_weir"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
