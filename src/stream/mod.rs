//! The producer's end of the event stream in the world: the ring's shared-memory file, the socket,
//! the thread that moves between them. What to say and when is the machine's in `components`; here
//! is only what it cannot do itself.

pub mod clock;
pub mod peer;
pub mod ring_file;
pub mod sender;

pub use ring_file::{RingFile, RingFileError};
pub use sender::{Ending, Sender, SenderConfig, SenderStatus, SenderWatch};
