//! The layouts against the contract: annotated snapshots, a witness that reads the bytes without
//! the types, every rejection, and round trips at the extremes.

mod annotate;
mod events;
mod rejections;
mod round_trips;
mod snapshots;
mod witness;
