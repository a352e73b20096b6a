//! The page of made-up runs: whole, without scripts or anything fetched, and nothing of a file's
//! name or a scenario's gets out of its place.

use super::*;

fn line(scenario: &str, flows: u64, rules: u64, batch: u64, clocks: f64) -> String {
    format!(
        "{{\"scenario\":\"{scenario}\",\"flows\":{flows},\"rules\":{rules},\"batch\":{batch},\
         \"clk_median\":{clocks},\"clk_min\":{},\"clk_max\":{},\"ns_median\":9.5,\"events\":0.0,\
         \"session_bytes\":285}}\n",
        clocks - 5.0,
        clocks + 9.0
    )
}

fn runs() -> Vec<Run> {
    let mut text = String::new();
    for (flows, clocks) in [(1_000, 300.0), (100_000, 450.0), (1_000_000, 500.0)] {
        text += &line("rules-nat", flows, 1_000, 256, clocks);
    }
    for (batch, clocks) in [(16, 420.0), (64, 330.0), (1_024, 310.0)] {
        text += &line("rules-nat", 1_000, 1_000, batch, clocks);
    }
    let before = line("rules-nat", 1_000, 1_000, 256, 520.0);
    vec![Run::read("a <first>", &before).unwrap(), Run::read("b", &text).unwrap()]
}

#[test]
fn the_page_has_curves_rivals_history_and_every_figure() {
    let page = page(&runs());
    for part in [
        "rules-nat, 1000 policies",
        "VPP 26.06",
        "nftables 6.18",
        "target",
        "Batch size: rules-nat, 1k flows",
        "rules-nat, run by run",
        "a &lt;first&gt;",
        "5.0 ×",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches("<tr>").count(), 1 + 6);
    assert!(page.trim_end().ends_with("</html>"));
    for stray in ["<first>", "<script", "http://", "https://", "NaN", "inf"] {
        assert!(!page.contains(stray), "{stray}");
    }
}

#[test]
fn tags_are_closed_in_the_order_in_which_they_were_opened() {
    let page = page(&runs());
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap();
        let name = tag.split([' ', '/']).find(|part| !part.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
        } else if !tag.ends_with('/') && !["!doctype", "meta", "link"].contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_line_that_is_no_measurement_is_named() {
    let text = line("forward", 1_000, 1, 256, 40.0) + "{\"scenario\":3}\n";
    assert!(Run::read("x", &text).unwrap_err().starts_with("2: "));
    assert!(page(&[]).contains("No run was given"));
}
