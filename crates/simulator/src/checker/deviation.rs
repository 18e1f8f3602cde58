//! `Deviation`: what a request or a response has that its document does not allow.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::{
    log::{truncate, truncate_strings},
    redact,
};

/// A part of a request or a response that deviates from its document.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Deviation {
    /// What deviates.
    pub subject: Subject,
    /// The part of it.
    pub part: Part,
    /// The JSON pointer within the part; for a header or a query parameter, `/` and its name.
    pub pointer: String,
    /// The given value, or `None` if it is missing; without keys, the queries of URLs, and the bytes of media.
    ///
    /// A string ends after 256 bytes. Of a value that is longer than 1 KiB as JSON, this is the beginning of that text.
    pub given: Option<Value>,
    /// What is allowed.
    pub allowed: String,
    /// The file of the document, if a document of the request's model declares what is allowed.
    pub document: Option<String>,
}

/// What deviates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Subject {
    /// A request deviates from its document.
    Request,
    /// A response deviates from its document.
    Response,
    /// The client's reading of a response deviates from what the response states.
    Reading,
    /// The upstream server sent no complete response.
    Upstream,
}

/// The part of a message that deviates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Part {
    /// The path of the request.
    Path,
    /// The method of the request.
    Method,
    /// The query of the request.
    Query,
    /// A header.
    Header,
    /// The status of the response.
    Status,
    /// The body.
    Body,
}

/// The maximum of a given value as JSON, and of a pointer, in bytes.
const MAX_BYTES: usize = 1024;

impl Deviation {
    /// Creates a deviation of the client's reading of a response.
    pub fn of_reading(
        pointer: impl Into<String>,
        given: Option<Value>,
        allowed: impl Into<String>,
    ) -> Self {
        Self {
            subject: Subject::Reading,
            part: Part::Body,
            pointer: pointer.into(),
            given,
            allowed: allowed.into(),
            document: None,
        }
    }

    /// Removes the key, the queries of URLs, the bytes of media, and the ends of long strings.
    pub(crate) fn without_secrets(mut self, key: redact::Key<'_>) -> Self {
        self.given = self.given.map(|mut given| {
            given = redact::without_secrets(key, &given);
            truncate_strings(&mut given);
            let text = given.to_string();
            match text.len() > MAX_BYTES {
                true => format!("{}…", truncate(&text, MAX_BYTES)).into(),
                false => given,
            }
        });
        let pointer = redact::redact(key, &self.pointer);
        self.pointer = truncate(&pointer, MAX_BYTES).to_owned();
        self
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.subject, self.part)?;
        if !self.pointer.is_empty() {
            write!(f, " {}", self.pointer)?;
        }
        write!(f, ": expected {}; received ", self.allowed)?;
        match &self.given {
            Some(given) => write!(f, "{given}")?,
            None => f.write_str("nothing")?,
        }
        match &self.document {
            Some(document) => write!(f, " ({document})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Response => "response",
            Self::Reading => "reading",
            Self::Upstream => "upstream",
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "path",
            Self::Method => "method",
            Self::Query => "query",
            Self::Header => "header",
            Self::Status => "status",
            Self::Body => "body",
        })
    }
}
