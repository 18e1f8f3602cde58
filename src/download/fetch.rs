//! The retry loop that downloads one video from its host to a sink.
//!
//! [`Fetch::run`] repeats attempts until the file is complete or an error is final. It handles broken connections
//! (retry with backoff), busy hosts (`Retry-After`), expired URLs (a fresh URL from the service), missing files (a
//! wait), ranges that fail (a request for the whole file), and truncated files (one more request from the start).

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use reqwest::{Response, StatusCode, header::CONTENT_ENCODING};
use tokio::time::Instant;

use super::{
    Received,
    arrived::{Arrived, HEAD},
    container::{Completeness, Inspector},
    content,
    judge::{Judgement, judge},
    request::{AttemptError, refused},
    sink::Sink,
    version::{Version, text},
    video_urls::{Renewed, VideoUrls},
};
use crate::{Error, ErrorKind, http::Files, urls::redacted};

mod errors;

/// The download of one video: its client, URLs, limits and callback.
pub(super) struct Fetch<'f, 'a> {
    pub(super) files: &'f Files,
    pub(super) urls: &'f mut VideoUrls<'a>,
    pub(super) index: usize,
    pub(super) limits: Limits,
    pub(super) progress: Option<&'f mut (dyn FnMut(Received) + Send + 'a)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) max_bytes: u64,
    /// The maximum number of consecutive retries without progress.
    pub(super) retries: u32,
    /// The first backoff, which doubles with each retry.
    pub(super) backoff: Duration,
    /// How long a file may be missing after the generation is completed.
    pub(super) missing: Duration,
    /// Whether a truncated file is accepted.
    pub(super) allow_truncated: bool,
}

/// The content of a response's body.
enum Body {
    /// The file from its first byte.
    File(Version),
    /// The bytes after the part, up to the offset `end`, exclusive.
    Rest { end: u64 },
}

/// The minimum number of bytes that count as progress, so that a host that sends a few bytes per attempt is not retried
/// forever.
const MIN_PROGRESS: u64 = 64 * 1024;

const MAX_BACKOFF: Duration = Duration::from_secs(8);

/// The maximum number of ranges of less than [`MIN_PROGRESS`] that a host may send.
const MAX_SHORT_RANGES: u32 = 20;

/// The maximum number of restarts from the first byte.
const MAX_RESTARTS: u32 = 3;

impl Fetch<'_, '_> {
    /// Downloads the video, or the missing rest of the video.
    pub(super) async fn run(
        &mut self,
        sink: &mut impl Sink,
        arrived: &mut Arrived,
    ) -> Result<(), Error> {
        let began = Instant::now();
        // The clock of this machine may be wrong, so a URL that seems to have expired is used if the service has no
        // other.
        let (mut renewed, mut renewals) = (None, 0);
        if self.urls.is_expired(self.index) {
            renewed = Some(self.urls.renew(self.index).await);
        }
        let (mut failures, mut mark) = (0, arrived.bytes);
        let (mut missed, mut short_ranges, mut truncated_at) = (0, 0, None);
        loop {
            let (before, is_resuming) = (arrived.bytes, arrived.resume_point().is_some());
            let outcome = self.attempt(sink, arrived).await;
            // After any outcome, the received bytes are written first.
            sink.settle().await?;
            let error = match outcome {
                Err(error) => error,
                Ok(()) => {
                    let Some(defect) = self.defect(arrived) else {
                        return Ok(());
                    };
                    // The host has no more bytes, so the part is kept even if the next request fails.
                    sink.keep();
                    let is_same_again = truncated_at.replace(arrived.bytes) == Some(arrived.bytes);
                    let is_final =
                        is_same_again || !sink.can_restart() || arrived.restarts == MAX_RESTARTS;
                    if is_final && self.limits.allow_truncated {
                        arrived.defect = Some(defect);
                        return Ok(());
                    }
                    if is_final {
                        return Err(self.truncated(&defect, sink, is_same_again));
                    }
                    AttemptError::Restart(defect)
                }
            };
            let can_restart = arrived.restarts < MAX_RESTARTS;
            match error {
                // After a range request that fails for any reason, the whole file is requested.
                AttemptError::Fatal(_) if is_resuming && can_restart => {
                    arrived.wants_whole = true;
                }
                AttemptError::Fatal(error) | AttemptError::Local(error) => return Err(error),
                AttemptError::Discard(error) => {
                    sink.discard();
                    return Err(error);
                }
                AttemptError::Restart(what) if !can_restart => {
                    return Err(self.changes_too_often(&what));
                }
                AttemptError::Restart(_) => arrived.wants_whole = true,
                AttemptError::More if arrived.bytes >= before + MIN_PROGRESS => {}
                AttemptError::More => {
                    short_ranges += 1;
                    if short_ranges > MAX_SHORT_RANGES {
                        let what = "the video's host sends ranges of only a few bytes".to_owned();
                        return Err(self.given_up(what, None, sink, arrived));
                    }
                }
                AttemptError::Refused(status) => {
                    // If the first request for a fresh URL got no response, it is repeated once.
                    if !matches!(renewed, Some(Renewed::Fresh | Renewed::Same)) && renewals < 2 {
                        renewals += 1;
                        let result = self.urls.renew(self.index).await;
                        let is_fresh = matches!(result, Renewed::Fresh);
                        renewed = Some(result);
                        if is_fresh {
                            continue;
                        }
                    }
                    let is_missing = status == StatusCode::NOT_FOUND;
                    let left = self.limits.missing.saturating_sub(began.elapsed());
                    if is_missing && self.limits.retries > 0 && !left.is_zero() {
                        // Storage may need a while until a new file is available on every server.
                        missed += 1;
                        let min_pause = self.limits.missing / 1000;
                        tokio::time::sleep(self.backoff(missed).max(min_pause).min(left)).await;
                    } else if is_resuming && can_restart {
                        arrived.wants_whole = true;
                    } else {
                        return Err(self.refused(status, renewed));
                    }
                }
                AttemptError::Transient {
                    what,
                    source,
                    pause,
                } => {
                    if arrived.bytes < before {
                        mark = 0;
                    }
                    if arrived.bytes >= mark + MIN_PROGRESS {
                        (failures, mark) = (0, arrived.bytes);
                    }
                    failures += 1;
                    if failures > self.limits.retries {
                        let is_connected = !source.as_deref().is_some_and(is_connect_error);
                        let is_range_at_fault =
                            is_resuming && arrived.bytes == before && is_connected;
                        if !is_range_at_fault || !can_restart {
                            return Err(self.given_up(what, source, sink, arrived));
                        }
                        arrived.wants_whole = true;
                    } else {
                        tokio::time::sleep(pause.unwrap_or(self.backoff(failures))).await;
                    }
                }
            }
        }
    }

    /// Sends one request, and writes the body of the response to the sink.
    async fn attempt(
        &mut self,
        sink: &mut impl Sink,
        arrived: &mut Arrived,
    ) -> Result<(), AttemptError> {
        let url = self.urls.video(self.index).url.clone();
        let resume_point = arrived.resume_point();
        if resume_point.is_none() && arrived.bytes > 0 && arrived.restarts == MAX_RESTARTS {
            let what = "broke off the video, and cannot send only the rest";
            return Err(AttemptError::Restart(what.into()));
        }
        let response = self.files.get(&url, resume_point).await?;
        let known = (arrived.bytes > 0).then_some(&arrived.version);
        match judge(&response, resume_point, known) {
            Judgement::Whole(version) => {
                self.check(&response, version.total)?;
                self.take(response, Body::File(version), sink, arrived)
                    .await
            }
            Judgement::Continues { end, total } => {
                self.check(&response, total)?;
                arrived.version.total = total;
                arrived.version.serves_ranges = Some(true);
                self.take(response, Body::Rest { end }, sink, arrived).await
            }
            Judgement::Complete => {
                arrived.version.total = Some(arrived.bytes);
                Ok(())
            }
            Judgement::Restart(what) => Err(AttemptError::Restart(what.into())),
            Judgement::Refused(what) => {
                let mut what = format!("the video's host {what}: {}", redacted(&url));
                if let Some(part) = sink.part().filter(|_| arrived.bytes > 0) {
                    what.push_str(&format!("; remove {} to start over", part.display()));
                }
                Err(AttemptError::fatal(what))
            }
            Judgement::NoFile => Err(refused(&response, &url)),
        }
    }

    /// Checks the stated size and the content coding, before the body is read.
    fn check(&self, response: &Response, total: Option<u64>) -> Result<(), AttemptError> {
        if total.is_some_and(|total| total > self.limits.max_bytes) {
            return Err(AttemptError::Discard(self.too_large()));
        }
        // Some stores keep a `Content-Encoding` such as `aws-chunked`, which was removed when the file was stored.
        let coding = text(response, CONTENT_ENCODING)
            .unwrap_or_default()
            .to_ascii_lowercase();
        if ["gzip", "deflate", "br", "zstd", "compress"]
            .iter()
            .any(|known| coding.contains(known))
        {
            let what = format!(
                "the video's host sent a compressed file ({coding}), which was not requested"
            );
            return Err(AttemptError::fatal(what));
        }
        Ok(())
    }

    /// Reads the body of a response and writes it to the sink.
    async fn take(
        &mut self,
        mut response: Response,
        body: Body,
        sink: &mut impl Sink,
        arrived: &mut Arrived,
    ) -> Result<(), AttemptError> {
        let (mut version, end) = match body {
            Body::File(version) => (Some(version), None),
            Body::Rest { end } => (None, Some(end)),
        };
        // The first bytes are held back until the content is known not to be a page, so that a page does not replace an
        // earlier part.
        let mut held: Vec<Bytes> = Vec::new();
        let mut head: Vec<u8> = Vec::new();
        let mut skip = 0;
        loop {
            let next = match response.chunk().now_or_never() {
                Some(next) => Some(next),
                None => {
                    // The host is slower than the disk, so larger writes would not be faster.
                    sink.settle().await.map_err(AttemptError::Local)?;
                    self.files.idle(response.chunk()).await
                }
            };
            let chunk = match next {
                Some(Ok(chunk)) => chunk,
                Some(Err(error)) => {
                    return Err(self.broken("broke off", arrived.bytes, Some(error)));
                }
                None => return Err(self.broken("stopped arriving", arrived.bytes, None)),
            };
            let is_end = chunk.is_none();
            held.extend(chunk);
            if let Some(begun) = &version {
                head.clear();
                for bytes in &held {
                    head.extend_from_slice(&bytes[..bytes.len().min(HEAD - head.len())]);
                }
                if head.len() < HEAD && !is_end {
                    continue;
                }
                if head.is_empty() {
                    return Err(AttemptError::fatal("the video's host sent an empty file"));
                }
                if let Some(page) = content::not_a_video(&head, begun.content_type.as_deref()) {
                    let url = redacted(&self.urls.video(self.index).url);
                    return Err(AttemptError::fatal(format!(
                        "the video's host sent {page} instead of a video: {url}"
                    )));
                }
                skip = self.begin(begun, sink, arrived).await?;
                arrived.head = std::mem::take(&mut head);
                arrived.version = version.take().unwrap_or_default();
            }
            for mut bytes in held.drain(..) {
                let skipped = skip.min(bytes.len() as u64);
                skip -= skipped;
                let _ = bytes.split_to(usize::try_from(skipped).unwrap_or_default());
                if end.is_some_and(|end| arrived.bytes + bytes.len() as u64 > end) {
                    let what = "sent more bytes than its `Content-Range` states";
                    return Err(AttemptError::Restart(what.into()));
                }
                self.write(bytes, sink, arrived).await?;
            }
            if is_end {
                break;
            }
        }
        if skip > 0 {
            return Err(self.broken("broke off", arrived.bytes, None));
        }
        self.judge_length(arrived, end)
    }

    /// Prepares the sink for a file from its first byte; returns the number of bytes that the sink already has.
    async fn begin(
        &mut self,
        version: &Version,
        sink: &mut impl Sink,
        arrived: &mut Arrived,
    ) -> Result<u64, AttemptError> {
        if arrived.bytes > 0 {
            if arrived.restarts == MAX_RESTARTS {
                let what = "sent the video from the start";
                return Err(AttemptError::Restart(what.into()));
            }
            arrived.restarts += 1;
        }
        let skip = sink.begin(version).await.map_err(AttemptError::Local)?;
        if skip == 0 {
            arrived.bytes = 0;
            arrived.digest.reset();
            arrived.inspector = Inspector::default();
        }
        arrived.wants_whole = false;
        Ok(skip)
    }

    /// Checks the number of received bytes at the end of a body against the stated size of the file, or else against
    /// the `end` of the range.
    fn judge_length(&self, arrived: &Arrived, end: Option<u64>) -> Result<(), AttemptError> {
        let bytes = arrived.bytes;
        let stated = self.urls.video(self.index).file_size;
        let total = arrived.version.total;
        // A range may end before the file does. If the size is unknown, the host responds with 416 after the last
        // range.
        if end == Some(bytes) && total.is_none_or(|total| bytes < total) {
            return Err(AttemptError::More);
        }
        let expected = total.or(end).or_else(|| {
            // Without a length from the host, a closed connection looks like the end of the body.
            stated.filter(|stated| bytes < *stated && arrived.version.can_resume())
        });
        match expected {
            Some(total) if bytes < total => Err(AttemptError::transient(format!(
                "the video broke off after {bytes} bytes of {total}"
            ))),
            Some(total) if bytes > total => {
                let what = format!("the video has {bytes} bytes, but its host announced {total}");
                Err(AttemptError::Discard(Error::new(ErrorKind::Download, what)))
            }
            _ => Ok(()),
        }
    }

    /// The reason why the received file is truncated, although the host sent its whole file.
    fn defect(&self, arrived: &Arrived) -> Option<String> {
        if let Completeness::Truncated(what) = arrived.inspector.finish().completeness {
            return Some(what);
        }
        let bytes = arrived.bytes;
        let stated = self.urls.video(self.index).file_size?;
        (bytes < stated)
            .then(|| format!("the generation states {stated} bytes, and its host has {bytes}"))
    }

    async fn write(
        &mut self,
        bytes: Bytes,
        sink: &mut impl Sink,
        arrived: &mut Arrived,
    ) -> Result<(), AttemptError> {
        if bytes.is_empty() {
            return Ok(());
        }
        if arrived.bytes + bytes.len() as u64 > self.limits.max_bytes {
            return Err(AttemptError::Discard(self.too_large()));
        }
        arrived.inspect(&bytes);
        arrived.bytes += bytes.len() as u64;
        sink.write(bytes).await.map_err(AttemptError::Local)?;
        if let Some(progress) = &mut self.progress {
            let stated = self.urls.video(self.index).file_size;
            progress(Received {
                index: self.index,
                bytes: arrived.bytes,
                total: arrived.version.total.or(stated),
            });
        }
        Ok(())
    }

    /// The backoff before the next attempt, after this number of consecutive failures.
    fn backoff(&self, failures: u32) -> Duration {
        let doubled = 2u32.saturating_pow(failures.saturating_sub(1));
        (self.limits.backoff.saturating_mul(doubled)).min(MAX_BACKOFF)
    }
}

/// Whether the connection failed, so that the cause is not the request.
fn is_connect_error(source: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    let error = source.downcast_ref::<reqwest::Error>();
    error.is_some_and(reqwest::Error::is_connect)
}
