//! Lines about events instead of about packets: what was lost on the way, and what was held back.
//! They are ours, not Junos's, so their structured data has an id of its own, under the number that
//! RFC 5612 keeps for documentation.

use std::io::Write;

use super::{Format, Renderer};

/// Something to be told about events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice<'a> {
    /// `WEIR_EVENT_LOSS` and the like.
    pub tag: &'static str,
    /// The stream, if it is about one.
    pub stream: Option<u64>,
    /// The first and last sequence number, if it is about some.
    pub range: Option<(u64, u64)>,
    /// How many events.
    pub count: u64,
    /// Why, as a label.
    pub reason: &'a str,
    /// When it was noticed, nanoseconds since the Unix epoch.
    pub time_ns: u64,
}

impl Renderer {
    /// Appends a notice as a line; nothing in [`Format::Binary`], which has frames only.
    pub fn notice(&mut self, notice: &Notice<'_>, out: &mut Vec<u8>) {
        let printer = &mut self.printer;
        let facility = printer.options.facility.unwrap_or(1);
        let priority = u16::from(facility) * 8 + u16::from(WARNING);
        let tag = notice.tag;
        // Writing to memory cannot fail.
        let _ = match printer.options.format {
            Format::Binary => Ok(()),
            Format::SdSyslog => {
                let _ = write!(out, "<{priority}>1 ");
                printer.clock.push_rfc3339(out, notice.time_ns);
                out.push(b' ');
                out.extend_from_slice(&printer.host);
                let _ = write!(out, " WEIR - {tag} [weir@32473");
                notice.fields(out, |out, key, value| write!(out, " {key}=\"{value}\""));
                out.write_all(b"]\n")
            }
            Format::Syslog => {
                let _ = write!(out, "<{priority}>");
                printer.clock.push_rfc3164(out, notice.time_ns);
                out.push(b' ');
                out.extend_from_slice(&printer.host);
                let _ = write!(out, " WEIR: {tag}:");
                notice.fields(out, |out, key, value| write!(out, " {key}={value}"));
                out.write_all(b"\n")
            }
            Format::Json => {
                let _ = write!(out, "{{\"tag\":\"{tag}\",\"time\":\"");
                printer.clock.push_rfc3339(out, notice.time_ns);
                out.push(b'"');
                notice.fields(out, |out, key, value| write!(out, ",\"{key}\":\"{value}\""));
                out.write_all(b"}\n")
            }
        };
    }
}

impl Notice<'_> {
    /// Fields in their order; their values are numbers and labels, which need no escapes.
    fn fields(
        &self,
        out: &mut Vec<u8>,
        put: impl Fn(&mut Vec<u8>, &str, &str) -> std::io::Result<()>,
    ) {
        if let Some(stream) = self.stream {
            let _ = put(out, "stream", &format!("{stream:016x}"));
        }
        if let Some((first, last)) = self.range {
            let _ = put(out, "first", &first.to_string());
            let _ = put(out, "last", &last.to_string());
        }
        let _ = put(out, "count", &self.count.to_string());
        let _ = put(out, "reason", self.reason);
    }
}

/// Syslog severity.
const WARNING: u8 = 4;
