//! The summary of a replay, for a person: packets by fate, drops by reason, events, sessions,
//! translations, the verdict.

use std::fmt::Write;

use components::kinds::{CloseReason, EventKind};
use components::reason::DropReason;
use components::world::World;
use components::world::screen::ScreenAttack;
use systems::commit::Cause;

use crate::ledger::{Delivery, Ledger};
use crate::replay::Outcome;
use crate::replay::agenda::Committed;
use crate::stream::ring_file::Begin;

/// The whole summary, lines of text.
pub(super) fn text(outcome: &Outcome) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = packets(&mut out, outcome)
        .and_then(|()| events(&mut out, outcome))
        .and_then(|()| sessions(&mut out, outcome))
        .and_then(|()| commits(&mut out, outcome))
        .and_then(|()| named(&mut out, outcome, &outcome.world))
        .and_then(|()| stream(&mut out, outcome))
        .and_then(|()| ledger(&mut out, &outcome.ledger));
    out
}

fn packets(out: &mut String, outcome: &Outcome) -> std::fmt::Result {
    let ledger = &outcome.ledger.packets;
    let dropped: u64 = ledger.dropped.values().sum();
    let seconds = outcome.elapsed.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = ledger.received as f64 / seconds.max(1e-9);
    writeln!(
        out,
        "\npackets       {:>12} received, {} bytes, in {seconds:.3} s: {} packets/s",
        grouped(ledger.received),
        grouped(outcome.port.received_bytes),
        grouped_f(rate),
    )?;
    row(out, ledger.forwarded, "forwarded", "")?;
    row(out, ledger.to_host, "to host", "")?;
    row(out, dropped, "dropped", "")?;
    for reason in DropReason::ALL {
        let count = outcome.totals.counters.packets.dropped.0[reason.index()];
        if count > 0 {
            row(out, count, &format!("  {}", reason.label()), reason.description())?;
        }
    }
    Ok(())
}

fn events(out: &mut String, outcome: &Outcome) -> std::fmt::Result {
    let total: u64 = outcome.ledger.events.values().map(|events| events.generated).sum();
    writeln!(out, "events        {:>12} generated", grouped(total))?;
    for kind in EventKind::ALL {
        let events = &outcome.ledger.events[kind.label()];
        let refused: u64 = events.refused.values().sum();
        if events.generated > 0 {
            let refused =
                if refused > 0 { format!("{} refused", grouped(refused)) } else { String::new() };
            row(out, events.generated, kind.label(), &refused)?;
        }
    }
    Ok(())
}

fn sessions(out: &mut String, outcome: &Outcome) -> std::fmt::Result {
    let sessions = &outcome.ledger.sessions;
    writeln!(out, "sessions      {:>12} created", grouped(sessions.created))?;
    row(out, sessions.active, "active", "")?;
    for reason in CloseReason::ALL {
        let count = outcome.totals.closed.0[reason.index()];
        if count > 0 {
            row(out, count, reason.label(), reason.description())?;
        }
    }
    let translated = outcome.totals.counters.translated;
    if translated.source + translated.destination > 0 {
        writeln!(out, "translations")?;
        row(out, translated.source, "source", "packets with another source")?;
        row(out, translated.destination, "destination", "packets with another destination")?;
    }
    let answers = outcome.totals.counters.answers;
    if answers.neighbors > 0 {
        let count = grouped(answers.neighbors);
        writeln!(out, "neighbors     {count:>12} ARP and ND answers for proxied addresses")?;
    }
    if answers.sent + answers.limited > 0 {
        writeln!(
            out,
            "answers       {:>12} RST and ICMP sent for rejected packets",
            grouped(answers.sent)
        )?;
        if answers.limited > 0 {
            row(out, answers.limited, "limited", "held back by the answer rate")?;
        }
    }
    Ok(())
}

/// What each commit did to the sessions of its moment.
fn commits(out: &mut String, outcome: &Outcome) -> std::fmt::Result {
    for Committed { at_ns, counts, elapsed, .. } in &outcome.commits {
        let ended: u64 = counts.ended.iter().sum();
        let active = counts.unchanged + counts.rematched + ended;
        let at = i128::from(*at_ns);
        let at = jiff::Timestamp::from_nanosecond(at).map_or(at.to_string(), |at| at.to_string());
        let (active, seconds) = (grouped(active), elapsed.as_secs_f64());
        writeln!(out, "commit        {active:>12} sessions at {at}, in {seconds:.3} s")?;
        row(out, counts.unchanged, "unchanged", "their policy is as it was")?;
        row(out, counts.rematched, "rematched", "permitted by the new policies")?;
        row(out, ended, "ended", "")?;
        for cause in Cause::ALL {
            let count = counts.ended[cause as usize];
            if count > 0 {
                row(out, count, &format!("  {}", cause.label()), cause.description())?;
            }
        }
    }
    Ok(())
}

/// Policies, screens and filter counters by name.
fn named(out: &mut String, outcome: &Outcome, world: &World) -> std::fmt::Result {
    let counters = &outcome.totals.counters;
    if counters.policies.iter().any(|&hits| hits > 0) {
        writeln!(out, "policies")?;
        for (id, &hits) in counters.policies.iter().enumerate().filter(|&(_, &hits)| hits > 0) {
            let name = &world.names.policies[id];
            let note = if name.global { "global" } else { "" };
            row(out, hits, &name.name, note)?;
        }
    }
    let counted = counters.policy_traffic.iter().zip(&world.names.policies);
    let mut counted = counted.filter(|(count, _)| count.packets > 0).peekable();
    if counted.peek().is_some() {
        writeln!(out, "policy counters")?;
    }
    for (count, policy) in counted {
        let note = format!("{} bytes", grouped(count.bytes));
        row(out, count.packets, &policy.name, &note)?;
    }
    if counters.screens.iter().any(|&hits| hits > 0) {
        writeln!(out, "screens")?;
        for (attack, &hits) in ScreenAttack::ALL.iter().zip(&counters.screens) {
            if hits > 0 {
                row(out, hits, attack.label(), attack.attack_name())?;
            }
        }
    }
    if counters.cookies.sent > 0 {
        writeln!(
            out,
            "SYN cookies   {:>12} sent instead of letting a SYN in",
            grouped(counters.cookies.sent)
        )?;
        row(out, counters.cookies.answered, "answered", "clients that are known now")?;
        row(out, counters.cookies.opened, "opened", "sessions of clients that answered")?;
        row(out, counters.cookies.joined, "joined", "whose servers answered too")?;
        row(out, counters.cookies.given_up, "given up", "whose servers did not, in time")?;
        row(out, counters.cookies.failed, "failed", "wrong answers")?;
    }
    if counters.screens_evicted > 0 {
        let note = "forgotten before their time: see screen.entries";
        row(out, counters.screens_evicted, "screen addresses", note)?;
    }
    let counted = counters.filters.iter().zip(&world.names.counters).skip(1);
    let mut counted = counted.filter(|(count, _)| count.packets > 0).peekable();
    if counted.peek().is_some() {
        writeln!(out, "filter counters")?;
    }
    for (count, (filter, counter)) in counted {
        let note = format!("filter {filter}, {} bytes", grouped(count.bytes));
        row(out, count.packets, counter, &note)?;
    }
    Ok(())
}

/// How the stream of the processes before went on, and what the collector has acked.
fn stream(out: &mut String, outcome: &Outcome) -> std::fmt::Result {
    let Delivery::Remote(report) = &outcome.ledger.stream else {
        return Ok(());
    };
    match outcome.began {
        Some(Begin::Ended { stream_id, acked, last }) => writeln!(
            out,
            "stream {stream_id:016x} ended with the machine: of {last} events {} may be lost",
            grouped(last - acked)
        )?,
        Some(Begin::TakenOver { retained, torn }) => writeln!(
            out,
            "stream        {:>12} taken over from the process before, {torn} torn",
            grouped(retained)
        )?,
        Some(Begin::New) | None => {}
    }
    writeln!(out, "stream        {:>12} acked    {}", grouped(report.acked), report.id)?;
    row(out, report.connections, "connections", "")?;
    if report.pauses > 0 {
        row(out, report.pauses, "pauses", "asked for by the collector")?;
    }
    if report.written_again > 0 {
        row(out, report.written_again, "written again", "after a connection or a process ended")?;
    }
    if report.unacked > 0 {
        row(out, report.unacked, "not acked", report.kept_in.as_deref().unwrap_or("LOST"))?;
    }
    Ok(())
}

fn ledger(out: &mut String, ledger: &Ledger) -> std::fmt::Result {
    for sink in &ledger.sinks {
        let lost = sink.lost.total();
        let note = if lost > 0 { format!("{} LOST", grouped(lost)) } else { String::new() };
        writeln!(out, "sink          {:>12} settled  {} {note}", grouped(sink.settled), sink.name)?;
    }
    if ledger.balanced {
        return writeln!(
            out,
            "ledger        balanced: {} identities hold, residual 0",
            ledger.identities.len()
        );
    }
    writeln!(out, "ledger        DOES NOT BALANCE: residual {}", ledger.residual)?;
    for identity in ledger.identities.iter().filter(|identity| identity.left != identity.right) {
        writeln!(out, "  {}: {} against {}", identity.name, identity.left, identity.right)?;
    }
    Ok(())
}

fn row(out: &mut String, count: u64, label: &str, note: &str) -> std::fmt::Result {
    let line = format!("              {:>12} {label:<28} {note}", grouped(count));
    writeln!(out, "{}", line.trim_end())
}

/// Thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate for people, never negative"
)]
fn grouped_f(number: f64) -> String {
    grouped(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
