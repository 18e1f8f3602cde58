//! Decides whether the response to a GET of a video is the whole file, the rest of the file, or neither.
//!
//! The decision uses `Content-Range`, the total size and the validators (RFC 9110 sections 8.8, 14.4, 15.3.7 and
//! 15.5.17), and not only the status, since some hosts send a range with 200, or a whole file with 206.

use reqwest::{Response, header::CONTENT_TYPE};

use super::version::{ContentRange, Version, text};

/// Where a request continues a file: the version and length of the received part.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResumePoint<'a> {
    pub(super) version: &'a Version,
    /// The number of received bytes.
    pub(super) length: u64,
}

#[derive(Debug, PartialEq)]
pub(super) enum Judgement {
    /// The body is the file from its first byte.
    Whole(Version),
    /// The body continues the part up to the offset `end`, exclusive, of a file of `total` bytes.
    Continues { end: u64, total: Option<u64> },
    /// The part is already the whole file.
    Complete,
    /// The file has to be requested from its first byte.
    Restart(&'static str),
    /// The body is neither the whole file nor the requested range.
    Refused(&'static str),
    /// The status means that the response has no file.
    NoFile,
}

/// Judges `response` to a request for the rest of `part`, or for the whole file. `known` is the version of an earlier
/// response.
pub(super) fn judge(
    response: &Response,
    part: Option<ResumePoint<'_>>,
    known: Option<&Version>,
) -> Judgement {
    let range = ContentRange::of(response);
    match (response.status().as_u16(), part) {
        (200 | 203, _) if range == ContentRange::Absent && !is_multipart(response) => {
            whole(response, response.content_length(), part, known)
        }
        (200 | 203 | 206, part) => match (range, part) {
            (ContentRange::Range { first, last, total }, Some(part))
                if first == part.length && has_length(response, first, last) =>
            {
                continued(response, part, last, total)
            }
            (
                ContentRange::Range {
                    first: 0,
                    last,
                    total: Some(total),
                },
                part,
            ) if last + 1 == total && has_length(response, 0, last) => {
                whole(response, Some(total), part, known)
            }
            (_, Some(_)) => Judgement::Restart("sent another range than the requested one"),
            (_, None) => {
                Judgement::Refused("sent a range, although the request is for the whole file")
            }
        },
        (416, Some(part)) => unsatisfied(response, part, range),
        _ => Judgement::NoFile,
    }
}

/// Judges a body that begins at the first byte. A host that sends a strong validator of the known version with another
/// size contradicts itself; the body may be a slice of the file.
fn whole(
    response: &Response,
    total: Option<u64>,
    part: Option<ResumePoint<'_>>,
    known: Option<&Version>,
) -> Judgement {
    let is_proven = known.is_some_and(|known| known.is_proven_by(response));
    let is_other_size =
        known.is_some_and(|known| matches!((total, known.total), (Some(a), Some(b)) if a != b));
    match part {
        Some(_) if is_proven && is_other_size => {
            return Judgement::Restart("states another size for the same version of the file");
        }
        // A stale tag with another date belongs to a new file; see `Version::agrees_with`.
        None if is_proven
            && is_other_size
            && known.is_some_and(|known| known.agrees_with(response, None)) =>
        {
            return Judgement::Refused("states two sizes for the same version of the file");
        }
        _ => {}
    }
    let mut version = Version::of(response, total);
    if part.is_some() && is_proven && version.serves_ranges != Some(true) {
        // The host has the version whose rest was requested, and sent the whole file.
        version.serves_ranges = Some(false);
    }
    Judgement::Whole(version)
}

fn continued(
    response: &Response,
    part: ResumePoint<'_>,
    last: u64,
    total: Option<u64>,
) -> Judgement {
    let ResumePoint { version, .. } = part;
    if !version.agrees_with(response, total) || !version.is_repeated_by(response) {
        return Judgement::Restart("has another version of the file");
    }
    Judgement::Continues {
        end: last + 1,
        total: total.or(version.total),
    }
}

/// Judges a 416 response: the part is complete if the host states that the same file ends at the end of the part.
fn unsatisfied(response: &Response, part: ResumePoint<'_>, range: ContentRange) -> Judgement {
    let ResumePoint { version, length } = part;
    let ends_here = range == ContentRange::Unsatisfied { total: length };
    let is_same = version.agrees_with(response, Some(length))
        // A host need not repeat validators in a 416. An equal size in the first response is sufficient proof.
        && (version.total == Some(length) || version.is_proven_by(response));
    match ends_here && is_same {
        true => Judgement::Complete,
        false => Judgement::Restart("cannot send the requested range"),
    }
}

/// Whether the body's length is that of its range, or is not stated.
fn has_length(response: &Response, first: u64, last: u64) -> bool {
    let length = response.content_length();
    length.is_none_or(|length| length == last - first + 1)
}

fn is_multipart(response: &Response) -> bool {
    text(response, CONTENT_TYPE).is_some_and(|kind| {
        kind.trim()
            .to_ascii_lowercase()
            .starts_with("multipart/byteranges")
    })
}

#[cfg(test)]
mod tests;
