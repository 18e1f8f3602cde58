//! The sinks that a download writes to: memory and a writer; the file sink is [`Part`](super::part::Part).

use std::path::Path;

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::version::Version;
use crate::{Error, ErrorKind};

/// Receives a video piece by piece.
pub(super) trait Sink: Send {
    /// Begins a file at its first byte; returns the number of bytes that the sink already has, which are not written
    /// again.
    fn begin(&mut self, version: &Version) -> impl Future<Output = Result<u64, Error>> + Send;

    fn write(&mut self, bytes: Bytes) -> impl Future<Output = Result<(), Error>> + Send;

    /// Writes the bytes that the sink has buffered.
    fn settle(&mut self) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }

    /// Marks the received bytes as useless.
    fn discard(&mut self) {}

    /// Keeps the received bytes, even if a later download cannot continue them.
    fn keep(&mut self) {}

    /// Whether the written bytes can be replaced by another file.
    fn can_restart(&self) -> bool {
        true
    }

    /// The file that contains the received bytes.
    fn part(&self) -> Option<&Path> {
        None
    }

    /// Whether a later download can continue the received bytes.
    fn keeps(&self) -> bool {
        false
    }
}

/// A sink in memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) bytes: Vec<u8>,
}

impl Sink for Memory {
    async fn begin(&mut self, version: &Version) -> Result<u64, Error> {
        self.bytes.clear();
        // An announced length reserves at most 16 MiB, since it may be wrong.
        let total = version.total.unwrap_or_default().min(16 << 20);
        self.bytes
            .reserve(usize::try_from(total).unwrap_or_default());
        Ok(0)
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }
}

/// A sink for the caller's writer, whose written bytes cannot be replaced.
pub(super) struct Writer<W> {
    writer: W,
    written: u64,
    version: Option<Version>,
}

impl<W: AsyncWrite + Unpin + Send> Writer<W> {
    pub(super) fn new(writer: W) -> Self {
        Self {
            writer,
            written: 0,
            version: None,
        }
    }
}

impl<W: AsyncWrite + Unpin + Send> Sink for Writer<W> {
    async fn begin(&mut self, version: &Version) -> Result<u64, Error> {
        let before = self.version.as_ref();
        let is_same = before.is_some_and(|before| before.is_surely(version));
        if self.written > 0 && !is_same {
            let message = format!(
                "the video broke off after {} bytes, which the writer has, and its host sends the file from the start \
                 without a validator that proves that the file is the same; download to a file, or use a new writer",
                self.written
            );
            return Err(Error::new(ErrorKind::Download, message));
        }
        self.version = Some(version.clone());
        Ok(self.written)
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.writer.write_all(&bytes).await.map_err(refused)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), Error> {
        self.writer.flush().await.map_err(refused)
    }

    fn can_restart(&self) -> bool {
        false
    }
}

fn refused(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "the writer does not accept the video").with_source(error)
}
