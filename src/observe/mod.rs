//! What an operator sees of a running process: one document of figures, told over HTTP on a Unix
//! socket (`--control`, for `weir show` and `weir ledger`) and on a TCP port (`--metrics`, for
//! Prometheus). Figures are read, never the data they are about; nothing here is waited for.

mod answer;
mod client;
mod collector;
mod compat;
mod figures;
mod openmetrics;
mod producer;
mod server;
pub mod status;

pub use client::{FetchError, fetch};
pub use collector::CollectorSource;
pub use figures::{Family, Kind, families};
pub use producer::{LedgerBoard, ProducerSource};
pub use server::{Endpoint, ServeError, Server, ServerConfig};

/// Where the figures of a process come from.
pub trait Source: Send + Sync {
    /// The figures now.
    fn status(&self) -> status::Status;
}
