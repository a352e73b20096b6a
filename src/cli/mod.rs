//! The command line: arguments, what each command prints and its exit status. 0 done, 1 failed, 2
//! usage, 3 the configuration or the schedule has errors, 4 the ledger does not balance.

mod bench;
mod check;
mod collect;
mod commit;
mod dashboard;
mod generate;
mod inputs;
mod ledger;
mod observe;
mod outlets;
mod print;
mod replay;
mod show;
mod spool;
mod summary;
mod table;
mod tune;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::collector::render;
use commit::CommitArg;
use observe::ObserveArgs;

/// A firewall data plane that accounts for every packet and every event.
#[derive(Debug, Parser)]
#[command(name = "weir", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run captures through a configuration: what would the firewall have done, and logged?
    Replay(Box<ReplayArgs>),
    /// List everything that is wrong with a configuration, or with a schedule.
    Check(CheckArgs),
    /// Print a configuration, in braces or as set lines.
    Print(PrintArgs),
    /// Write a capture of made-up traffic.
    Generate(GenerateArgs),
    /// Take the event stream of a producer, keep it, and hand it to the log's readers.
    Collect(CollectArgs),
    /// Look into a collector's spool.
    Spool(SpoolArgs),
    /// Show the figures of running processes.
    Show(show::ShowArgs),
    /// Print the identities of running processes, and by how much they differ.
    Ledger(show::AskArgs),
    /// Measure what a packet costs on this machine.
    Bench(bench::BenchArgs),
    /// Make a page of what `weir bench --json` has written.
    Dashboard(dashboard::DashboardArgs),
    /// Measure batch sizes on a configuration and traffic of one's own, and say which to take.
    Tune(tune::TuneArgs),
}

#[derive(Debug, Args)]
struct ReplayArgs {
    /// Junos configuration, in braces or as set lines; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Schedule; without it, `schedules/replay.toml` as it was built in.
    #[arg(long, value_name = "FILE")]
    schedule: Option<PathBuf>,
    /// Rows of a batch, 1 to 1024; results do not depend on it.
    #[arg(long, value_name = "ROWS")]
    batch: Option<usize>,
    /// Workers, 1 to 64, each with its own sessions and its share of the NAT ports.
    #[arg(long, value_name = "N")]
    workers: Option<u16>,
    /// `auto`: a packet came in where its source address is routed to; `IFL=CAPTURE`: that
    /// capture's packets came in on that interface.
    #[arg(long, value_name = "auto | IFL=CAPTURE")]
    ingress: Vec<String>,
    /// Commit another configuration on the way, at a packet time: after the first packet (`12.5s`)
    /// or an RFC 3339 instant. May be given several times.
    #[arg(long, value_name = "TIME=FILE")]
    commit: Vec<CommitArg>,
    /// Format of the log lines.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write the log lines here instead of to standard output.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Host name in the log lines; without it, the configuration's `host-name`.
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Write the event frames as they would stand on the socket.
    #[arg(long, value_name = "FILE")]
    frames: Option<PathBuf>,
    /// Write every packet that was transmitted.
    #[arg(long, value_name = "FILE.pcapng")]
    write: Option<PathBuf>,
    /// Write the ledger.
    #[arg(long, value_name = "FILE.json")]
    ledger: Option<PathBuf>,
    /// Send the events to the collector that listens here instead of printing them; wins over the
    /// schedule's `stream.path`.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["format", "host"])]
    stream: Option<PathBuf>,
    /// Keep the ring in this file: the next process goes on with what was not acked.
    #[arg(long, value_name = "FILE")]
    ring: Option<PathBuf>,
    /// Packets a second, as on a wire that does not wait: what finds the ring full is refused.
    /// Without it, the capture waits for the collector.
    #[arg(long, value_name = "PPS", value_parser = clap::value_parser!(u64).range(1..))]
    rate: Option<u64>,
    /// How long the end waits for the last Ack; wins over `stream.drain_timeout_s`.
    #[arg(long, value_name = "SECONDS")]
    drain_timeout: Option<u32>,
    #[command(flatten)]
    observe: ObserveArgs,
    /// Captures, pcap or pcapng, merged by time; `-` for standard input.
    #[arg(value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Junos configuration, or a schedule (a file whose name ends in `.toml`).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Format of the diagnostics.
    #[arg(long, value_enum, default_value_t)]
    format: CheckFormat,
}

#[derive(Debug, Args)]
struct PrintArgs {
    /// Junos configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// As set lines instead of braces.
    #[arg(long)]
    set: bool,
}

#[derive(Debug, Args)]
struct GenerateArgs {
    /// Name of the scenario; an unknown name lists all.
    scenario: String,
    /// The capture to write.
    #[arg(long, value_name = "FILE.pcap")]
    out: PathBuf,
    /// The same seed gives the same bytes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Packets, for scenarios that can be of any length.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Flows, for scenarios that can have any number.
    #[arg(long, value_name = "N")]
    flows: Option<u32>,
}

#[derive(Debug, Args)]
struct CollectArgs {
    /// Junos configuration: names, and where log lines go.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Schedule; without it, `schedules/replay.toml` as it was built in.
    #[arg(long, value_name = "FILE")]
    schedule: Option<PathBuf>,
    /// Where the producer connects; wins over the schedule's `collector.listen`.
    #[arg(long, value_name = "PATH")]
    listen: Option<PathBuf>,
    /// The spool's directory; wins over the schedule's `collector.spool`.
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
    /// Append the log lines to this file too, beside the streams of the configuration.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Format of that file.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    observe: ObserveArgs,
}

#[derive(Debug, Args)]
struct SpoolArgs {
    #[command(subcommand)]
    command: SpoolCommand,
}

#[derive(Debug, Subcommand)]
enum SpoolCommand {
    /// Segments, records, where each stream and each sink stands.
    Stat {
        /// The spool.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Check every record, and that record and sequence numbers follow each other.
    Verify {
        /// The spool.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Print the frames as they stood on the socket, as `replay --frames` does.
    Dump {
        /// The spool.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// Write them here instead of to standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    SdSyslog,
    Syslog,
    Json,
    Binary,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum CheckFormat {
    #[default]
    Text,
    Json,
}

impl From<Format> for render::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::SdSyslog => Self::SdSyslog,
            Format::Syslog => Self::Syslog,
            Format::Json => Self::Json,
            Format::Binary => Self::Binary,
        }
    }
}

/// Why a command ended early; the message is already printed for [`Stop::Configuration`].
#[derive(Debug)]
enum Stop {
    /// Exit status 1.
    Failed(anyhow::Error),
    /// Exit status 2.
    Usage(String),
    /// Exit status 3.
    Configuration,
    /// Exit status 4.
    Unbalanced,
}

impl<E: Into<anyhow::Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs the command of `cli`.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Replay(args) => replay::run(*args),
        Command::Check(args) => check::run(&args),
        Command::Print(args) => print::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Collect(args) => collect::run(&args),
        Command::Spool(args) => spool::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Dashboard(args) => dashboard::run(&args),
        Command::Tune(args) => tune::run(&args),
        Command::Ledger(args) => ledger::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Failed(error)) => {
            say(&format!("weir: {error:#}\n"));
            ExitCode::from(1)
        }
        Err(Stop::Usage(message)) => {
            say(&format!("weir: {message}\n"));
            ExitCode::from(2)
        }
        Err(Stop::Configuration) => ExitCode::from(3),
        Err(Stop::Unbalanced) => ExitCode::from(4),
    }
}

/// Prints on standard error; what cannot be said there cannot be said.
fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Prints a result on standard output; a reader who has had enough is no failure.
fn put(text: &str) -> Result<(), Stop> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
