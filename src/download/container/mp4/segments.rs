//! The list of segments that follow an `sidx` box.
//!
//! Tools that take encryption or boxes out of a file leave an `sidx` that lists sizes of before. So the list counts only
//! if a segment ends where it says, and no segment that is there ends elsewhere.

use super::super::{u32_at, u64_at};

pub(super) struct SegmentIndex {
    /// Where the first segment begins, and where each ends.
    bounds: Vec<u64>,
    /// How many of them have been passed.
    passed: usize,
}

impl SegmentIndex {
    /// `end`: the offset behind the box.
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
            // The highest bit tells whether it is an index itself.
            let size = u32_at(reference, 0)? & 0x7fff_ffff;
            bound = bound.checked_add(size.into())?;
            bounds.push(bound);
        }
        Some(Self { bounds, passed: 0 })
    }

    /// Takes notice of a box at the top level that begins at `at`. False: the list does not fit the file.
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

    /// Where the list ends, if a file of so many bytes ends before.
    pub(super) fn missing_at(&self, length: u64) -> Option<u64> {
        let rest = self.bounds.get(self.passed..)?;
        let reached = self.passed + rest.iter().take_while(|bound| **bound == length).count();
        let is_proven = reached > 1;
        let end = *self.bounds.last()?;
        (is_proven && end > length).then_some(end)
    }
}
