//! A line that comes again, because the collector died between the sending and the saving of a
//! cursor, is known by its mark: what is left without repetitions is each event once.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::{Bench, CONFIG, count, text, weir};

/// Takes octet-counted lines of any number of connections.
fn receiver() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let shared = Arc::clone(&lines);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut reader = BufReader::new(connection.expect("a connection"));
            let mut length = Vec::new();
            while reader.read_until(b' ', &mut length).is_ok_and(|read| read > 0) {
                let digits = String::from_utf8(std::mem::take(&mut length)).expect("digits");
                let mut line = vec![0; digits.trim_end().parse().expect("a number")];
                if reader.read_exact(&mut line).is_err() {
                    break;
                }
                shared.lock().expect("lines").push(text(&line));
            }
        }
    });
    (port, lines)
}

#[test]
fn a_line_that_comes_again_is_known_by_its_mark() {
    let bench = Bench::new();
    let (port, lines) = receiver();
    let printed = text(&weir(&["print", "--config", CONFIG, "--set"]).stdout);
    let kept = printed.lines().filter(|line| !line.starts_with("set security log"));
    let stream = [
        "set security log mode stream".to_owned(),
        "set security log stream siem format json".to_owned(),
        "set security log stream siem host 127.0.0.1".to_owned(),
        format!("set security log stream siem host port {port}"),
        "set security log stream siem transport protocol tcp".to_owned(),
    ];
    let config = bench.file("siem.conf");
    let written = kept.map(str::to_owned).chain(stream).collect::<Vec<_>>().join("\n") + "\n";
    fs::write(&config, written).expect("written");

    let mut collector = bench.collect_in(&config, &[], &[("KILL_AT", "outlet-sent:3")]);
    let producer = bench.replay_capture_by(&config, &["--rate", "400"], crate::CAPTURE);
    assert!(collector.died(), "it sends three batches");
    drop(collector);
    let collector = bench.collect_in(&config, &[], &[]);
    let output = producer.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let frames = bench.spooled();
    let events = usize::try_from(count(&frames)).expect("few");

    let limit = Instant::now() + Duration::from_secs(20);
    let distinct = loop {
        let received = lines.lock().expect("lines").clone();
        let mut distinct = BTreeMap::<String, Vec<String>>::new();
        for line in &received {
            let json: serde_json::Value = serde_json::from_str(line).expect("an object");
            let id = json["event.id"].as_str().map(str::to_owned);
            // A notice of a loss is no event.
            if let Some(id) = id {
                distinct.entry(id).or_default().push(line.clone());
            }
        }
        if distinct.len() == events {
            break distinct;
        }
        assert!(Instant::now() < limit, "{} of {events} events", distinct.len());
        std::thread::sleep(Duration::from_millis(20));
    };
    drop(collector);
    let again: usize = distinct.values().map(|lines| lines.len() - 1).sum();
    assert!(again > 0, "the cursor was saved before it died");
    for (id, lines) in &distinct {
        assert!(lines.iter().all(|line| *line == lines[0]), "{id} is one event");
    }
    let numbers = (1..=events).map(|number| format!("-{number}"));
    for number in numbers {
        assert_eq!(distinct.keys().filter(|id| id.ends_with(&number)).count(), 1, "{number}");
    }
}
