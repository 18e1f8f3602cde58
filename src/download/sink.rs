//! Where the bytes of a video go.

use std::path::Path;

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::version::Version;
use crate::{Error, ErrorKind};

/// Takes a video piece by piece.
pub(super) trait Sink: Send {
    /// A file begins, from its first byte. How many of its bytes are here already, and are not wanted again.
    fn begin(&mut self, version: &Version) -> impl Future<Output = Result<u64, Error>> + Send;

    fn write(&mut self, bytes: Bytes) -> impl Future<Output = Result<(), Error>> + Send;

    /// Puts down what was held back to be written together.
    fn settle(&mut self) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }

    /// What has arrived is of no use.
    fn discard(&mut self) {}

    /// What has arrived is kept, whether or not it can be continued.
    fn keep(&mut self) {}

    /// Whether what was written can be replaced by another file.
    fn can_restart(&self) -> bool {
        true
    }

    /// The file that keeps what has arrived.
    fn part(&self) -> Option<&Path> {
        None
    }

    /// Whether a later download can go on from what has arrived.
    fn keeps(&self) -> bool {
        false
    }
}

/// The memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) bytes: Vec<u8>,
}

impl Sink for Memory {
    async fn begin(&mut self, version: &Version) -> Result<u64, Error> {
        self.bytes.clear();
        // A length that was only announced is given no more room than this.
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

/// The caller's writer, which takes nothing back.
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
                "the video broke off after {} bytes, which the writer has, and its host sends it anew without a word on \
                 whether it is the same; download it to a file, or begin with a new writer",
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
    Error::new(ErrorKind::Io, "the writer does not take the video").with_source(error)
}
