//! The servers of figures that `replay` and `collect` start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use systems::schedule::settings::{CompatSetting, MetricsSettings};

use super::Stop;
use crate::observe::{Endpoint, Server, ServerConfig};

/// Where figures are told.
#[derive(Clone, Debug, Args)]
pub(super) struct ObserveArgs {
    /// Tell the figures to Prometheus at this address (`/metrics`, `/healthz`).
    #[arg(long, value_name = "ADDR:PORT")]
    pub(super) metrics: Option<SocketAddr>,
    /// Tell them to `weir show` and `weir ledger` on this Unix socket.
    #[arg(long, value_name = "PATH")]
    pub(super) control: Option<PathBuf>,
}

impl ObserveArgs {
    /// With what the schedule says where the command line does not.
    pub(super) fn or(&self, metrics: Option<SocketAddr>, control: Option<&PathBuf>) -> Self {
        Self {
            metrics: self.metrics.or(metrics),
            control: self.control.clone().or_else(|| control.cloned()),
        }
    }

    /// Starts the servers.
    pub(super) fn serve(&self, settings: &MetricsSettings) -> Result<Vec<Server>, Stop> {
        let config = ServerConfig {
            connections_max: *settings.connections_max.get_ref(),
            deadline: Duration::from_secs((*settings.deadline_s.get_ref()).into()),
            xpf: settings.compat == CompatSetting::Xpf,
        };
        let tcp = self.metrics.map(Endpoint::Tcp);
        let unix = self.control.clone().map(Endpoint::Unix);
        let start = |endpoint| Ok(Server::start(&endpoint, config)?);
        let servers: Vec<Server> =
            [tcp, unix].into_iter().flatten().map(start).collect::<Result<_, Stop>>()?;
        for address in servers.iter().filter_map(Server::address) {
            super::say(&format!("weir: figures at http://{address}/metrics\n"));
        }
        Ok(servers)
    }
}
