//! The reader of Ogg: pages whose header lists the sizes of their segments (RFC 3533 section 6).

use super::{Container, End, Format, Step};

#[derive(Default)]
pub(super) struct Ogg {
    page_end: u64,
}

impl Format for Ogg {
    fn container(&self) -> Container {
        Container::Ogg
    }

    fn min_header(&self) -> usize {
        HEADER
    }

    fn step(&mut self, at: u64, head: &[u8]) -> Step {
        if !head.starts_with(MAGIC) {
            return Step::Stop;
        }
        let Some(segments) = head.get(HEADER - 1) else {
            return Step::Need(HEADER);
        };
        let table = HEADER + usize::from(*segments);
        let Some(sizes) = head.get(HEADER..table) else {
            return Step::Need(table);
        };
        let size = table as u64 + sizes.iter().map(|size| u64::from(*size)).sum::<u64>();
        self.page_end = at.saturating_add(size);
        Step::Skip(size)
    }

    fn missing(&self, end: &End<'_>) -> Option<String> {
        let known = end.rest.len().min(MAGIC.len());
        let is_page = known > 0 && end.rest.starts_with(&MAGIC[..known]);
        let inside = || is_page.then(|| end.inside_header("a page"));
        end.past("last page", self.page_end).or_else(inside)
    }

    /// A recorded live stream has no page that is marked as the last.
    fn is_complete(&self, _: &End<'_>) -> bool {
        false
    }
}

const MAGIC: &[u8] = b"OggS";
const HEADER: usize = 27;
