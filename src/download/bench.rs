//! Internals of the download that the benchmark `benches/container` measures (`--cfg bench_internals`).

use std::hint::black_box;

use super::container::{Completeness, Inspector};

/// Receives the file in pieces of `size` bytes, and inspects its container if `is_judged`; returns whether the file is
/// truncated. Each piece is copied first, so that it is in the processor's cache, as after a read from a socket.
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
