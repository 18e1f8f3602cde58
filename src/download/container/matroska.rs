//! The reader of Matroska and WebM: elements with an id and a size (RFC 8794, RFC 9559).
//!
//! A live encoder leaves the sizes of the segment and of its clusters unknown. The children of such an element are read
//! as if they followed the element, so that the sizes of single blocks show a missing end. A file that was truncated
//! between two blocks cannot be recognized.

use super::{Container, End, Format, Step};

#[derive(Default)]
pub(super) struct Matroska {
    is_webm: bool,
    segment: Segment,
    has_cluster: bool,
    /// The id and the end of the last read element.
    element: Option<(u32, u64)>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Segment {
    /// No segment has begun.
    #[default]
    None,
    /// A segment of known size, which is skipped.
    Sized,
    /// A segment that extends to the end of the file.
    Unsized,
}

impl Format for Matroska {
    fn container(&self) -> Container {
        match self.is_webm {
            true => Container::WebM,
            false => Container::Matroska,
        }
    }

    fn min_header(&self) -> usize {
        2
    }

    fn step(&mut self, at: u64, head: &[u8]) -> Step {
        let (id, header, size) = match read_header(head) {
            Header::Read { id, size, header } => (id, header, size),
            Header::Needs(count) => return Step::Need(count),
            Header::Invalid => return Step::Stop,
        };
        let is_expected = match self.segment {
            Segment::Unsized => true,
            Segment::None | Segment::Sized => TOP_LEVEL.contains(&id),
        };
        if !is_expected {
            return Step::Stop;
        }
        self.has_cluster |= matches!(id, CLUSTER | SIMPLE_BLOCK | BLOCK_GROUP);
        let size = match (id, size) {
            (SEGMENT | CLUSTER, Some(0) | None) | (_, None) => {
                if id == SEGMENT {
                    self.segment = Segment::Unsized;
                }
                self.element = None;
                return Step::Skip(header as u64);
            }
            (_, Some(size)) => (header as u64).saturating_add(size),
        };
        if id == EBML && size <= MAX_EBML {
            let whole = usize::try_from(size).unwrap_or_default();
            self.element = Some((id, at.saturating_add(size)));
            let Some(content) = head.get(header..whole) else {
                return Step::Need(whole);
            };
            self.is_webm = doc_type(content) == Some(b"webm");
        }
        if id == SEGMENT {
            self.segment = Segment::Sized;
        }
        self.element = Some((id, at.saturating_add(size)));
        Step::Skip(size)
    }

    fn missing(&self, end: &End<'_>) -> Option<String> {
        if let Some((id, to)) = self.element
            && to > end.length
            && let Some(name) = name(id)
        {
            return end.past(name, to);
        }
        match self.segment {
            Segment::Sized => None,
            _ if end.is_unread => None,
            Segment::None => Some("it ends before its segment begins".to_owned()),
            Segment::Unsized if may_be_known(end.rest) => Some(end.inside_header("an element")),
            Segment::Unsized if !self.has_cluster => {
                Some("it ends before its first cluster begins".to_owned())
            }
            Segment::Unsized => None,
        }
    }

    fn is_complete(&self, _: &End<'_>) -> bool {
        self.segment == Segment::Sized
    }
}

enum Header {
    Read {
        id: u32,
        /// The size of the content; `None` if it is unknown.
        size: Option<u64>,
        /// The size of the header itself.
        header: usize,
    },
    Needs(usize),
    Invalid,
}

fn read_header(head: &[u8]) -> Header {
    let Some(width) = head.first().map(|first| first.leading_zeros() as usize + 1) else {
        return Header::Needs(1);
    };
    if width > 4 {
        return Header::Invalid;
    }
    let (Some(id), Some(first)) = (head.get(..width), head.get(width)) else {
        return Header::Needs(width + 1);
    };
    let size_width = first.leading_zeros() as usize + 1;
    if size_width > 8 {
        return Header::Invalid;
    }
    let header = width + size_width;
    let Some(size) = head.get(width..header) else {
        return Header::Needs(header);
    };
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    };
    let largest = (1u64 << (7 * size_width)) - 1;
    let size = number(size) & largest;
    Header::Read {
        id: number(id) as u32,
        // All bits set mean an unknown size.
        size: (size != largest).then_some(size),
        header,
    }
}

/// The value of the `DocType` element in an EBML header.
fn doc_type(mut elements: &[u8]) -> Option<&[u8]> {
    loop {
        let Header::Read { id, size, header } = read_header(elements) else {
            return None;
        };
        let content = elements.get(header..)?;
        let size = usize::try_from(size?).ok()?;
        let value = content.get(..size)?;
        if id == DOC_TYPE {
            return Some(value.trim_ascii_end().strip_suffix(b"\0").unwrap_or(value));
        }
        elements = &content[size..];
    }
}

/// Whether the last bytes of a file may be the beginning of a known element.
fn may_be_known(rest: &[u8]) -> bool {
    !rest.is_empty()
        && NAMES.iter().any(|(id, _)| {
            let id = id.to_be_bytes();
            let id = &id[id.iter().take_while(|byte| **byte == 0).count()..];
            id.starts_with(rest) || rest.starts_with(id)
        })
}

fn name(id: u32) -> Option<&'static str> {
    let (_, name) = NAMES.iter().find(|(known, _)| *known == id)?;
    Some(name)
}

const EBML: u32 = 0x1a45_dfa3;
const DOC_TYPE: u32 = 0x4282;
const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1f43_b675;
const SIMPLE_BLOCK: u32 = 0xa3;
const BLOCK_GROUP: u32 = 0xa0;
const VOID: u32 = 0xec;
const CRC: u32 = 0xbf;

/// The elements at the top level of a file.
const TOP_LEVEL: [u32; 4] = [EBML, SEGMENT, VOID, CRC];

/// The elements of a file, of a segment and of a cluster.
const NAMES: [(u32, &str); 23] = [
    (EBML, "EBML header"),
    (SEGMENT, "segment"),
    (CLUSTER, "last cluster"),
    (SIMPLE_BLOCK, "last block"),
    (BLOCK_GROUP, "last block"),
    (VOID, "`Void` element"),
    (CRC, "`CRC-32` element"),
    (0xe7, "`Timestamp` element"),
    (0xa7, "`Position` element"),
    (0xab, "`PrevSize` element"),
    (0xa1, "last block"),
    (0xaf, "last block"),
    (0x9b, "last block"),
    (0xfb, "last block"),
    (0x5854, "`SilentTracks` element"),
    (0x75a1, "last block"),
    (0x114d_9b74, "`SeekHead` element"),
    (0x1549_a966, "`Info` element"),
    (0x1654_ae6b, "`Tracks` element"),
    (0x1c53_bb6b, "`Cues` element"),
    (0x1941_a469, "`Attachments` element"),
    (0x1043_a770, "`Chapters` element"),
    (0x1254_c367, "`Tags` element"),
];

/// The maximum size of an EBML header that is read; a larger header is skipped.
const MAX_EBML: u64 = 4096;
