//! The reader of RIFF, for AVI (with the OpenDML extensions for files beyond 1 GiB) and WebP: chunks with their sizes.

use super::{Container, End, Format, Step};

pub(super) struct Riff {
    container: Container,
    /// The end of the last read `RIFF` chunk, if its size is known.
    riff_end: Option<u64>,
    has_movie: bool,
    /// The kind and the end of the last read chunk, without the padding byte.
    chunk: Option<(Kind, u64)>,
}

type Kind = [u8; 4];

impl Riff {
    /// The size of the header of a `RIFF` chunk or of a list: name, size, form.
    pub(super) const HEADER: usize = 12;

    pub(super) fn recognized(head: &[u8]) -> Option<Self> {
        let container = match head.get(8..Self::HEADER)? {
            b"AVI " => Container::Avi,
            b"WEBP" => Container::WebP,
            _ => return None,
        };
        Some(Self {
            container,
            riff_end: None,
            has_movie: false,
            chunk: None,
        })
    }

    fn is_known(&self, kind: Kind) -> bool {
        match self.container {
            Container::WebP => WEBP.contains(&&kind),
            _ => {
                let is_stream = |number: &[u8]| number.iter().all(u8::is_ascii_digit);
                AVI.contains(&&kind)
                    || kind.starts_with(b"ix") && is_stream(&kind[2..])
                    || is_stream(&kind[..2]) && STREAM.contains(&[kind[2], kind[3]])
            }
        }
    }

    /// Whether the first bytes of a chunk's header can belong to a known one.
    fn may_be_known(&self, rest: &[u8]) -> bool {
        match rest {
            [] => false,
            [a, b, c, d, ..] => self.is_known([*a, *b, *c, *d]),
            [first, ..] if self.container == Container::Avi && first.is_ascii_digit() => true,
            _ => AVI.iter().any(|kind| kind.starts_with(rest)),
        }
    }
}

impl Format for Riff {
    fn container(&self) -> Container {
        self.container
    }

    fn min_header(&self) -> usize {
        8
    }

    fn step(&mut self, at: u64, head: &[u8]) -> Step {
        let &[a, b, c, d, e, f, g, h, ..] = head else {
            return Step::Need(8);
        };
        let (kind, stated) = ([a, b, c, d], u32::from_le_bytes([e, f, g, h]));
        let size = 8 + u64::from(stated);
        // An encoder that does not know the size yet writes such a value, and may be unable to correct it later.
        let is_open = stated == 0 || stated >= OPEN;
        if matches!(&kind, b"LIST" | b"RIFF") && head.len() < Self::HEADER {
            return Step::Need(Self::HEADER);
        }
        self.has_movie |= head.get(8..Self::HEADER) == Some(b"movi");
        if kind == *b"RIFF" {
            self.riff_end = (!is_open).then(|| at.saturating_add(size));
            self.chunk = None;
            return Step::Skip(Self::HEADER as u64);
        }
        if kind == *b"LIST" && is_open {
            self.chunk = None;
            return Step::Skip(Self::HEADER as u64);
        }
        self.chunk = Some((kind, at.saturating_add(size)));
        if !self.is_known(kind) && self.riff_end.is_none_or(|end| at >= end) {
            return Step::Stop;
        }
        Step::Skip(size + size % 2)
    }

    fn missing(&self, end: &End<'_>) -> Option<String> {
        if let Some((kind, to)) = self.chunk
            && self.is_known(kind)
            && to > end.length
        {
            return end.past(&format!("`{}` chunk", kind.escape_ascii()), to);
        }
        match self.riff_end {
            // Some encoders count the header's 8 bytes in the size.
            Some(to) if to > end.length.saturating_add(8) => end.past("`RIFF` chunk", to),
            Some(_) => None,
            None if self.may_be_known(end.rest) => Some(end.inside_header("a chunk")),
            None if self.container == Container::Avi && !self.has_movie && !end.is_unread => {
                Some("it ends before its `movi` list begins".to_owned())
            }
            None => None,
        }
    }

    fn is_complete(&self, end: &End<'_>) -> bool {
        self.riff_end.is_some_and(|to| to <= end.length)
    }
}

/// `C2PA` is where a signer puts its claims, in both formats: at the end.
const AVI: [&Kind; 9] = [
    b"RIFF", b"LIST", b"JUNK", b"idx1", b"IDIT", b"avih", b"strh", b"strf", b"C2PA",
];

/// The suffixes of stream chunks: video, compressed or not, audio, subtitles, changes of the palette.
const STREAM: [[u8; 2]; 6] = [*b"dc", *b"db", *b"wb", *b"tx", *b"sb", *b"pc"];

const WEBP: [&Kind; 10] = [
    b"VP8 ", b"VP8L", b"VP8X", b"ANIM", b"ANMF", b"ALPH", b"ICCP", b"EXIF", b"XMP ", b"C2PA",
];

/// The minimum of the sizes that mean an unknown size.
const OPEN: u32 = 0xffff_ff00;
