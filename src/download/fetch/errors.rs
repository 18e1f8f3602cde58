//! The errors that end an attempt or the whole download.

use reqwest::StatusCode;

use super::{
    super::{ask::AttemptError, links::Renewed, sink::Sink},
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
        let link = redacted(&self.links.video(self.index).url);
        AttemptError::Transient {
            what: format!("the video {how} after {bytes} bytes: {link}"),
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

    /// The host refuses the URL, and there is no better one.
    pub(super) fn refused(&self, status: StatusCode, renewed: Option<Renewed>) -> Error {
        let shown = self.links.shown(self.index);
        let what = format!("the video's host answered {status} for {shown}");
        let error = |advice: &str| Error::new(ErrorKind::Download, format!("{what}; {advice}"));
        match renewed {
            Some(Renewed::Unknown(source)) => {
                error("no fresh link could be had, so try again later").with_source(source)
            }
            Some(Renewed::Fresh) => error(
                "it is a fresh link already, so try again later, and if that does not help ask the service for the video",
            ),
            _ => error(
                "the service has no other link, so try again later, and if that does not help ask the service for the video",
            ),
        }
    }

    pub(super) fn changes_too_often(&self, what: &str) -> Error {
        let link = redacted(&self.links.video(self.index).url);
        let message = format!(
            "the video began anew {MAX_RESTARTS} times without coming to an end; at last its host {what}: {link}; try again \
             later"
        );
        Error::new(ErrorKind::Download, message)
    }

    pub(super) fn truncated(&self, defect: &str, sink: &impl Sink, is_same_again: bool) -> Error {
        let link = redacted(&self.links.video(self.index).url);
        let mut message = format!("the video is truncated: {defect}: {link}");
        if is_same_again {
            message.push_str("; fetched once more, it was the same");
        }
        if let Some(part) = sink.part() {
            message.push_str(&format!("; it is kept as {}", part.display()));
        }
        message.push_str("; try again later, or take it as it is by `allow_truncated`");
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
            message.push_str(&format!(
                "; tried again {} times in vain",
                self.limits.retries
            ));
        }
        if let Some(part) = sink.part().filter(|_| sink.keeps() && arrived.bytes > 0) {
            let (bytes, part) = (arrived.bytes, part.display());
            message.push_str(&match arrived.version.serves_ranges {
                Some(true) => format!(
                    "; {bytes} bytes are kept in {part}, and the next download goes on from there; remove it to begin anew"
                ),
                _ => format!(
                    "; {bytes} bytes are kept in {part}, and the next download goes on from there if the host can send the \
                     rest alone"
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
