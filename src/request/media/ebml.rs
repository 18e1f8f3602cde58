//! Detects the media type of EBML files (RFC 8794): Matroska (RFC 9559) and WebM, with video or audio only.

/// The media type by the EBML header and the tracks.
pub(super) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    let mut elements = Elements(bytes);
    let head = elements.next().filter(|head| head.id == EBML)?;
    let doc_type = Elements(head.body).find(|element| element.id == DOC_TYPE)?;
    let kinds: Vec<&[u8]> = elements
        .filter(|element| element.id == SEGMENT)
        .flat_map(|segment| children(segment.body, TRACKS))
        .flat_map(|tracks| children(tracks.body, TRACK_ENTRY))
        .flat_map(|track| children(track.body, TRACK_TYPE))
        .map(|kind| kind.body)
        .collect();
    let is_audio_only = kinds.contains(&[2].as_slice()) && !kinds.contains(&[1].as_slice());
    // The text may be padded with zeros.
    let doc_type = doc_type.body.split(|byte| *byte == 0).next()?;
    match (doc_type, is_audio_only) {
        (b"webm", false) => Some("video/webm"),
        (b"webm", true) => Some("audio/webm"),
        (b"matroska", false) => Some("video/x-matroska"),
        (b"matroska", true) => Some("audio/x-matroska"),
        _ => None,
    }
}

const EBML: u64 = 0x1A45_DFA3;
const DOC_TYPE: u64 = 0x4282;
const SEGMENT: u64 = 0x1853_8067;
const TRACKS: u64 = 0x1654_AE6B;
const TRACK_ENTRY: u64 = 0xAE;
const TRACK_TYPE: u64 = 0x83;

/// The direct children of an element with this id.
fn children(body: &[u8], id: u64) -> impl Iterator<Item = Element<'_>> {
    Elements(body).filter(move |element| element.id == id)
}

struct Element<'a> {
    id: u64,
    /// The content, as far as it is in the given bytes.
    body: &'a [u8],
}

/// An iterator over the elements of a file or of a master element.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (id, _, rest) = number(self.0)?;
        let (size, bits, rest) = number(rest)?;
        let marker = 1 << bits;
        let size = match size - marker {
            // All bits set mean an unknown size, as in a live stream: the element has the rest of the bytes.
            unknown if unknown == marker - 1 => rest.len(),
            size => usize::try_from(size).unwrap_or(usize::MAX).min(rest.len()),
        };
        let (body, rest) = rest.split_at(size);
        self.0 = rest;
        Some(Element { id, body })
    }
}

/// Reads a variable-length number of one to eight bytes; returns the number with its marker bit, the position of that
/// bit, and the remaining bytes.
fn number(bytes: &[u8]) -> Option<(u64, u32, &[u8])> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    let (number, rest) = bytes.split_at_checked(length).filter(|_| length <= 8)?;
    let value = number
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte));
    Some((value, 7 * length as u32, rest))
}
