//! Any bytes as a configuration. Findings can always be shown; what is read without an error reads
//! the same from both of its printings; what is accepted compiles, and packets run through it.
#![no_main]

mod office;

use libfuzzer_sys::fuzz_target;
use weir::config::compile::CompileOptions;
use weir::config::diagnostic::Diagnostics;
use weir::config::load::load_bytes;
use weir::config::span::Sources;
use weir::config::tree::Node;
use weir::config::{effective, parse_bytes, parse_text, print, render};

fuzz_target!(|bytes: &[u8]| {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let tree = parse_bytes(&mut sources, "input", bytes, &mut diagnostics);
    if !diagnostics.has_errors() {
        check_printed(&tree, &print::braces(&tree));
        check_printed(&tree, &print::set_lines(&tree));
        let in_force = effective(&tree, &mut diagnostics);
        if !diagnostics.has_errors() {
            check_printed(&in_force, &print::braces(&in_force));
            check_printed(&in_force, &print::set_lines(&in_force));
        }
    }
    check_loaded(bytes);
});

fn check_printed(tree: &Node, printed: &str) {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let again = parse_text(&mut sources, "printed", printed, &mut diagnostics);
    let findings = render::text(&sources, &diagnostics);
    assert!(!diagnostics.has_errors(), "{findings}\n{printed}");
    assert_eq!(&again, tree, "{printed}");
}

fn check_loaded(bytes: &[u8]) {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let options = CompileOptions { log_default_policy: true };
    let compiled = load_bytes(&mut sources, "input", bytes, &options, &mut diagnostics);
    let findings = render::text(&sources, &diagnostics);
    let _ = render::json(&sources, &diagnostics);
    assert_eq!(compiled.is_none(), diagnostics.has_errors(), "{findings}");
    if let Some(compiled) = compiled {
        let packets = office::frames().iter().step_by(16);
        let packets = packets.map(|frame| (frame.time_ns, frame.bytes.clone(), 0));
        office::replay(compiled.world.into(), &packets.collect::<Vec<_>>(), 16, None);
    }
}
