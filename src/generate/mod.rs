//! x
mod builder;
pub use builder::*;
