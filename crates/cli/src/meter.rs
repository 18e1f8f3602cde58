//! How far a download has come, and how fast.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aimlapi_video::Received;

use crate::screen::shown;

/// Clones show the same download.
#[derive(Clone, Default)]
pub(crate) struct Meter(Arc<Mutex<Option<Reading>>>);

#[derive(Clone, Copy)]
struct Reading {
    now: Received,
    /// What was there when this command began with the video: a part of an earlier one counts for no speed.
    first: u64,
    began: Instant,
}

impl Meter {
    /// Takes note of what has arrived; `true` if it is the first of its video.
    pub(crate) fn received(&self, now: Received) -> bool {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *reading {
            Some(before) if before.now.index == now.index => {
                // It is sent anew.
                before.first = before.first.min(now.bytes);
                before.now = now;
                false
            }
            reading => {
                *reading = Some(Reading {
                    now,
                    first: now.bytes,
                    began: Instant::now(),
                });
                true
            }
        }
    }

    /// How much is there, 0 to 1, where the whole is known.
    pub(crate) fn done(&self) -> Option<f64> {
        let now = self.reading()?.now;
        let total = now.total.filter(|total| *total > 0)?;
        Some(now.bytes as f64 / total as f64)
    }

    pub(crate) fn said(&self) -> String {
        match self.reading() {
            Some(reading) => said(reading.now, reading.first, reading.began.elapsed()),
            None => "downloading".into(),
        }
    }

    fn reading(&self) -> Option<Reading> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn said(now: Received, first: u64, took: Duration) -> String {
    let which = match now.index {
        0 => String::new(),
        index => format!(" video {}", index + 1),
    };
    let amount = match now.total {
        Some(total) => {
            let unit = Unit::of(total);
            format!("{} of {}", unit.number(now.bytes), unit.shown(total))
        }
        None => Unit::of(now.bytes).shown(now.bytes),
    };
    let mut said = format!("downloading{which} {amount}");
    // Before that, chance says more than the line.
    if took < Duration::from_millis(200) {
        return said;
    }
    let speed = now.bytes.saturating_sub(first) as f64 / took.as_secs_f64();
    let each_second = speed as u64;
    said.push_str(&format!(", {}/s", Unit::of(each_second).shown(each_second)));
    let rest = now.total.map_or(0, |total| total.saturating_sub(now.bytes));
    let left = Duration::try_from_secs_f64(rest as f64 / speed);
    if let (true, Ok(left)) = (rest > 0 && took >= Duration::from_secs(2), left) {
        said.push_str(&format!(", {} left", shown(left)));
    }
    said
}

/// What an amount is told in.
enum Unit {
    Kib,
    Mib,
}

impl Unit {
    fn of(bytes: u64) -> Self {
        match bytes {
            0..0x10_0000 => Self::Kib,
            _ => Self::Mib,
        }
    }

    fn number(&self, bytes: u64) -> String {
        let size = match self {
            Self::Kib => 1024.0,
            Self::Mib => 1024.0 * 1024.0,
        };
        format!("{:.1}", bytes as f64 / size)
    }

    fn shown(&self, bytes: u64) -> String {
        let name = match self {
            Self::Kib => "KiB",
            Self::Mib => "MiB",
        };
        format!("{} {name}", self.number(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_told_in_the_unit_of_the_whole() {
        assert_eq!(Unit::of(1_048_575).shown(1536), "1.5 KiB");
        let unit = Unit::of(10 << 20);
        assert_eq!(
            (unit.number(1 << 19), unit.shown(10 << 20)),
            ("0.5".into(), "10.0 MiB".into())
        );
    }
}
