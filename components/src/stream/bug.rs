//! Mistakes that are known to be made in this protocol, each behind a switch that real builds do
//! not have. The simulator must find every one of them, or it would prove nothing.

/// A known mistake, made by the machine that it is given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// Producer: no FullResync is owed as long as nothing was acked.
    NoResyncBeforeFirstAck,
    /// Producer: the ring is cleared when a FullResync is sent instead of when it is acked.
    ClearedWhenResyncSent,
    /// Collector: what waits for a consumer that is not ready is acked.
    AckedAlthoughNotReady,
    /// Collector: a flush begun for one connection acks on the next.
    StaleFlush,
    /// Collector: a FullResync is acked before the resynchronisation was done.
    ResyncAckedAlthoughNotReady,
    /// Collector: half a frame in the decoder survives a reconnect.
    DecoderSurvivesReconnect,
    /// Producer: an Ack beyond what was ever sent is taken for one of everything.
    AckBeyondSentAccepted,
    /// Producer: an eviction is noticed on the next connection only.
    EvictionUnnoticedWhileConnected,
    /// Collector: what was applied before is applied again.
    NoDeduplication,
    /// Collector: the Ack goes out before the spool is synced.
    AckBeforeSync,
}
