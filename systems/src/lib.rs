//! What is done to the data: the schedule and its systems. No I/O, no clock, no threads, no unsafe.
