use std::path::PathBuf;

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
    /// Its SHA-256 in hexadecimal, where [`Download::sha256`](crate::Download::sha256) asked for it.
    pub sha256: Option<String>,
}
