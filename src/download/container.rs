//! Detects a truncated file by the sizes in its container.
//!
//! A store or CDN that kept a truncated object serves it with a `Content-Length` that agrees with the truncated bytes,
//! so only the file itself can show that its end is missing. [`Inspector`] is used like a hash: the download passes
//! every byte of the file to [`update`](Inspector::update), in order and in pieces of any size, and
//! [`finish`](Inspector::finish) returns the verdict on the bytes passed so far. The bytes of an earlier, partial
//! download have to be passed, too, and a download that restarts needs a new `Inspector`.
//!
//! A complete file must never be reported as truncated. Everything that an encoder may write, or a store may append, is
//! therefore [`NotRevealed`](Completeness::NotRevealed): unknown containers, bytes after the end, sizes left open by a
//! live encoder, references to other files.
//!
//! No existing crate detects truncation: demuxers (symphonia, matroska-demuxer, mp4, re_mp4, mp4parse, mp4-atom) read a
//! file to play it, from `Read + Seek` or from complete boxes in memory, and treat a missing end as the end. They
//! accept an MP4 file without its last third if the index comes first, and fail on complete live files, so their
//! results do not distinguish a truncated file from a complete one.
//!
//! Media data is skipped by its stated size and not read; only headers and the indexes of MP4 (`moov`, `moof`, `sidx`)
//! are copied, up to [`MAX_HELD`] bytes at a time.

use std::fmt;

use flv::Flv;
use gif::Gif;
use matroska::Matroska;
use mp4::Mp4;
use ogg::Ogg;
use riff::Riff;

mod flv;
mod gif;
mod matroska;
mod mp4;
mod ogg;
mod riff;
#[cfg(test)]
mod tests;

/// Reads the container of a file while the file is received.
pub(super) struct Inspector {
    /// The number of bytes passed so far.
    length: u64,
    /// The offset of the element that is read next; more than `length` while an element is skipped.
    next: u64,
    /// The bytes from `next` on, until their number is `wanted`.
    held: Vec<u8>,
    wanted: usize,
    format: Option<Box<dyn Format>>,
    is_stopped: bool,
}

/// The container of a file, and whether the file is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) container: Container,
    pub(super) completeness: Completeness,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Completeness {
    /// Every byte that the container announces is present.
    Whole,
    /// The end is missing. The text gives the reason as a clause: "its `mdat` box ends at byte 900, and the file has
    /// 700 bytes".
    Truncated(String),
    /// The container announces no missing bytes, but a truncated file could look the same; or the container is unknown.
    NotRevealed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// MP4, QuickTime and their relatives (M4V, 3GP, F4V, ISMV): files of boxes with a movie, or segments of one.
    Mp4,
    /// A picture in the same boxes: HEIF, AVIF.
    Heif,
    WebM,
    Matroska,
    Avi,
    WebP,
    Gif,
    Flv,
    Ogg,
    /// Any other content: MPEG-TS, raw streams, pictures, unknown bytes.
    Other,
}

impl Default for Inspector {
    fn default() -> Self {
        Self {
            length: 0,
            next: 0,
            held: Vec::new(),
            wanted: RECOGNIZED_BY,
            format: None,
            is_stopped: false,
        }
    }
}

impl Inspector {
    /// Reads the next bytes of the file.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        let start = self.length;
        self.length = start.saturating_add(bytes.len() as u64);
        while !self.is_stopped {
            let unread = self.next.saturating_add(self.held.len() as u64);
            let Some(bytes) = usize::try_from(unread.saturating_sub(start))
                .ok()
                .and_then(|from| bytes.get(from..))
            else {
                return;
            };
            let missing = self.wanted.saturating_sub(self.held.len());
            let taken = missing.min(bytes.len());
            self.held.extend_from_slice(&bytes[..taken]);
            if taken < missing {
                return;
            }
            self.step();
        }
    }

    /// Returns the verdict on a file that consists of all bytes passed so far. More bytes may follow.
    pub(super) fn finish(&self) -> Verdict {
        let Some(format) = &self.format else {
            return self.too_short();
        };
        let end = End {
            length: self.length,
            rest: if self.is_stopped { &[] } else { &self.held },
            is_unread: self.is_stopped,
        };
        Verdict {
            container: self.container(),
            completeness: match format.missing(&end) {
                Some(what) => Completeness::Truncated(what),
                None if format.is_complete(&end) => Completeness::Whole,
                None => Completeness::NotRevealed,
            },
        }
    }

    /// The container by the bytes passed so far; cheaper than [`finish`](Self::finish).
    pub(super) fn container(&self) -> Container {
        let format = self.format.as_ref();
        format.map_or(Container::Other, |format| format.container())
    }

    fn step(&mut self) {
        let format = match &mut self.format {
            Some(format) => format,
            None => match recognize(&self.held) {
                Recognized::As(format) => self.format.insert(format),
                Recognized::Needs(count) if count > self.held.len() => {
                    self.wanted = count;
                    return;
                }
                Recognized::Needs(_) | Recognized::Unknown => {
                    self.is_stopped = true;
                    return;
                }
            },
        };
        match format.step(self.next, &self.held) {
            Step::Need(count) if count > self.held.len() => self.wanted = count,
            Step::Skip(count) if count > 0 => {
                self.next = self.next.saturating_add(count);
                self.wanted = format.min_header();
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                if count < self.held.len() {
                    self.held.drain(..count);
                } else if self.held.capacity() > MAX_KEPT_CAPACITY {
                    self.held = Vec::new();
                } else {
                    self.held.clear();
                }
            }
            // A step that does not advance counts as a stop, so that every loop ends.
            Step::Need(_) | Step::Skip(_) | Step::Stop => {
                self.is_stopped = true;
                self.held = Vec::new();
            }
        }
    }

    /// The verdict on a file that ends before its container is recognized. No video is that short.
    fn too_short(&self) -> Verdict {
        let head = &self.held;
        let is_beginning = |magic: &[u8]| magic.starts_with(head) || head.starts_with(magic);
        let is_cut = !self.is_stopped
            && !head.is_empty()
            && (Mp4::is_beginning(head) || MAGIC.iter().any(|magic| is_beginning(magic)));
        let what = || {
            format!(
                "it ends inside its first header, after {} bytes",
                self.length
            )
        };
        Verdict {
            container: Container::Other,
            completeness: match is_cut {
                true => Completeness::Truncated(what()),
                false => Completeness::NotRevealed,
            },
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mp4 => "MP4",
            Self::Heif => "HEIF",
            Self::WebM => "WebM",
            Self::Matroska => "Matroska",
            Self::Avi => "AVI",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Flv => "FLV",
            Self::Ogg => "Ogg",
            Self::Other => "an unknown container",
        })
    }
}

/// The reader of one container format: a sequence of elements, each with a header that contains its size.
trait Format: Send + Sync {
    fn container(&self) -> Container;

    /// The minimum size of the header of an element, in bytes.
    fn min_header(&self) -> usize;

    /// Reads the element at offset `at` from its first bytes. `head` has at least [`min_header`](Self::min_header)
    /// bytes, or as many as the previous step needed.
    fn step(&mut self, at: u64, head: &[u8]) -> Step;

    /// The reason why the file's end is missing, as a clause whose subject is the file; `None` if nothing is missing.
    fn missing(&self, end: &End<'_>) -> Option<String>;

    /// Whether a file without [missing](Self::missing) bytes is certainly complete.
    fn is_complete(&self, end: &End<'_>) -> bool;
}

enum Step {
    /// The step needs this number of bytes from the element's beginning.
    Need(usize),
    /// The element is read; the next element begins this number of bytes after the beginning of this element.
    Skip(u64),
    /// The rest of the file is not read.
    Stop,
}

/// The end of the file.
struct End<'a> {
    length: u64,
    /// The last bytes, if they are too few for a step.
    rest: &'a [u8],
    /// Whether bytes at the end were not read, after [`Step::Stop`].
    is_unread: bool,
}

impl End<'_> {
    /// The reason that `what` ends at the offset `to`, if the file ends before that offset.
    fn past(&self, what: &str, to: u64) -> Option<String> {
        let length = self.length;
        (to > length)
            .then(|| format!("its {what} ends at byte {to}, and the file has {length} bytes"))
    }

    fn inside_header(&self, of: &str) -> String {
        let length = self.length;
        format!("it ends at byte {length}, inside the header of {of}")
    }
}

enum Recognized {
    As(Box<dyn Format>),
    /// Recognition needs this number of bytes.
    Needs(usize),
    Unknown,
}

fn recognize(head: &[u8]) -> Recognized {
    if Mp4::is_recognized(head) {
        return Recognized::As(Box::new(Mp4::default()));
    }
    match head {
        [0x1a, 0x45, 0xdf, 0xa3, ..] => Recognized::As(Box::new(Matroska::default())),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Recognized::As(Box::new(Gif::default())),
        [b'F', b'L', b'V', 1, ..] => Recognized::As(Box::new(Flv::default())),
        [b'O', b'g', b'g', b'S', ..] => Recognized::As(Box::new(Ogg::default())),
        [b'R', b'I', b'F', b'F', ..] if head.len() < Riff::HEADER => {
            Recognized::Needs(Riff::HEADER)
        }
        [b'R', b'I', b'F', b'F', ..] => match Riff::recognized(head) {
            Some(riff) => Recognized::As(Box::new(riff)),
            None => Recognized::Unknown,
        },
        _ => Recognized::Unknown,
    }
}

/// The big-endian number in the bytes at `at`.
fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// The big-endian number in the bytes at `at`.
fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// The maximum size of an index that is read. The index of an hour of video has about 3 MiB.
const MAX_HELD: usize = 32 * 1024 * 1024;

/// The maximum capacity of a buffer that is kept, so that the large buffer of an index is released.
const MAX_KEPT_CAPACITY: usize = 64 * 1024;

/// The number of bytes that most containers are recognized by.
const RECOGNIZED_BY: usize = 8;

/// The first bytes of files of the known containers that do not begin with a box.
const MAGIC: [&[u8]; 6] = [
    b"\x1a\x45\xdf\xa3",
    b"GIF87a",
    b"GIF89a",
    b"FLV\x01",
    b"OggS",
    b"RIFF",
];
