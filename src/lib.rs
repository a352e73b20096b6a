//! What touches the world: command line, configuration language, captures, collector and sinks.

pub mod bench;
pub mod capture;
pub mod cli;
pub mod collector;
pub mod config;
pub mod dashboard;
pub mod failpoint;
pub mod generate;
pub mod ledger;
pub mod observe;
pub mod port;
pub mod replay;
pub mod spool;
pub mod stream;
pub mod tune;
