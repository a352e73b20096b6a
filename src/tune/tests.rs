//! The model against what can be worked out by hand, and the choice against made-up curves.

use super::*;

/// A curve of `fixed` clocks a batch and `each` a packet, a clock being a nanosecond.
fn costs(fixed: f64, each: f64) -> Vec<Cost> {
    let cost = |rows: usize| {
        let clk_median = fixed / rows as f64 + each;
        let figures = Figures { clk_median, ns_median: clk_median, ..Figures::default() };
        Cost { rows, figures }
    };
    ROWS.into_iter().map(cost).collect()
}

#[test]
fn a_lone_packet_waits_as_long_as_it_may_and_for_its_own_batch() {
    let costs = costs(900.0, 100.0);
    let slow = wait(&costs, &[], 1e6, 256, 5_000.0);
    for waited in [slow.p50_us, slow.p99_us, slow.p999_us] {
        assert!((waited - 6.0).abs() < 0.001, "{slow:?}");
    }
    assert!((slow.rows - 1.0).abs() < 1e-9 && slow.busy < 0.002, "{slow:?}");
}

#[test]
fn a_batch_that_is_full_does_not_wait() {
    // A packet every microsecond, batches of 4 that take 1.2 microseconds: the first waits for
    // three more.
    let full = wait(&costs(800.0, 100.0), &[], 1_000.0, 4, 1e6);
    assert!((full.rows - 4.0).abs() < 0.01, "{full:?}");
    assert!((full.p999_us - 4.2).abs() < 0.001, "{full:?}");
    assert!((full.busy - 0.3).abs() < 0.001, "{full:?}");
}

#[test]
fn what_arrives_while_the_worker_is_busy_makes_the_batches_that_it_needs() {
    // One at a time it could not: 900 + 100 ns against a packet every 500.
    let busy = wait(&costs(900.0, 100.0), &[], 500.0, 256, 0.0);
    assert!(busy.rows > 2.0 && busy.p999_us < 10.0, "{busy:?}");
    // In bursts, the last of a burst waits for all before it.
    let bursts: Vec<u64> = (0..100).map(|at| if at % 10 == 0 { 10 } else { 0 }).collect();
    let bursts = wait(&costs(900.0, 100.0), &bursts, 1_000.0, 256, 0.0);
    assert!(bursts.rows > 9.0 && bursts.p50_us < 3.0, "{bursts:?}");
}

#[test]
fn the_choice_is_the_smallest_batch_that_is_nearly_as_cheap_and_the_shortest_wait() {
    let choice = choose(&costs(1_000.0, 100.0), &[]).unwrap();
    // 100 + 1000 / 256 is within 5 % of 100 + 1000 / 1024; 100 + 1000 / 128 is not.
    assert_eq!(choice.rows_max, 256);
    assert_eq!(choice.tried.len(), FLUSH_US.len() * LOADS.len());
    let of = |flush: u32| {
        let mut tried = choice.tried.iter();
        tried.find(|tried| tried.0 == flush && (tried.1 - 0.5).abs() < 1e-9).unwrap().2
    };
    let idlest = FLUSH_US.iter().map(|&flush| of(flush).busy).fold(1.0, f64::min);
    assert!(of(choice.flush_us_max).busy <= idlest + 0.05);
    let shorter = FLUSH_US.iter().filter(|&&flush| flush < choice.flush_us_max);
    assert!(shorter.into_iter().all(|&flush| of(flush).busy > idlest + 0.05));
    let batch_us = 256.0 * (100.0 + 1_000.0 / 256.0) / 1_000.0;
    assert!((choice.bound_us - f64::from(choice.flush_us_max) - 2.0 * batch_us).abs() < 1e-6);
    // Where a batch costs nothing of itself, none need be gathered.
    let choice = choose(&costs(0.0, 100.0), &[]).unwrap();
    assert_eq!((choice.rows_max, choice.flush_us_max), (1, 0));
    assert!(choose(&[], &[]).is_none());
}
