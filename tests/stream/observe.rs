//! What an operator sees of both processes while they run: the ledger balances to the unit between
//! them, Prometheus reads the figures, and nobody who asks badly gets in the way.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{Bench, CONFIG, Collector, text, weir};

/// A collector that tells its figures, with the address of the metrics.
struct Watched {
    bench: Bench,
    _collector: Collector,
    address: String,
}

impl Watched {
    fn start(metrics: &str) -> Self {
        let bench = Bench::new();
        let schedule = bench.file("metrics.toml");
        let written = fs::read_to_string("schedules/replay.toml").expect("the schedule");
        let (before, _) = written.split_once("[metrics]").expect("its last section");
        fs::write(&schedule, format!("{before}[metrics]\n{metrics}\n")).expect("written");
        let control = bench.file("collector.ctl");
        let log = bench.file("log");
        let flags = ["--schedule", &schedule, "--control", &control, "--log", &log];
        let collector = bench.collect_with(&[&flags[..], &["--metrics", "127.0.0.1:0"]].concat());
        let said = fs::read_to_string(bench.file("collector.log")).expect("the log");
        let address = said.lines().find_map(|line| line.strip_prefix("weir: figures at http://"));
        let address = address.and_then(|line| line.strip_suffix("/metrics")).expect("an address");
        let address = address.to_owned();
        Self { bench, _collector: collector, address }
    }

    fn get(&self, path: &str) -> String {
        let mut socket = TcpStream::connect(&self.address).expect("it listens");
        write!(socket, "GET {path} HTTP/1.1\r\nHost: weir\r\n\r\n").expect("sent");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// A figure of the metrics.
    fn figure(&self, name: &str) -> f64 {
        let metrics = self.get("/metrics");
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        let value = line.and_then(|rest| rest.trim().parse().ok());
        value.unwrap_or_else(|| panic!("no {name} in\n{metrics}"))
    }

    /// `weir COMMAND` on both control sockets, or on the collector's.
    fn ask(&self, command: &[&str], both: bool) -> (String, Option<i32>) {
        let (producer, collector) =
            (self.bench.file("producer.ctl"), self.bench.file("collector.ctl"));
        let mut arguments = command.to_vec();
        arguments.extend(["--control", &collector]);
        if both {
            arguments.extend(["--control", &producer]);
        }
        let output = weir(&arguments);
        (text(&output.stdout) + &text(&output.stderr), output.status.code())
    }
}

#[test]
fn the_ledger_balances_between_processes_while_events_flow_and_at_rest() {
    let watched = Watched::start("");
    let bench = &watched.bench;
    let storm = bench.file("storm.pcap");
    assert!(weir(&["generate", "deny-storm", "--count", "9000", "--out", &storm]).status.success());
    let control = bench.file("producer.ctl");
    let producer = bench.replay_capture(&["--rate", "3000", "--control", &control], &storm);
    let limit = Instant::now() + Duration::from_secs(10);
    while !std::path::Path::new(&control).exists() {
        assert!(Instant::now() < limit, "no control socket");
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(300));
    let (ledger, code) = watched.ask(&["ledger"], true);
    assert_eq!(code, Some(0), "{ledger}");
    assert!(ledger.ends_with("residual 0\n") && ledger.contains(" in transit\n"), "{ledger}");
    assert!(!ledger.contains("WRONG"), "{ledger}");
    let received =
        ledger.lines().find(|line| line.ends_with("received = forwarded + to host + dropped"));
    let received = received.expect("packets");
    assert!(!received.contains(" 0 = 0 "), "packets had flown: {received}");
    let (events, _) = watched.ask(&["show", "events"], true);
    assert!(events.contains("screen_drop") && events.contains("generated"), "{events}");
    let (stream, _) = watched.ask(&["show", "stream"], true);
    assert!(stream.contains(": connected\n") && stream.contains("ack lag"), "{stream}");

    let output = producer.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", text(&output.stderr));
    std::thread::sleep(Duration::from_millis(300));
    let (told, code) = watched.ask(&["ledger"], false);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("as its producer last told in it"), "{told}");
    assert!(told.contains(" 9,000 = 9,000 "), "{told}");
    let (json, _) = watched.ask(&["show", "sinks", "--json"], false);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let sinks = json[0]["collector"]["sinks"].as_array().expect("sinks");
    let file = sinks.iter().find(|sink| sink["promise"] == "fsynced").expect("the file");
    assert_eq!((file["settled"].as_u64(), file["backlog"].as_u64()), (Some(9000), Some(0)));
}

#[test]
fn prometheus_reads_every_figure_under_names_without_an_end_of_labels() {
    let watched = Watched::start("");
    let output = watched.bench.replay(&[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    std::thread::sleep(Duration::from_millis(300));
    let metrics = watched.get("/metrics");
    let (head, body) = metrics.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(body.ends_with("# EOF\n"));
    let applied: f64 =
        ["session_create", "session_close", "policy_deny", "screen_drop", "filter_log"]
            .iter()
            .map(|kind| {
                watched.figure(&format!("weir_collector_applied_total{{type=\"{kind}\"}} "))
            })
            .sum();
    assert!((applied - 102.0).abs() < 0.5, "{body}");
    assert!(watched.figure("weir_ledger_residual ").abs() < 0.5);
    assert!(!body.contains("xpf_"), "only with metrics.compat");
    for line in body.lines().filter(|line| !line.starts_with('#')) {
        let labels = line.split_once('{').map_or("", |(_, rest)| rest);
        assert!(!labels.contains("198.51.100."), "an address is no label: {line}");
    }
    assert!(watched.get("/healthz").ends_with("\r\n\r\nok\n"));
    assert!(watched.get("/elsewhere").starts_with("HTTP/1.1 404 "));
}

#[test]
fn dashboards_of_xpf_find_their_names() {
    let watched = Watched::start("compat = \"xpf\"");
    let output = watched.bench.replay(&[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    std::thread::sleep(Duration::from_millis(300));
    let name = |rest: &str| format!("xpf_userspace_event_stream_{rest} ");
    let events = |kind: &str| {
        let theirs = name(&format!("dataplane_events_total{{type=\"{kind}\"}}"));
        let ours = format!("weir_collector_applied_total{{type=\"{kind}\"}} ");
        (watched.figure(&theirs), watched.figure(&ours))
    };
    for kind in ["policy_deny", "screen_drop", "filter_log", "session_close", "session_create"] {
        let (theirs, ours) = events(kind);
        assert!(theirs > 0.0 && (theirs - ours).abs() < 0.5, "{kind}: {theirs} and {ours}");
    }
    let read = watched.figure(&name("frames_total{direction=\"read\"}"));
    assert!(read >= 103.0, "events and a Hello: {read}");
    assert!(watched.figure(&name("frames_total{direction=\"written\"}")) >= 2.0);
    assert!((watched.figure(&name("producer_frames_total{outcome=\"sent\"}")) - 102.0).abs() < 0.5);
    for none in ["decode_errors_total", "sequence_gaps_total", "unknown_frame_drops_total"] {
        assert!(watched.figure(&name(none)).abs() < 0.5, "{none}");
    }
}

#[test]
fn who_asks_slowly_too_much_or_at_length_is_cut_off_and_others_are_answered() {
    let watched = Watched::start("connections_max = 3\ndeadline_s = 1");
    let mut slow: Vec<TcpStream> = (0..2)
        .map(|_| {
            let mut socket = TcpStream::connect(&watched.address).expect("it listens");
            socket.write_all(b"GET /met").expect("sent");
            socket
        })
        .collect();
    std::thread::sleep(Duration::from_millis(100));
    assert!(watched.get("/healthz").ends_with("ok\n"), "two of three are taken");
    slow.push(TcpStream::connect(&watched.address).expect("it listens"));
    std::thread::sleep(Duration::from_millis(100));
    let mut fourth = TcpStream::connect(&watched.address).expect("the kernel takes it");
    let mut nothing = Vec::new();
    let _ = fourth.read_to_end(&mut nothing);
    assert!(nothing.is_empty(), "closed at once");
    // At the deadline the slow ones are gone, however little they sent.
    let begun = Instant::now();
    for socket in &mut slow {
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest);
        assert!(rest.is_empty());
    }
    assert!(begun.elapsed() < Duration::from_secs(8));
    let long = format!("/{}", "a".repeat(9000));
    assert!(watched.get(&long).starts_with("HTTP/1.1 400 "));
    let mut socket = TcpStream::connect(&watched.address).expect("it listens");
    socket.write_all(b"POST /metrics HTTP/1.1\r\n\r\n").expect("sent");
    let mut answer = String::new();
    let _ = socket.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    let outcome =
        |name: &str| watched.figure(&format!("weir_http_requests_total{{outcome=\"{name}\"}} "));
    let outcomes = ["refused", "broken", "bad"].map(outcome);
    assert!(outcomes[0] >= 1.0 && outcomes[1] >= 3.0 && outcomes[2] >= 2.0, "{outcomes:?}");
}

#[test]
fn a_process_that_is_not_there_is_named_and_so_is_one_that_is_not_ours() {
    let bench = Bench::new();
    let nobody = bench.file("nobody.ctl");
    let output = weir(&["show", "stream", "--control", &nobody]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains(&nobody), "{}", text(&output.stderr));
    let output = weir(&["ledger"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--control is missing"), "{}", text(&output.stderr));
    let output = weir(&["replay", "--config", CONFIG, "--metrics", "127.0.0.1:0", "none.pcap"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--metrics cannot be used"), "{}", text(&output.stderr));
}
