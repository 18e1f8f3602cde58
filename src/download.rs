//! Bringing a video home: whole under its own name, or not at all.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::io::AsyncWrite;

use crate::{Client, Error, ErrorKind, Generation, Video, error::WaitState};
use content::disagreement;
use digest::Digest;
use fetch::{Arrived, Fetch, Limits};
use links::Links;
use name::numbered;
use part::Part;
use sink::{Memory, Sink, Writer};

mod ask;
mod content;
mod digest;
mod expiry;
mod fetch;
mod hosts;
mod links;
mod name;
mod part;
mod sink;
mod version;

pub(crate) use ask::{Files, Settings};
pub(crate) use expiry::expires_at;

/// A download of the videos of a generation, made by [`Client::download`](crate::Client::download).
///
/// It ends at one of four doors: [`to_file`](Self::to_file), [`to_folder`](Self::to_folder),
/// [`to_bytes`](Self::to_bytes), [`to_writer`](Self::to_writer).
///
/// Neither the key nor any header of the API goes to the host that serves a video. The link is asked for as the service
/// wrote it, every escape of its signature as it came; only what the web's rules for URLs settle is settled as a browser
/// would (`.` and `..` between slashes, a `'` in the query, bytes that no URL may hold).
///
/// # On the way to a file
///
/// What has arrived stands in `NAME.part` beside the target, with `NAME.part.json` that tells what it is a part of. It
/// takes the target's name when it is whole, of the announced length, and on disk. A part that the host can continue (it
/// sent a strong `ETag` or a `Last-Modified`) outlives errors, a dropped future and a killed process: the next download
/// of the same video to the same target asks for the rest alone, unless the host says that the file is another by now.
/// Two downloads never write the same part: the second is refused.
///
/// # What is refused
///
/// - links that are not `https`; `http` passes where the client's own base URL is on this machine, or its builder
///   [allows](crate::ClientBuilder::allow_insecure_http) it
/// - hosts that are not on the public internet, at every redirect, whether the link has their address or a name that
///   leads to it; this machine passes where the client's own base URL is on it, everything where the builder
///   [allows](crate::ClientBuilder::allow_private_hosts) it. Of a host with several addresses the public ones are used.
///   Where the system's proxy takes a link, the proxy resolves names, and only addresses in the link are judged.
/// - a page (HTML, XML, JSON, text that calls itself text) in place of a video; unknown content passes
///
/// # Default
///
/// - an existing file is kept, and the download refused
/// - five redirects
/// - 2 GiB a video at most, 256 MiB into memory
/// - 60 s without a byte break it off ([`idle_timeout`](crate::ClientBuilder::idle_timeout)); there is no limit on the
///   whole
/// - a connection that breaks, and an answer 408, 425, 429 or 5xx, are followed by another attempt for the rest: 5 times in
///   a row without getting on, after 0.5 s, 1 s, 2 s, 4 s, 8 s, or what the host's `Retry-After` says, up to 30 s
/// - a link that has [expired](Video::expires_at), or that the host refuses (403, 410), is asked anew of the service, once
#[must_use = "a download does nothing until it is given a target"]
pub struct Download<'a> {
    client: Client,
    generation: &'a Generation,
    only: Option<usize>,
    overwrite: bool,
    max_bytes: Option<u64>,
    retries: u32,
    backoff: Duration,
    #[cfg(feature = "sha256")]
    sha256: bool,
    #[cfg(feature = "sha256")]
    expected: Option<String>,
    progress: Option<Box<dyn FnMut(Received) + Send + 'a>>,
}

/// How much of a video has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// Which video, counted from 0.
    pub index: usize,
    /// Bytes so far, those of an earlier download's part included; fewer than before where the host sends it anew.
    pub bytes: u64,
    /// Bytes in all, as the host's answer or else the generation states them.
    pub total: Option<u64>,
}

/// A video that was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saved {
    /// Where.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The media type: what the host said, else what the generation stated.
    pub content_type: Option<String>,
    /// What the generation stated about the file and turned out otherwise, in words.
    pub disagreement: Option<String>,
    /// Its SHA-256 in hexadecimal, where [`Download::sha256`] asked for it.
    #[cfg(feature = "sha256")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sha256")))]
    pub sha256: Option<String>,
}

/// A video that went to a writer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// Its size in bytes.
    pub bytes: u64,
    /// The media type: what the host said, else what the generation stated.
    pub content_type: Option<String>,
    /// What the generation stated about the file and turned out otherwise, in words.
    pub disagreement: Option<String>,
    /// Its SHA-256 in hexadecimal, where [`Download::sha256`] asked for it.
    #[cfg(feature = "sha256")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sha256")))]
    pub sha256: Option<String>,
}

impl<'a> Download<'a> {
    pub(crate) fn new(client: Client, speed: f64, generation: &'a Generation) -> Self {
        Self {
            client,
            generation,
            only: None,
            overwrite: false,
            max_bytes: None,
            retries: 5,
            backoff: Duration::try_from_secs_f64(0.5 / speed).unwrap_or_default(),
            #[cfg(feature = "sha256")]
            sha256: false,
            #[cfg(feature = "sha256")]
            expected: None,
            progress: None,
        }
    }

    /// Takes one of several videos alone, counted from 0.
    pub fn video(mut self, index: usize) -> Self {
        self.only = Some(index);
        self
    }

    /// Replaces a file that is already there, once the new one is whole.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// The most bytes that a video may have.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// How often in a row it is tried again without getting on; 64 KiB count for getting on.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// The pause before it is tried again; it doubles each time, up to 8 s. The default is divided by the
    /// [speed](crate::WaitOptions::speed) of the client's waits.
    pub fn backoff(mut self, pause: Duration) -> Self {
        self.backoff = pause;
        self
    }

    /// Computes the SHA-256 of what arrives, off by default.
    #[cfg(feature = "sha256")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sha256")))]
    pub fn sha256(mut self, sha256: bool) -> Self {
        self.sha256 = sha256;
        self
    }

    /// The SHA-256 that the video must have, as 64 hexadecimal digits; another one is a
    /// [`Download`](ErrorKind::Download) error, and nothing takes the target's name. Where there are several videos, say
    /// [which](Self::video) it is of.
    #[cfg(feature = "sha256")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sha256")))]
    pub fn expect_sha256(mut self, sha256: impl Into<String>) -> Self {
        self.expected = Some(sha256.into().to_ascii_lowercase());
        self
    }

    /// Is called for every piece that arrives.
    pub fn on_progress(mut self, progress: impl FnMut(Received) + Send + 'a) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Looks whether a file could be written to `path`, before anything is paid for: that it names a file, that there is
    /// none yet (unless one may be overwritten), that its folder takes new files, and that nobody else writes its part.
    ///
    /// # Errors
    ///
    /// [`Io`](ErrorKind::Io) with the reason.
    pub fn check_target(path: impl AsRef<Path>, overwrite: bool) -> Result<(), Error> {
        let path = path.as_ref();
        check(path, overwrite)?;
        Part::check(path)
    }

    /// Looks whether `folder` takes new files, before anything is paid for.
    ///
    /// # Errors
    ///
    /// [`Io`](ErrorKind::Io) with the reason.
    pub fn check_folder(folder: impl AsRef<Path>) -> Result<(), Error> {
        part::check_folder(folder.as_ref())
    }

    /// Downloads the first video to `path`, a second one to `NAME-2.EXT` beside it, and so on.
    ///
    /// # Errors
    ///
    /// - [`MissingVideo`](ErrorKind::MissingVideo): there is none to download.
    /// - [`Io`](ErrorKind::Io): a target exists, cannot be written, or is being written by another download.
    /// - [`Download`](ErrorKind::Download): a link cannot be used, its host does not answer or refuses, a file breaks off,
    ///   is too large, or is no video.
    ///
    /// Each carries the generation's [handle](Error::handle). A video that fails does not keep the others from being
    /// tried: [`Error::saved`] lists those that are whole. Of a video that failed nothing is left under its final name,
    /// and a file that was there is as it was; a part is left where its rest can be asked for.
    ///
    /// # Cancel safety
    ///
    /// Safe: dropping the future leaves a part that the next download continues, or nothing.
    pub async fn to_file(self, path: impl AsRef<Path>) -> Result<Vec<Saved>, Error> {
        let path = path.as_ref();
        let place = |index: usize| Place::File(numbered(path, index));
        self.save(place).await
    }

    /// Downloads the videos into `folder`, named after model and id as [`Generation::file_name`] tells, each with the
    /// extension of what it turns out to be.
    ///
    /// # Errors
    ///
    /// As [`to_file`](Self::to_file).
    ///
    /// # Cancel safety
    ///
    /// As [`to_file`](Self::to_file).
    pub async fn to_folder(self, folder: impl AsRef<Path>) -> Result<Vec<Saved>, Error> {
        let stated = folder.as_ref().join(self.generation.file_name());
        let place = |index: usize| Place::Folder(numbered(&stated, index));
        self.save(place).await
    }

    /// Downloads the first video into memory, or the [chosen](Self::video) one; 256 MiB at most unless
    /// [`max_bytes`](Self::max_bytes) says otherwise.
    ///
    /// # Errors
    ///
    /// As [`to_file`](Self::to_file), less what concerns files.
    ///
    /// # Cancel safety
    ///
    /// Safe: dropping the future ends the download.
    pub async fn to_bytes(mut self) -> Result<Vec<u8>, Error> {
        self.max_bytes = self.max_bytes.or(Some(IN_MEMORY));
        let mut memory = Memory::default();
        self.into_sink(&mut memory).await?;
        Ok(memory.bytes)
    }

    /// Downloads the first video to `writer`, or the [chosen](Self::video) one. The writer is flushed at the end, and not
    /// shut down. Give `&mut writer` to use it again.
    ///
    /// A connection that breaks is continued as for a file; where the host can only send the whole file again, the bytes
    /// that the writer has are passed over if the host says that the file is the same, and it ends with an error if not.
    ///
    /// # Errors
    ///
    /// As [`to_file`](Self::to_file); [`Io`](ErrorKind::Io) if the writer fails. It may have got a part of the video then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the download; the writer may have got a part of the video.
    pub async fn to_writer(self, writer: impl AsyncWrite + Unpin + Send) -> Result<Written, Error> {
        self.into_sink(&mut Writer::new(writer)).await
    }

    async fn save(mut self, place: impl Fn(usize) -> Place) -> Result<Vec<Saved>, Error> {
        let chosen = self.chosen().map_err(|error| self.told(error))?;
        let mut links = Links::new(self.client.clone(), self.generation);
        // One that is chosen has the name to itself.
        let places: Vec<(usize, Place)> = match self.only {
            Some(index) => vec![(index, place(0))],
            None => chosen.map(|index| (index, place(index))).collect(),
        };
        for (_, place) in &places {
            check(place.stated(), self.overwrite).map_err(|error| self.told(error))?;
        }
        let (mut saved, mut failed) = (Vec::new(), None);
        for (index, place) in places {
            match self.one(&mut links, index, place).await {
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
        place: Place,
    ) -> Result<Saved, Error> {
        let mut part = Part::open(place.stated(), links.identity(index)).await?;
        let mut arrived = self.begun();
        (arrived.bytes, arrived.version) = part.left();
        if arrived.bytes > 0 {
            let is_hashed = arrived.digest.is_wanted();
            let into = (std::mem::take(&mut arrived.head), arrived.digest);
            let take = move |(head, digest): &mut (Vec<u8>, Digest), piece: &[u8]| {
                head.extend_from_slice(&piece[..piece.len().min(content::HEAD - head.len())]);
                digest.update(piece);
                is_hashed
            };
            (arrived.head, arrived.digest) = part.read(into, take).await?;
        }
        self.fetch(links, index, &mut part, &mut arrived).await?;
        let path = place.path(&arrived);
        let written = self.written(links.video(index), &mut part, arrived)?;
        part.finish(&path, self.overwrite).await?;
        Ok(Saved {
            path,
            bytes: written.bytes,
            content_type: written.content_type,
            disagreement: written.disagreement,
            #[cfg(feature = "sha256")]
            sha256: written.sha256,
        })
    }

    async fn into_sink(mut self, sink: &mut impl Sink) -> Result<Written, Error> {
        let index = match self.chosen() {
            Ok(chosen) => chosen.start,
            Err(error) => return Err(self.told(error)),
        };
        let mut links = Links::new(self.client.clone(), self.generation);
        let mut arrived = self.begun();
        let fetched = self.fetch(&mut links, index, sink, &mut arrived).await;
        let written = match fetched {
            Ok(()) => self.written(links.video(index), sink, arrived),
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
        };
        let mut fetch = Fetch {
            files: self.client.files(),
            links,
            index,
            limits,
            progress: self.progress.as_deref_mut(),
        };
        fetch.run(sink, arrived).await
    }

    fn begun(&self) -> Arrived {
        #[cfg(feature = "sha256")]
        let digest = Digest::of(self.sha256 || self.expected.is_some());
        #[cfg(not(feature = "sha256"))]
        let digest = Digest::default();
        Arrived {
            digest,
            ..Arrived::default()
        }
    }

    /// What is told of a video that is whole.
    fn written(
        &self,
        video: &Video,
        sink: &mut impl Sink,
        arrived: Arrived,
    ) -> Result<Written, Error> {
        let sent = arrived.version.content_type;
        let disagreement = disagreement(video, arrived.bytes, sent.as_deref());
        #[cfg(feature = "sha256")]
        let sha256 = arrived.digest.finish();
        #[cfg(feature = "sha256")]
        if let (Some(expected), Some(found)) = (&self.expected, &sha256)
            && expected != found
        {
            sink.discard();
            let message = format!("the video's SHA-256 is {found}, but {expected} was expected");
            return Err(Error::new(ErrorKind::Download, message));
        }
        #[cfg(not(feature = "sha256"))]
        let _ = sink;
        Ok(Written {
            bytes: arrived.bytes,
            content_type: sent.or_else(|| video.content_type.clone()),
            disagreement,
            #[cfg(feature = "sha256")]
            sha256: sha256.filter(|_| self.sha256),
        })
    }

    /// Which videos are wanted.
    fn chosen(&self) -> Result<std::ops::Range<usize>, Error> {
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
        #[cfg(feature = "sha256")]
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

impl fmt::Debug for Download<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

const ON_DISK: u64 = 2 * 1024 * 1024 * 1024;
const IN_MEMORY: u64 = 256 * 1024 * 1024;

/// Where a video goes.
enum Place {
    /// To this very path.
    File(PathBuf),
    /// To this path, but with the extension of what arrives.
    Folder(PathBuf),
}

impl Place {
    /// The path as far as it is known before anything has arrived; the part lies beside it.
    fn stated(&self) -> &Path {
        let (Self::File(path) | Self::Folder(path)) = self;
        path
    }

    fn path(self, arrived: &Arrived) -> PathBuf {
        match self {
            Self::File(path) => path,
            Self::Folder(path) => {
                match content::extension(&arrived.head, arrived.version.content_type.as_deref()) {
                    Some(extension) => path.with_extension(extension),
                    None => path,
                }
            }
        }
    }
}

impl Generation {
    /// A name for the generation's file: model and id in characters that every system takes, and the extension of the
    /// media type that is stated of the first video, else `mp4`.
    ///
    /// ```
    /// use aimlapi_video::Generation;
    /// use serde_json::json;
    ///
    /// let answer = json!({ "id": "a1", "model": "klingai/v2-master-text-to-video", "status": "completed" });
    /// assert_eq!(Generation::from_json(answer).file_name(), "klingai-v2-master-text-to-video-a1.mp4");
    /// ```
    pub fn file_name(&self) -> String {
        let handle = self.handle();
        let model = handle.and_then(|handle| handle.model()).or(self.model());
        let id = handle.map(|handle| handle.id()).or(self.id());
        let stated = self
            .videos()
            .first()
            .and_then(|video| video.content_type.as_deref());
        let extension = content::extension(&[], stated).unwrap_or("mp4");
        format!("{}.{extension}", name::stem(model, id))
    }
}

fn check(path: &Path, overwrite: bool) -> Result<(), Error> {
    if path.file_name().is_none() || path.is_dir() {
        let message = format!(
            "the target {} is no file name; name the file to write",
            path.display()
        );
        return Err(Error::new(ErrorKind::Io, message));
    }
    if !overwrite && path.exists() {
        return Err(Error::new(ErrorKind::Io, part::exists(path)));
    }
    Ok(())
}
