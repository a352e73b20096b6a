//! `weir generate`.

use crate::generate::{self, Parameters, SCENARIOS};

use super::{GenerateArgs, Stop, put};

pub(super) fn run(args: &GenerateArgs) -> Result<(), Stop> {
    if generate::scenario(&args.scenario).is_none() {
        let width = SCENARIOS.iter().map(|s| s.name.len()).max().unwrap_or(0);
        let lines: Vec<String> =
            SCENARIOS.iter().map(|s| format!("  {:width$}  {}", s.name, s.description)).collect();
        let list = lines.join("\n");
        return Err(Stop::Usage(format!(
            "there is no scenario `{}`; there are\n{list}",
            args.scenario
        )));
    }
    let parameters = Parameters { seed: args.seed, count: args.count, flows: args.flows };
    let summary = generate::run(&args.scenario, &args.out, &parameters)?;
    put(&format!("{}: {} packets, {} bytes\n", args.out.display(), summary.packets, summary.bytes))
}
