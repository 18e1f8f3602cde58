//! How much of a video has arrived, and at which rate.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use aimlapi_video::Received;

use super::duration_text;
use crate::style::{Line, Meaning};

/// The progress of one generation's downloads, one video after the other. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct DownloadProgress(Arc<Mutex<Option<Transfer>>>);

/// The download of one video.
struct Transfer {
    index: usize,
    began_at: Instant,
    /// The part of an earlier download, which took no time of this one.
    before: u64,
    bytes: u64,
    total: Option<u64>,
}

/// A rate over less time says little.
const MIN_TIME_FOR_RATE: Duration = Duration::from_millis(200);

const MIN_TIME_FOR_ESTIMATE: Duration = Duration::from_secs(2);

impl DownloadProgress {
    /// Records what has arrived; `true` for the first record of a video.
    pub(crate) fn record(&self, received: Received) -> bool {
        let mut transfer = self.transfer();
        let same = transfer.take();
        let same = same.filter(|transfer| transfer.index == received.index);
        let is_new = same.is_none();
        let same = same.unwrap_or_else(|| Transfer {
            index: received.index,
            began_at: Instant::now(),
            before: received.bytes,
            bytes: 0,
            total: None,
        });
        *transfer = Some(Transfer {
            bytes: received.bytes,
            total: received.total,
            ..same
        });
        is_new
    }

    /// The downloaded share, 0 to 1, of a video whose size is known.
    pub(super) fn done(&self) -> Option<f64> {
        let transfer = self.transfer();
        let transfer = transfer.as_ref()?;
        let total = transfer.total.filter(|total| *total > 0)?;
        Some(transfer.bytes as f64 / total as f64)
    }

    /// The amounts, the rate, and the time that is left.
    pub(super) fn parts(&self) -> Vec<Line> {
        match &*self.transfer() {
            Some(transfer) => transfer.parts(transfer.began_at.elapsed()),
            None => vec![Line::new(Meaning::Active, "downloading")],
        }
    }

    fn transfer(&self) -> MutexGuard<'_, Option<Transfer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transfer {
    fn parts(&self, elapsed: Duration) -> Vec<Line> {
        let prefix = match self.index {
            0 => "downloading".to_owned(),
            index => format!("downloading video {}", index + 1),
        };
        let (size, unit) = unit(self.total.unwrap_or(self.bytes));
        let mut text = format!(" {:.1}", self.bytes as f64 / size);
        if let Some(total) = self.total {
            text += &format!(" of {:.1}", total as f64 / size);
        }
        let text = Line::new(Meaning::Active, prefix).plain(format!("{text} {unit}"));
        let rate = self.bytes.saturating_sub(self.before) as f64 / elapsed.as_secs_f64();
        let left = self.total.unwrap_or_default().saturating_sub(self.bytes);
        let left = Duration::try_from_secs_f64(left as f64 / rate).unwrap_or_default();
        let rate = (elapsed >= MIN_TIME_FOR_RATE).then(|| rate_text(rate).into());
        let left = (elapsed >= MIN_TIME_FOR_ESTIMATE && !left.is_zero())
            .then(|| format!("{} left", duration_text(left)).into());
        [Some(text), rate, left].into_iter().flatten().collect()
    }
}

fn rate_text(rate: f64) -> String {
    let (size, unit) = unit(rate as u64);
    format!("{:.1} {unit}/s", rate / size)
}

/// The bytes in a unit that suits an amount, and the name of the unit.
fn unit(bytes: u64) -> (f64, &'static str) {
    match bytes {
        0..0x10_0000 => (1024.0, "KiB"),
        _ => (1024.0 * 1024.0, "MiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::row, *};

    #[test]
    fn download_has_both_amounts_in_the_unit_of_the_total_then_rate_and_rest() {
        let parts = |bytes, total, elapsed| {
            let transfer = Transfer {
                index: 1,
                began_at: Instant::now(),
                before: 0,
                bytes,
                total,
            };
            let parts = transfer.parts(Duration::from_millis(elapsed));
            row::joined(&parts).text()
        };
        for (bytes, total, elapsed, text) in [
            (1 << 19, Some(10 << 20), 0, "0.5 of 10.0 MiB"),
            (1536, Some(1_048_575), 100, "1.5 of 1024.0 KiB"),
            (2 << 20, None, 1000, "2.0 MiB, 2.0 MiB/s"),
            (
                4 << 20,
                Some(10 << 20),
                4000,
                "4.0 of 10.0 MiB, 1.0 MiB/s, 6.0s left",
            ),
            (0, Some(1 << 20), 4000, "0.0 of 1.0 MiB, 0.0 KiB/s"),
        ] {
            assert_eq!(
                parts(bytes, total, elapsed),
                format!("downloading video 2 {text}")
            );
        }
    }
}
