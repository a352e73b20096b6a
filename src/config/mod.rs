//! The Junos configuration language: text to tree ([`tree`]), tree to text in both printings, tree to
//! the typed model, model to the compiled [`components::world::World`]. Every value keeps its place;
//! every problem is a [`diagnostic::Diagnostic`], and all problems of a file are found in one run.

pub mod diagnostic;
pub mod span;
pub mod tree;
