//! What the data is: columns, batches, events, wire layouts, the replay ring and the compiled
//! tables. No I/O, no clock, no threads.

pub mod address;
pub mod batch;
pub mod block;
pub mod columns;
pub mod decisions;
pub mod event;
pub mod fragment;
pub mod ids;
pub mod kinds;
pub mod mask;
pub mod meter;
pub mod ports;
pub mod reason;
pub mod ring;
pub mod screen_state;
pub mod session;
pub mod session_id;
pub mod spool;
pub mod stream;
pub mod wire;
pub mod world;
