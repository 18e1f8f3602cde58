//! Downloads of the videos of a completed generation: the public [`Download`] builder and its results.
//!
//! [`Download`] writes each video to a file, into a folder, into memory or to a writer. The target file appears under
//! its name only when the video is complete; until then the bytes are in `NAME.part` beside the target, and a later
//! download continues that part where the host allows it.
//!
//! The private modules, from a request to the file: [`save`] takes each video to its destination, [`fetch`] runs the
//! attempts for one video, [`request`] sends one GET, [`judge`] decides what the response is, [`version`] compares
//! validators, [`sink`] and [`part`] store the bytes, `store` sends them to an object store, [`container`] and [`content`] inspect the bytes, [`target`],
//! [`name`] and [`disk`] handle paths and file systems, and [`video_urls`] requests fresh URLs from the service.

use std::{fmt, path::Path, time::Duration};

use sync_wrapper::SyncWrapper;
use tokio::io::AsyncWrite;

use crate::{Client, Error, Generation, Saved, schedule::clock::Clock};
use save::{Destination, MAX_BYTES_IN_MEMORY};
use sink::{Memory, Writer};

mod arrived;
#[cfg(bench_internals)]
pub(crate) mod bench;
mod container;
mod content;
mod digest;
mod disk;
mod error;
mod fetch;
mod judge;
mod name;
mod part;
mod request;
mod save;
mod sink;
#[cfg(feature = "object-store")]
mod store;
mod target;
mod version;
mod video_urls;

pub use target::ReservedTarget;

/// A download of the videos of a generation, made by [`Client::download`](crate::Client::download).
///
/// The download starts with one of these methods: [`to_file`](Self::to_file), [`to_reserved`](Self::to_reserved),
/// [`to_folder`](Self::to_folder), [`to_bytes`](Self::to_bytes), [`to_writer`](Self::to_writer), and with the feature
/// `object-store` also `to_store`.
///
/// The host that serves a video receives neither the API key nor any header of the API. The request is for the URL
/// exactly as the service wrote it, with every escape of its signature unchanged. Only the normalization of the
/// [URL Standard](https://url.spec.whatwg.org/) applies, as in a browser (`.` and `..` between slashes, a `'` in the
/// query, bytes that a URL cannot contain).
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
/// The received bytes are in `NAME.part` beside the target, and `NAME.part.json` records which video and version they
/// belong to. Where these names are too long for the file system, a number replaces the end of `NAME`. The part is
/// renamed to the target when it is complete, has the announced length, and is synced to disk.
///
/// A part survives errors, a dropped future and a killed process if its rest can be requested: the next download of the
/// same video to the same target requests only the rest. This requires a validator that is strong by
/// [RFC 9110 section 8.8](https://www.rfc-editor.org/rfc/rfc9110#section-8.8): a strong `ETag`, or a `Last-Modified` at
/// least 2 s older than the response's `Date`. An `ETag` derived from a younger date does not count, and a host that
/// refuses ranges receives no range request.
///
/// A response continues a part only if every validator in the response (`ETag`, weak ones too, `Last-Modified`, the
/// total size) agrees with the first response; hosts that ignore `If-Range` are common. Otherwise the download restarts
/// from the first byte, at most three times. If a request for the rest fails, the download requests the whole file
/// before it fails.
///
/// Missing folders of the target are created. The part is locked, so two downloads never write the same part: the
/// second download fails. On a file system without locks, two processes can write to the same target at once, so use a
/// different file in each process.
///
/// The download needs no hard links. On a file system that has neither hard links nor a rename that fails if the target
/// exists, the download checks for a file and then renames; a file that another program creates between the check and
/// the rename is replaced.
///
/// # What is refused
///
/// - URLs with another scheme than `https`; `http` is allowed where the client's own base URL is on this machine, or
///   the client's builder [allows](crate::ClientBuilder::allow_insecure_http) `http`
/// - hosts that are not on the public internet, at every redirect, whether the URL contains the address or a name that
///   resolves to the address; this machine is allowed where the client's own base URL is on this machine, and every
///   host where the builder [allows](crate::ClientBuilder::allow_private_hosts) private hosts. If a host has several
///   addresses, only the public ones are used. Where the system's proxy handles a URL, the proxy resolves names, and
///   only addresses in the URL are checked.
/// - a page (HTML, XML, JSON, text with a text media type) in place of a video; unknown content is accepted
///
/// # Defaults
///
/// - An existing file is kept, and the download fails.
/// - A URL may redirect five times.
/// - The maximum size of a video is 2 GiB, or 256 MiB in memory.
/// - An attempt ends after 60 s without a byte ([`idle_timeout`](crate::ClientBuilder::idle_timeout)); the whole
///   download has no deadline.
/// - After a broken connection, or a response 202, 408, 425, 429 or 5xx, the download retries and requests the rest: 5
///   times in a row without progress, after a backoff of 0.5 s, 1 s, 2 s, 4 s, 8 s, or the time in the host's
///   `Retry-After`, up to 30 s.
/// - If a URL has [expired](crate::Video::expires_at), or the host refuses it (any 4xx but 416 and those above), the
///   download requests a fresh URL from the service, once. A missing file (404) is retried for 30 s, since storage may
///   need a while after the generation is completed.
/// - A truncated file is requested once more; if it is still truncated, the download fails.
#[must_use = "a download does nothing until it is given a target"]
pub struct Download<'a> {
    client: Client,
    generation: &'a Generation,
    only: Option<usize>,
    overwrite: bool,
    max_bytes: Option<u64>,
    retries: u32,
    backoff: Duration,
    /// How long a file may be missing (404) before the download fails.
    missing: Duration,
    allow_truncated: bool,
    sha256: bool,
    expected: Option<String>,
    progress: Option<OnProgress<'a>>,
}

/// The callback is only called through `&mut`, so `Download` can be `Sync` although the callback is not.
pub(crate) type OnProgress<'a> = SyncWrapper<Box<dyn FnMut(Received) + Send + 'a>>;

/// The progress of the download of one video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// The index of the video, counted from 0.
    pub index: usize,
    /// The number of received bytes, including the part of an earlier download; it decreases when the host sends the
    /// file from the start again.
    pub bytes: u64,
    /// The size of the video in bytes, as the host's response states it, or else the generation.
    pub total: Option<u64>,
}

/// The result of a download to a writer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The size of the video in bytes.
    pub bytes: u64,
    /// The media type that the host sent, or else the one that the generation states.
    pub content_type: Option<String>,
    /// How the received file differs from what the generation, the host or the file name states, in words.
    pub disagreement: Option<String>,
    /// The SHA-256 of the video in hexadecimal, if [`Download::sha256`] is on.
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

    /// Downloads only the video with this index, counted from 0. If the generation has no such video, the download
    /// fails with [`MissingVideo`](crate::ErrorKind::MissingVideo).
    pub fn video(mut self, index: usize) -> Self {
        self.only = Some(index);
        self
    }

    /// Replaces an existing file, once the new file is complete. By default this is off, and the download fails. A
    /// symbolic link is replaced by the file, and the link's destination is left unchanged.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Sets the maximum size of a video in bytes; by default 2 GiB, and 256 MiB in memory.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Sets the maximum number of consecutive retries without progress, which means 64 KiB; 5 by default. With 0, the
    /// first failure ends the download; if the host does not continue a part, the download still requests the whole
    /// file.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Sets the backoff before the first retry; it doubles with each retry, up to 8 s. The default of 0.5 s is divided
    /// by the [speed](crate::WaitOptions::speed) of the client's waits.
    pub fn backoff(mut self, pause: Duration) -> Self {
        self.backoff = pause;
        self
    }

    /// Accepts a video that is truncated at its host, with a note in the result; off by default.
    ///
    /// A file is truncated if its container shows it (MP4 and QuickTime by their boxes and the samples of their index,
    /// WebM and Matroska by their elements, AVI, GIF, WebP, FLV and Ogg by theirs), or if the file is smaller than the
    /// service states and its host sends no more. The download requests the file once more from the start. If the file
    /// is the same again, the download fails with a [`Download`](crate::ErrorKind::Download) error, and the received
    /// bytes stay in `NAME.part`. A file in another container is accepted unchecked, and so is a file that ends where a
    /// live encoder could have stopped.
    pub fn allow_truncated(mut self, allow: bool) -> Self {
        self.allow_truncated = allow;
        self
    }

    /// Computes the SHA-256 of the video; off by default, and always on for an object in a store.
    pub fn sha256(mut self, sha256: bool) -> Self {
        self.sha256 = sha256;
        self
    }

    /// Sets the SHA-256 that the video must have, as 64 hexadecimal digits. If the digest differs, the download fails
    /// with a [`Download`](crate::ErrorKind::Download) error, and the target is not written. If the generation has
    /// several videos, choose [one of them](Self::video).
    pub fn expect_sha256(mut self, sha256: impl Into<String>) -> Self {
        self.expected = Some(sha256.into().to_ascii_lowercase());
        self
    }

    /// Sets a callback that is called after every received piece of a video.
    pub fn on_progress(mut self, progress: impl FnMut(Received) + Send + 'a) -> Self {
        self.progress = Some(SyncWrapper::new(Box::new(progress)));
        self
    }

    /// Checks that a video can be saved to `path`, so that a program can fail before it pays for a generation.
    ///
    /// The check takes the same steps as saving: it creates missing folders, opens and locks the part beside the
    /// target, and writes and renames a small file in the folder. Only the folders are left behind. The check rejects a
    /// path without a file name, an existing file (unless `overwrite` is set) or one that cannot be replaced, a folder,
    /// a device, a dangling symbolic link, a file system that rejects such a file, and a target that another download
    /// is writing. The check knows neither the size of the video nor what other programs do later:
    /// [`reserve_target`](Self::reserve_target) also keeps other downloads from the target.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) with the reason.
    pub fn check_target(path: impl AsRef<Path>, overwrite: bool) -> Result<(), Error> {
        Self::reserve_target(path, overwrite).map(drop)
    }

    /// Checks a target as [`check_target`](Self::check_target) does, and keeps it locked until the result is passed to
    /// [`to_reserved`](Self::to_reserved) or dropped, so that two programs with the same target do not both pay.
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

    /// Checks that videos can be saved in `folder`, as [`check_target`](Self::check_target) does for a file. A missing
    /// folder is created.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) with the reason.
    pub fn check_folder(folder: impl AsRef<Path>) -> Result<(), Error> {
        target::check_folder(folder.as_ref())
    }

    /// Returns whether `path` is a folder for [`to_folder`](Self::to_folder): an existing folder, or a path that ends
    /// with a separator.
    pub fn is_folder(path: impl AsRef<Path>) -> bool {
        target::is_folder(path.as_ref())
    }

    /// Downloads the first video to `path`, a second one to `NAME-2.EXT` beside it, and so on.
    ///
    /// The second and later videos never replace a file unless [`overwrite`](Self::overwrite) is on: if the name of
    /// such a video is taken, the video gets the next free number. [`Saved::path`] is the path of each saved video.
    ///
    /// # Errors
    ///
    /// - [`MissingVideo`](crate::ErrorKind::MissingVideo): the generation has no video to download.
    /// - [`Io`](crate::ErrorKind::Io): the target exists, cannot be written, or is being written by another download.
    /// - [`Download`](crate::ErrorKind::Download): a URL cannot be used, its host does not respond or refuses the
    ///   request, or a file is interrupted, too large, or not a video.
    /// - [`MissingRootCertificates`](crate::ErrorKind::MissingRootCertificates): an https host cannot be verified.
    ///
    /// Each error carries the generation's [handle](Error::handle). If one video fails, the download still tries the
    /// others: [`Error::saved`] lists the videos that are complete. A failed video leaves no file under its final name
    /// and an existing file unchanged; its part stays if its rest can be requested.
    ///
    /// # Cancel safety
    ///
    /// Safe: dropping the future leaves a part that the next download continues, or nothing.
    pub async fn to_file(self, path: impl AsRef<Path>) -> Result<Vec<Saved>, Error> {
        let destination = Destination::File(path.as_ref().to_owned());
        self.save(destination, None).await
    }

    /// Downloads the videos as [`to_file`](Self::to_file), to a target that [`reserve_target`](Self::reserve_target)
    /// reserved. The argument of `reserve_target` decides whether the first video replaces a file.
    ///
    /// # Errors
    ///
    /// As [`to_file`](Self::to_file).
    ///
    /// # Cancel safety
    ///
    /// As [`to_file`](Self::to_file).
    pub async fn to_reserved(self, target: ReservedTarget) -> Result<Vec<Saved>, Error> {
        let destination = Destination::File(target.path().to_owned());
        self.save(destination, Some(target)).await
    }

    /// Downloads the videos into `folder`, named after model and id as by [`Generation::file_name`], each with the
    /// extension of its content. A missing folder is created.
    ///
    /// # Errors
    ///
    /// As [`to_file`](Self::to_file).
    ///
    /// # Cancel safety
    ///
    /// As [`to_file`](Self::to_file).
    pub async fn to_folder(self, folder: impl AsRef<Path>) -> Result<Vec<Saved>, Error> {
        let destination = Destination::Folder(folder.as_ref().join(self.generation.file_name()));
        self.save(destination, None).await
    }

    /// Downloads the first video, or the [chosen](Self::video) one, into memory; at most 256 MiB unless
    /// [`max_bytes`](Self::max_bytes) sets another limit.
    ///
    /// # Errors
    ///
    /// As [`to_file`](Self::to_file), without the errors about files.
    ///
    /// # Cancel safety
    ///
    /// Safe: dropping the future ends the download.
    pub async fn to_bytes(mut self) -> Result<Vec<u8>, Error> {
        self.max_bytes = self.max_bytes.or(Some(MAX_BYTES_IN_MEMORY));
        let mut memory = Memory::default();
        self.into_sink(&mut memory).await?;
        Ok(memory.bytes)
    }

    /// Downloads the first video, or the [chosen](Self::video) one, to `writer`. The writer is flushed at the end, and
    /// not shut down. Pass `&mut writer` to keep the writer.
    ///
    /// After a broken connection the download requests the rest, as for a file. If the host can only send the whole
    /// file again, the download skips the bytes that the writer already has, provided that a strong validator proves
    /// that the file is the same; otherwise the download fails.
    ///
    /// # Errors
    ///
    /// As [`to_file`](Self::to_file); [`Io`](crate::ErrorKind::Io) if the writer fails. After an error the writer may
    /// have received a part of the video.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the download; the writer may have received a part of the video.
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
