//! GIF: blocks, each a chain of sub-blocks with an end mark, then a trailer (GIF89a specification, appendix A).

use super::{Container, End, Format, Step};

#[derive(Default)]
pub(super) struct Gif {
    reads: Reads,
    has_image: bool,
    /// Where the header or sub-block read last ends.
    end: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Reads {
    #[default]
    Header,
    Block,
    SubBlock,
    Trailer,
}

impl Format for Gif {
    fn container(&self) -> Container {
        Container::Gif
    }

    fn shortest(&self) -> usize {
        1
    }

    fn step(&mut self, at: u64, head: &[u8]) -> Step {
        let (size, then) = match (self.reads, head) {
            (Reads::Header, _) => match head.get(10) {
                Some(flags) => (13 + colors(*flags), Reads::Block),
                None => return Step::Need(11),
            },
            (Reads::SubBlock, [0, ..]) => (1, Reads::Block),
            (Reads::SubBlock, [size, ..]) => (1 + u64::from(*size), Reads::SubBlock),
            (Reads::Block, [EXTENSION, ..]) => (2, Reads::SubBlock),
            (Reads::Block, [IMAGE, ..]) => match head.get(9) {
                // The descriptor, the table of colors, and the size of codes.
                Some(flags) => (10 + colors(*flags) + 1, Reads::SubBlock),
                None => return Step::Need(10),
            },
            (Reads::Block, [TRAILER, ..]) => {
                self.reads = Reads::Trailer;
                return Step::Stop;
            }
            _ => return Step::Stop,
        };
        self.has_image |= self.reads == Reads::Block && head.first() == Some(&IMAGE);
        self.reads = then;
        self.end = at.saturating_add(size);
        Step::Skip(size)
    }

    fn missing(&self, end: &End<'_>) -> Option<String> {
        let is_inside = match self.reads {
            Reads::Header | Reads::SubBlock => true,
            Reads::Block => self.end > end.length || !end.rest.is_empty(),
            Reads::Trailer => false,
        };
        if is_inside {
            return Some(format!("it ends at byte {}, inside a block", end.length));
        }
        (!self.has_image && !end.is_unread).then(|| "it ends before its first image".to_owned())
    }

    /// Some encoders leave out the trailer.
    fn is_complete(&self, _: &End<'_>) -> bool {
        self.reads == Reads::Trailer
    }
}

/// The size of the table of colors that a byte of flags announces.
fn colors(flags: u8) -> u64 {
    match flags & 0x80 {
        0 => 0,
        _ => 3 << ((flags & 7) + 1),
    }
}

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2c;
const TRAILER: u8 = 0x3b;
