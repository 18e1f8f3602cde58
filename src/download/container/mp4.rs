//! The reader of MP4 and QuickTime: boxes with their sizes (ISO/IEC 14496-12, QuickTime File Format), and the byte
//! ranges that the indexes in `moov`, `moof` and `sidx` refer to.

use super::{Container, End, Format, MAX_HELD, Step, u32_at};
use boxes::{Header, Kind, are_complete, read_header};
use movie::Movie;
use segments::SegmentIndex;

mod boxes;
mod fragment;
mod movie;
mod segments;

#[derive(Default)]
pub(super) struct Mp4 {
    first: Option<Kind>,
    /// The last read box.
    last: Option<Last>,
    movie: Option<Movie>,
    /// Whether the file has a `moov` that is too large to be read.
    has_unread_movie: bool,
    has_data: bool,
    has_fragments: bool,
    has_meta: bool,
    /// Whether the file has an `mfra`, which ends a fragmented file.
    has_fragment_index: bool,
    /// The end of the samples of all fragments.
    fragments_end: u64,
    segments: Option<SegmentIndex>,
    /// Whether an invalid header prevents reading the boxes after it.
    has_broken_header: bool,
}

#[derive(Clone, Copy)]
struct Last {
    kind: Kind,
    /// The end of the box; `None` if the box extends to the end of the file.
    end: Option<u64>,
}

impl Mp4 {
    /// Whether `head` is the header of a box that files of this kind begin with.
    pub(super) fn is_recognized(head: &[u8]) -> bool {
        let (Some(size), Some(kind)) = (head.first(), head.get(4..8)) else {
            return false;
        };
        // Text may contain these letters at this position, too, but does not begin with a zero byte.
        let is_first = (*size == 0 || kind == b"mdat") && FIRST.iter().any(|first| *first == kind);
        is_first && !matches!(read_header(head), Header::Invalid)
    }

    /// Whether `head`, which is shorter than a header, may be the beginning of such a header.
    pub(super) fn is_beginning(head: &[u8]) -> bool {
        match head {
            [0, _, _, _, kind @ ..] if !kind.is_empty() => {
                FIRST.iter().any(|first| first.starts_with(kind))
            }
            _ => head.first() == Some(&0),
        }
    }

    /// Reads the content of a box that is known to be complete.
    fn read(&mut self, at: u64, kind: &Kind, content: &[u8], end: u64) {
        match kind {
            b"moov" => self.movie = Some(Movie::read(content)),
            b"moof" => {
                let movie = self.movie.as_ref();
                let samples = fragment::samples_end(content, at..end, movie);
                self.fragments_end = self.fragments_end.max(samples);
            }
            b"sidx" => self.segments = SegmentIndex::read(content, end),
            _ => {}
        }
    }

    fn note(&mut self, kind: &Kind) {
        match kind {
            b"mdat" | b"imda" => self.has_data = true,
            b"moof" => self.has_fragments = true,
            b"mfra" => self.has_fragment_index = true,
            b"meta" => self.has_meta = true,
            _ => {}
        }
    }

    /// Whether the content of the box is read.
    fn is_index(&self, kind: &Kind) -> bool {
        match kind {
            // Players read the first.
            b"moov" => self.movie.is_none() && !self.has_unread_movie,
            b"moof" => true,
            b"sidx" => self.segments.as_ref().is_none_or(SegmentIndex::is_passed),
            _ => false,
        }
    }

    /// The reason why content is missing from a file whose boxes are complete.
    fn missing_content(&self, movie: Option<&Movie>, length: u64) -> Option<String> {
        let to = movie.map_or(0, |movie| movie.samples_end);
        if to > length {
            let what = format!(
                "its `moov` box refers to samples up to byte {to}, and the file has {length} bytes"
            );
            return Some(what);
        }
        let has_movie = movie.is_some() || self.has_unread_movie;
        let may_lack_movie = self.has_broken_header || self.has_meta || self.is_segment();
        if !has_movie && !may_lack_movie {
            return Some("it ends without a `moov` box, the index of its samples".to_owned());
        }
        let is_elsewhere = movie.is_some_and(|movie| movie.refers_to_other_files);
        (has_movie && !self.has_data && !self.has_fragments && !is_elsewhere).then(|| {
            "it ends without the data of its samples (neither `mdat` nor `moof`)".to_owned()
        })
    }

    /// Whether the file is a media segment, whose `moov` is in another file.
    fn is_segment(&self) -> bool {
        let is_segment = |first: &Kind| SEGMENT_FIRST.contains(&first);
        self.first.as_ref().is_some_and(is_segment)
    }

    fn is_fragmented(&self) -> bool {
        self.has_fragments || self.movie.as_ref().is_some_and(|movie| movie.has_fragments)
    }

    /// Whether an `mdat` box claims at most 8 bytes more than the file has, although the last sample ends where the
    /// file ends. Some muxers count one header too many; a truncated file would lack a part of a sample.
    fn is_miscounted(&self, kind: &Kind, to: u64, length: u64) -> bool {
        let is_whole = |movie: &Movie| movie.all_samples_end == length;
        kind == b"mdat" && to - length <= 8 && self.movie.as_ref().is_some_and(is_whole)
    }

    /// Whether the file's last bytes are the beginning of a box header, and not bytes appended to a complete file.
    fn is_header(&self, rest: &[u8]) -> bool {
        match (rest, u32_at(rest, 0)) {
            (_, Some(2..8)) => false,
            (_, Some(1)) if rest.len() >= 8 => is_known(&rest[4..8]),
            (_, Some(_)) if rest.len() > 4 => {
                KNOWN.iter().any(|known| known.starts_with(&rest[4..]))
            }
            (_, Some(0)) => false,
            // The first box of a fragment is smaller than 16 MiB. After a movie, any bytes may have been appended.
            ([0, ..], _) => self.is_fragmented() && !self.has_fragment_index,
            _ => false,
        }
    }

    /// Reads an index that extends to the end of the file, once the end is known.
    fn last_movie(&self, rest: &[u8]) -> Option<Result<Movie, String>> {
        let Last { kind, end: None } = self.last? else {
            return None;
        };
        let content = rest
            .get(8..)
            .filter(|_| self.movie.is_none() && kind == *b"moov")?;
        Some(match are_complete(content) {
            true => Ok(Movie::read(content)),
            false => Err("it ends inside its `moov` box".to_owned()),
        })
    }
}

fn is_known(kind: &[u8]) -> bool {
    KNOWN.iter().any(|known| known.as_slice() == kind)
}

impl Format for Mp4 {
    fn container(&self) -> Container {
        match self.has_meta && self.movie.is_none() && !self.has_unread_movie {
            true => Container::Heif,
            false => Container::Mp4,
        }
    }

    fn min_header(&self) -> usize {
        8
    }

    fn step(&mut self, at: u64, head: &[u8]) -> Step {
        let (kind, header, size) = match read_header(head) {
            Header::Read { kind, header, size } => (kind, header, size),
            Header::Needs(count) => return Step::Need(count),
            Header::Invalid => {
                // Data that was never written reads as zeros.
                self.has_broken_header = head.iter().any(|byte| *byte != 0);
                return Step::Stop;
            }
        };
        let is_begun = head.len() > header.max(self.min_header());
        if !is_begun {
            self.first.get_or_insert(kind);
            self.note(&kind);
            if let Some(segments) = &mut self.segments
                && !segments.pass(at)
            {
                self.segments = None;
            }
        }
        self.last = Some(Last {
            kind,
            end: size.map(|size| at.saturating_add(size)),
        });
        let is_index = self.is_index(&kind);
        let Some(size) = size else {
            if is_index && head.len() < MAX_HELD {
                return Step::Need(MAX_HELD);
            }
            self.has_unread_movie |= kind == *b"moov";
            return Step::Stop;
        };
        if is_index {
            match usize::try_from(size) {
                Ok(whole) if whole <= MAX_HELD => match head.get(header..whole) {
                    Some(content) => self.read(at, &kind, content, at.saturating_add(size)),
                    None => return Step::Need(whole),
                },
                _ => self.has_unread_movie |= kind == *b"moov",
            }
        }
        Step::Skip(size)
    }

    fn missing(&self, end: &End<'_>) -> Option<String> {
        if let Some(Last {
            kind,
            end: Some(to),
        }) = self.last
            && is_known(&kind)
            && to > end.length
            && !self.is_miscounted(&kind, to, end.length)
        {
            return end.past(&format!("`{}` box", kind.escape_ascii()), to);
        }
        let last;
        let movie = match self.last_movie(end.rest) {
            Some(Err(what)) => return Some(what),
            Some(Ok(movie)) => {
                last = movie;
                Some(&last)
            }
            None => self.movie.as_ref(),
        };
        if let Some(what) = self.missing_content(movie, end.length) {
            return Some(what);
        }
        if !movie.is_some_and(|movie| movie.refers_to_other_files)
            && let Some(what) = end.past("last fragment", self.fragments_end)
        {
            return Some(what);
        }
        let segments = self.segments.as_ref();
        if let Some(to) = segments.and_then(|segments| segments.missing_at(end.length)) {
            return end.past("list of segments (`sidx`)", to);
        }
        self.is_header(end.rest).then(|| end.inside_header("a box"))
    }

    fn is_complete(&self, end: &End<'_>) -> bool {
        let has_last = || self.last_movie(end.rest).is_some();
        let has_movie = self.movie.is_some() || self.has_unread_movie || has_last();
        has_movie && (!self.is_fragmented() || self.has_fragment_index)
    }
}

/// The boxes that may be the first box of a file.
const FIRST: [&Kind; 15] = [
    b"ftyp", b"styp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"uuid", b"moof",
    b"sidx", b"emsg", b"prft", b"pdin", b"junk",
];

/// The boxes that may be the first box of a media segment, whose `moov` is in another file.
const SEGMENT_FIRST: [&Kind; 5] = [b"styp", b"moof", b"sidx", b"emsg", b"prft"];

/// The boxes at the top level of a file. Any other box that extends past the end may be bytes appended to a complete
/// file.
const KNOWN: [&Kind; 25] = [
    b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"imda", b"free", b"skip", b"wide", b"uuid",
    b"sidx", b"ssix", b"mfra", b"meta", b"meco", b"udta", b"pdin", b"prft", b"emsg", b"pnot",
    b"PICT", b"junk", b"abst", b"afra", b"bloc",
];
