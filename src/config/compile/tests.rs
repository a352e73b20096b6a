//! Compiled values, stanza by stanza, from configurations as people write them.

use crate::config::load::{Loaded, load_bytes};

use super::CompileOptions;

/// Reads a configuration; tests look at the World or at the diagnostics.
pub(crate) fn read(text: &str) -> Loaded {
    load_bytes("test.conf", text.as_bytes(), &CompileOptions::default())
}

#[test]
fn the_branch_office_compiles() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/branch-office.conf");
    let text = std::fs::read_to_string(path).expect("the example is part of the repository");
    let loaded = read(&text);
    let found = crate::config::render::text(&loaded.sources, &loaded.diagnostics);
    println!("{found}");
    println!("{:#?}", loaded.compiled.map(|c| c.world.names));
    panic!();
}
