//! `weir dashboard`.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::{Stop, say};
use crate::dashboard::{Run, page};

#[derive(Debug, Args)]
pub(super) struct DashboardArgs {
    /// The page to write.
    #[arg(long, value_name = "FILE.html")]
    out: PathBuf,
    /// What `weir bench --json` has written, in the order of time: one file a run.
    #[arg(required = true, value_name = "RESULTS.jsonl")]
    results: Vec<PathBuf>,
}

pub(super) fn run(args: &DashboardArgs) -> Result<(), Stop> {
    let mut runs = Vec::new();
    for path in &args.results {
        let shown = path.display();
        let text = fs::read_to_string(path).with_context(|| shown.to_string())?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let run = Run::read(&name, &text);
        runs.push(run.map_err(|error| anyhow::anyhow!("{shown}:{error}"))?);
    }
    fs::write(&args.out, page(&runs)).with_context(|| args.out.display().to_string())?;
    say(&format!("{}: {} runs\n", args.out.display(), runs.len()));
    Ok(())
}
