//! What `benches/container.rs` needs of the inside.

use std::hint::black_box;

use super::container::{Completeness, Inspector};

/// Receives the file in pieces of `size` bytes, each of which is in the processor's cache then as after a read from a
/// socket, and judges it on the way if it is to be.
pub fn receive(file: &[u8], size: usize, is_judged: bool) -> bool {
    let (mut inspector, mut buffer) = (Inspector::default(), vec![0; size]);
    for piece in file.chunks(size) {
        let received = &mut buffer[..piece.len()];
        received.copy_from_slice(piece);
        if is_judged {
            inspector.update(received);
        }
        black_box(received);
    }
    matches!(inspector.finish().completeness, Completeness::Truncated(_))
}
