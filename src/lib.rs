//! What touches the world: command line, configuration language, captures, collector and sinks.

pub mod capture;
pub mod config;
pub mod generate;
