//! `--timings`: a table for each item, and one for all of them, on standard error.
//!
//! A table has at most 80 columns. Its rates are those of one thread, but for the last line: what has passed on the clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::outcome::Outcome;
use crate::timing::{Phase, PhaseTime, Timings};

/// Measures a run over some items.
pub(super) struct Clock {
    start: Instant,
    /// What the search for the items took.
    search: Duration,
    items: usize,
    sum: Table,
}

impl Clock {
    /// Begins after the search for the items.
    pub(super) fn new(search: Option<Arc<Timings>>, items: usize) -> Self {
        let search = search.map(|search| search.of(Phase::Listing).time);
        Self {
            start: Instant::now(),
            search: search.unwrap_or_default(),
            items,
            sum: Table::default(),
        }
    }

    /// Returns what measures the next item. The search for the only item is a part of the work on it.
    pub(super) fn next(&self, timings: Option<Arc<Timings>>) -> Option<Arc<Timings>> {
        if self.items == 1
            && let Some(timings) = &timings
        {
            timings.add(Phase::Listing, self.search, 0);
        }
        timings
    }

    /// Returns the table of an item.
    pub(super) fn add(&mut self, outcome: &Outcome) -> String {
        let evidence = &outcome.evidence;
        let search = match self.items {
            1 => self.search,
            _ => Duration::ZERO,
        };
        let elapsed = Duration::try_from_secs_f64(outcome.seconds.unwrap_or_default());
        let table = Table {
            phases: Phase::ALL.map(|phase| evidence.time(phase).unwrap_or_default()),
            files: evidence.statistics.files,
            elapsed: elapsed.unwrap_or_default().saturating_add(search),
        };
        self.sum.add(&table);
        table.text(&evidence.path)
    }

    /// Returns the table of all items, if there are several.
    pub(super) fn end(mut self) -> Option<String> {
        if self.items < 2 {
            return None;
        }
        let [listing, ..] = &mut self.sum.phases;
        listing.time = listing.time.saturating_add(self.search);
        self.sum.elapsed = self.start.elapsed().saturating_add(self.search);
        Some(self.sum.text(&format!("all items ({})", self.items)))
    }
}

/// What the phases took.
#[derive(Default)]
struct Table {
    phases: [PhaseTime; Phase::ALL.len()],
    files: u64,
    /// What has passed on the clock.
    elapsed: Duration,
}

impl Table {
    fn add(&mut self, other: &Self) {
        for (sum, more) in self.phases.iter_mut().zip(&other.phases) {
            sum.time = sum.time.saturating_add(more.time);
            sum.bytes = sum.bytes.saturating_add(more.bytes);
        }
        self.files = self.files.saturating_add(other.files);
        self.elapsed = self.elapsed.saturating_add(other.elapsed);
    }

    fn text(&self, name: &str) -> String {
        let times = self.phases.iter().map(|phase| phase.time);
        let all = times.fold(Duration::ZERO, Duration::saturating_add);
        let bytes = self
            .phases
            .iter()
            .fold(0_u64, |sum, phase| sum.saturating_add(phase.bytes));
        let mut text = format!("timings: {name}\n");
        let mut line = |title: &str, time: Duration, share: Option<f64>, amount: Amount| {
            let share = share.map_or(String::new(), |share| format!("{:.0} %", share * 100.0));
            let (amount, rate) = amount.texts(time);
            let time = shown(time);
            let line = format!("  {title:<20} {time:>11} {share:>6} {amount:>14} {rate:>14}");
            text.push_str(line.trim_end());
            text.push('\n');
        };
        for (phase, found) in Phase::ALL.iter().zip(&self.phases) {
            let amount = match phase {
                Phase::Listing => Amount::Files(self.files),
                _ if phase.has_bytes() => Amount::Bytes(found.bytes),
                _ => Amount::None,
            };
            line(phase.title(), found.time, share(found.time, all), amount);
        }
        line("all threads", all, share(all, all), Amount::None);
        line("elapsed", self.elapsed, None, Amount::Bytes(bytes));
        text
    }
}

/// A part of the whole, unless that is nothing.
fn share(part: Duration, whole: Duration) -> Option<f64> {
    (!whole.is_zero()).then(|| part.div_duration_f64(whole))
}

/// Seconds to the microsecond.
fn shown(time: Duration) -> String {
    format!("{:.6} s", time.as_secs_f64())
}

/// What was done in a time.
#[derive(Clone, Copy)]
enum Amount {
    None,
    Files(u64),
    Bytes(u64),
}

impl Amount {
    /// How much it is, and how much of it in a second.
    fn texts(self, time: Duration) -> (String, String) {
        let per_second = |amount: f64| (amount > 0.0 && !time.is_zero()).then(|| amount / time.as_secs_f64());
        match self {
            Self::None => Default::default(),
            Self::Files(count) => {
                let rate = per_second(number(count)).map(|rate| format!("{rate:.0} files/s"));
                (format!("{count} files"), rate.unwrap_or_default())
            }
            Self::Bytes(count) => {
                let rate = per_second(number(count)).map(|rate| format!("{}/s", size(rate)));
                (size(number(count)), rate.unwrap_or_default())
            }
        }
    }
}

/// A number of bytes in the unit that fits.
fn size(bytes: f64) -> String {
    match bytes {
        ..1e3 => format!("{bytes:.0} B"),
        ..1e6 => format!("{:.1} kB", bytes / 1e3),
        ..1e9 => format!("{:.1} MB", bytes / 1e6),
        _ => format!("{:.2} GB", bytes / 1e9),
    }
}

/// A count as a number to calculate with; only counts of far more than a terabyte are not exact.
fn number(count: u64) -> f64 {
    let high = u32::try_from(count >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(count & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_rates() {
        let second = Duration::from_secs(2);
        let texts = |amount: Amount| amount.texts(second);
        assert_eq!(texts(Amount::Bytes(999)), ("999 B".into(), "500 B/s".into()));
        assert_eq!(
            texts(Amount::Bytes(5_000_000)),
            ("5.0 MB".into(), "2.5 MB/s".into())
        );
        assert_eq!(texts(Amount::Files(7)), ("7 files".into(), "4 files/s".into()));
        assert_eq!(
            Amount::Bytes(3).texts(Duration::ZERO),
            ("3 B".into(), String::new())
        );
        assert_eq!(size(number(6_000_000_000)), "6.00 GB");
    }

    #[test]
    fn even_the_longest_lines_have_80_columns() {
        let mut table = Table {
            files: 2_000_000,
            elapsed: Duration::from_secs(86_400),
            ..Table::default()
        };
        for phase in &mut table.phases {
            phase.time = Duration::from_micros(86_400_123_456);
            phase.bytes = 999_999_999_999;
        }
        let text = table.text("Example.app");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert_eq!(text.lines().count(), 8, "{text}");
    }
}
