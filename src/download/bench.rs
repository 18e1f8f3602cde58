//! What `benches/container.rs` needs of the inside.

use super::container::{Completeness, Inspector};

/// Whether the file that arrives in these pieces is truncated.
pub fn is_truncated<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> bool {
    let mut inspector = Inspector::default();
    for piece in pieces {
        inspector.update(piece);
    }
    matches!(inspector.finish().completeness, Completeness::Truncated(_))
}
