//! What the collector and its sinks have counted, in the form that the ledger prints. Both reports
//! are sums that must balance: each sequence number of the stream was applied or lost, each applied
//! event was settled, lost or is still waiting at each sink. Reasons that never occurred are left
//! out of the JSON.

use components::kinds::EventKind;
use components::reason::{Counts, LossReason, SinkLoss};
use serde::{Serialize, Serializer};

/// One stream as the collector saw it. As JSON `{"id", "last_sequence", "applied", "lost"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StreamReport {
    /// The id that the producer gave in its Hello, printed as 16 hexadecimal digits.
    #[serde(serialize_with = "stream_id")]
    pub id: Option<u64>,
    /// The highest sequence number that was applied or is lost: the cumulative ack.
    pub last_sequence: u64,
    /// Frames applied, each sequence number once.
    pub applied: Applied,
    /// Sequence numbers that were not applied.
    #[serde(serialize_with = "losses")]
    pub lost: Counts<{ LossReason::COUNT }>,
    /// Frames whose number had been applied before, or that had none; they change nothing.
    #[serde(skip)]
    pub duplicates: u64,
    /// Frames that take no number: Hello, LossReport, Keepalive and the like.
    #[serde(skip)]
    pub control: u64,
    /// Frames without a number that could not be read, and breaks of the protocol.
    #[serde(skip)]
    pub protocol_errors: u64,
}

/// Applied frames by what they were. As JSON their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Events, by [`EventKind::index`].
    pub events: Counts<{ EventKind::COUNT }>,
    /// Session replication and FullResync, which go to no sink.
    pub sessions: u64,
}

/// One sink. As JSON `{"name", "settled", "lost", "backlog"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SinkReport {
    /// The sink's name: `stdout`, or the path of its file.
    pub name: String,
    /// Events whose bytes reached the receiver.
    pub settled: u64,
    /// Events that did not, and never will.
    #[serde(serialize_with = "sink_losses")]
    pub lost: Counts<{ SinkLoss::COUNT }>,
    /// Events taken and not yet written.
    pub backlog: u64,
}

impl Applied {
    /// All applied frames.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.events.total() + self.sessions
    }
}

impl Serialize for Applied {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.total())
    }
}

fn stream_id<S: Serializer>(id: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => serializer.collect_str(&format_args!("{id:016x}")),
        None => serializer.serialize_none(),
    }
}

fn losses<S: Serializer>(
    lost: &Counts<{ LossReason::COUNT }>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    by_label(LossReason::ALL.iter().map(|r| (r.label(), lost.0[r.index()])), serializer)
}

fn sink_losses<S: Serializer>(
    lost: &Counts<{ SinkLoss::COUNT }>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    by_label(SinkLoss::ALL.iter().map(|r| (r.label(), lost.0[r.index()])), serializer)
}

fn by_label<S: Serializer>(
    counts: impl Iterator<Item = (&'static str, u64)>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(counts.filter(|&(_, count)| count > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_print_what_the_ledger_promises() {
        let stream = StreamReport {
            id: Some(0x2a),
            last_sequence: 7,
            applied: Applied { events: Counts([1, 0, 2, 0, 0]), sessions: 1 },
            lost: Counts([2, 0, 1, 0]),
            ..StreamReport::default()
        };
        assert_eq!(
            serde_json::to_string(&stream).expect("no map with odd keys"),
            r#"{"id":"000000000000002a","last_sequence":7,"applied":4,"#.to_owned()
                + r#""lost":{"evicted":2,"quarantined":1}}"#
        );
        let sink = SinkReport {
            name: "stdout".into(),
            settled: 2,
            lost: Counts([0, 0, 1, 0, 0]),
            backlog: 0,
        };
        assert_eq!(
            serde_json::to_string(&sink).expect("no map with odd keys"),
            r#"{"name":"stdout","settled":2,"lost":{"disk_full":1},"backlog":0}"#
        );
    }
}
