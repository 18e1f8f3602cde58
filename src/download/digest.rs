//! The SHA-256 of a download, computed only if the caller enables or expects one.

use crate::sha256::{Hash, hex};

#[derive(Default)]
pub(super) struct Digest {
    state: Option<Hash>,
}

impl Digest {
    pub(super) fn of(is_wanted: bool) -> Self {
        Self {
            state: is_wanted.then(Hash::new),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        if let Some(state) = &mut self.state {
            state.update(bytes);
        }
    }

    pub(super) fn reset(&mut self) {
        *self = Self::of(self.state.is_some());
    }

    /// The SHA-256 in hexadecimal, if it was computed.
    pub(super) fn finish(self) -> Option<String> {
        self.state.map(hex)
    }
}
