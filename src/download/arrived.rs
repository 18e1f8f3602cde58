//! The progress of one download: what has arrived, and of which version of the file.

use super::{container::Inspector, digest::Digest, judge::Part, version::Version};

/// What has arrived of one video.
pub(super) struct Arrived {
    /// Bytes in the sink.
    pub(super) bytes: u64,
    pub(super) version: Version,
    /// The first bytes.
    pub(super) head: Vec<u8>,
    pub(super) digest: Digest,
    pub(super) inspector: Inspector,
    /// What the file lacks, if a truncated one is good enough.
    pub(super) defect: Option<String>,
    /// Whether the next request is for the whole file, whatever is here.
    pub(super) wants_whole: bool,
    /// How often what was here was given up for a file from its first byte.
    pub(super) restarts: u32,
}

impl Arrived {
    /// Nothing yet, or a part of `bytes` bytes that an earlier download left.
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

    /// Takes the next bytes of a part that an earlier download left.
    pub(super) fn read(&mut self, piece: &[u8]) {
        let missing = HEAD - self.head.len();
        self.head
            .extend_from_slice(&piece[..piece.len().min(missing)]);
        self.inspect(piece);
    }

    /// Takes the next bytes of the file into what is known of its content.
    pub(super) fn inspect(&mut self, piece: &[u8]) {
        self.digest.update(piece);
        self.inspector.update(piece);
    }

    /// The part whose rest the next request is for.
    pub(super) fn part(&self) -> Option<Part<'_>> {
        let resumes = self.bytes > 0 && !self.wants_whole && self.version.can_resume();
        resumes.then_some(Part {
            version: &self.version,
            length: self.bytes,
        })
    }
}

/// The number of first bytes that are kept.
pub(super) const HEAD: usize = 512;
