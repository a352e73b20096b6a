//! The Junos configuration language: text to tree ([`tree`]), tree to text in both printings, tree to
//! the typed model, model to the compiled [`components::world::World`]. Every value keeps its place;
//! every problem is a [`diagnostic::Diagnostic`], and all problems of a file are found in one run.

mod builder;
pub mod diagnostic;
mod lexer;
pub mod nearest;
mod parser;
pub mod print;
mod schema;
mod set_form;
pub mod span;
pub mod tree;

use diagnostic::Diagnostics;
use span::Sources;
use tree::Node;

/// Reads a configuration in either form; the first word tells which. Returns the root, whose word is
/// empty. `apply-groups` and `inactive:` are still in the tree: see [`effective`].
pub fn parse_text(
    sources: &mut Sources,
    name: &str,
    text: &str,
    diagnostics: &mut Diagnostics,
) -> Node {
    let id = sources.add(name, text);
    let tokens = lexer::tokens(id, &sources.get(id).text, diagnostics);
    if set_form::is_set_form(&tokens) {
        set_form::parse(&tokens, diagnostics)
    } else {
        parser::parse(&tokens, diagnostics)
    }
}

/// The tree that is in force.
#[must_use]
pub fn effective(tree: &Node, _diagnostics: &mut Diagnostics) -> Node {
    tree.clone()
}

#[cfg(test)]
mod tests;
