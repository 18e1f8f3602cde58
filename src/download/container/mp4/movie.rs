//! What a `moov` box tells about the samples of a file.

use std::collections::BTreeMap;

use super::{
    super::{u32_at, u64_at},
    boxes::{Boxes, Kind, child},
};

#[derive(Debug, Default)]
pub(super) struct Movie {
    /// Where the pictures and the sound end that are in this file; 0 if there are none.
    pub(super) samples_end: u64,
    /// Where the samples of all tracks end.
    pub(super) all_samples_end: u64,
    /// Samples are in another file, or may be, since the index is compressed.
    pub(super) refers_to_other_files: bool,
    /// Samples are announced in fragments.
    pub(super) has_fragments: bool,
    /// The size of a sample, by track, that fragments need not repeat.
    pub(super) default_sizes: BTreeMap<u32, u32>,
}

impl Movie {
    pub(super) fn read(content: &[u8]) -> Self {
        let mut movie = Self::default();
        for (kind, content) in Boxes(content) {
            match &kind {
                b"trak" => movie.read_track(content),
                b"mvex" => movie.read_extends(content),
                // A compressed index; a movie that only names others.
                b"cmov" | b"rmra" => movie.refers_to_other_files = true,
                _ => {}
            }
        }
        movie
    }

    fn read_track(&mut self, content: &[u8]) {
        let Some((handler, information)) = child(content, b"mdia").and_then(|media| {
            let handler = child(media, b"hdlr")?.get(8..12)?;
            Some((handler, child(media, b"minf")?))
        }) else {
            return;
        };
        let references = child(information, b"dinf").and_then(|data| child(data, b"dref"));
        let here: Vec<bool> = references
            .map(|references| Boxes(references.get(8..).unwrap_or_default()))
            .into_iter()
            .flatten()
            // Version and flags; the lowest flag says that the data is in this file.
            .map(|(_, reference)| u32_at(reference, 0).is_some_and(|flags| flags & 1 == 1))
            .collect();
        self.refers_to_other_files |= here.contains(&false);
        let table = child(information, b"stbl").and_then(|table| Table::read(table, here));
        let Some(end) = table.and_then(|table| table.samples_end()) else {
            return;
        };
        self.all_samples_end = self.all_samples_end.max(end);
        // What is missing of other tracks (time codes, texts, hints) is not worth a doubt about a whole file.
        if matches!(handler, b"vide" | b"soun") {
            self.samples_end = self.samples_end.max(end);
        }
    }

    fn read_extends(&mut self, content: &[u8]) {
        self.has_fragments = true;
        let defaults = Boxes(content).filter(|(kind, _)| kind == b"trex");
        self.default_sizes = defaults
            .filter_map(|(_, content)| Some((u32_at(content, 4)?, u32_at(content, 16)?)))
            .collect();
    }
}

/// The table of a track's samples.
struct Table<'a> {
    descriptions: Vec<Description>,
    /// First chunk, samples in each, number of the description: 12 bytes each.
    runs: &'a [u8],
    sizes: Sizes<'a>,
    offsets: Offsets<'a>,
}

/// What a sample description tells.
struct Description {
    is_here: bool,
    is_pcm: bool,
}

enum Sizes<'a> {
    /// Each sample has this size; so many samples.
    Same(u32, u64),
    /// So many bits for the size of each.
    Each(usize, &'a [u8], u64),
}

enum Offsets<'a> {
    Short(&'a [u8]),
    Long(&'a [u8]),
}

impl<'a> Table<'a> {
    /// Each of the tables begins with version and flags, and a count.
    fn read(table: &'a [u8], here: Vec<bool>) -> Option<Self> {
        let descriptions = Boxes(child(table, b"stsd")?.get(8..)?)
            .map(|(format, content)| Description {
                is_here: content
                    .get(6..8)
                    .map(|number| usize::from(u16::from_be_bytes([number[0], number[1]])))
                    .and_then(|number| here.get(number.checked_sub(1)?))
                    .copied()
                    .unwrap_or_default(),
                is_pcm: PCM.contains(&&format),
            })
            .collect();
        let sizes = match child(table, b"stsz") {
            Some(sizes) => match u32_at(sizes, 4)? {
                0 => Sizes::Each(32, sizes.get(12..)?, u32_at(sizes, 8)?.into()),
                same => Sizes::Same(same, u32_at(sizes, 8)?.into()),
            },
            None => {
                let sizes = child(table, b"stz2")?;
                let bits = usize::from(*sizes.get(7)?);
                Sizes::Each(bits, sizes.get(12..)?, u32_at(sizes, 8)?.into())
            }
        };
        let offsets = match child(table, b"stco") {
            Some(offsets) => Offsets::Short(offsets.get(8..)?),
            None => Offsets::Long(child(table, b"co64")?.get(8..)?),
        };
        Some(Self {
            descriptions,
            runs: child(table, b"stsc")?.get(8..)?,
            sizes,
            offsets,
        })
    }

    /// Where the last of the samples ends that are in this file, or earlier where that is not certain.
    fn samples_end(&self) -> Option<u64> {
        let mut runs = self.runs.chunks_exact(12).peekable();
        let mut run: &[u8] = &[];
        let mut sample = 0;
        let mut end = None;
        for (chunk, offset) in (1..).zip(self.offsets.iter()) {
            while let Some(next) =
                runs.next_if(|next| u32_at(next, 0).is_some_and(|at| at <= chunk))
            {
                run = next;
            }
            let count = u64::from(u32_at(run, 4)?).min(self.sizes.count() - sample);
            let description = u32_at(run, 8)?.checked_sub(1)?;
            let description = usize::try_from(description).ok()?;
            let description = self.descriptions.get(description)?;
            if count > 0 && description.is_here {
                let size = self.sizes.of(sample, count, description.is_pcm)?;
                end = end.max(Some(offset.checked_add(size)?));
            }
            sample += count;
        }
        end
    }
}

impl Sizes<'_> {
    fn count(&self) -> u64 {
        match self {
            Self::Same(_, count) | Self::Each(_, _, count) => *count,
        }
    }

    /// The bytes of `count` samples from number `first` on, at least.
    fn of(&self, first: u64, count: u64, is_pcm: bool) -> Option<u64> {
        match self {
            // In QuickTime the samples of packed sound (IMA 4:1, MACE) are counted as if they were not packed, and one
            // byte large, so that this product is more than there is.
            Self::Same(size, _) if *size > LARGEST_PACKED || is_pcm => {
                u64::from(*size).checked_mul(count)
            }
            Self::Same(..) => Some(1),
            Self::Each(bits, table, _) => {
                let (from, to) = (
                    first.checked_mul(*bits as u64)?,
                    (first + count).checked_mul(*bits as u64)?,
                );
                let table = table
                    .get(usize::try_from(from / 8).ok()?..usize::try_from(to.div_ceil(8)).ok()?)?;
                match bits {
                    8 => Some(table.iter().map(|size| u64::from(*size)).sum()),
                    16 => Some(
                        table
                            .chunks_exact(2)
                            .map(|size| u64::from(u16::from_be_bytes([size[0], size[1]])))
                            .sum(),
                    ),
                    32 => table
                        .chunks_exact(4)
                        .map(|size| u32_at(size, 0).map(u64::from))
                        .sum(),
                    // Half bytes, which no encoder is known to write.
                    _ => Some(1),
                }
            }
        }
    }
}

impl Offsets<'_> {
    fn iter(&self) -> impl Iterator<Item = u64> {
        let (table, size) = match self {
            Self::Short(table) => (table, 4),
            Self::Long(table) => (table, 8),
        };
        table
            .chunks_exact(size)
            .filter_map(move |offset| match size {
                4 => u32_at(offset, 0).map(u64::from),
                _ => u64_at(offset, 0),
            })
    }
}

/// Formats of sound that is not packed.
const PCM: [&Kind; 13] = [
    b"sowt", b"twos", b"raw ", b"NONE", b"in24", b"in32", b"fl32", b"fl64", b"lpcm", b"ipcm",
    b"fpcm", b"ulaw", b"alaw",
];

/// A size that is the same for all samples and not larger may be that of packed sound.
const LARGEST_PACKED: u32 = 8;
