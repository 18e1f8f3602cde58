//! The blocking counterpart of [`crate::Download`], and the adapter from [`std::io::Write`] to an async writer.

use std::{
    io::{self, Write},
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::io::AsyncWrite;

use super::runtime::Runtime;
use crate::{Error, Received, ReservedTarget, Saved, Written};

/// A download of the videos of a generation, made by [`Client::download`](super::Client::download), with the settings
/// and methods of [`crate::Download`].
#[derive(Debug)]
#[must_use = "a download does nothing until it is given a target"]
pub struct Download<'a> {
    pub(super) inner: crate::Download<'a>,
    pub(super) runtime: Arc<Runtime>,
}

impl<'a> Download<'a> {
    settings! { Download:
        video(index: usize);
        overwrite(overwrite: bool);
        max_bytes(bytes: u64);
        retries(retries: u32);
        backoff(pause: Duration);
        allow_truncated(allow: bool);
        sha256(sha256: bool);
        expect_sha256(sha256: impl Into<String>);
        on_progress(progress: impl FnMut(Received) + Send + 'a);
    }

    /// Checks that a video can be saved to `path`, as [`crate::Download::check_target`] does.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) with the reason.
    pub fn check_target(path: impl AsRef<Path>, overwrite: bool) -> Result<(), Error> {
        crate::Download::check_target(path, overwrite)
    }

    /// Checks a target and keeps it locked, as [`crate::Download::reserve_target`] does.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) with the reason.
    pub fn reserve_target(
        path: impl AsRef<Path>,
        overwrite: bool,
    ) -> Result<ReservedTarget, Error> {
        crate::Download::reserve_target(path, overwrite)
    }

    /// Returns whether `path` is a folder, as [`crate::Download::is_folder`] does.
    pub fn is_folder(path: impl AsRef<Path>) -> bool {
        crate::Download::is_folder(path)
    }

    /// Checks that videos can be saved in `folder`, as [`crate::Download::check_folder`] does.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) with the reason.
    pub fn check_folder(folder: impl AsRef<Path>) -> Result<(), Error> {
        crate::Download::check_folder(folder)
    }

    /// Downloads the first video to `path`, a second one to `NAME-2.EXT` beside it, and so on.
    ///
    /// # Errors
    ///
    /// As [`crate::Download::to_file`].
    pub fn to_file(self, path: impl AsRef<Path>) -> Result<Vec<Saved>, Error> {
        self.runtime.block_on(self.inner.to_file(path))
    }

    /// Downloads the videos as [`to_file`](Self::to_file), to a target that [`reserve_target`](Self::reserve_target)
    /// reserved.
    ///
    /// # Errors
    ///
    /// As [`crate::Download::to_file`].
    pub fn to_reserved(self, target: ReservedTarget) -> Result<Vec<Saved>, Error> {
        self.runtime.block_on(self.inner.to_reserved(target))
    }

    /// Downloads the videos into `folder`, named after model and id as
    /// [`Generation::file_name`](crate::Generation::file_name) names them.
    ///
    /// # Errors
    ///
    /// As [`crate::Download::to_file`].
    pub fn to_folder(self, folder: impl AsRef<Path>) -> Result<Vec<Saved>, Error> {
        self.runtime.block_on(self.inner.to_folder(folder))
    }

    /// Downloads the videos to objects in `store`: the first one to `path`, a second one to `NAME-2.EXT` beside it.
    ///
    /// # Errors
    ///
    /// As [`crate::Download::to_store`].
    #[cfg(feature = "object-store")]
    #[cfg_attr(docsrs, doc(cfg(feature = "object-store")))]
    pub fn to_store(
        self,
        store: Arc<dyn object_store::ObjectStore>,
        path: impl Into<object_store::path::Path>,
    ) -> Result<Vec<Saved>, Error> {
        self.runtime.block_on(self.inner.to_store(store, path))
    }

    /// Downloads the first video, or the [chosen](Self::video) one, into memory; at most 256 MiB unless
    /// [`max_bytes`](Self::max_bytes) sets another limit.
    ///
    /// # Errors
    ///
    /// As [`crate::Download::to_bytes`].
    pub fn to_bytes(self) -> Result<Vec<u8>, Error> {
        self.runtime.block_on(self.inner.to_bytes())
    }

    /// Downloads the first video, or the [chosen](Self::video) one, to `writer`. The writer is called on the calling
    /// thread, and flushed at the end. Pass `&mut writer` to keep the writer.
    ///
    /// # Errors
    ///
    /// As [`crate::Download::to_writer`].
    pub fn to_writer(self, writer: impl Write + Send) -> Result<Written, Error> {
        self.runtime
            .block_on(self.inner.to_writer(StdWriter(writer)))
    }
}

/// An async writer over a blocking one, which is called on the thread that drives the download.
struct StdWriter<W>(W);

/// The inner writer is never pinned.
impl<W> Unpin for StdWriter<W> {}

impl<W: Write> AsyncWrite for StdWriter<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}
