//! Why a connection ends, for either side, and which of the two dialects is spoken on it.

/// Whether the additions to the protocol are used: Hello, the two session events, LossReport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// With them; the default.
    #[default]
    Weir,
    /// Frame types 1 to 13 and nothing else.
    Xpf,
}

crate::reasons! {
    /// Why a connection ended.
    HangUp {
        #[default] PeerClosed "peer_closed" "The other side closed it, or its process ended.",
        ProtocolError "protocol_error" "A length above 1024: where the next frame begins is not known.",
        AckBeyondSent "ack_beyond_sent" "An Ack of what was never sent.",
        PositionBeyondSent "position_beyond_sent" "The collector's Hello names a position that the stream never had.",
        PauseExpired "pause_expired" "Paused for so long, without a word, that the Resume must be lost.",
        Ended "ended" "This side ends, and had said all that it had to.",
    }
}
