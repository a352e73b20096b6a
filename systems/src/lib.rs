//! What is done to the data: the schedule and its systems, each a file named after its verb. No
//! I/O, no clock, no threads, no unsafe: time arrives in a column, packets in the batch's frame
//! memory.

pub mod checksum;
pub mod commit;
pub mod counters;
pub mod emit;
pub mod filter_log;
pub mod icmp;
pub mod limit;
pub mod marks;
pub mod nat;
pub mod neighbor;
pub mod parse;
pub mod pipeline;
pub mod policy;
pub mod registry;
pub mod reject;
pub mod replication;
pub mod rewrite;
pub mod schedule;
pub mod screen;
pub mod shard;
mod siphash;
pub mod steer;
pub mod system;
pub(crate) mod tcp_options;

#[cfg(test)]
pub(crate) mod test_support;
