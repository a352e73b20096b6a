//! A case as it stands in its file: a configuration, packets with what is expected of each, the
//! events and counters. Every complaint names file and line.

use std::path::Path;

use super::notation;

/// One case.
pub(crate) struct Case {
    /// Its path from the repository's root.
    pub(crate) path: String,
    /// The file's lines.
    pub(crate) lines: Vec<String>,
    /// The configuration, its includes put in.
    pub(crate) config: String,
    /// `schedule KEY VALUE` lines.
    pub(crate) settings: Vec<(usize, String, String)>,
    /// `one-worker REASON`: fates depend on how state is divided among workers.
    pub(crate) one_worker: bool,
    /// Nanoseconds since the epoch before the first packet.
    pub(crate) start_ns: u64,
    /// Packets in order, and at last the silence after them.
    pub(crate) steps: Vec<Step>,
    /// Counters; `None` if the file does not say.
    pub(crate) counters: Option<Vec<(usize, String)>>,
    /// `events KIND COUNT`: only the number of these is checked.
    pub(crate) counted: Vec<(usize, String, u64)>,
}

/// A packet with what is expected of it; without a packet, a commit or the end.
pub(crate) struct Step {
    /// Where it stands, from 0.
    pub(crate) line: usize,
    /// The last line that belongs to it.
    pub(crate) last_line: usize,
    /// The packet.
    pub(crate) packet: Option<Arrival>,
    /// The configuration that takes over.
    pub(crate) commit: Option<Takeover>,
    /// Its fate.
    pub(crate) fate: Option<(usize, String)>,
    /// Answers to it.
    pub(crate) answers: Vec<(usize, String)>,
    /// Events that it raised.
    pub(crate) events: Vec<(usize, String)>,
}

/// A configuration and when it takes over.
pub(crate) struct Takeover {
    /// Nanoseconds since the epoch.
    pub(crate) time_ns: u64,
    /// The whole of it.
    pub(crate) config: String,
}

/// A packet as it arrives.
pub(crate) struct Arrival {
    /// Nanoseconds since the epoch.
    pub(crate) time_ns: u64,
    /// A zone, an interface, or `auto`.
    pub(crate) ingress: String,
    /// Its bytes.
    pub(crate) frame: notation::Frame,
}

/// What was read so far.
struct Reading<'r> {
    root: &'r Path,
    case: Case,
    part: Part,
    time_ns: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Config,
    Packets,
    Counters,
}

impl Case {
    /// Reads a file below the repository's root.
    pub(crate) fn read(root: &Path, path: &str) -> Result<Self, String> {
        let text = std::fs::read_to_string(root.join(path)).map_err(|e| format!("{path}: {e}"))?;
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let case = Self {
            path: path.to_owned(),
            lines: lines.clone(),
            config: String::new(),
            settings: Vec::new(),
            one_worker: false,
            start_ns: START_NS,
            steps: Vec::new(),
            counters: None,
            counted: Vec::new(),
        };
        let mut reading = Reading { root, case, part: Part::Config, time_ns: START_NS };
        for (at, line) in lines.iter().enumerate() {
            reading.line(at, line).map_err(|error| format!("{path}:{}: {error}", at + 1))?;
        }
        let case = reading.case;
        if case.lines.first().is_none_or(|line| !line.starts_with("# ")) {
            return Err(format!("{path}:1: does not begin with `# ` and what the case shows"));
        }
        match case.steps.last() {
            Some(Step { packet: None, commit: None, .. }) => Ok(case),
            _ => Err(format!("{path}:{}: lacks `end`", case.lines.len())),
        }
    }

    /// `file:line`.
    pub(crate) fn place(&self, line: usize) -> String {
        format!("{}:{}", self.path, line + 1)
    }
}

impl Reading<'_> {
    fn line(&mut self, at: usize, line: &str) -> Result<(), String> {
        let words = line.trim();
        if words.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        match (words, self.part) {
            ("packets", Part::Config) => self.part = Part::Packets,
            ("end", Part::Packets) => self.step(at, None, None),
            ("counters", Part::Packets) => {
                self.part = Part::Counters;
                self.case.counters = Some(Vec::new());
            }
            (_, Part::Config) => return self.config(at, line),
            (_, Part::Packets) => return self.packet(at, words),
            (_, Part::Counters) => {
                self.case.counters.get_or_insert_default().push((at, words.to_owned()));
            }
        }
        Ok(())
    }

    fn config(&mut self, at: usize, line: &str) -> Result<(), String> {
        let case = &mut self.case;
        match line.split_once(' ') {
            Some(("include", name)) => {
                let path = self.root.join(CASES).join(name.trim());
                let text = std::fs::read_to_string(path).map_err(|e| format!("{name}: {e}"))?;
                case.config += &text;
            }
            Some(("schedule", setting)) => {
                let (key, value) = setting.split_once(' ').ok_or("`schedule` is KEY VALUE")?;
                case.settings.push((at, key.to_owned(), value.trim().to_owned()));
            }
            Some(("one-worker", _)) => case.one_worker = true,
            Some(("start", time)) => {
                let time: jiff::Timestamp = time.trim().parse().map_err(|e| format!("{e}"))?;
                case.start_ns = u64::try_from(time.as_nanosecond()).map_err(|e| e.to_string())?;
                self.time_ns = case.start_ns;
            }
            _ => {
                case.config += line;
                case.config.push('\n');
            }
        }
        Ok(())
    }

    /// A packet's line, or one that goes on about the packet above.
    fn packet(&mut self, at: usize, words: &str) -> Result<(), String> {
        if let Some(wait) = words.strip_prefix("commit +") {
            return self.commit(at, wait);
        }
        if let Some(wait) = words.strip_prefix('+') {
            let (wait, rest) = wait.split_once(' ').ok_or("a packet needs more than its time")?;
            let wait_ns = duration(wait)?;
            self.time_ns += wait_ns;
            let (packet, outcomes) = rest.split_once("=>").unwrap_or((rest, ""));
            let (ingress, packet) =
                packet.trim().split_once(' ').ok_or("a packet is +TIME INGRESS PACKET")?;
            let last = self.case.steps.last().and_then(|step| step.packet.as_ref());
            if wait_ns == 0 && last.is_some_and(|last| last.ingress != ingress) {
                return Err("two packets from different sides need different times".into());
            }
            let frame = notation::frame(packet)?;
            let ingress = ingress.to_owned();
            self.step(at, Some(Arrival { time_ns: self.time_ns, ingress, frame }), None);
            return outcomes.split("=>").try_for_each(|outcome| self.outcome(at, outcome.trim()));
        }
        if let Some(counted) = words.strip_prefix("events ") {
            let (kind, count) = counted.split_once(' ').ok_or("`events` is KIND COUNT")?;
            let count = notation::number(count.trim())?;
            self.case.counted.push((at, kind.to_owned(), count));
            return Ok(());
        }
        let step = self.case.steps.last_mut().ok_or("the first packet comes later")?;
        step.last_line = at;
        if let Some(event) = words.strip_prefix("event ") {
            step.events.push((at, event.trim().to_owned()));
            return Ok(());
        }
        if let Some(commit) = &mut step.commit {
            commit.config += words;
            commit.config.push('\n');
            return Ok(());
        }
        match words.strip_prefix("=>") {
            Some(outcome) => self.outcome(at, outcome.trim()),
            None => Err(format!("`{words}` is neither a packet nor what comes of one")),
        }
    }

    fn outcome(&mut self, at: usize, outcome: &str) -> Result<(), String> {
        let step = self.case.steps.last_mut().ok_or("the first packet comes later")?;
        match outcome.strip_prefix("answer ") {
            _ if outcome.is_empty() => {}
            Some(answer) => step.answers.push((at, answer.trim().to_owned())),
            None if step.fate.is_some() => return Err("a packet has one fate".into()),
            None => step.fate = Some((at, outcome.to_owned())),
        }
        Ok(())
    }

    /// A commit: the lines below it change the configuration so far.
    fn commit(&mut self, at: usize, wait: &str) -> Result<(), String> {
        let wait_ns = duration(wait)?;
        if wait_ns == 0 {
            return Err("a commit needs a time of its own".into());
        }
        self.time_ns += wait_ns;
        let mut commits = self.case.steps.iter().filter_map(|step| step.commit.as_ref());
        let config = commits.next_back().map_or(&self.case.config, |commit| &commit.config).clone();
        self.step(at, None, Some(Takeover { time_ns: self.time_ns, config }));
        Ok(())
    }

    fn step(&mut self, line: usize, packet: Option<Arrival>, commit: Option<Takeover>) {
        let (fate, answers, events) = (None, Vec::new(), Vec::new());
        let last_line = line;
        self.case.steps.push(Step { line, last_line, packet, commit, fate, answers, events });
    }
}

/// `1.5s`, `20ms`, `7us`, `0s`.
fn duration(text: &str) -> Result<u64, String> {
    let units = [("ns", 0u32), ("us", 3), ("ms", 6), ("s", 9)];
    let unit = units.iter().find_map(|(unit, digits)| Some((text.strip_suffix(unit)?, *digits)));
    let (number, digits) = unit.ok_or_else(|| format!("`{text}` has no unit"))?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let kept = part.len().min(digits as usize);
    let part = format!("{:0<width$}", &part[..kept], width = digits as usize);
    let nanoseconds = format!("{whole}{part}").parse();
    nanoseconds.map_err(|_| format!("`{text}` is no time"))
}

/// Where the cases are.
pub(crate) const CASES: &str = "tests/scenarios";
/// 2026-03-02T08:00:00Z.
const START_NS: u64 = 1_772_438_400_000_000_000;
