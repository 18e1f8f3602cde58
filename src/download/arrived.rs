//! The state of the download of one video: the received bytes, their digest and container, and the version of the file
//! that the bytes belong to.

use super::{container::Inspector, digest::Digest, judge::ResumePoint, version::Version};

/// The state of the download of one video.
pub(super) struct Arrived {
    /// The number of bytes in the sink.
    pub(super) bytes: u64,
    pub(super) version: Version,
    /// The first bytes, at most [`HEAD`].
    pub(super) head: Vec<u8>,
    pub(super) digest: Digest,
    pub(super) inspector: Inspector,
    /// Why the file is truncated, if the caller accepts a truncated file.
    pub(super) defect: Option<String>,
    /// Whether the next request is for the whole file although the sink has a part.
    pub(super) wants_whole: bool,
    /// How often the download restarted from the first byte.
    pub(super) restarts: u32,
}

impl Arrived {
    /// Creates the state for a new download, or for a part of `bytes` bytes that an earlier download left.
    pub(super) fn new(bytes: u64, version: Version, digest: Digest) -> Self {
        Self {
            bytes,
            version,
            head: Vec::new(),
            digest,
            inspector: Inspector::default(),
            defect: None,
            wants_whole: false,
            restarts: 0,
        }
    }

    /// Adds the next bytes of a part that an earlier download left.
    pub(super) fn read(&mut self, piece: &[u8]) {
        let missing = HEAD - self.head.len();
        self.head
            .extend_from_slice(&piece[..piece.len().min(missing)]);
        self.inspect(piece);
    }

    /// Adds the next bytes of the file to the digest and the container's inspector.
    pub(super) fn inspect(&mut self, piece: &[u8]) {
        self.digest.update(piece);
        self.inspector.update(piece);
    }

    /// Where the next request continues the file; `None` if the next request is for the whole file.
    pub(super) fn resume_point(&self) -> Option<ResumePoint<'_>> {
        let resumes = self.bytes > 0 && !self.wants_whole && self.version.can_resume();
        resumes.then_some(ResumePoint {
            version: &self.version,
            length: self.bytes,
        })
    }
}

/// The number of bytes from the start of the file that are kept to recognize its content.
pub(super) const HEAD: usize = 512;
