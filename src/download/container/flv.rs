//! The reader of FLV: a header, then tags, with the size of each tag before and after it (Adobe Flash Video File Format
//! 10.1, annex E).

use super::{Container, End, Format, Step, u32_at};

#[derive(Default)]
pub(super) struct Flv {
    has_header: bool,
    has_tag: bool,
    /// The end of the last read tag, without the size after the tag, which some encoders omit at the end of the file.
    tag_end: u64,
}

impl Format for Flv {
    fn container(&self) -> Container {
        Container::Flv
    }

    fn min_header(&self) -> usize {
        TAG
    }

    fn step(&mut self, at: u64, head: &[u8]) -> Step {
        if !self.has_header {
            let Some(header) = u32_at(head, 5) else {
                return Step::Need(9);
            };
            self.has_header = true;
            self.tag_end = u64::from(header);
            return Step::Skip(u64::from(header) + SIZE_AFTER);
        }
        if !is_tag(head) || head.len() < TAG {
            return Step::Stop;
        }
        let size = u64::from(u32_at(head, 0).unwrap_or_default() & 0x00ff_ffff);
        self.has_tag = true;
        self.tag_end = at.saturating_add(TAG as u64 + size);
        Step::Skip(TAG as u64 + size + SIZE_AFTER)
    }

    fn missing(&self, end: &End<'_>) -> Option<String> {
        if !self.has_header {
            return Some(end.inside_header("the file"));
        }
        if is_tag(end.rest) {
            return Some(end.inside_header("a tag"));
        }
        if !self.has_tag && !end.is_unread {
            return Some("it ends before its first tag".to_owned());
        }
        end.past("last tag", self.tag_end)
    }

    /// The format does not mark the last tag.
    fn is_complete(&self, _: &End<'_>) -> bool {
        false
    }
}

/// Whether `head` begins a tag of audio, video or script data, encrypted or not.
fn is_tag(head: &[u8]) -> bool {
    matches!(head.first().map(|kind| kind & !0x20), Some(8 | 9 | 18))
}

/// The size of a tag's header.
const TAG: usize = 11;

const SIZE_AFTER: u64 = 4;
