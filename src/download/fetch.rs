//! One video from its host to a sink, through everything that passes: connections that break, hosts that are busy, URLs
//! that expire, files that change.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use reqwest::{Response, StatusCode, header::CONTENT_ENCODING};
use tokio::time::Instant;

use super::{
    Received,
    arrived::{Arrived, HEAD},
    ask::{AttemptError, refused},
    container::{Completeness, Inspector},
    content,
    judge::{Judgement, judge},
    links::{Links, Renewed},
    sink::Sink,
    version::{Version, text},
};
use crate::{Error, ErrorKind, http::Files, urls::redacted};

mod errors;

/// What one video is fetched with.
pub(super) struct Fetch<'f, 'a> {
    pub(super) files: &'f Files,
    pub(super) links: &'f mut Links<'a>,
    pub(super) index: usize,
    pub(super) limits: Limits,
    pub(super) progress: Option<&'f mut (dyn FnMut(Received) + Send + 'a)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) max_bytes: u64,
    /// How often in a row it is tried again without progress.
    pub(super) retries: u32,
    /// The first pause; it doubles.
    pub(super) backoff: Duration,
    /// How long a file may be missing that is only just completed.
    pub(super) missing: Duration,
    /// Whether a truncated file is good enough.
    pub(super) allow_truncated: bool,
}

/// What a response brings.
enum Body {
    /// A file from its first byte.
    File(Version),
    /// What follows on the part, up to this byte, exclusive.
    Rest { end: u64 },
}

/// As many bytes as count as progress: a host that sends a few before it breaks off is not asked for ever.
const PROGRESS: u64 = 64 * 1024;

const LONGEST_BACKOFF: Duration = Duration::from_secs(8);

/// How many ranges of less than [`PROGRESS`] a host may send.
const MAX_SHORT_PARTS: u32 = 20;

/// How often a download begins anew.
const MAX_RESTARTS: u32 = 3;

impl Fetch<'_, '_> {
    /// Fetches the video, or what is missing of it.
    pub(super) async fn run(
        &mut self,
        sink: &mut impl Sink,
        arrived: &mut Arrived,
    ) -> Result<(), Error> {
        let began = Instant::now();
        // A clock may be wrong, so a URL that seems to have expired is tried if there is no other.
        let (mut renewed, mut renewals) = (None, 0);
        if self.links.is_expired(self.index) {
            renewed = Some(self.links.renew(self.index).await);
        }
        let (mut failures, mut mark) = (0, arrived.bytes);
        let (mut missed, mut short_parts, mut truncated_at) = (0, 0, None);
        loop {
            let (before, is_resuming) = (arrived.bytes, arrived.part().is_some());
            let outcome = self.attempt(sink, arrived).await;
            // Whatever the outcome is, what has arrived is written first.
            sink.settle().await?;
            let error = match outcome {
                Err(error) => error,
                Ok(()) => {
                    let Some(defect) = self.defect(arrived) else {
                        return Ok(());
                    };
                    // The bytes are all that the host has, whatever becomes of the next request.
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
                    AttemptError::BeginAnew(defect)
                }
            };
            let can_restart = arrived.restarts < MAX_RESTARTS;
            match error {
                // A request for a range that fails for any reason is worth one for the whole file.
                AttemptError::Fatal(_) if is_resuming && can_restart => {
                    arrived.wants_whole = true;
                }
                AttemptError::Fatal(error) | AttemptError::Local(error) => return Err(error),
                AttemptError::Discard(error) => {
                    sink.discard();
                    return Err(error);
                }
                AttemptError::BeginAnew(what) if !can_restart => {
                    return Err(self.changes_too_often(&what));
                }
                AttemptError::BeginAnew(_) => arrived.wants_whole = true,
                AttemptError::More if arrived.bytes >= before + PROGRESS => {}
                AttemptError::More => {
                    short_parts += 1;
                    if short_parts > MAX_SHORT_PARTS {
                        let what = "the video's host sends it in parts of a few bytes".to_owned();
                        return Err(self.given_up(what, None, sink, arrived));
                    }
                }
                AttemptError::Refused(status) => {
                    // A service that could not be reached is asked once more.
                    if !matches!(renewed, Some(Renewed::Fresh | Renewed::Same)) && renewals < 2 {
                        renewals += 1;
                        let answer = self.links.renew(self.index).await;
                        let is_fresh = matches!(answer, Renewed::Fresh);
                        renewed = Some(answer);
                        if is_fresh {
                            continue;
                        }
                    }
                    let is_missing = status == StatusCode::NOT_FOUND;
                    let left = self.limits.missing.saturating_sub(began.elapsed());
                    if is_missing && self.limits.retries > 0 && !left.is_zero() {
                        // Storage may need a while until a new file is everywhere.
                        missed += 1;
                        let least = self.limits.missing / 1000;
                        tokio::time::sleep(self.backoff(missed).max(least).min(left)).await;
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
                    if arrived.bytes >= mark + PROGRESS {
                        (failures, mark) = (0, arrived.bytes);
                    }
                    failures += 1;
                    if failures > self.limits.retries {
                        let is_answered = !source.as_deref().is_some_and(is_unreached);
                        let is_range_at_fault =
                            is_resuming && arrived.bytes == before && is_answered;
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

    /// Sends one request, and takes what comes.
    async fn attempt(
        &mut self,
        sink: &mut impl Sink,
        arrived: &mut Arrived,
    ) -> Result<(), AttemptError> {
        let link = self.links.video(self.index).url.clone();
        let part = arrived.part();
        if part.is_none() && arrived.bytes > 0 && arrived.restarts == MAX_RESTARTS {
            let what = "breaks it off, and cannot send the rest alone";
            return Err(AttemptError::BeginAnew(what.into()));
        }
        let response = self.files.ask(&link, part).await?;
        let known = (arrived.bytes > 0).then_some(&arrived.version);
        match judge(&response, part, known) {
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
            Judgement::BeginAnew(what) => Err(AttemptError::BeginAnew(what.into())),
            Judgement::Refused(what) => {
                let mut what = format!("the video's host {what}: {}", redacted(&link));
                if let Some(part) = sink.part().filter(|_| arrived.bytes > 0) {
                    what.push_str(&format!("; remove {} to begin anew", part.display()));
                }
                Err(AttemptError::fatal(what))
            }
            Judgement::NoFile => Err(refused(&response, &link)),
        }
    }

    /// What can be said before a byte has come.
    fn check(&self, response: &Response, total: Option<u64>) -> Result<(), AttemptError> {
        if total.is_some_and(|total| total > self.limits.max_bytes) {
            return Err(AttemptError::Discard(self.too_large()));
        }
        // Some stores keep the name of their own way of sending, which was taken off when the file was stored.
        let coding = text(response, CONTENT_ENCODING)
            .unwrap_or_default()
            .to_ascii_lowercase();
        if ["gzip", "deflate", "br", "zstd", "compress"]
            .iter()
            .any(|known| coding.contains(known))
        {
            let what =
                format!("the video's host sent it compressed ({coding}), which was not asked for");
            return Err(AttemptError::fatal(what));
        }
        Ok(())
    }

    /// Takes the body of a response.
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
        // Held back until it is known to be no page; a file that is here already is left alone as long.
        let mut held: Vec<Bytes> = Vec::new();
        let mut head: Vec<u8> = Vec::new();
        let mut skip = 0;
        loop {
            let next = match response.chunk().now_or_never() {
                Some(next) => Some(next),
                None => {
                    // The host is slower than the disk, so nothing is gained by writing in larger pieces.
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
                    let link = redacted(&self.links.video(self.index).url);
                    return Err(AttemptError::fatal(format!(
                        "the video's host sent {page} instead of a video: {link}"
                    )));
                }
                skip = self.begin(begun, sink, arrived).await?;
                arrived.head = std::mem::take(&mut head);
                arrived.version = version.take().unwrap_or_default();
            }
            for mut bytes in held.drain(..) {
                let here = skip.min(bytes.len() as u64);
                skip -= here;
                let _ = bytes.split_to(usize::try_from(here).unwrap_or_default());
                if end.is_some_and(|end| arrived.bytes + bytes.len() as u64 > end) {
                    let what = "sent more of it than its `Content-Range` states";
                    return Err(AttemptError::BeginAnew(what.into()));
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

    /// Prepares the sink for a file from its first byte; how many of its bytes the sink has already.
    async fn begin(
        &mut self,
        version: &Version,
        sink: &mut impl Sink,
        arrived: &mut Arrived,
    ) -> Result<u64, AttemptError> {
        if arrived.bytes > 0 {
            if arrived.restarts == MAX_RESTARTS {
                return Err(AttemptError::BeginAnew("sends it from its start".into()));
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

    /// What the end of a body means, by the lengths that are stated: that of the file, else the `end` of the range.
    fn judge_length(&self, arrived: &Arrived, end: Option<u64>) -> Result<(), AttemptError> {
        let bytes = arrived.bytes;
        let stated = self.links.video(self.index).file_size;
        let total = arrived.version.total;
        // A range may end before the file does; behind the last one of a file of unknown length, the host says so (416).
        if end == Some(bytes) && total.is_none_or(|total| bytes < total) {
            return Err(AttemptError::More);
        }
        let expected = total.or(end).or_else(|| {
            // Without a length from the host, the end of the body may be the end of the connection alone.
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

    /// Why the file that has arrived is not whole, although its host sent all that it has.
    fn defect(&self, arrived: &Arrived) -> Option<String> {
        if let Completeness::Truncated(what) = arrived.inspector.finish().completeness {
            return Some(what);
        }
        let bytes = arrived.bytes;
        let stated = self.links.video(self.index).file_size?;
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
            let stated = self.links.video(self.index).file_size;
            progress(Received {
                index: self.index,
                bytes: arrived.bytes,
                total: arrived.version.total.or(stated),
            });
        }
        Ok(())
    }

    /// How long to wait before the next attempt, after so many failures in a row.
    fn backoff(&self, failures: u32) -> Duration {
        let doubled = 2u32.saturating_pow(failures.saturating_sub(1));
        (self.limits.backoff.saturating_mul(doubled)).min(LONGEST_BACKOFF)
    }
}

/// Whether no connection came about, so that the request is not at fault.
fn is_unreached(source: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    let error = source.downcast_ref::<reqwest::Error>();
    error.is_some_and(reqwest::Error::is_connect)
}
