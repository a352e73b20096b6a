//! Log lines to the receivers that people run, rsyslog and syslog-ng, as ordinary processes of a
//! test: what they write is what `weir replay --log` prints, line by line. Debian's packages of
//! both cannot be installed together, so they are looked for unpacked below `$RECEIVERS`, as
//! `.ci/run` has them: `RECEIVERS=DIR cargo test --test receivers -- --ignored`.

#[expect(dead_code, reason = "the processes of the stream's tests, of which some are used here")]
#[path = "stream/support.rs"]
mod support;

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{Bench, CAPTURE, CONFIG, text, weir};

/// A receiver that ends with its test.
struct Receiver {
    child: Child,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the packages are unpacked.
fn root() -> String {
    std::env::var("RECEIVERS").unwrap_or_default()
}

/// A port that is free now.
fn port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < limit, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn listens(port: u16) {
    wait_for("the receiver listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
}

/// Starts rsyslogd with these inputs; every message goes to `out` as it came.
fn rsyslog(bench: &Bench, inputs: &str, port: u16) -> Receiver {
    let (config, out) = (bench.file("rsyslog.conf"), bench.file("out"));
    let directory = Path::new(&config).parent().expect("a directory").display().to_string();
    let text = format!(
        "{inputs}\n\
         global(workDirectory=\"{directory}\" maxMessageSize=\"8k\" \
                parser.escapeControlCharactersOnReceive=\"off\")\n\
         template(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n\
         ruleset(name=\"all\" queue.type=\"Direct\") {{\n\
           action(type=\"omfile\" file=\"{out}\" template=\"raw\" asyncWriting=\"off\" \
                  flushOnTXEnd=\"on\")\n\
         }}\n"
    );
    fs::write(&config, text).expect("written");
    let log = fs::File::create(bench.file("rsyslog.log")).expect("a file");
    let root = root();
    let child = Command::new(format!("{root}/usr/sbin/rsyslogd"))
        .args(["-n", "-f", &config, "-i", &bench.file("rsyslog.pid")])
        .args(["-M", &format!("{root}/usr/lib/x86_64-linux-gnu/rsyslog")])
        .stdin(Stdio::null())
        .stderr(log.try_clone().expect("a file"))
        .stdout(log)
        .spawn()
        .expect("rsyslogd is there (packages rsyslog, rsyslog-relp, rsyslog-gnutls)");
    listens(port);
    Receiver { child }
}

/// Starts syslog-ng with this source; every message goes to `out` as it came.
fn syslog_ng(bench: &Bench, source: &str, port: u16) -> Receiver {
    let root = root();
    let (config, out) = (bench.file("syslog-ng.conf"), bench.file("out"));
    let text = format!(
        "@version: 3.38\n\
         source s {{ {source} }};\n\
         destination d {{ file(\"{out}\" template(\"${{MSG}}\\n\") flush-lines(1)); }};\n\
         log {{ source(s); destination(d); }};\n"
    );
    fs::write(&config, text).expect("written");
    let log = fs::File::create(bench.file("syslog-ng.log")).expect("a file");
    let libraries = format!("{root}/usr/lib/syslog-ng");
    let child = Command::new(format!("{root}/usr/sbin/syslog-ng"))
        .args(["-F", "-f", &config, "-p", &bench.file("ng.pid"), "-c", &bench.file("ng.ctl")])
        .args(["-R", &bench.file("ng.persist"), "--no-caps"])
        .arg(format!("--module-path={libraries}/3.38"))
        .env("LD_LIBRARY_PATH", &libraries)
        .stdin(Stdio::null())
        .stderr(log.try_clone().expect("a file"))
        .stdout(log)
        .spawn()
        .expect("syslog-ng is there (package syslog-ng-core)");
    listens(port);
    Receiver { child }
}

/// The example's configuration with these log streams instead of its own.
fn config(bench: &Bench, streams: &str) -> String {
    let printed = text(&weir(&["print", "--config", CONFIG, "--set"]).stdout);
    let kept = printed.lines().filter(|line| !line.starts_with("set security log "));
    let path = bench.file("streams.conf");
    let all: Vec<&str> = kept.chain(streams.lines()).collect();
    fs::write(&path, all.join("\n") + "\n").expect("written");
    path
}

/// The lines as a replay prints them.
fn expected(config: &str, capture: &str) -> Vec<String> {
    let output = weir(&["replay", "--config", config, capture]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(str::to_owned).collect()
}

fn received(bench: &Bench) -> Vec<String> {
    let written = fs::read(bench.file("out")).unwrap_or_default();
    String::from_utf8_lossy(&written).lines().map(str::to_owned).collect()
}

/// Replays the example to a collector with this configuration; then the receiver has every line.
fn deliver(bench: &Bench, config: &str, more: &[&str]) {
    let collector = bench.collect_in(config, more, &[]);
    let output = bench.replay_by(config, &[], CAPTURE);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines = expected(config, CAPTURE);
    assert!(lines.len() > 90);
    wait_for("every line arrives", || received(bench).len() >= lines.len());
    drop(collector);
    assert_eq!(received(bench), lines, "each line once, in order");
}

fn stream(port: u16, rest: &str) -> String {
    format!(
        "set security log mode stream\n\
         set security log stream r host 127.0.0.1\n\
         set security log stream r host port {port}\n{rest}"
    )
}

#[test]
#[ignore = "needs rsyslogd"]
fn rsyslog_has_every_line_over_udp() {
    let bench = Bench::new();
    let (port, control) = (port(), port());
    let inputs = format!(
        "module(load=\"imudp\")\ninput(type=\"imudp\" port=\"{port}\" ruleset=\"all\")\n\
         module(load=\"imtcp\")\ninput(type=\"imtcp\" port=\"{control}\" ruleset=\"all\")"
    );
    let _receiver = rsyslog(&bench, &inputs, control);
    deliver(&bench, &config(&bench, &stream(port, "")), &[]);
}

#[test]
#[ignore = "needs rsyslogd"]
fn rsyslog_has_every_line_over_tcp() {
    let bench = Bench::new();
    let port = port();
    let inputs =
        format!("module(load=\"imtcp\")\ninput(type=\"imtcp\" port=\"{port}\" ruleset=\"all\")");
    let _receiver = rsyslog(&bench, &inputs, port);
    let rest = "set security log stream r transport protocol tcp\n";
    deliver(&bench, &config(&bench, &stream(port, rest)), &[]);
}

fn relp(port: u16) -> String {
    format!("module(load=\"imrelp\")\ninput(type=\"imrelp\" port=\"{port}\" ruleset=\"all\")")
}

#[test]
#[ignore = "needs rsyslogd"]
fn rsyslog_acks_every_line_over_relp() {
    let bench = Bench::new();
    let port = port();
    let _receiver = rsyslog(&bench, &relp(port), port);
    let rest = "set security log stream r transport protocol relp\n";
    deliver(&bench, &config(&bench, &stream(port, rest)), &[]);
}

#[test]
#[ignore = "needs rsyslogd"]
fn a_receiver_that_is_killed_loses_nothing_over_relp_and_what_comes_twice_is_counted() {
    let bench = Bench::new();
    let port = port();
    let storm = bench.file("storm.pcap");
    assert!(
        weir(&["generate", "deny-storm", "--count", "30000", "--out", &storm]).status.success()
    );
    let config =
        config(&bench, &stream(port, "set security log stream r transport protocol relp\n"));
    let control = bench.file("ctl");
    let collector = bench.collect_in(&config, &["--control", &control], &[]);
    let mut receiver = rsyslog(&bench, &relp(port), port);
    let producer = bench.replay_capture_by(&config, &["--rate", "10000"], &storm);
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(600));
        receiver.child.kill().expect("it runs");
        receiver.child.wait().expect("it ends");
        receiver = rsyslog(&bench, &relp(port), port);
    }
    let output = producer.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let sink = || {
        let shown = weir(&["show", "sinks", "--json", "--control", &control]).stdout;
        let shown: serde_json::Value = serde_json::from_slice(&shown).expect("JSON");
        shown[0]["collector"]["sinks"][0].clone()
    };
    wait_for("every line is acked", || sink()["backlog"] == 0 && sink()["settled"] == 30_000);
    let (again, errors) = (sink()["again"].as_u64(), sink()["errors"].as_u64());
    drop(collector);
    drop(receiver);
    let lines = expected(&config, &storm);
    let mut left: std::collections::HashMap<String, u64> = std::collections::HashMap::new();
    for line in received(&bench) {
        *left.entry(line).or_default() += 1;
    }
    let mut twice = 0;
    for line in &lines {
        let count = left.get_mut(line).unwrap_or_else(|| panic!("lost: {line}"));
        assert!(*count > 0, "lost: {line}");
        *count -= 1;
    }
    twice += left.values().sum::<u64>();
    assert!(errors.is_some_and(|errors| errors > 0), "the kills were noticed");
    assert!(twice <= again.expect("a figure"), "{twice} came twice, {again:?} counted");
}

#[test]
#[ignore = "needs syslog-ng"]
fn syslog_ng_has_every_line_over_udp_and_tcp() {
    for (transport, rest) in
        [("udp", ""), ("tcp", "set security log stream r transport protocol tcp\n")]
    {
        let bench = Bench::new();
        let (port, control) = (port(), port());
        let source = format!(
            "syslog(ip(127.0.0.1) transport({transport}) port({port}) flags(no-parse)); \
             syslog(ip(127.0.0.1) transport(tcp) port({control}) flags(no-parse));"
        );
        let _receiver = syslog_ng(&bench, &source, control);
        deliver(&bench, &config(&bench, &stream(port, rest)), &[]);
    }
}

/// An authority, and certificates of it in files.
fn certificates(bench: &Bench) {
    let name = |name: &str| {
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params
    };
    let mut authority = name("authority");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = rcgen::KeyPair::generate().expect("a key");
    let authority_pem = authority.self_signed(&authority_key).expect("a certificate").pem();
    fs::write(bench.file("ca.pem"), authority_pem).expect("written");
    let issuer = rcgen::Issuer::new(authority, authority_key);
    for of in ["receiver", "firewall"] {
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = name(of).signed_by(&key, &issuer).expect("a certificate");
        fs::write(bench.file(&format!("{of}.pem")), certificate.pem()).expect("written");
        let path = bench.file(&format!("{of}.key"));
        fs::write(&path, key.serialize_pem()).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("guarded");
    }
}

/// A schedule with the profile of these certificates.
fn schedule(bench: &Bench) -> String {
    let path = bench.file("tls.toml");
    let text = fs::read_to_string("schedules/replay.toml").expect("the schedule");
    let profile = format!(
        "[collector.tls.siem]\nca = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\n\
         server_name = \"receiver\"\n",
        bench.file("ca.pem"),
        bench.file("firewall.pem"),
        bench.file("firewall.key")
    );
    fs::write(&path, text + &profile).expect("written");
    path
}

const TLS: &str = "set security log stream r transport protocol tls\n\
                   set security log stream r transport tls-profile siem\n";

#[test]
#[ignore = "needs rsyslogd with GnuTLS"]
fn rsyslog_has_every_line_over_tls_from_a_client_with_a_certificate() {
    let bench = Bench::new();
    certificates(&bench);
    let port = port();
    let file = |name: &str| bench.file(name);
    let inputs = format!(
        "global(DefaultNetstreamDriver=\"gtls\" DefaultNetstreamDriverCAFile=\"{}\" \
                DefaultNetstreamDriverCertFile=\"{}\" DefaultNetstreamDriverKeyFile=\"{}\")\n\
         module(load=\"imtcp\" StreamDriver.Name=\"gtls\" StreamDriver.Mode=\"1\" \
                StreamDriver.Authmode=\"x509/certvalid\")\n\
         input(type=\"imtcp\" port=\"{port}\" ruleset=\"all\")",
        file("ca.pem"),
        file("receiver.pem"),
        file("receiver.key")
    );
    let _receiver = rsyslog(&bench, &inputs, port);
    let schedule = schedule(&bench);
    deliver(&bench, &config(&bench, &stream(port, TLS)), &["--schedule", &schedule]);
}

#[test]
#[ignore = "needs openssl"]
fn a_receiver_of_an_old_version_of_tls_gets_nothing_and_the_reason_is_told() {
    let bench = Bench::new();
    certificates(&bench);
    let port = port();
    let child = Command::new("openssl")
        .args(["s_server", "-quiet", "-accept", &port.to_string()])
        .args(["-cert", &bench.file("receiver.pem"), "-key", &bench.file("receiver.key")])
        .args(["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"])
        .stdin(Stdio::piped())
        .stdout(fs::File::create(bench.file("out")).expect("a file"))
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl is there");
    let _receiver = Receiver { child };
    listens(port);
    let (control, schedule) = (bench.file("ctl"), schedule(&bench));
    let config = config(&bench, &stream(port, TLS));
    let more = ["--schedule", &schedule, "--control", &control];
    let collector = bench.collect_in(&config, &more, &[]);
    let output = bench.replay_by(&config, &[], CAPTURE);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let sink = || {
        let shown = weir(&["show", "sinks", "--json", "--control", &control]).stdout;
        let shown: serde_json::Value = serde_json::from_slice(&shown).expect("JSON");
        shown[0]["collector"]["sinks"][0].clone()
    };
    wait_for("the reason is told", || {
        sink()["last_error"].as_str().is_some_and(|error| error.contains("ProtocolVersion"))
    });
    assert_eq!(sink()["settled"], 0);
    assert_eq!(received(&bench), [""; 0]);
    drop(collector);
}

#[test]
#[ignore = "needs syslog-ng"]
fn syslog_ng_has_every_line_over_tls_from_a_client_with_a_certificate() {
    let bench = Bench::new();
    certificates(&bench);
    let port = port();
    let source = format!(
        "syslog(ip(127.0.0.1) transport(tls) port({port}) flags(no-parse) \
         tls(key-file(\"{}\") cert-file(\"{}\") ca-file(\"{}\") peer-verify(required-trusted)));",
        bench.file("receiver.key"),
        bench.file("receiver.pem"),
        bench.file("ca.pem")
    );
    let _receiver = syslog_ng(&bench, &source, port);
    let schedule = schedule(&bench);
    deliver(&bench, &config(&bench, &stream(port, TLS)), &["--schedule", &schedule]);
}
