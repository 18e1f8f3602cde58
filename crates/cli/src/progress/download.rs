//! How much of a video has arrived, and at which rate.

use std::time::Duration;

use aimlapi_video::Received;
use indicatif::{BinaryBytes, ProgressBar};

use super::duration_text;

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

    pub(super) fn text(&self) -> String {
        let prefix = self.bar.prefix();
        if prefix.is_empty() {
            return "downloading".into();
        }
        let mut text = format!("{prefix} {}", BinaryBytes(self.bar.position()));
        if let Some(total) = self.bar.length() {
            text += &format!(" of {}", BinaryBytes(total));
        }
        let (elapsed, left) = (self.bar.elapsed(), self.bar.eta());
        if elapsed >= MIN_TIME_FOR_RATE {
            text += &format!(", {}/s", BinaryBytes(self.bar.per_sec() as u64));
        }
        if elapsed >= MIN_TIME_FOR_ESTIMATE && !left.is_zero() {
            text += &format!(", {} left", duration_text(left));
        }
        text
    }
}
