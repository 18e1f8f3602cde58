//! Takes each video of a download to its destination, and builds the results and errors.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Download, Written,
    arrived::Arrived,
    content::{self, disagreement},
    digest::Digest,
    error::exists,
    fetch::{Fetch, Limits},
    name::{numbered, numbered_shorter},
    part::Part,
    sink::Sink,
    target::{Obstacle, ReservedTarget},
    version::Version,
    video_urls::{self, VideoUrls},
};
use crate::{Error, ErrorKind, Saved, Video, error::WaitState};

/// Where a download saves its videos.
pub(super) trait Place: Sync {
    /// The reserved name of one video.
    type Target: Send;

    /// Reserves the name of the `number`th video to be saved, as far as the name is known before the download.
    fn reserve(
        &self,
        number: usize,
        overwrite: bool,
    ) -> impl Future<Output = Result<Self::Target, Error>> + Send;

    /// Downloads the video at `index` to its target.
    fn save<'a>(
        &self,
        download: &mut Download<'a>,
        urls: &mut VideoUrls<'a>,
        index: usize,
        target: Self::Target,
    ) -> impl Future<Output = Result<Saved, Error>> + Send;
}

/// The files of a download's videos.
pub(super) enum Destination {
    /// A file at exactly this path.
    File(PathBuf),
    /// A file at this path, with the extension of the received content.
    Folder(PathBuf),
}

impl Place for Destination {
    type Target = ReservedTarget;

    /// If the name of a second or later video is taken, the video gets the next free number: the caller has not chosen
    /// that name, so a conflict must not lose a paid video.
    async fn reserve(&self, number: usize, overwrite: bool) -> Result<ReservedTarget, Error> {
        let (Self::File(path) | Self::Folder(path)) = self;
        let (is_first, mut number) = (number == 0, number);
        loop {
            let path_of_video = numbered(path, number);
            // In a folder, the name's extension is that of the content, which is not known yet.
            if let (Self::Folder(_), false) = (self, overwrite)
                && let Some(taken) = content::extensions()
                    .map(|extension| path_of_video.with_extension(extension))
                    .find(|path| path.exists())
            {
                if !is_first && number < MAX_NUMBER {
                    number += 1;
                    continue;
                }
                return Err(Error::new(ErrorKind::Io, exists(&taken)));
            }
            let mut reserved = ReservedTarget::new(&path_of_video, overwrite).await;
            if !is_first && reserved.as_ref().is_err_and(Obstacle::may_be_too_long) {
                reserved = ReservedTarget::new(&numbered_shorter(path, number), overwrite).await;
            }
            match reserved {
                Err(Obstacle::Exists(_)) if !is_first && number < MAX_NUMBER => number += 1,
                reserved => return reserved.map_err(Error::from),
            }
        }
    }

    async fn save<'a>(
        &self,
        download: &mut Download<'a>,
        urls: &mut VideoUrls<'a>,
        index: usize,
        target: ReservedTarget,
    ) -> Result<Saved, Error> {
        let mut part = Part::open(target, urls.identity(index))?;
        let (length, version) = part.progress();
        let mut arrived = Arrived::new(length, version, download.digest());
        if arrived.bytes > 0 {
            arrived = part.read(arrived, Arrived::read).await?;
        }
        download.fetch(urls, index, &mut part, &mut arrived).await?;
        let path = self.path(part.target(), &arrived);
        let written = download.written(urls.video(index), &mut part, arrived, Some(&path))?;
        part.finish(&path).await?;
        Ok(written.saved(path))
    }
}

impl Destination {
    /// The final path of a received video.
    fn path(&self, reserved: &ReservedTarget, arrived: &Arrived) -> PathBuf {
        let path = reserved.path().to_owned();
        match self {
            Self::File(_) => path,
            Self::Folder(_) => match content::extension_of(arrived) {
                Some(extension) => path.with_extension(extension),
                None => path,
            },
        }
    }
}

impl<'a> Download<'a> {
    pub(super) async fn save<P: Place>(
        mut self,
        place: P,
        first: Option<P::Target>,
    ) -> Result<Vec<Saved>, Error> {
        let chosen = self.chosen().map_err(|error| self.with_generation(error))?;
        let mut urls = VideoUrls::new(self.client.clone(), self.generation);
        // The target is reserved before the first request.
        let mut first = match first {
            Some(first) => Some(first),
            None => {
                let reserved = place.reserve(0, self.overwrite).await;
                Some(reserved.map_err(|error| self.with_generation(error))?)
            }
        };
        let (mut saved, mut failed) = (Vec::new(), None);
        // The first saved video gets the name without a number, also if the caller chose a later one.
        for (number, index) in chosen.enumerate() {
            let outcome = match first.take() {
                Some(first) => Ok(first),
                None => place.reserve(number, self.overwrite).await,
            };
            let outcome = match outcome {
                // The future is large, and callers may hold many downloads.
                Ok(target) => Box::pin(place.save(&mut self, &mut urls, index, target)).await,
                Err(error) => Err(error),
            };
            match outcome {
                Ok(file) => saved.push(file),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            None => Ok(saved),
            Some(error) => Err(self.with_generation(error).with_saved(saved)),
        }
    }

    pub(super) async fn into_sink(mut self, sink: &mut impl Sink) -> Result<Written, Error> {
        let index = match self.chosen() {
            Ok(chosen) => chosen.start,
            Err(error) => return Err(self.with_generation(error)),
        };
        let mut urls = VideoUrls::new(self.client.clone(), self.generation);
        let mut arrived = Arrived::new(0, Version::default(), self.digest());
        let fetched = self.fetch(&mut urls, index, sink, &mut arrived).await;
        let written = match fetched {
            Ok(()) => self.written(urls.video(index), sink, arrived, None),
            Err(error) => Err(error),
        };
        written.map_err(|error| self.with_generation(error))
    }

    pub(super) async fn fetch(
        &mut self,
        urls: &mut VideoUrls<'a>,
        index: usize,
        sink: &mut impl Sink,
        arrived: &mut Arrived,
    ) -> Result<(), Error> {
        let limits = Limits {
            max_bytes: self.max_bytes.unwrap_or(MAX_BYTES_ON_DISK),
            retries: self.retries,
            backoff: self.backoff,
            missing: self.missing,
            allow_truncated: self.allow_truncated,
        };
        let mut fetch = Fetch {
            files: self.client.files(),
            urls,
            index,
            limits,
            progress: self
                .progress
                .as_mut()
                .map(|progress| &mut **progress.get_mut()),
        };
        // The future is large, and callers may hold many downloads.
        Box::pin(fetch.run(sink, arrived)).await
    }

    pub(super) fn digest(&self) -> Digest {
        Digest::of(self.sha256 || self.expected.is_some())
    }

    /// Checks the digest of a complete video, and builds the result.
    pub(super) fn written(
        &self,
        video: &Video,
        sink: &mut impl Sink,
        arrived: Arrived,
        path: Option<&Path>,
    ) -> Result<Written, Error> {
        let disagreement = disagreement(video, &arrived, path);
        let sent = arrived.version.content_type;
        let sha256 = arrived.digest.finish();
        if let (Some(expected), Some(found)) = (&self.expected, &sha256)
            && expected != found
        {
            sink.discard();
            let message = format!("the video's SHA-256 is {found}, but {expected} was expected");
            return Err(Error::new(ErrorKind::Download, message));
        }
        Ok(Written {
            bytes: arrived.bytes,
            content_type: sent.or_else(|| video.content_type.clone()),
            disagreement,
            sha256: sha256.filter(|_| self.sha256),
        })
    }

    /// The indices of the videos to download.
    fn chosen(&self) -> Result<Range<usize>, Error> {
        let count = self.generation.videos().len();
        let missing = |what: String| Err(Error::new(ErrorKind::MissingVideo, what));
        if count == 0 {
            return missing("the generation has no video to save".into());
        }
        if let Some(index) = self.only.filter(|index| *index >= count) {
            return missing(format!(
                "the generation has {count} videos; there is no video with index {index} (counted from 0)"
            ));
        }
        if let Some(expected) = &self.expected {
            let wrong = |what: &str| Err(Error::new(ErrorKind::Configuration, what));
            if expected.len() != 64 || !expected.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return wrong(
                    "the value of `expect_sha256` is not a SHA-256; give 64 hexadecimal digits",
                );
            }
            if count > 1 && self.only.is_none() {
                return wrong(
                    "`expect_sha256` applies to one video, and the generation has several; choose one with `video`",
                );
            }
        }
        Ok(self.only.map_or(0..count, |index| index..index + 1))
    }

    /// Adds the handle and the generation to the error.
    fn with_generation(&self, error: Error) -> Error {
        let Some(handle) = video_urls::handle(self.generation) else {
            return error;
        };
        error.with_wait(WaitState {
            handle,
            last: Some(self.generation.clone()),
            elapsed: Duration::ZERO,
            polls: 0,
            answered: 0,
            budget_delay: Duration::ZERO,
        })
    }
}

impl Written {
    pub(super) fn saved(self, path: PathBuf) -> Saved {
        Saved {
            path,
            bytes: self.bytes,
            content_type: self.content_type,
            disagreement: self.disagreement,
            sha256: self.sha256,
        }
    }
}

/// The maximum number in the name of a second or later video.
pub(super) const MAX_NUMBER: usize = 999;

const MAX_BYTES_ON_DISK: u64 = 2 * 1024 * 1024 * 1024;
pub(super) const MAX_BYTES_IN_MEMORY: u64 = 256 * 1024 * 1024;
