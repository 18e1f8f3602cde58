//! The reader of GIF: blocks, each a chain of sub-blocks with an end mark, then a trailer (GIF89a specification,
//! appendix A).

use super::{Container, End, Format, Step};

#[derive(Default)]
pub(super) struct Gif {
    expects: Expects,
    has_image: bool,
    /// The end of the last read header or sub-block.
    end: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Expects {
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

    fn min_header(&self) -> usize {
        1
    }

    fn step(&mut self, at: u64, head: &[u8]) -> Step {
        let (size, then) = match (self.expects, head) {
            (Expects::Header, _) => match head.get(10) {
                Some(flags) => (13 + colors(*flags), Expects::Block),
                None => return Step::Need(11),
            },
            (Expects::SubBlock, [0, ..]) => (1, Expects::Block),
            (Expects::SubBlock, [size, ..]) => (1 + u64::from(*size), Expects::SubBlock),
            (Expects::Block, [EXTENSION, ..]) => (2, Expects::SubBlock),
            (Expects::Block, [IMAGE, ..]) => match head.get(9) {
                // The image descriptor, the local color table, and the LZW minimum code size.
                Some(flags) => (10 + colors(*flags) + 1, Expects::SubBlock),
                None => return Step::Need(10),
            },
            (Expects::Block, [TRAILER, ..]) => {
                self.expects = Expects::Trailer;
                return Step::Stop;
            }
            _ => return Step::Stop,
        };
        self.has_image |= self.expects == Expects::Block && head.first() == Some(&IMAGE);
        self.expects = then;
        self.end = at.saturating_add(size);
        Step::Skip(size)
    }

    fn missing(&self, end: &End<'_>) -> Option<String> {
        let is_inside = match self.expects {
            Expects::Header | Expects::SubBlock => true,
            Expects::Block => self.end > end.length || !end.rest.is_empty(),
            Expects::Trailer => false,
        };
        if is_inside {
            return Some(format!("it ends at byte {}, inside a block", end.length));
        }
        (!self.has_image && !end.is_unread).then(|| "it ends before its first image".to_owned())
    }

    /// Some encoders omit the trailer.
    fn is_complete(&self, _: &End<'_>) -> bool {
        self.expects == Expects::Trailer
    }
}

/// The size in bytes of the color table that a byte of packed fields announces.
fn colors(flags: u8) -> u64 {
    match flags & 0x80 {
        0 => 0,
        _ => 3 << ((flags & 7) + 1),
    }
}

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2c;
const TRAILER: u8 = 0x3b;
