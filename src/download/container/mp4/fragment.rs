//! The end of the samples of a fragment, computed from its `moof` box.

use std::ops::Range;

use super::{
    super::{u32_at, u64_at},
    boxes::{Boxes, child},
    movie::Movie,
};

/// The offset in the file after the last sample of the fragment; 0 if the offset is not certain. `at` is the range of
/// the `moof` box in the file.
pub(super) fn samples_end(content: &[u8], at: Range<u64>, movie: Option<&Movie>) -> u64 {
    Boxes(content)
        .filter(|(kind, _)| kind == b"traf")
        .filter_map(|(_, track)| track_end(track, &at, movie))
        .max()
        .unwrap_or_default()
}

fn track_end(track: &[u8], at: &Range<u64>, movie: Option<&Movie>) -> Option<u64> {
    let header = child(track, b"tfhd")?;
    let (flags, id) = (u32_at(header, 0)?, u32_at(header, 4)?);
    let mut fields = Fields(header.get(8..)?);
    let base = match flags & 0x01 {
        // A tool that moves fragments may not update the offsets.
        1 => fields.u64().filter(|base| *base == at.start)?,
        // The base may also be the end of the previous track, which is never before this offset.
        _ => at.start,
    };
    for optional in [0x02, 0x08] {
        if flags & optional != 0 {
            fields.u32()?;
        }
    }
    let default_size = match flags & 0x10 {
        0 => movie.and_then(|movie| movie.default_sizes.get(&id).copied()),
        _ => fields.u32(),
    };
    let (mut next, mut end) = (base, None);
    for (_, run) in Boxes(track).filter(|(kind, _)| kind == b"trun") {
        let (flags, count) = (u32_at(run, 0)?, u32_at(run, 4)?);
        let mut fields = Fields(run.get(8..)?);
        if flags & 0x01 != 0 {
            // The data offset is a signed number.
            let offset = i64::from(fields.u32()?.cast_signed());
            next = base.checked_add_signed(offset)?;
        }
        if flags & 0x04 != 0 {
            fields.u32()?;
        }
        let size = match flags & 0x200 {
            0 => u64::from(default_size?).checked_mul(count.into())?,
            _ => {
                let duration = usize::from(flags & 0x100 != 0) * 4;
                let each = 4 * (flags & 0xf00).count_ones() as usize;
                let count = usize::try_from(count).ok()?;
                let table = fields.0.get(..each.checked_mul(count)?)?;
                table
                    .chunks_exact(each)
                    .filter_map(|sample| u32_at(sample, duration))
                    .map(u64::from)
                    .sum()
            }
        };
        next = next.checked_add(size)?;
        if count > 0 {
            end = end.max(Some(next));
        }
    }
    end
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u32(&mut self) -> Option<u32> {
        let value = u32_at(self.0, 0)?;
        self.0 = &self.0[4..];
        Some(value)
    }

    fn u64(&mut self) -> Option<u64> {
        let value = u64_at(self.0, 0)?;
        self.0 = &self.0[8..];
        Some(value)
    }
}
