//! Downloading a video: whole under its own name, or not at all.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use sync_wrapper::SyncWrapper;
use tokio::io::AsyncWrite;

use crate::{Client, Error, Generation, poll::Clock};
use save::{IN_MEMORY, Place};
use sink::{Memory, Writer};

mod ask;
#[cfg(bench_internals)]
pub(crate) mod bench;
mod container;
mod content;
mod digest;
mod disk;
mod fetch;
mod hosts;
mod judge;
mod links;
mod name;
mod part;
mod save;
mod sink;
mod target;
mod version;

pub(crate) use ask::{Files, Settings};
pub(crate) use hosts::is_public_host;
pub use target::ReservedTarget;

/// A download of the videos of a generation, made by [`Client::download`](crate::Client::download).
///
/// It starts with one of these methods: [`to_file`](Self::to_file), [`to_reserved`](Self::to_reserved),
/// [`to_folder`](Self::to_folder), [`to_bytes`](Self::to_bytes), [`to_writer`](Self::to_writer).
///
/// Neither the key nor any header of the API goes to the host that serves a video. The link is asked for as the service
/// wrote it, every escape of its signature as it came; only what the web's rules for URLs settle is settled as a
/// browser would (`.` and `..` between slashes, a `'` in the query, bytes that no URL may hold).
///
/// ```no_run
/// # async fn run(client: aimlapi_video::Client, generation: aimlapi_video::Generation) -> Result<(), aimlapi_video::Error> {
/// let saved = client
///     .download(&generation)
///     .overwrite(true)
///     .on_progress(|received| eprint!("\r{} bytes", received.bytes))
///     .to_file("kite.mp4")
///     .await?;
/// assert_eq!(saved[0].path.to_str(), Some("kite.mp4"));
/// # Ok(())
/// # }
/// ```
///
/// # How a file is written
///
/// What has arrived stands in `NAME.part` beside the target, with `NAME.part.json` that tells what it is a part of; where
/// these names are too long for the file system, the end of `NAME` is replaced by a number. The part takes the target's
/// name when it is whole, of the announced length, and on disk.
///
/// A part outlives errors, a dropped future and a killed process if its rest can be requested: the next download of the
/// same video to the same target requests the rest alone. That takes a validator that is strong by
/// [RFC 9110 section 8.8](https://www.rfc-editor.org/rfc/rfc9110#section-8.8): a strong `ETag`, or a `Last-Modified` at
/// least 2 s older than the response's `Date`. An `ETag` made of a younger date does not count, and a host that refuses
/// ranges is not asked for one.
///
/// A response continues a part only if every validator that it has (`ETag`, weak ones too, `Last-Modified`, the total)
/// agrees with those of the first response; hosts that ignore `If-Range` are common. Otherwise the download begins anew, three
/// times at the most. A request for the rest that fails is followed by one for the whole file before the download gives up.
///
/// Folders of the target that are not there are made. The part is locked, so two downloads never write the same one: the
/// second is refused. Where the file system has no locks, nothing keeps two processes from downloading to the same target
/// at once, so name another file in each.
///
/// No file system needs hard links for this. Where it cannot rename without replacing either, a file of the target's name
/// that another program makes in the moment between the last look and the rename is replaced.
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
/// - a connection that breaks, and a response 202, 408, 425, 429 or 5xx, are followed by another attempt for the rest: 5
///   times in a row without progress, after 0.5 s, 1 s, 2 s, 4 s, 8 s, or what the host's `Retry-After` says, up to
///   30 s
/// - a URL that has [expired](crate::Video::expires_at), or that the host refuses (any other 4xx but 416), is requested
///   anew from the service, once; a file that is missing (404) is retried for 30 s, since storage may need a while after the
///   generation is completed
/// - a truncated file is fetched once more, and then refused
#[must_use = "a download does nothing until it is given a target"]
pub struct Download<'a> {
    client: Client,
    generation: &'a Generation,
    only: Option<usize>,
    overwrite: bool,
    max_bytes: Option<u64>,
    retries: u32,
    backoff: Duration,
    /// How long a file may be missing that is only just completed.
    missing: Duration,
    allow_truncated: bool,
    sha256: bool,
    expected: Option<String>,
    progress: Option<OnProgress<'a>>,
}

/// Whoever holds the download has it alone.
type OnProgress<'a> = SyncWrapper<Box<dyn FnMut(Received) + Send + 'a>>;

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
    pub sha256: Option<String>,
}

impl Client {
    /// Downloads the videos of a generation.
    pub fn download<'a>(&self, generation: &'a Generation) -> Download<'a> {
        Download::new(self.clone(), self.clock(), generation)
    }

    /// Saves all videos of a generation, as [`Download::to_file`] with the default settings.
    ///
    /// # Errors
    ///
    /// As [`Download::to_file`].
    ///
    /// # Cancel safety
    ///
    /// As [`Download::to_file`].
    pub async fn save(
        &self,
        generation: &Generation,
        path: impl AsRef<Path>,
    ) -> Result<Vec<Saved>, Error> {
        self.download(generation).to_file(path).await
    }
}

impl<'a> Download<'a> {
    pub(crate) fn new(client: Client, clock: Clock, generation: &'a Generation) -> Self {
        Self {
            client,
            generation,
            only: None,
            overwrite: false,
            max_bytes: None,
            retries: 5,
            backoff: clock.to_local(Duration::from_millis(500)),
            missing: clock.to_local(Duration::from_secs(30)),
            allow_truncated: false,
            sha256: false,
            expected: None,
            progress: None,
        }
    }

    /// Takes one of several videos alone, counted from 0. Where there is none of that number, the download ends with
    /// [`MissingVideo`](crate::ErrorKind::MissingVideo).
    pub fn video(mut self, index: usize) -> Self {
        self.only = Some(index);
        self
    }

    /// Replaces a file that is already there, once the new one is whole; off by default, so that it is refused. A symbolic
    /// link is replaced by the file, and what it leads to is left alone.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// The most bytes that a video may have; 2 GiB by default, 256 MiB into memory.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// How often in a row a failed request is repeated without progress, which is 64 KiB; 5 by default. With 0, the first failure
    /// ends the download; a part that its host does not continue is followed by a request for the whole file all the same.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// The pause before it is tried again; it doubles each time, up to 8 s. The default of 0.5 s is divided by the
    /// [speed](crate::WaitOptions::speed) of the client's waits.
    pub fn backoff(mut self, pause: Duration) -> Self {
        self.backoff = pause;
        self
    }

    /// Saves a video that is truncated at its host as it is, with a note in the result; off by default.
    ///
    /// A file is truncated if its container says so (MP4 and QuickTime by their boxes and the samples of their index, WebM and
    /// Matroska by their elements, AVI, GIF, WebP, FLV and Ogg by theirs), or if it is smaller than the service states and its
    /// host sends no more. It is fetched once more from the start. If it is the same again, the download ends with a
    /// [`Download`](crate::ErrorKind::Download) error, and what arrived stays in `NAME.part`. A file of another container is
    /// taken as it is, and so is one that ends where a live encoder could have stopped.
    pub fn allow_truncated(mut self, allow: bool) -> Self {
        self.allow_truncated = allow;
        self
    }

    /// Computes the SHA-256 of what arrives, off by default.
    pub fn sha256(mut self, sha256: bool) -> Self {
        self.sha256 = sha256;
        self
    }

    /// The SHA-256 that the video must have, as 64 hexadecimal digits; another one is a
    /// [`Download`](crate::ErrorKind::Download) error, and nothing takes the target's name. Where there are several
    /// videos, say [which](Self::video) it is of.
    pub fn expect_sha256(mut self, sha256: impl Into<String>) -> Self {
        self.expected = Some(sha256.into().to_ascii_lowercase());
        self
    }

    /// Is called for every piece that arrives.
    pub fn on_progress(mut self, progress: impl FnMut(Received) + Send + 'a) -> Self {
        self.progress = Some(SyncWrapper::new(Box::new(progress)));
        self
    }

    /// Tries whether a video can be saved to `path`, before anything is paid for.
    ///
    /// It takes the steps that saving takes: it makes folders that are not there, opens and locks the part beside the
    /// target, and writes and renames a small file there. Nothing but the folders is left behind. It finds a path that
    /// names no file, a file that is there already (unless it may be overwritten) or cannot be replaced, a folder, a
    /// device, a link that leads nowhere, a file system that takes no such file, and a target that another download is
    /// writing. It cannot know how large the video will be, and what other programs do meanwhile:
    /// [`reserve_target`](Self::reserve_target) keeps other downloads away.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) with the reason.
    pub fn check_target(path: impl AsRef<Path>, overwrite: bool) -> Result<(), Error> {
        Self::reserve_target(path, overwrite).map(drop)
    }

    /// As [`check_target`](Self::check_target), and keeps the target until it is given to
    /// [`to_reserved`](Self::to_reserved) or dropped: two programs that are to save to the same file do not both pay.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) with the reason.
    pub fn reserve_target(
        path: impl AsRef<Path>,
        overwrite: bool,
    ) -> Result<ReservedTarget, Error> {
        Ok(ReservedTarget::try_new(path.as_ref(), overwrite)?)
    }

    /// Tries whether videos can be saved in `folder`, before anything is paid for, as
    /// [`check_target`](Self::check_target) does. The folder is made if it is not there.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) with the reason.
    pub fn check_folder(folder: impl AsRef<Path>) -> Result<(), Error> {
        target::check_folder(folder.as_ref())
    }

    /// Whether `path` is that of a folder, for [`to_folder`](Self::to_folder): one that is there, or one that is written as such,
    /// with a separator at its end.
    pub fn is_folder(path: impl AsRef<Path>) -> bool {
        target::is_folder(path.as_ref())
    }

    /// Downloads the first video to `path`, a second one to `NAME-2.EXT` beside it, and so on.
    ///
    /// A further video never replaces a file unless [`overwrite`](Self::overwrite) is on: where its name is taken, it gets
    /// the next free number. [`Saved::path`] tells.
    ///
    /// # Errors
    ///
    /// - [`MissingVideo`](crate::ErrorKind::MissingVideo): there is none to download.
    /// - [`Io`](crate::ErrorKind::Io): the target exists, cannot be written, or is being written by another download.
    /// - [`Download`](crate::ErrorKind::Download): a link cannot be used, its host does not answer or refuses, a file
    ///   breaks off, is too large, or is no video.
    /// - [`MissingRootCertificates`](crate::ErrorKind::MissingRootCertificates): a host on https cannot be verified.
    ///
    /// Each carries the generation's [handle](Error::handle). A video that fails does not keep the others from being
    /// tried: [`Error::saved`] lists those that are whole. Of a video that failed nothing is left under its final name,
    /// and a file that was there is as it was; a part is left where its rest can be asked for.
    ///
    /// # Cancel safety
    ///
    /// Safe: dropping the future leaves a part that the next download continues, or nothing.
    pub async fn to_file(self, path: impl AsRef<Path>) -> Result<Vec<Saved>, Error> {
        let place = Place::File(path.as_ref().to_owned());
        self.save(place, None).await
    }

    /// As [`to_file`](Self::to_file), to a target that was kept since [`reserve_target`](Self::reserve_target). Whether the
    /// first video replaces a file was said there.
    ///
    /// # Errors
    ///
    /// As [`to_file`](Self::to_file).
    ///
    /// # Cancel safety
    ///
    /// As [`to_file`](Self::to_file).
    pub async fn to_reserved(self, target: ReservedTarget) -> Result<Vec<Saved>, Error> {
        let place = Place::File(target.path().to_owned());
        self.save(place, Some(target)).await
    }

    /// Downloads the videos into `folder`, named after model and id as [`Generation::file_name`] tells, each with the
    /// extension of what it turns out to be. A folder that is not there is made.
    ///
    /// # Errors
    ///
    /// As [`to_file`](Self::to_file).
    ///
    /// # Cancel safety
    ///
    /// As [`to_file`](Self::to_file).
    pub async fn to_folder(self, folder: impl AsRef<Path>) -> Result<Vec<Saved>, Error> {
        let place = Place::Folder(folder.as_ref().join(self.generation.file_name()));
        self.save(place, None).await
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

    /// Downloads the first video to `writer`, or the [chosen](Self::video) one. The writer is flushed at the end, and
    /// not shut down. Give `&mut writer` to use it again.
    ///
    /// A connection that breaks is continued as for a file; where the host can only send the whole file again, the
    /// bytes that the writer has are passed over if the host says that the file is the same, and it ends with an error
    /// if not.
    ///
    /// # Errors
    ///
    /// As [`to_file`](Self::to_file); [`Io`](crate::ErrorKind::Io) if the writer fails. It may have got a part of the
    /// video then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the download; the writer may have got a part of the video.
    pub async fn to_writer(self, writer: impl AsyncWrite + Unpin + Send) -> Result<Written, Error> {
        self.into_sink(&mut Writer::new(writer)).await
    }
}

impl fmt::Debug for Download<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}
