//! The parser of box headers, and an iterator over the boxes inside a box.

use super::super::{u32_at, u64_at};

pub(super) type Kind = [u8; 4];

pub(super) enum Header {
    Read {
        kind: Kind,
        /// The size of the header.
        header: usize,
        /// The size of the box, including its header; `None` if the box extends to the end.
        size: Option<u64>,
    },
    Needs(usize),
    /// The bytes are not a valid box header.
    Invalid,
}

pub(super) fn read_header(head: &[u8]) -> Header {
    let (Some(size), Some(kind)) = (u32_at(head, 0), head.get(4..8)) else {
        return Header::Needs(8);
    };
    let Ok(kind) = Kind::try_from(kind) else {
        return Header::Invalid;
    };
    let (header, size) = match size {
        0 if kind == [0; 4] => return Header::Invalid,
        0 => (8, None),
        1 => match u64_at(head, 8) {
            Some(size) => (16, Some(size)),
            None => return Header::Needs(16),
        },
        size => (8, Some(u64::from(size))),
    };
    match size {
        Some(size) if size < header as u64 => Header::Invalid,
        size => Header::Read { kind, header, size },
    }
}

/// The boxes in a box's content, up to the first box that extends past the content.
pub(super) struct Boxes<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    type Item = (Kind, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let Header::Read { kind, header, size } = read_header(self.0) else {
            return None;
        };
        let size = match size {
            Some(size) => usize::try_from(size).ok()?,
            None => self.0.len(),
        };
        let content = self.0.get(header..size)?;
        self.0 = &self.0[size..];
        Some((kind, content))
    }
}

/// The content of the first box of this kind in `content`.
pub(super) fn child<'a>(content: &'a [u8], kind: &Kind) -> Option<&'a [u8]> {
    let found = Boxes(content).find(|(found, _)| found == kind);
    found.map(|(_, content)| content)
}

/// Whether no box in `content` extends past its end. Four zero bytes may end a list of boxes in QuickTime.
pub(super) fn are_complete(content: &[u8]) -> bool {
    let mut boxes = Boxes(content);
    while boxes.next().is_some() {}
    boxes.0.iter().all(|byte| *byte == 0)
}
