//! The collector's side of the event stream: frames in, applied and handed to sinks, log lines out.
//! [`render`] knows what a line looks like and nothing of where it goes.

pub mod render;
