//! `security log`: where log lines go and how they look. The data plane does not read this; the
//! collector does.

use std::net::IpAddr;

use super::reader::{Reader, Stanza, Word, near, statements};
use crate::config::tree::Node;

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// RFC 5424 with structured data.
    #[default]
    SdSyslog,
    /// RFC 3164 with a text body.
    Syslog,
    /// The RT_FLOW record with its frame header.
    Binary,
    /// One object a line: an addition of ours.
    Json,
}

/// How lines travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogTransport {
    /// One line a datagram.
    #[default]
    Udp,
    /// Octet counting (RFC 6587).
    Tcp,
    /// RFC 5425.
    Tls,
    /// Acknowledged by the receiver: an addition of ours.
    Relp,
}

/// `stream NAME file`: a log of our own, beside or instead of a receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFile {
    /// `localfilename`, without a directory.
    pub name: String,
    /// `size`, MB; 0 where it is not set.
    pub megabytes: u32,
    /// `rotation`: how many files are kept; 0 where it is not set.
    pub rotation: u32,
}

/// Which events a stream takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogCategory {
    /// Everything.
    All,
    /// Sessions, denies, filters.
    Session,
    /// Screens.
    Screen,
    /// Firewall filters only.
    Filter,
    /// Something that is never generated here.
    Other,
}

/// `stream NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogStream {
    /// Its name.
    pub name: String,
    /// `host`.
    pub host: Option<IpAddr>,
    /// `host port`, 514 where it is not set.
    pub port: u16,
    /// `format`, that of the log where it is not set.
    pub format: LogFormat,
    /// `transport protocol`.
    pub transport: LogTransport,
    /// `transport tls-profile`.
    pub tls_profile: Option<String>,
    /// `file`.
    pub file: Option<LogFile>,
    /// `category`; all where it is not set.
    pub categories: Vec<LogCategory>,
    /// `severity` as its syslog number; `None` leaves each event its own.
    pub severity: Option<u8>,
    /// `facility-override` as its syslog number.
    pub facility: Option<u8>,
    /// `rate-limit` in events a second, 0 for none.
    pub rate_limit: u32,
    /// `source-address`, that of the log where it is not set.
    pub source: Option<IpAddr>,
}

/// `security log`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogConfig {
    /// `mode stream`, as on every SRX that logs from the data plane; false for `mode event`.
    pub stream_mode: bool,
    /// `utc-timestamp`.
    pub utc: bool,
    /// `source-address`.
    pub source: Option<IpAddr>,
    /// Streams in order.
    pub streams: Vec<LogStream>,
}

/// Reads `security log`.
pub(crate) fn read(node: &Node, reader: &mut Reader<'_>) -> LogConfig {
    let mut log = LogConfig { stream_mode: true, ..LogConfig::default() };
    let format = node.child("format").and_then(|f| read_format(f, reader));
    let transport = node.child("transport").map(|t| read_transport(t, reader));
    for statement in statements(node) {
        match statement.word.as_str() {
            "mode" => {
                if let Some(mode) = reader.value(statement) {
                    match mode.text {
                        "stream" => log.stream_mode = true,
                        "event" => log.stream_mode = false,
                        _ => reader.unknown(mode, "security log mode", ["stream", "event"]),
                    }
                }
            }
            "source-address" => log.source = address(statement, reader),
            "utc-timestamp" => log.utc = true,
            "format" | "transport" | "stream" => {}
            _ => reader.other(&LOG, statement),
        }
    }
    for stream in node.child("stream").into_iter().flat_map(Node::active) {
        let mut read = LogStream {
            name: reader.name(stream).text.to_owned(),
            host: None,
            port: 514,
            format: format.unwrap_or_default(),
            transport: transport.as_ref().map(|all| all.0).unwrap_or_default(),
            tls_profile: transport.as_ref().and_then(|all| all.1.clone()),
            file: None,
            categories: Vec::new(),
            severity: None,
            facility: None,
            rate_limit: 0,
            source: log.source,
        };
        read_stream(stream, &mut read, reader);
        log.streams.push(read);
    }
    log
}

fn read_stream(node: &Node, stream: &mut LogStream, reader: &mut Reader<'_>) {
    for statement in statements(node) {
        match statement.word.as_str() {
            "host" => read_host(statement, stream, reader),
            "port" => stream.port = reader.small(statement, 1..=u16::MAX).unwrap_or(514),
            "format" => stream.format = read_format(statement, reader).unwrap_or_default(),
            "transport" => {
                (stream.transport, stream.tls_profile) = read_transport(statement, reader);
            }
            "file" => stream.file = read_file(statement, reader),
            "category" => {
                for word in reader.values(statement) {
                    stream.categories.extend(keyword(word, CATEGORIES, reader));
                }
            }
            "severity" => stream.severity = named(statement, SEVERITIES, reader),
            "facility-override" => stream.facility = named(statement, FACILITIES, reader),
            "rate-limit" => {
                stream.rate_limit = reader.number(statement, 1..=65_535).unwrap_or(0);
            }
            "source-address" => stream.source = address(statement, reader),
            "filter" => reader.not_honoured(statement.span, "security log stream filter"),
            _ => reader.other(&STREAM, statement),
        }
    }
}

fn read_host(node: &Node, stream: &mut LogStream, reader: &mut Reader<'_>) {
    for word in statements(node) {
        match word.word.as_str() {
            "port" => stream.port = reader.small(word, 1..=u16::MAX).unwrap_or(514),
            "routing-instance" => reader.other(&STREAM, word),
            // The address, with `port` below it where it was written on one line.
            _ => {
                stream.host = reader.address(word.into());
                if let Some(port) = word.child("port") {
                    stream.port = reader.small(port, 1..=u16::MAX).unwrap_or(514);
                }
            }
        }
    }
}

fn read_format(node: &Node, reader: &mut Reader<'_>) -> Option<LogFormat> {
    named(node, FORMATS, reader)
}

fn read_transport(node: &Node, reader: &mut Reader<'_>) -> (LogTransport, Option<String>) {
    let (mut transport, mut profile) = (LogTransport::default(), None);
    for statement in statements(node) {
        match statement.word.as_str() {
            "protocol" => transport = named(statement, TRANSPORTS, reader).unwrap_or_default(),
            "tls-profile" => {
                profile = reader.value(statement).map(|word| word.text.to_owned());
            }
            _ => reader.other(&TRANSPORT, statement),
        }
    }
    (transport, profile)
}

fn read_file(node: &Node, reader: &mut Reader<'_>) -> Option<LogFile> {
    let mut file = LogFile::default();
    for statement in statements(node) {
        match statement.word.as_str() {
            "localfilename" => {
                let word = reader.value(statement)?;
                if word.text.contains('/') || word.text.starts_with('.') {
                    let text = format!("`{}` is no name of a log file", word.text);
                    let found = reader.diagnostics.error("unsafe-path", word.span, text);
                    found.expected("a name without a directory, not beginning with a dot");
                }
                word.text.clone_into(&mut file.name);
            }
            "size" => file.megabytes = reader.number(statement, 1..=4096).unwrap_or(0),
            "rotation" => file.rotation = reader.number(statement, 2..=19).unwrap_or(0),
            "allow-duplicates" => {}
            _ => reader.other(&FILE, statement),
        }
    }
    if file.name.is_empty() {
        let text = "the stream's file has no name".to_owned();
        let found = reader.diagnostics.error("missing-statement", node.span, text);
        found.expected("`localfilename NAME`");
        return None;
    }
    Some(file)
}

fn address(statement: &Node, reader: &mut Reader<'_>) -> Option<IpAddr> {
    let word = reader.value(statement)?;
    reader.address(word)
}

fn named<V: Copy>(node: &Node, table: &[(&str, V)], reader: &mut Reader<'_>) -> Option<V> {
    let word = reader.value(node)?;
    keyword(word, table, reader)
}

fn keyword<V: Copy>(word: Word<'_>, table: &[(&str, V)], reader: &mut Reader<'_>) -> Option<V> {
    let found = table.iter().find(|(name, _)| *name == word.text);
    if let Some(&(_, value)) = found {
        return Some(value);
    }
    let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
    let message = format!("`{}` is not a value that the log knows", word.text);
    let near = near(word.text, names.iter().copied());
    let found = reader.diagnostics.error("unknown-value", word.span, message);
    found.expected(format!("one of {}", names.join(", ")));
    if let Some(near) = near {
        found.suggest(format!("did you mean `{near}`?"));
    }
    None
}

const FORMATS: &[(&str, LogFormat)] = &[
    ("sd-syslog", LogFormat::SdSyslog),
    ("syslog", LogFormat::Syslog),
    ("binary", LogFormat::Binary),
    ("json", LogFormat::Json),
];

const TRANSPORTS: &[(&str, LogTransport)] = &[
    ("udp", LogTransport::Udp),
    ("tcp", LogTransport::Tcp),
    ("tls", LogTransport::Tls),
    ("relp", LogTransport::Relp),
];

const CATEGORIES: &[(&str, LogCategory)] = &[
    ("all", LogCategory::All),
    ("session", LogCategory::Session),
    ("flow", LogCategory::Session),
    ("screen", LogCategory::Screen),
    ("fw-auth", LogCategory::Other),
    ("content-security", LogCategory::Other),
    ("alg", LogCategory::Other),
    ("nat", LogCategory::Other),
    ("sctp", LogCategory::Other),
    ("gtp", LogCategory::Other),
    ("ipsec", LogCategory::Other),
    ("idp", LogCategory::Other),
    ("rtlog", LogCategory::Other),
    ("pst-ds-lite", LogCategory::Other),
    ("appqos", LogCategory::Other),
    ("secintel", LogCategory::Other),
    ("aamw", LogCategory::Other),
    ("firewall-filter", LogCategory::Filter),
];

const SEVERITIES: &[(&str, u8)] = &[
    ("emergency", 0),
    ("alert", 1),
    ("critical", 2),
    ("error", 3),
    ("warning", 4),
    ("notice", 5),
    ("info", 6),
    ("debug", 7),
];

const FACILITIES: &[(&str, u8)] = &[
    ("kernel", 0),
    ("user", 1),
    ("daemon", 3),
    ("authorization", 4),
    ("ftp", 11),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

const LOG: Stanza = Stanza {
    path: "security log",
    honoured: "mode format source-address stream transport utc-timestamp",
    later: "cache disable event-rate exclude facility-override file limit max-database-record \
        rate-cap report source-interface",
    ..Stanza::EMPTY
};

const STREAM: Stanza = Stanza {
    path: "security log stream",
    honoured: "host port format transport category severity facility-override rate-limit \
        source-address file",
    later: "filter routing-instance",
    ..Stanza::EMPTY
};

const TRANSPORT: Stanza = Stanza {
    path: "security log transport",
    honoured: "protocol tls-profile",
    later: "tcp-connections",
    ..Stanza::EMPTY
};

const FILE: Stanza = Stanza {
    path: "security log stream file",
    honoured: "localfilename size rotation allow-duplicates",
    ..Stanza::EMPTY
};
