//! The error messages of an attempt and of the whole download.

use reqwest::StatusCode;

use super::{
    super::{request::AttemptError, sink::Sink, video_urls::Renewed},
    Arrived, Fetch, MAX_RESTARTS,
};
use crate::{Error, ErrorKind, urls::redacted};

impl Fetch<'_, '_> {
    pub(super) fn broken(
        &self,
        how: &str,
        bytes: u64,
        error: Option<reqwest::Error>,
    ) -> AttemptError {
        let url = redacted(&self.urls.video(self.index).url);
        AttemptError::Transient {
            what: format!("the video {how} after {bytes} bytes: {url}"),
            source: error.map(|error| error.without_url().into()),
            pause: None,
        }
    }

    pub(super) fn too_large(&self) -> Error {
        let message = format!(
            "the video is larger than the limit of {} bytes; raise `max_bytes`",
            self.limits.max_bytes
        );
        Error::new(ErrorKind::Download, message)
    }

    /// The error for a URL that the host refuses, when no other URL is left to try.
    pub(super) fn refused(&self, status: StatusCode, renewed: Option<Renewed>) -> Error {
        let shown = self.urls.shown(self.index);
        let what = format!("the video's host responded with {status} for {shown}");
        let error = |advice: &str| Error::new(ErrorKind::Download, format!("{what}; {advice}"));
        match renewed {
            Some(Renewed::Unknown(source)) => {
                error("no fresh URL could be obtained, so try again later").with_source(source)
            }
            Some(Renewed::Fresh) => error(
                "the URL is already fresh, so try again later; if the error persists, contact the service about the video",
            ),
            _ => error(
                "the service has no other URL, so try again later; if the error persists, contact the service about the video",
            ),
        }
    }

    pub(super) fn changes_too_often(&self, what: &str) -> Error {
        let url = redacted(&self.urls.video(self.index).url);
        let message = format!(
            "the download restarted {MAX_RESTARTS} times without completing; the last time, the host {what}: {url}; try \
             again later"
        );
        Error::new(ErrorKind::Download, message)
    }

    pub(super) fn truncated(&self, defect: &str, sink: &impl Sink, is_same_again: bool) -> Error {
        let url = redacted(&self.urls.video(self.index).url);
        let mut message = format!("the video is truncated: {defect}: {url}");
        if is_same_again {
            message.push_str("; a second request returned the same bytes");
        }
        if let Some(part) = sink.part() {
            message.push_str(&format!(
                "; the received bytes are kept in {}",
                part.display()
            ));
        }
        message.push_str("; try again later, or accept the truncated video with `allow_truncated`");
        Error::new(ErrorKind::Download, message)
    }

    pub(super) fn given_up(
        &self,
        what: String,
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
        sink: &impl Sink,
        arrived: &Arrived,
    ) -> Error {
        let mut message = what;
        if self.limits.retries > 0 {
            message.push_str(&format!("; {} retries failed", self.limits.retries));
        }
        if let Some(part) = sink.part().filter(|_| sink.keeps() && arrived.bytes > 0) {
            let (bytes, part) = (arrived.bytes, part.display());
            message.push_str(&match arrived.version.serves_ranges {
                Some(true) => format!(
                    "; {bytes} bytes are kept in {part}, and the next download continues this part; remove the part to start \
                     over"
                ),
                _ => format!(
                    "; {bytes} bytes are kept in {part}, and the next download continues this part if the host can send only \
                     the rest"
                ),
            });
        }
        let error = Error::new(ErrorKind::Download, message);
        match source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}
