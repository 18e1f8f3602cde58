//! The result of saving one video to a file, or to an object in a store.

use std::path::PathBuf;

/// A video that was saved to a file, or to an object in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saved {
    /// The path of the file, or of the object in its store.
    pub path: PathBuf,
    /// The size of the file in bytes.
    pub bytes: u64,
    /// The media type that the host sent, or else the one that the generation states.
    pub content_type: Option<String>,
    /// How the file differs from what the generation, the host or the file name states, in words.
    pub disagreement: Option<String>,
    /// The SHA-256 of the file in hexadecimal, if [`Download::sha256`](crate::Download::sha256) is on; always for an
    /// object.
    pub sha256: Option<String>,
}
