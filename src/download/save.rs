//! Each video of a download to its place, and what is told of it.

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
    links::{self, Links},
    name::{numbered, numbered_shorter},
    part::Part,
    sink::Sink,
    target::{Obstacle, ReservedTarget},
    version::Version,
};
use crate::{Error, ErrorKind, Saved, Video, error::WaitState};

/// Where a video goes.
pub(super) enum Place {
    /// To this very path.
    File(PathBuf),
    /// To this path, but with the extension of what arrives.
    Folder(PathBuf),
}

impl Place {
    /// Keeps a name for the video that is the `index`th to be saved, as far as it is known before anything has arrived.
    ///
    /// Where a further video's own name is taken, it gets the next free one: what was paid for must not be lost to a name
    /// that nobody has chosen.
    async fn reserve(&self, index: usize, overwrite: bool) -> Result<ReservedTarget, Error> {
        let (Self::File(path) | Self::Folder(path)) = self;
        let mut number = index;
        loop {
            let path_of_video = numbered(path, number);
            // In a folder, the name's extension is that of the content, which is not known yet.
            if let (Self::Folder(_), false) = (self, overwrite)
                && let Some(taken) = content::extensions()
                    .map(|extension| path_of_video.with_extension(extension))
                    .find(|path| path.exists())
            {
                if index > 0 && number < MAX_NUMBER {
                    number += 1;
                    continue;
                }
                return Err(Error::new(ErrorKind::Io, exists(&taken)));
            }
            let mut reserved = ReservedTarget::new(&path_of_video, overwrite).await;
            if index > 0 && reserved.as_ref().is_err_and(Obstacle::may_be_too_long) {
                reserved = ReservedTarget::new(&numbered_shorter(path, number), overwrite).await;
            }
            match reserved {
                Err(Obstacle::Exists(_)) if index > 0 && number < MAX_NUMBER => number += 1,
                reserved => return reserved.map_err(Error::from),
            }
        }
    }

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
    pub(super) async fn save(
        mut self,
        place: Place,
        first: Option<ReservedTarget>,
    ) -> Result<Vec<Saved>, Error> {
        let chosen = self.chosen().map_err(|error| self.told(error))?;
        let mut links = Links::new(self.client.clone(), self.generation);
        // Before anything is asked for.
        let mut first = match first {
            Some(first) => Some(first),
            None => {
                let reserved = place.reserve(0, self.overwrite).await;
                Some(reserved.map_err(|error| self.told(error))?)
            }
        };
        let (mut saved, mut failed) = (Vec::new(), None);
        // One that is chosen has the name to itself.
        for (number, index) in chosen.enumerate() {
            let outcome = match first.take() {
                Some(first) => Ok(first),
                None => place.reserve(number, self.overwrite).await,
            };
            let outcome = match outcome {
                // It is large, and callers may hold many downloads.
                Ok(target) => Box::pin(self.one(&mut links, index, &place, target)).await,
                Err(error) => Err(error),
            };
            match outcome {
                Ok(file) => saved.push(file),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            None => Ok(saved),
            Some(error) => Err(self.told(error).with_saved(saved)),
        }
    }

    async fn one(
        &mut self,
        links: &mut Links<'a>,
        index: usize,
        place: &Place,
        target: ReservedTarget,
    ) -> Result<Saved, Error> {
        let mut part = Part::open(target, links.identity(index))?;
        let (left, version) = part.left();
        let mut arrived = Arrived::new(left, version, self.digest());
        if arrived.bytes > 0 {
            arrived = part.read(arrived, Arrived::read).await?;
        }
        self.fetch(links, index, &mut part, &mut arrived).await?;
        let path = place.path(part.target(), &arrived);
        let written = self.written(links.video(index), &mut part, arrived, Some(&path))?;
        part.finish(&path).await?;
        Ok(Saved {
            path,
            bytes: written.bytes,
            content_type: written.content_type,
            disagreement: written.disagreement,
            sha256: written.sha256,
        })
    }

    pub(super) async fn into_sink(mut self, sink: &mut impl Sink) -> Result<Written, Error> {
        let index = match self.chosen() {
            Ok(chosen) => chosen.start,
            Err(error) => return Err(self.told(error)),
        };
        let mut links = Links::new(self.client.clone(), self.generation);
        let mut arrived = Arrived::new(0, Version::default(), self.digest());
        let fetched = self.fetch(&mut links, index, sink, &mut arrived).await;
        let written = match fetched {
            Ok(()) => self.written(links.video(index), sink, arrived, None),
            Err(error) => Err(error),
        };
        written.map_err(|error| self.told(error))
    }

    async fn fetch(
        &mut self,
        links: &mut Links<'a>,
        index: usize,
        sink: &mut impl Sink,
        arrived: &mut Arrived,
    ) -> Result<(), Error> {
        let limits = Limits {
            max_bytes: self.max_bytes.unwrap_or(ON_DISK),
            retries: self.retries,
            backoff: self.backoff,
            missing: self.missing,
            allow_truncated: self.allow_truncated,
        };
        let mut fetch = Fetch {
            files: self.client.files(),
            links,
            index,
            limits,
            progress: self
                .progress
                .as_mut()
                .map(|progress| &mut **progress.get_mut()),
        };
        // It is large, and callers may hold many downloads.
        Box::pin(fetch.run(sink, arrived)).await
    }

    fn digest(&self) -> Digest {
        Digest::of(self.sha256 || self.expected.is_some())
    }

    /// What is told of a video that is whole.
    fn written(
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

    /// Which videos are wanted.
    fn chosen(&self) -> Result<Range<usize>, Error> {
        let count = self.generation.videos().len();
        let missing = |what: String| Err(Error::new(ErrorKind::MissingVideo, what));
        if count == 0 {
            return missing("the generation holds no video to save".into());
        }
        if let Some(index) = self.only.filter(|index| *index >= count) {
            return missing(format!(
                "the generation holds {count} videos, and none of index {index}"
            ));
        }
        if let Some(expected) = &self.expected {
            let wrong = |what: &str| Err(Error::new(ErrorKind::Configuration, what));
            if expected.len() != 64 || !expected.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return wrong(
                    "`expect_sha256` was given what is no SHA-256; give 64 hexadecimal digits",
                );
            }
            if count > 1 && self.only.is_none() {
                return wrong(
                    "`expect_sha256` is of one video, and the generation has several; choose one by `video`",
                );
            }
        }
        Ok(self.only.map_or(0..count, |index| index..index + 1))
    }

    /// The error with all that is known of the generation.
    fn told(&self, error: Error) -> Error {
        let Some(handle) = links::handle(self.generation) else {
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

/// As many names are tried at most.
const MAX_NUMBER: usize = 999;

const ON_DISK: u64 = 2 * 1024 * 1024 * 1024;
pub(super) const IN_MEMORY: u64 = 256 * 1024 * 1024;
