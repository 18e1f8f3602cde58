//! One video from its host to a sink, through everything that passes: connections that break, hosts that are busy,
//! links that run out.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use reqwest::{Response, StatusCode, header::CONTENT_ENCODING};

use super::{
    Received,
    ask::{Files, Rest, Trouble, refused},
    content::{self, HEAD},
    digest::Digest,
    links::{Links, Renewed},
    sink::Sink,
    version::{Version, text},
};
use crate::{Error, ErrorKind, uri::redacted};

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
    /// How often in a row it is tried again without getting on.
    pub(super) retries: u32,
    /// The first pause; it doubles.
    pub(super) backoff: Duration,
}

/// How far it has come.
#[derive(Default)]
pub(super) struct Arrived {
    /// Bytes in the sink.
    pub(super) bytes: u64,
    pub(super) version: Version,
    /// The first bytes.
    pub(super) head: Vec<u8>,
    pub(super) digest: Digest,
}

/// As many bytes as count for getting on: a host that sends a few before it breaks off is not asked for ever.
const PROGRESS: u64 = 64 * 1024;

const LONGEST_BACKOFF: Duration = Duration::from_secs(8);

impl Fetch<'_, '_> {
    /// Fetches the video, or what is missing of it.
    pub(super) async fn run(
        &mut self,
        sink: &mut impl Sink,
        arrived: &mut Arrived,
    ) -> Result<(), Error> {
        // A clock may be wrong, so a link that seems to have run out is tried if there is no other.
        let mut renewed = None;
        if self.links.is_expired(self.index) {
            renewed = Some(self.links.renew(self.index).await);
        }
        let (mut failures, mut mark) = (0, arrived.bytes);
        loop {
            let outcome = self.attempt(sink, arrived).await;
            let Err(trouble) = outcome else {
                return sink.settle().await;
            };
            // Whatever the trouble is, what has arrived is put down first.
            sink.settle().await?;
            match trouble {
                Trouble::Lasting(error) => return Err(error),
                Trouble::Useless(error) => {
                    sink.discard();
                    return Err(error);
                }
                Trouble::Link(status) => {
                    if renewed.is_none() {
                        let answer = self.links.renew(self.index).await;
                        let is_fresh = matches!(answer, Renewed::Fresh);
                        renewed = Some(answer);
                        if is_fresh {
                            continue;
                        }
                    }
                    return Err(self.refused(status, renewed));
                }
                Trouble::Passing {
                    what,
                    source,
                    pause,
                } => {
                    if arrived.bytes >= mark + PROGRESS {
                        (failures, mark) = (0, arrived.bytes);
                    }
                    failures += 1;
                    if failures > self.limits.retries {
                        return Err(self.given_up(
                            what,
                            source,
                            sink.keeps().then_some(arrived.bytes),
                        ));
                    }
                    let backoff = self.limits.backoff * 2u32.saturating_pow(failures - 1);
                    tokio::time::sleep(pause.unwrap_or(backoff.min(LONGEST_BACKOFF))).await;
                }
            }
        }
    }

    /// Asks once, and takes what comes.
    async fn attempt(
        &mut self,
        sink: &mut impl Sink,
        arrived: &mut Arrived,
    ) -> Result<(), Trouble> {
        let link = self.links.video(self.index).url.clone();
        let validator = arrived
            .version
            .validator
            .clone()
            .filter(|_| arrived.bytes > 0);
        let rest = validator.as_ref().map(|validator| Rest {
            from: arrived.bytes,
            validator,
        });
        let response = self.files.ask(&link, rest).await?;
        match response.status() {
            StatusCode::OK => {
                let version = Version::of(&response);
                self.check(&response, version.total)?;
                self.take(response, Some(version), sink, arrived).await
            }
            StatusCode::PARTIAL_CONTENT if rest.is_some() => {
                if !arrived.version.is_continued_by(&response, arrived.bytes) {
                    return Err(begin_anew(arrived, "sent another part than was asked for"));
                }
                self.check(&response, None)?;
                self.take(response, None, sink, arrived).await
            }
            StatusCode::RANGE_NOT_SATISFIABLE if rest.is_some() => {
                if !arrived.version.ends_at(&response, arrived.bytes) {
                    return Err(begin_anew(arrived, "has no such part of it"));
                }
                Ok(())
            }
            status if status.is_success() => {
                let what = format!(
                    "the video's host answered {status}, which brings no video: {}",
                    redacted(&link)
                );
                Err(Trouble::lasting(what))
            }
            _ => Err(refused(&response, &link, self.links.is_expired(self.index))),
        }
    }

    /// What can be said before a byte has come.
    fn check(&self, response: &Response, total: Option<u64>) -> Result<(), Trouble> {
        if total.is_some_and(|total| total > self.limits.max_bytes) {
            return Err(Trouble::Useless(self.too_large()));
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
            return Err(Trouble::lasting(what));
        }
        Ok(())
    }

    /// Takes the body: a file from its first byte, if there is a version of one, or what follows on what is here.
    async fn take(
        &mut self,
        mut response: Response,
        mut version: Option<Version>,
        sink: &mut impl Sink,
        arrived: &mut Arrived,
    ) -> Result<(), Trouble> {
        // Held back until it is known to be no page; a file that is here already is left alone as long.
        let mut held: Vec<Bytes> = Vec::new();
        let mut head: Vec<u8> = Vec::new();
        let mut skip = 0;
        loop {
            let next = match response.chunk().now_or_never() {
                Some(next) => Some(next),
                None => {
                    // The host is slower than the disk, so nothing is gained by writing in larger pieces.
                    sink.settle().await.map_err(Trouble::Lasting)?;
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
                    return Err(Trouble::lasting("the video's host sent an empty file"));
                }
                if let Some(page) = content::not_a_video(&head, begun.content_type.as_deref()) {
                    let link = redacted(&self.links.video(self.index).url);
                    return Err(Trouble::lasting(format!(
                        "the video's host sent {page} instead of a video: {link}"
                    )));
                }
                skip = sink.begin(begun).await.map_err(Trouble::Lasting)?;
                if skip == 0 {
                    arrived.bytes = 0;
                    arrived.digest.reset();
                }
                arrived.head = std::mem::take(&mut head);
                arrived.version = version.take().unwrap_or_default();
            }
            for mut bytes in held.drain(..) {
                let here = skip.min(bytes.len() as u64);
                skip -= here;
                let _ = bytes.split_to(usize::try_from(here).unwrap_or_default());
                self.write(bytes, sink, arrived).await?;
            }
            if is_end {
                break;
            }
        }
        match arrived.version.total {
            Some(total) if arrived.bytes < total => {
                let what = format!(
                    "the video broke off after {} bytes of {total}",
                    arrived.bytes
                );
                Err(Trouble::passing(what))
            }
            Some(total) if arrived.bytes > total => {
                let what = format!(
                    "the video has {} bytes, but its host announced {total}",
                    arrived.bytes
                );
                Err(Trouble::Useless(Error::new(ErrorKind::Download, what)))
            }
            _ => Ok(()),
        }
    }

    async fn write(
        &mut self,
        bytes: Bytes,
        sink: &mut impl Sink,
        arrived: &mut Arrived,
    ) -> Result<(), Trouble> {
        if bytes.is_empty() {
            return Ok(());
        }
        if arrived.bytes + bytes.len() as u64 > self.limits.max_bytes {
            return Err(Trouble::Useless(self.too_large()));
        }
        arrived.digest.update(&bytes);
        arrived.bytes += bytes.len() as u64;
        sink.write(bytes).await.map_err(Trouble::Lasting)?;
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

    fn broken(&self, how: &str, bytes: u64, error: Option<reqwest::Error>) -> Trouble {
        let link = redacted(&self.links.video(self.index).url);
        Trouble::Passing {
            what: format!("the video {how} after {bytes} bytes: {link}"),
            source: error.map(|error| error.without_url().into()),
            pause: None,
        }
    }

    fn too_large(&self) -> Error {
        let message = format!(
            "the video is larger than the limit of {} bytes; raise `max_bytes`",
            self.limits.max_bytes
        );
        Error::new(ErrorKind::Download, message)
    }

    /// The host refuses the link, and there is no better one.
    fn refused(&self, status: StatusCode, renewed: Option<Renewed>) -> Error {
        let shown = self.links.shown(self.index);
        let told = format!("the video's host answered {status} for {shown}");
        let error = |what: &str| Error::new(ErrorKind::Download, format!("{told}; {what}"));
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

    fn given_up(
        &self,
        what: String,
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
        kept: Option<u64>,
    ) -> Error {
        let mut message = what;
        if self.limits.retries > 0 {
            message.push_str(&format!(
                "; tried again {} times in vain",
                self.limits.retries
            ));
        }
        if let Some(kept) = kept {
            message.push_str(&format!(
                "; {kept} bytes are kept, and the next download goes on from there"
            ));
        }
        let error = Error::new(ErrorKind::Download, message);
        match source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

/// What is here does not fit what the host has now: the next attempt asks for the whole file.
fn begin_anew(arrived: &mut Arrived, what: &str) -> Trouble {
    arrived.version.validator = None;
    Trouble::Passing {
        what: format!("the video's host {what}"),
        source: None,
        pause: Some(Duration::ZERO),
    }
}
