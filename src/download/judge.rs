//! What a response to a GET of a video is: the whole file, the rest of it, or neither. Decided by `Content-Range`, the
//! total and the validators (RFC 9110 sections 8.8, 14.4, 15.3.7 and 15.5.17), since hosts confuse the statuses: ranges
//! arrive as 200, and whole files as 206.

use reqwest::{Response, header::CONTENT_TYPE};

use super::version::{ContentRange, Version, text};

/// The part that a request was made for the rest of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) version: &'a Version,
    /// Bytes that are here.
    pub(super) length: u64,
}

#[derive(Debug, PartialEq)]
pub(super) enum Judgement {
    /// The body is a file from its first byte.
    Whole(Version),
    /// The body continues the part up to this byte, exclusive, of a file of so many bytes.
    Continues { end: u64, total: Option<u64> },
    /// The part is the whole file already.
    Complete,
    /// The file has to be requested from its first byte.
    BeginAnew(&'static str),
    /// The body is not a file, nor the requested part of one.
    Refused(&'static str),
    /// By its status, the response brings no file.
    NoFile,
}

/// Judges `response` to a request for the rest of `part`, or for the whole file, of which `known` is the version that an
/// earlier response had.
pub(super) fn judge(
    response: &Response,
    part: Option<Part<'_>>,
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
            (_, Some(_)) => Judgement::BeginAnew("sent another part than was requested"),
            (_, None) => Judgement::Refused("sent a part of it, though the whole was requested"),
        },
        (416, Some(part)) => unsatisfied(response, part, range),
        _ => Judgement::NoFile,
    }
}

/// A body from the first byte on. A host that names a strong validator of the known version beside another size
/// contradicts itself; what it sends may be a slice.
fn whole(
    response: &Response,
    total: Option<u64>,
    part: Option<Part<'_>>,
    known: Option<&Version>,
) -> Judgement {
    let is_proven = known.is_some_and(|known| known.is_proven_by(response));
    let is_other_size =
        known.is_some_and(|known| matches!((total, known.total), (Some(a), Some(b)) if a != b));
    match part {
        Some(_) if is_proven && is_other_size => {
            return Judgement::BeginAnew("states another size for the same version of it");
        }
        // A stale tag beside another date is a new file; see `Version::agrees_with`.
        None if is_proven
            && is_other_size
            && known.is_some_and(|known| known.agrees_with(response, None)) =>
        {
            return Judgement::Refused("states two sizes for the same version of it");
        }
        _ => {}
    }
    let mut version = Version::of(response, total);
    if part.is_some() && is_proven && version.serves_ranges != Some(true) {
        // The host had the version of which a part was requested, and sent the whole.
        version.serves_ranges = Some(false);
    }
    Judgement::Whole(version)
}

fn continued(response: &Response, part: Part<'_>, last: u64, total: Option<u64>) -> Judgement {
    let Part { version, .. } = part;
    if !version.agrees_with(response, total) || !version.is_repeated_by(response) {
        return Judgement::BeginAnew("has another version of it by now");
    }
    Judgement::Continues {
        end: last + 1,
        total: total.or(version.total),
    }
}

/// There is nothing behind the part: it is whole if the host says that the file ends there, and that it is the same file.
fn unsatisfied(response: &Response, part: Part<'_>, range: ContentRange) -> Judgement {
    let Part { version, length } = part;
    let ends_here = range == ContentRange::Unsatisfied { total: length };
    let is_same = version.agrees_with(response, Some(length))
        // A host need not repeat validators here. The size that the part's own host stated proves as much.
        && (version.total == Some(length) || version.is_proven_by(response));
    match ends_here && is_same {
        true => Judgement::Complete,
        false => Judgement::BeginAnew("has no such part of it"),
    }
}

/// Whether the body has the length of its range, as far as it is stated.
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
