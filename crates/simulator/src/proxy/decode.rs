//! The decoding of a response's body by its `Content-Encoding`.

use std::io::Read;

use axum::http::{HeaderMap, header};
use flate2::read::{MultiGzDecoder, ZlibDecoder};

use crate::{Deviation, Part, Subject};

/// The maximum of a response's body that is judged, as received and decoded, in bytes.
pub(super) const MAX_RESPONSE: usize = 16 * 1024 * 1024;

/// Why the body of a response is not decoded.
pub(super) enum Undecoded {
    /// Its coding is another one than gzip and deflate, or it is too long.
    Unsupported,
    Invalid(Box<Deviation>),
}

/// Returns the decoded body of a response with these headers.
pub(super) fn decode(headers: &HeaderMap, mut body: Vec<u8>) -> Result<Vec<u8>, Undecoded> {
    let stated = headers.get_all(header::CONTENT_ENCODING).iter();
    let stated = stated.map(|value| String::from_utf8_lossy(value.as_bytes()));
    let stated = stated.collect::<Vec<_>>().join(", ");
    // The codings are listed in the order in which they were applied (RFC 9110, 8.4).
    for coding in stated.rsplit(',') {
        // A response to HEAD and one with 304 state the coding of the body that they do not have.
        if body.is_empty() {
            break;
        }
        let decoded = match &*coding.trim().to_ascii_lowercase() {
            "" | "identity" => continue,
            "gzip" | "x-gzip" => read(MultiGzDecoder::new(&*body)),
            "deflate" => read(ZlibDecoder::new(&*body)),
            _ => return Err(Undecoded::Unsupported),
        };
        body = decoded.map_err(|_| Undecoded::Invalid(Box::new(invalid(&stated))))?;
        if body.len() > MAX_RESPONSE {
            return Err(Undecoded::Unsupported);
        }
    }
    Ok(body)
}

/// Reads up to one byte more than the maximum.
fn read(decoder: impl Read) -> std::io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    let limit = MAX_RESPONSE as u64 + 1;
    decoder.take(limit).read_to_end(&mut decoded)?;
    Ok(decoded)
}

fn invalid(stated: &str) -> Deviation {
    Deviation {
        subject: Subject::Response,
        part: Part::Header,
        pointer: "/content-encoding".into(),
        given: Some(stated.into()),
        allowed: "a body in the stated coding; this body is not judged".into(),
        document: None,
    }
}
