//! What the data is: columns, batches, events, wire layouts, the replay ring and the compiled tables.
//! No I/O, no clock, no threads.

pub mod address;
pub mod block;
pub mod ids;
pub mod kinds;
pub mod reason;
pub mod wire;
pub mod world;
