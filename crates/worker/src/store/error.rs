//! The errors of a store: one line each, without secrets.

use std::{error::Error as StdError, fmt};

use aimlapi_video_contract::redacted_urls;
use object_store::Error;

/// Why a store cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    text: String,
    is_missing: bool,
    is_wrong_url: bool,
}

impl StoreError {
    pub(super) fn new(url: &str, what: impl fmt::Display) -> Self {
        Self {
            text: format!("the store {}: {what}", redacted_urls(url, "?…")),
            is_missing: false,
            is_wrong_url: false,
        }
    }

    /// A URL that names no store.
    pub(super) fn wrong_url(url: &str, what: impl fmt::Display) -> Self {
        Self {
            is_wrong_url: true,
            ..Self::new(url, what)
        }
    }

    /// Whether the bucket or the folder does not exist.
    pub fn is_missing(&self) -> bool {
        self.is_missing
    }

    /// Whether the URL names no store; the error says what is expected.
    pub fn is_wrong_url(&self) -> bool {
        self.is_wrong_url
    }

    /// The error of a request.
    pub(super) fn of(url: &str, error: &Error) -> Self {
        let text = error.to_string();
        // Lists of objects fail with the general kind, whatever the status is.
        let has_status = |status: &str| text.contains(status);
        match error {
            Error::NotFound { .. } => Self::missing(url),
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => Self::refused(url),
            _ if has_status("404 Not Found") => Self::missing(url),
            _ if has_status("401 Unauthorized") || has_status("403 Forbidden") => {
                Self::refused(url)
            }
            _ if has_status("Account must be specified") => Self::new(
                url,
                "its account is not known; set AZURE_STORAGE_ACCOUNT_NAME",
            ),
            _ => {
                // The document of a response may describe a signature.
                let text = text.split('<').next().unwrap_or_default();
                let cause = first_cause(error).filter(|cause| !text.contains(cause));
                let text = [Some(text.to_owned()), cause].into_iter().flatten();
                let text = redacted_urls(&text.collect::<Vec<_>>().join(": "), "?…");
                Self::new(url, text.split_whitespace().collect::<Vec<_>>().join(" "))
            }
        }
    }

    /// The error of a store that replaces an object although it was asked to store only a new one.
    pub(super) fn replaces(url: &str) -> Self {
        let what = "it ignores the condition of a write (`If-None-Match: *`), so it cannot hold claims; \
                    use a store that supports conditional writes";
        Self::new(url, what)
    }

    fn missing(url: &str) -> Self {
        let what = "the bucket or the folder does not exist; create it, or correct the name";
        Self {
            is_missing: true,
            ..Self::new(url, what)
        }
    }

    fn refused(url: &str) -> Self {
        let variable = match url.split_once(':') {
            Some(("gs", _)) => "GOOGLE_APPLICATION_CREDENTIALS",
            Some(("az", _)) => "AZURE_STORAGE_ACCOUNT_KEY",
            _ => "AWS_ACCESS_KEY_ID",
        };
        let what = format!(
            "the credentials are refused; set those of the environment, such as {variable}"
        );
        Self::new(url, what)
    }
}

/// The text of the innermost cause, such as a refused connection.
fn first_cause(error: &Error) -> Option<String> {
    let mut cause = error.source()?;
    while let Some(source) = cause.source() {
        cause = source;
    }
    Some(cause.to_string())
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for StoreError {}

/// Why the videos of a job are not in the store.
#[derive(Debug)]
#[non_exhaustive]
pub enum SaveError {
    /// A video could not be downloaded or stored.
    Video(aimlapi_video::Error),
    /// The record of the job could not be read or written.
    Record(StoreError),
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Video(error) => error.fmt(f),
            Self::Record(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SaveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Video(error) => error.source(),
            Self::Record(_) => None,
        }
    }
}

impl From<aimlapi_video::Error> for SaveError {
    fn from(error: aimlapi_video::Error) -> Self {
        Self::Video(error)
    }
}

impl From<StoreError> for SaveError {
    fn from(error: StoreError) -> Self {
        Self::Record(error)
    }
}
