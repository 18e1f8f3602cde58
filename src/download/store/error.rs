//! The errors of an object store, without the secrets of their texts.

use std::{error::Error as StdError, fmt};

use object_store::{Error as StoreError, path::Path};

use super::super::error::exists;
use crate::{Error, ErrorKind, urls::redacted_urls};

/// The error of a failed request for the object at `path`.
pub(super) fn store_error(path: &Path, what: &str, error: &StoreError) -> Error {
    if let StoreError::AlreadyExists { .. } | StoreError::Precondition { .. } = error {
        return taken(path);
    }
    let what = format!("the object {path} {what}");
    Error::new(ErrorKind::Io, what).with_source(Redacted::new(error))
}

/// The error for a path that has an object.
pub(super) fn taken(path: &Path) -> Error {
    Error::new(ErrorKind::Io, exists(path.as_ref().as_ref()))
}

/// The error of a task that panicked, and of other defects of a store.
pub(super) fn broken(source: impl Into<Box<dyn StdError + Send + Sync>>) -> StoreError {
    StoreError::Generic {
        store: "upload",
        source: source.into(),
    }
}

/// The text of a store's error, which contains the texts of its causes.
///
/// The error itself is not kept, since it shows URLs with signatures (a shared access signature of Azure), and the
/// documents of a store that describe a wrong signature.
#[derive(Debug)]
struct Redacted(String);

impl Redacted {
    fn new(error: &StoreError) -> Self {
        let text = error.to_string();
        let (text, document) = text
            .split_once('<')
            .map_or((text.as_str(), ""), |(text, document)| (text, document));
        let mut shown = redacted_urls(text.trim_end());
        for name in ["Code", "Message"] {
            if let Some(value) = element(document, name) {
                shown.push_str(&format!(" {}", redacted_urls(value)));
            }
        }
        Self(shown.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// The text of the first element with this name.
fn element<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    Some(rest.split_once('<')?.0)
}

impl fmt::Display for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Redacted {}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Redacted::new(&broken(text)).to_string()
    }

    #[test]
    fn text_of_a_store_is_shown_without_signatures() {
        let azure = "Error performing PUT https://a.example/c/k?comp=block&sig=secret in 4ms - Server returned non-2xx \
                     status code: 403 Forbidden: \u{feff}<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code>\
                     <Message>Not allowed.\nTime:now</Message><AuthenticationErrorDetail>secret</AuthenticationErrorDetail></Error>";
        let text = shown(azure);
        assert!(!text.contains("secret"), "{text}");
        assert!(text.contains("https://a.example/c/k?"), "{text}");
        assert!(
            text.ends_with("403 Forbidden: \u{feff} AuthenticationFailed Not allowed. Time:now"),
            "{text}"
        );
    }

    #[test]
    fn text_without_a_document_is_shown_in_one_line() {
        assert_eq!(shown("no\nroom"), "Generic upload error: no room");
    }
}
