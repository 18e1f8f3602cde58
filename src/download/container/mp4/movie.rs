//! The positions and sizes of the samples of a file, read from its `moov` box.

use std::collections::BTreeMap;

use super::{
    super::{u32_at, u64_at},
    boxes::{Boxes, Kind, child},
};

#[derive(Debug, Default)]
pub(super) struct Movie {
    /// The end of the video and audio samples in this file; 0 if the file has no such samples.
    pub(super) samples_end: u64,
    /// The end of the samples of all tracks.
    pub(super) all_samples_end: u64,
    /// Whether samples are in another file, or may be, since the index is compressed.
    pub(super) refers_to_other_files: bool,
    /// Whether the `moov` announces samples in fragments.
    pub(super) has_fragments: bool,
    /// The default size of a sample by track, which fragments need not repeat.
    pub(super) default_sizes: BTreeMap<u32, u32>,
}

impl Movie {
    pub(super) fn read(content: &[u8]) -> Self {
        let mut movie = Self::default();
        for (kind, content) in Boxes(content) {
            match &kind {
                b"trak" => movie.read_track(content),
                b"mvex" => movie.read_extends(content),
                // A compressed index; a movie that only refers to other movies.
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
        let is_in_file: Vec<bool> = references
            .map(|references| Boxes(references.get(8..).unwrap_or_default()))
            .into_iter()
            .flatten()
            // Version and flags; the lowest flag means that the data is in this file.
            .map(|(_, reference)| u32_at(reference, 0).is_some_and(|flags| flags & 1 == 1))
            .collect();
        self.refers_to_other_files |= is_in_file.contains(&false);
        let table = child(information, b"stbl").and_then(|table| Table::read(table, is_in_file));
        let Some(end) = table.and_then(|table| table.samples_end()) else {
            return;
        };
        self.all_samples_end = self.all_samples_end.max(end);
        // Missing samples of other tracks (time codes, texts, hints) do not make a file truncated.
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
    /// Entries of 12 bytes: the first chunk, the samples in each chunk, and the number of the description.
    runs: &'a [u8],
    sizes: Sizes<'a>,
    offsets: Offsets<'a>,
}

/// The properties of a sample description.
struct Description {
    is_in_file: bool,
    is_pcm: bool,
}

enum Sizes<'a> {
    /// The size of every sample, and the number of samples.
    Same(u32, u64),
    /// The number of bits of each entry, the table of sizes, and the number of samples.
    Each(usize, &'a [u8], u64),
}

enum Offsets<'a> {
    Short(&'a [u8]),
    Long(&'a [u8]),
}

impl<'a> Table<'a> {
    /// Reads the tables, each of which begins with version and flags, and a count.
    fn read(table: &'a [u8], is_in_file: Vec<bool>) -> Option<Self> {
        let descriptions = Boxes(child(table, b"stsd")?.get(8..)?)
            .map(|(format, content)| Description {
                is_in_file: content
                    .get(6..8)
                    .map(|number| usize::from(u16::from_be_bytes([number[0], number[1]])))
                    .and_then(|number| is_in_file.get(number.checked_sub(1)?))
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

    /// The end of the last sample in this file, or a smaller offset if the end is not certain.
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
            if count > 0 && description.is_in_file {
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

    /// The minimum number of bytes of `count` samples from number `first` on.
    fn of(&self, first: u64, count: u64, is_pcm: bool) -> Option<u64> {
        match self {
            // In QuickTime, samples of compressed audio (IMA 4:1, MACE) are counted as if they were uncompressed and
            // one byte large, so the product would be more than the actual size.
            Self::Same(size, _) if *size > MAX_COMPRESSED || is_pcm => {
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
                    // Entries of 4 bits, which no known encoder writes.
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

/// The formats of uncompressed audio.
const PCM: [&Kind; 13] = [
    b"sowt", b"twos", b"raw ", b"NONE", b"in24", b"in32", b"fl32", b"fl64", b"lpcm", b"ipcm",
    b"fpcm", b"ulaw", b"alaw",
];

/// The maximum constant sample size that may belong to compressed audio.
const MAX_COMPRESSED: u32 = 8;
