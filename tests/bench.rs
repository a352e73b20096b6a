//! `weir bench` as its users run it: small, every scenario.

use std::process::Command;

/// Runs it; standard output and the JSON lines.
fn bench(arguments: &[&str]) -> (String, Vec<serde_json::Value>) {
    let directory = tempfile::tempdir().expect("a directory");
    let json = directory.path().join("bench.json");
    let output = Command::new(env!("CARGO_BIN_EXE_weir"))
        .arg("bench")
        .args(arguments)
        .args(["--runs", "1", "--packets", "2000", "--json"])
        .arg(&json)
        .output()
        .expect("the command runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    let text = std::fs::read_to_string(&json).expect("the JSON lines");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    (String::from_utf8(output.stdout).expect("UTF-8"), lines.collect())
}

#[test]
fn every_scenario_runs_balances_and_raises_the_events_that_it_says() {
    for (scenario, rules, events) in [
        ("forward", "1", 0.0),
        ("rules", "20", 0.0),
        ("rules-nat", "20", 0.0),
        ("new-session", "20", 1.0),
        ("end-session", "20", 1.0),
        ("deny-flood", "20", 1.0),
        ("deny-flood-spoofed", "20", 1.0),
        ("emit", "1", 1.0),
        ("render", "1", 1.0),
        ("collect", "1", 1.0),
        ("compile", "20", 0.0),
    ] {
        let (table, lines) = bench(&[scenario, "--flows", "500", "--rules", rules]);
        assert!(table.lines().any(|line| line.starts_with(scenario)), "{table}");
        let [line] = &lines[..] else { panic!("{scenario}: {lines:?}") };
        assert_eq!(line["scenario"], scenario);
        assert_eq!((&line["flows"], &line["batch"]), (&500.into(), &256.into()));
        assert_eq!(line["events"].as_f64(), Some(events), "{scenario}");
        let clocks = |key: &str| line[key].as_f64().expect("a number");
        assert!(0.0 < clocks("clk_min") && clocks("clk_min") <= clocks("clk_max"), "{scenario}");
    }
}

#[test]
fn lists_multiply_and_every_batch_has_its_line() {
    let (_, lines) =
        bench(&["forward", "--flows", "10", "--flows", "20", "--batch", "1", "--batch", "64"]);
    let pairs: Vec<_> = lines.iter().map(|l| (l["flows"].clone(), l["batch"].clone())).collect();
    let expected = [(10, 1), (10, 64), (20, 1), (20, 64)];
    assert_eq!(pairs, expected.map(|(flows, batch)| (flows.into(), batch.into())));
}
