//! A video of a completed generation: its URL, and the facts that the response states about the file.

use std::{fmt, time::SystemTime};

use serde_json::{Map, Value};

use super::expiry::expires_at;
use crate::urls::redacted;

/// A video of a completed generation.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Video {
    /// The URL of the file, byte for byte as the service sent it. Such URLs are often signed and expire.
    pub url: String,
    /// The media type, if stated.
    pub content_type: Option<String>,
    /// The file's name, if stated.
    pub file_name: Option<String>,
    /// The file's size in bytes, if stated.
    pub file_size: Option<u64>,
    /// The clip's length in seconds, if stated.
    pub duration: Option<f64>,
}

impl Video {
    /// A video of which only the URL is known.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            content_type: None,
            file_name: None,
            file_size: None,
            duration: None,
        }
    }

    /// The time at which the URL expires, if its signature states one. A fetch of the generation returns a fresh URL.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// let url = "https://cdn.example.com/a.mp4?Expires=1752005613&Signature=x";
    /// let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(1_752_005_613);
    /// assert_eq!(aimlapi_video::Video::at(url).expires_at(), Some(expires));
    /// ```
    pub fn expires_at(&self) -> Option<SystemTime> {
        expires_at(&self.url)
    }

    /// The video at `url`, with the facts that the object `map` states about the file.
    pub(super) fn described(url: &str, map: &Map<String, Value>) -> Self {
        Self {
            content_type: map.get("content_type").and_then(text),
            file_name: map.get("file_name").and_then(text),
            file_size: map.get("file_size").and_then(Value::as_u64),
            duration: map.get("duration").and_then(Value::as_f64),
            ..Self::at(url)
        }
    }
}

impl fmt::Debug for Video {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Video")
            .field("url", &redacted(&self.url))
            .field("content_type", &self.content_type)
            .field("file_name", &self.file_name)
            .field("file_size", &self.file_size)
            .field("duration", &self.duration)
            .finish()
    }
}

/// The text of a JSON string that is not empty, or of a number.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
