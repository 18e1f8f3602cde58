//! How much of a video has arrived, and at which rate.

use std::time::Duration;

use aimlapi_video::Received;
use indicatif::ProgressBar;

use super::duration_text;
use crate::style::{Line, Meaning};

/// The progress of one generation's downloads, one video after the other. Clones share it.
#[derive(Clone)]
pub(crate) struct DownloadProgress {
    /// Never drawn: it measures the rate, and its prefix names the video.
    bar: ProgressBar,
}

/// A rate over less time says little.
const MIN_TIME_FOR_RATE: Duration = Duration::from_millis(200);

const MIN_TIME_FOR_ESTIMATE: Duration = Duration::from_secs(2);

impl DownloadProgress {
    pub(crate) fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
        }
    }

    /// Records what has arrived; `true` for the first record of a video.
    pub(crate) fn record(&self, received: Received) -> bool {
        let prefix = match received.index {
            0 => "downloading".to_owned(),
            index => format!("downloading video {}", index + 1),
        };
        let is_new = self.bar.prefix() != prefix;
        if is_new {
            self.bar.reset();
            self.bar.set_prefix(prefix);
        }
        self.bar.update(|bar| bar.set_pos(received.bytes));
        match received.total {
            Some(total) => self.bar.set_length(total),
            None => self.bar.unset_length(),
        }
        if is_new {
            // The part of an earlier download took no time of this one.
            self.bar.reset_eta();
        }
        is_new
    }

    /// The downloaded share, 0 to 1, of a video whose size is known.
    pub(super) fn done(&self) -> Option<f64> {
        let total = self.bar.length().filter(|total| *total > 0)?;
        Some(self.bar.position() as f64 / total as f64)
    }

    /// The amounts, the rate, and the time that is left.
    pub(super) fn parts(&self) -> Vec<Line> {
        let prefix = self.bar.prefix();
        if prefix.is_empty() {
            return vec![Line::new(Meaning::Active, "downloading")];
        }
        let (position, total) = (self.bar.position(), self.bar.length());
        let (size, unit) = unit(total.unwrap_or(position));
        let mut text = format!(" {:.1}", position as f64 / size);
        if let Some(total) = total {
            text += &format!(" of {:.1}", total as f64 / size);
        }
        let text = Line::new(Meaning::Active, prefix).plain(format!("{text} {unit}"));
        let (elapsed, left) = (self.bar.elapsed(), self.bar.eta());
        let rate = (elapsed >= MIN_TIME_FOR_RATE).then(|| rate_text(self.bar.per_sec()).into());
        let left = (elapsed >= MIN_TIME_FOR_ESTIMATE && !left.is_zero())
            .then(|| format!("{} left", duration_text(left)).into());
        [Some(text), rate, left].into_iter().flatten().collect()
    }
}

fn rate_text(rate: f64) -> String {
    let (size, unit) = unit(rate as u64);
    format!("{:.1} {unit}/s", rate / size)
}

/// The bytes in a unit that suits an amount, and the name of the unit. indicatif's texts of bytes take more than 40 columns.
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
    fn download_text_has_both_amounts_in_the_unit_of_the_total() {
        let download = DownloadProgress::new();
        let text = || row::joined(&download.parts()).text();
        assert_eq!(text(), "downloading");
        let received = |bytes, total| {
            let prefix = "downloading video 2";
            download.bar.set_prefix(prefix);
            download.bar.set_position(bytes);
            download.bar.set_length(total);
            text().replace(prefix, "")
        };
        assert_eq!(received(1 << 19, 10 << 20), " 0.5 of 10.0 MiB");
        assert_eq!(received(1536, 1_048_575), " 1.5 of 1024.0 KiB");
        assert_eq!(download.done(), Some(1536.0 / 1_048_575.0));
        assert_eq!(rate_text(710_451.2), "693.8 KiB/s");
    }
}
