//! The list of segments in an `sidx` box, and whether the file ends before the last segment.
//!
//! Tools that remove encryption or boxes from a file leave an `sidx` with the previous sizes. Therefore the list is
//! used only if at least one segment ends at its listed offset, and no segment in the file ends elsewhere.

use super::super::{u32_at, u64_at};

pub(super) struct SegmentIndex {
    /// The beginning of the first segment, and the end of each segment.
    bounds: Vec<u64>,
    /// The number of bounds that have been passed.
    passed: usize,
}

impl SegmentIndex {
    /// Reads the list from the content of the box; `end` is the offset after the box.
    pub(super) fn read(content: &[u8], end: u64) -> Option<Self> {
        let (first, list) = match content.first()? {
            0 => (u32_at(content, 16)?.into(), content.get(20..)?),
            _ => (u64_at(content, 20)?, content.get(28..)?),
        };
        let count = usize::from(u16::from_be_bytes([*list.get(2)?, *list.get(3)?]));
        let list = list.get(4..4 + count * 12)?;
        let mut bound = end.checked_add(first)?;
        let mut bounds = vec![bound];
        for reference in list.chunks_exact(12) {
            // The highest bit is set if the reference is to another index.
            let size = u32_at(reference, 0)? & 0x7fff_ffff;
            bound = bound.checked_add(size.into())?;
            bounds.push(bound);
        }
        Some(Self { bounds, passed: 0 })
    }

    /// Records a box at the top level that begins at `at`; returns `false` if the list does not match the file.
    pub(super) fn pass(&mut self, at: u64) -> bool {
        while let Some(bound) = self.bounds.get(self.passed) {
            if *bound != at {
                return *bound > at;
            }
            self.passed += 1;
        }
        true
    }

    pub(super) fn is_passed(&self) -> bool {
        self.passed == self.bounds.len()
    }

    /// The end of the last segment, if a file of `length` bytes ends before it.
    pub(super) fn missing_at(&self, length: u64) -> Option<u64> {
        let rest = self.bounds.get(self.passed..)?;
        let reached = self.passed + rest.iter().take_while(|bound| **bound == length).count();
        let is_proven = reached > 1;
        let end = *self.bounds.last()?;
        (is_proven && end > length).then_some(end)
    }
}
