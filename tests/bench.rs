//! `weir bench`, `weir dashboard` and `weir tune` as their users run them: small, every scenario.

use std::path::Path;
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
        ("latency", "20", 0.0),
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
        let batch = if scenario == "latency" { 1 } else { 256 };
        assert_eq!((&line["flows"], &line["batch"]), (&500.into(), &batch.into()));
        assert_eq!(line["events"].as_f64(), Some(events), "{scenario}");
        let clocks = |key: &str| line[key].as_f64().expect("a number");
        assert_eq!(line["clk_tail"].is_array(), scenario == "latency");
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

fn weir(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_weir")).args(arguments).output();
    let output = output.expect("the command runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The page of the results that the repository keeps.
fn page(path: &Path) {
    let mut kept: Vec<String> = std::fs::read_dir("benches/results")
        .expect("results")
        .map(|entry| entry.expect("a file").path().display().to_string())
        .collect();
    kept.sort();
    let path = path.display().to_string();
    let mut arguments = vec!["dashboard", "--out", &path];
    arguments.extend(kept.iter().map(String::as_str));
    let (status, _, errors) = weir(&arguments);
    assert_eq!(status, Some(0), "{errors}");
}

#[test]
fn the_results_that_are_kept_become_a_page_and_what_is_no_result_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let shown = path("page.html");
    page(Path::new(&shown));
    let text = std::fs::read_to_string(&shown).expect("the page");
    for part in ["VPP 26.06", "rules-nat, 1000 policies", "Batch size: rules-nat"] {
        assert!(text.contains(part), "{part}");
    }
    let broken = path("broken.jsonl");
    std::fs::write(&broken, "{}\n").expect("written");
    let (status, _, errors) = weir(&["dashboard", "--out", &shown, &broken]);
    assert_eq!(status, Some(1));
    assert!(errors.contains("broken.jsonl:1: missing field"), "{errors}");
}

#[test]
fn tune_measures_the_capture_and_writes_a_schedule_that_differs_in_two_numbers() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (tuned, svg, empty) = (path("tuned.toml"), path("curve.svg"), path("empty.pcap"));
    let office = ["--config", "examples/branch-office.conf"];
    let short = ["--runs", "1", "--packets", "2000"];
    let (status, out, errors) = weir(
        &[
            &["tune"],
            &office[..],
            &short,
            &["--schedule", "schedules/default.toml", "--out", &tuned, "--svg", &svg],
            &["examples/branch-office.pcap"],
        ]
        .concat(),
    );
    assert_eq!(status, Some(0), "{errors}");
    assert!(out.starts_with("430 packets of 288.4 s"), "{out}");
    let number = |text: &str, key: &str| -> u32 {
        let line = text.lines().find(|line| line.starts_with(key)).expect(key);
        let digits = line.trim_start_matches(|c: char| !c.is_ascii_digit());
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        digits[..end].parse().expect("a number")
    };
    let text = std::fs::read_to_string(&tuned).expect("the schedule");
    let before = std::fs::read_to_string("schedules/default.toml").expect("the schedule");
    for key in ["rows_max", "flush_us_max"] {
        assert_eq!(number(&text, key), number(&out, key), "{key}");
    }
    let same = before.lines().zip(text.lines()).filter(|(old, new)| old != new);
    assert!(same.clone().all(|(old, _)| old.contains("rows_max") || old.contains("flush_us_max")));
    assert_eq!(before.lines().count(), text.lines().count());
    assert_eq!(weir(&["check", "--config", &tuned]).0, Some(0));
    assert!(std::fs::read_to_string(&svg).expect("the curve").starts_with("<svg xmlns"));
    // What is read is not written over.
    let (config, kept) = (path("kept.conf"), std::fs::read(office[1]).expect("the example"));
    std::fs::write(&config, &kept).expect("written");
    let over = ["tune", "--config", &config, "--out", &config, "examples/branch-office.pcap"];
    let (status, _, errors) = weir(&over);
    assert_eq!(status, Some(2), "{errors}");
    assert_eq!(std::fs::read(&config).expect("the copy"), kept);
    // A capture without packets says so.
    let capture = std::fs::read("examples/branch-office.pcap").expect("the example");
    std::fs::write(&empty, &capture[..24]).expect("written");
    let (status, _, errors) = weir(&[&["tune"], &office[..], &short, &[&empty]].concat());
    assert_eq!(status, Some(1));
    assert!(errors.contains("no packet"), "{errors}");
}

#[test]
#[ignore = "needs chromium"]
fn a_browser_draws_the_page_and_has_nothing_to_complain_of() {
    let directory = tempfile::tempdir().expect("a directory");
    let (html, png) = (directory.path().join("page.html"), directory.path().join("page.png"));
    page(&html);
    let browse = |html: &Path, last: &str| {
        Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,2200"])
            .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr"])
            .arg(format!("--user-data-dir={}", directory.path().join("profile").display()))
            .arg(last)
            .arg(format!("file://{}", html.display()))
            .output()
            .expect("chromium runs")
    };
    let dom = browse(&html, "--dump-dom");
    let text = String::from_utf8_lossy(&dom.stdout);
    let written = std::fs::read_to_string(&html).expect("the page");
    for part in ["<svg", "<polyline", "<tr>", "<figure>"] {
        let (drawn, meant) = (text.matches(part).count(), written.matches(part).count());
        assert!(drawn == meant && meant > 0, "{part}: {drawn} of {meant}");
    }
    let shot = browse(&html, &format!("--screenshot={}", png.display()));
    for output in [&dom, &shot] {
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!errors.contains("CONSOLE"), "{errors}");
    }
    // The page forbids itself to fetch anything, and the browser says so when it tries.
    let fetching = directory.path().join("fetching.html");
    let image = "</h1><img src=\"http://rival.example/a.png\">";
    std::fs::write(&fetching, written.replacen("</h1>", image, 1)).expect("written");
    let complaint = browse(&fetching, "--dump-dom");
    assert!(String::from_utf8_lossy(&complaint.stderr).contains("CONSOLE"));
    // An empty page of that size is 20 kB.
    let size = std::fs::metadata(&png).expect("the screenshot").len();
    assert!(size > 60_000, "{size} bytes");
    if let Some(kept) = std::env::var_os("SCREENSHOT") {
        std::fs::copy(&png, kept).expect("a copy of the screenshot");
    }
}
