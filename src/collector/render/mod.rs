//! RT_FLOW events as the lines that readers of Junos logs parse today, in the four formats of a
//! `security log` stream. The renderer appends to a buffer that the caller reuses and allocates
//! nothing per line. Each line carries the event's own time, never the time of writing, and every
//! name goes through `escape`, so that no configuration can forge a line or a field.

mod clock;
mod escape;
mod facts;
mod json;
mod lines;
mod notice;
mod number;
mod structured;
mod text;

use std::sync::Arc;

use components::wire::RtFlow;
use components::world::World;

use clock::Clock;
use facts::Facts;
use json::JsonObject;
use lines::{Program, Tag};
pub use notice::Notice;
use number::push_u64;
use structured::StructuredData;

/// How a stream prints its events (`security log stream … format`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// RFC 5424 with structured data and nothing after it.
    #[default]
    SdSyslog,
    /// RFC 3164 with a text body.
    Syslog,
    /// One JSON object a line.
    Json,
    /// The frame as it came, header and record.
    Binary,
}

/// What releases of Junos call the session's id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionIdKey {
    /// `session-id`, the newer name.
    #[default]
    SessionId,
    /// `session-id-32`, of releases whose ids had 32 bits; the lower half of the id.
    SessionId32,
}

/// Options of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderOptions {
    /// The format.
    pub format: Format,
    /// The host name that lines carry.
    pub host: String,
    /// The platform in `junos@2636.1.1.1.2.N`.
    pub platform: u16,
    /// Name of the session id, by release.
    pub session_id_key: SessionIdKey,
    /// Syslog facility 0..=23; `None` is user (1).
    pub facility: Option<u8>,
    /// Syslog severity 0..=7; `None` is error (3) for screens and informational (6) for the rest.
    pub severity: Option<u8>,
    /// Mark lines of structured data with their number: `[meta sequenceId="N"]` (RFC 5424 section
    /// 7.3.1). Junos does not.
    pub sequence_id: bool,
}

/// What tells an event from every other, and so one that comes again from one that is new: the
/// stream, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The stream's id.
    pub stream: u64,
    /// The sequence number.
    pub sequence: u64,
}

/// Prints events. One per sink, since it remembers the last time stamp.
#[derive(Debug)]
pub struct Renderer {
    world: Arc<World>,
    printer: Printer,
}

/// What a renderer has apart from the world's names.
#[derive(Debug)]
struct Printer {
    options: RenderOptions,
    host: Vec<u8>,
    clock: Clock,
}

impl SessionIdKey {
    const fn key(self) -> &'static str {
        match self {
            Self::SessionId => "session-id",
            Self::SessionId32 => "session-id-32",
        }
    }

    /// The id in the width of its name; a session's id is never 0.
    fn value(self, id: u64) -> u64 {
        match self {
            Self::SessionId => id,
            Self::SessionId32 => (id & u64::from(u32::MAX)).max(u64::from(id != 0)),
        }
    }
}

impl Mark {
    /// The number as RFC 5424 section 7.3.1 has it: 1 to 2147483647, and then 1 again.
    #[must_use]
    pub const fn sequence_id(self) -> u64 {
        self.sequence.saturating_sub(1) % 0x7fff_ffff + 1
    }
}

impl RenderOptions {
    /// The defaults, for a host.
    #[must_use]
    pub fn new(format: Format, host: impl Into<String>) -> Self {
        Self {
            format,
            host: host.into(),
            platform: 129,
            session_id_key: SessionIdKey::default(),
            facility: None,
            severity: None,
            sequence_id: false,
        }
    }
}

impl Renderer {
    /// A renderer that takes its names and NAT rules from `world`.
    #[must_use]
    pub fn new(world: Arc<World>, options: RenderOptions) -> Self {
        let host = escape::host_name(&options.host);
        let clock = Clock::default();
        Self { world, printer: Printer { options, host, clock } }
    }

    /// Takes names and NAT rules from another world from now on.
    pub fn commit(&mut self, world: &Arc<World>) {
        self.world = Arc::clone(world);
    }

    /// Appends one event: a line with its newline, or in [`Format::Binary`] `frame`, which is the
    /// event's header and record.
    pub fn render(&mut self, event: &RtFlow, frame: &[u8], out: &mut Vec<u8>) {
        self.render_marked(event, frame, None, out);
    }

    /// The same of an event that may come again: lines of [`Format::Json`] have the mark as
    /// `event.id` and `event.sequence`, those of [`Format::SdSyslog`] if the options say so.
    pub fn render_marked(
        &mut self,
        event: &RtFlow,
        frame: &[u8],
        mark: Option<Mark>,
        out: &mut Vec<u8>,
    ) {
        let facts = &Facts { event, world: &self.world };
        match self.printer.options.format {
            Format::SdSyslog => self.printer.sd_syslog(facts, mark, out),
            Format::Syslog => self.printer.syslog(facts, out),
            Format::Json => self.printer.json(facts, mark, out),
            Format::Binary => out.extend_from_slice(frame),
        }
    }
}

impl Printer {
    /// `<PRI>1 TIMESTAMP HOST PROGRAM - TAG [junos@2636.1.1.1.2.129 key="value" …]`.
    fn sd_syslog(&mut self, facts: &Facts<'_>, mark: Option<Mark>, out: &mut Vec<u8>) {
        let tag = Tag::of(facts);
        self.push_priority(out, tag.program());
        out.extend_from_slice(b"1 ");
        self.clock.push_rfc3339(out, facts.event.time_ns);
        out.push(b' ');
        out.extend_from_slice(&self.host);
        out.push(b' ');
        out.extend_from_slice(tag.program().name().as_bytes());
        out.extend_from_slice(b" - ");
        out.extend_from_slice(tag.name().as_bytes());
        out.extend_from_slice(b" [junos@2636.1.1.1.2.");
        push_u64(out, u64::from(self.options.platform));
        let fields = &mut StructuredData { out };
        lines::tell(fields, facts, tag, self.options.session_id_key);
        if let Some(mark) = mark.filter(|_| self.options.sequence_id) {
            out.extend_from_slice(b"][meta sequenceId=\"");
            push_u64(out, mark.sequence_id());
            out.push(b'"');
        }
        out.extend_from_slice(b"]\n");
    }

    /// `<PRI>Mon dd hh:mm:ss HOST PROGRAM: TAG: text`; filters are their tag's own program.
    fn syslog(&mut self, facts: &Facts<'_>, out: &mut Vec<u8>) {
        let tag = Tag::of(facts);
        self.push_priority(out, tag.program());
        self.clock.push_rfc3164(out, facts.event.time_ns);
        out.push(b' ');
        out.extend_from_slice(&self.host);
        out.push(b' ');
        if tag.program() != Program::Pfe {
            out.extend_from_slice(tag.program().name().as_bytes());
            out.extend_from_slice(b": ");
        }
        out.extend_from_slice(tag.name().as_bytes());
        out.extend_from_slice(b": ");
        text::push_body(out, facts, tag, self.options.session_id_key);
        out.push(b'\n');
    }

    fn json(&mut self, facts: &Facts<'_>, mark: Option<Mark>, out: &mut Vec<u8>) {
        let tag = Tag::of(facts);
        out.extend_from_slice(b"{\"@timestamp\":\"");
        self.clock.push_rfc3339(out, facts.event.time_ns);
        out.push(b'"');
        let object = &mut JsonObject { out };
        if let Some(mark) = mark {
            object.mark(mark);
        }
        object.common_schema(facts, tag, &self.host);
        lines::tell(object, facts, tag, self.options.session_id_key);
        out.extend_from_slice(b"}\n");
    }

    /// `<facility * 8 + severity>`.
    fn push_priority(&self, out: &mut Vec<u8>, program: Program) {
        let facility = self.options.facility.unwrap_or(FACILITY_USER).min(23);
        let severity = self.options.severity.unwrap_or(program.severity()).min(7);
        out.push(b'<');
        push_u64(out, u64::from(facility * 8 + severity));
        out.push(b'>');
    }
}

const FACILITY_USER: u8 = 1;

#[cfg(test)]
mod tests;
