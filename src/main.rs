//! The `weir` command: see `weir --help`.

mod huge;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

#[global_allocator]
static ALLOCATOR: huge::HugePages = huge::HugePages;

fn main() -> ExitCode {
    // Warnings are for the operator, who need not ask for them; `WEIR_LOG=info` says more.
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .with_env_var("WEIR_LOG")
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(filter)
        .init();
    weir::cli::run(weir::cli::Cli::parse())
}
