//! The `weir` command: see `weir --help`.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("WEIR_LOG"))
        .init();
    weir::cli::run(weir::cli::Cli::parse())
}
