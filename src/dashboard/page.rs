//! The page: curves against flows beside rivals and targets, against rules and batch size, the
//! history run by run, and every figure of the last run in a table.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::chart::{Chart, Point, Series, escape};
use super::rivals::RIVALS;
use super::{Measured, Run};
use crate::bench::{Figures, Scenario, targets};

/// Rows of a batch that curves are drawn for.
const BATCH: u64 = 256;

/// The page of these runs, the last one being what is shown in full.
#[must_use]
pub fn page(runs: &[Run]) -> String {
    let mut out = String::from(HEAD);
    let Some(last) = runs.last() else {
        return out + "<p>No run was given.</p></main></body></html>\n";
    };
    let _ = writeln!(
        out,
        "<p>Clocks of a {:.2} GHz time stamp counter a packet, medians of several runs with their \
         range, on one core; receive and transmit excluded. Last run: <b>{}</b>, {} figures; {} \
         runs in all.</p>",
        last.measured.first().map_or(0.0, |m| m.clk_median / m.ns_median),
        escape(&last.name),
        last.measured.len(),
        runs.len()
    );
    out.push_str("<h2>Against flows</h2><div class=\"charts\">");
    for (scenario, rules) in [("forward", 1), ("rules", 1_000), ("rules-nat", 1_000)] {
        against_flows(&mut out, last, scenario, rules);
    }
    out.push_str("</div><h2>Against rules and batch size</h2><div class=\"charts\">");
    swept(&mut out, last, "Rules", "policies", |m| m.rules, |m| (m.flows, m.batch));
    swept(&mut out, last, "Batch size", "rows of a batch", |m| m.batch, |m| (m.flows, m.rules));
    out.push_str("</div><h2>Run by run</h2><div class=\"charts\">");
    history(&mut out, runs);
    out.push_str("</div><h2>The last run</h2>");
    table(&mut out, last);
    out + "</main></body></html>\n"
}

/// One curve of clocks a packet as an SVG file.
#[must_use]
pub fn curve<'f>(
    title: &str,
    x_title: &'static str,
    figures: impl Iterator<Item = (usize, &'f Figures)>,
) -> String {
    let at = |(x, figures): (usize, &Figures)| {
        let spread = Some((figures.clk_min, figures.clk_max));
        Point { x: x as f64, y: figures.clk_median, spread }
    };
    let points: Vec<Point> = figures.map(at).collect();
    let ticks = points.iter().map(|point| (point.x, point.x.to_string())).collect();
    let series = vec![Series { name: title.to_owned(), class: "weir".to_owned(), points }];
    Chart { title: title.to_owned(), x_title, ticks, logarithmic: true, series }.file()
}

fn point(x: u64, measured: &Measured) -> Point {
    let spread = Some((measured.clk_min, measured.clk_max));
    Point { x: x as f64, y: measured.clk_median, spread }
}

fn against_flows(out: &mut String, last: &Run, scenario: &str, rules: u64) {
    let mut measured: Vec<&Measured> = last
        .measured
        .iter()
        .filter(|m| m.scenario == scenario && m.rules == rules && m.batch == BATCH)
        .collect();
    measured.sort_by_key(|m| m.flows);
    if measured.is_empty() {
        return;
    }
    let mut series = vec![Series {
        name: "Weir".to_owned(),
        class: "weir".to_owned(),
        points: measured.iter().map(|m| point(m.flows, m)).collect(),
    }];
    let aims = measured.iter().filter_map(|m| {
        let y = target(m)?;
        Some(Point { x: m.flows as f64, y, spread: None })
    });
    series.push(Series {
        name: "Weir's target".to_owned(),
        class: "target".to_owned(),
        points: aims.collect(),
    });
    let rivals = RIVALS.iter().filter(|rival| rival.scenario == scenario);
    for (number, rival) in (1..).zip(rivals) {
        let points =
            rival.clocks.iter().map(|&(flows, y)| Point { x: flows as f64, y, spread: None });
        series.push(Series {
            name: rival.name.to_owned(),
            class: format!("rival-{number}"),
            points: points.collect(),
        });
    }
    let ticks = [1_000, 10_000, 100_000, 1_000_000, 10_000_000].map(named);
    let most = measured.iter().map(|m| m.flows).max().unwrap_or(0);
    let ticks = ticks.into_iter().filter(|tick| tick.0 <= most as f64).collect();
    let policies = if rules == 1 { "policy" } else { "policies" };
    let title = format!("{scenario}, {rules} {policies}");
    let chart = Chart { title, x_title: "flows", ticks, logarithmic: true, series };
    out.push_str(&chart.html());
}

/// Cases of the last run that differ in one figure only.
fn swept(
    out: &mut String,
    last: &Run,
    title: &str,
    x_title: &'static str,
    of: impl Fn(&Measured) -> u64,
    others: impl Fn(&Measured) -> (u64, u64),
) {
    let keys: BTreeSet<(&str, (u64, u64))> =
        last.measured.iter().map(|m| (m.scenario.as_str(), others(m))).collect();
    for (scenario, rest) in keys {
        let mut alike: Vec<&Measured> =
            last.measured.iter().filter(|m| m.scenario == scenario && others(m) == rest).collect();
        alike.sort_by_key(|m| of(m));
        alike.dedup_by_key(|m| of(m));
        if alike.len() < POINTS_MIN {
            continue;
        }
        let flows = named(alike[0].flows).1;
        let series = vec![Series {
            name: "Weir".to_owned(),
            class: "weir".to_owned(),
            points: alike.iter().map(|m| point(of(m), m)).collect(),
        }];
        let ticks = alike.iter().map(|m| named(of(m))).collect();
        let title = format!("{title}: {scenario}, {flows} flows");
        let chart = Chart { title, x_title, ticks, logarithmic: true, series };
        out.push_str(&chart.html());
    }
}

fn history(out: &mut String, runs: &[Run]) {
    let shown: [(&str, &[(u64, u64)]); 4] = [
        ("rules-nat", &[(1_000, 1_000), (100_000, 1_000), (1_000_000, 1_000)]),
        ("forward", &[(1_000, 1), (100_000, 1), (1_000_000, 1)]),
        ("deny-flood", &[(100_000, 1_000)]),
        ("new-session", &[(1_000_000, 10_000)]),
    ];
    for (scenario, cases) in shown {
        let mut series = Vec::new();
        for (number, &(flows, rules)) in (1..).zip(cases) {
            let found = (0u64..).zip(runs).filter_map(|(at, run)| {
                run.find(scenario, flows, rules, BATCH).map(|measured| point(at, measured))
            });
            let points: Vec<Point> = found.collect();
            if !points.is_empty() {
                let name = format!("{} flows", named(flows).1);
                series.push(Series { name, class: format!("case-{number}"), points });
            }
        }
        if series.is_empty() {
            continue;
        }
        let ticks = (0u64..).zip(runs).map(|(at, run)| (at as f64, run.name.clone())).collect();
        let title = format!("{scenario}, run by run");
        let chart = Chart { title, x_title: "run", ticks, logarithmic: false, series };
        out.push_str(&chart.html());
    }
}

fn table(out: &mut String, last: &Run) {
    out.push_str(
        "<div class=\"wide\"><table><thead><tr><th>scenario</th><th>flows</th><th>policies</th>\
         <th>batch</th><th>clocks</th><th>range</th><th>ns</th>\
         <th>p99</th><th>p99.9</th><th>events a packet</th>\
         <th>target</th><th>of target</th></tr></thead><tbody>\n",
    );
    for m in &last.measured {
        let aim = target(m);
        let times = aim.map_or_else(String::new, |aim| format!("{:.1} ×", m.clk_median / aim));
        let aim = aim.map_or_else(String::new, |aim| format!("{aim:.0}"));
        let tail = m.clk_tail.map_or_else(
            || "<td></td><td></td>".to_owned(),
            |[p99, p999]| format!("<td>{p99:.0}</td><td>{p999:.0}</td>"),
        );
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.0}</td><td>{:.0} – {:.0}</td>\
             <td>{:.1}</td>{tail}<td>{:.2}</td><td>{aim}</td><td>{times}</td></tr>",
            escape(&m.scenario),
            m.flows,
            m.rules,
            m.batch,
            m.clk_median,
            m.clk_min,
            m.clk_max,
            m.ns_median,
            m.events
        );
    }
    out.push_str("</tbody></table></div>");
}

/// Targets are of full batches.
fn target(measured: &Measured) -> Option<f64> {
    if measured.batch != BATCH {
        return None;
    }
    let scenario: Scenario = clap::ValueEnum::from_str(&measured.scenario, false).ok()?;
    let flows = usize::try_from(measured.flows).ok()?;
    targets::clocks(scenario, flows, usize::try_from(measured.rules).ok()?)
}

fn named(value: u64) -> (f64, String) {
    let name = match value {
        1_000_000.. if value.is_multiple_of(1_000_000) => format!("{}M", value / 1_000_000),
        1_000.. if value.is_multiple_of(1_000) => format!("{}k", value / 1_000),
        _ => value.to_string(),
    };
    (value as f64, name)
}

/// Fewer make no curve.
const POINTS_MIN: usize = 3;

const HEAD: &str = include_str!("head.html");
