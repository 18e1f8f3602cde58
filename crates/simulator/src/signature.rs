//! Links to files that are good for a time.

use sha2::{Digest, Sha256};

/// Signs links, and knows its signatures again.
///
/// What it guards is a clip that lies in this crate, so a hash over a secret does; it is as long and as picky as a real one.
#[derive(Debug)]
pub(super) struct Signer(uuid::Uuid);

/// Why a link is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejected {
    Signature,
    Expired,
}

impl Signer {
    pub(super) fn new() -> Self {
        Self(uuid::Uuid::new_v4())
    }

    /// The query of a link that is good until `expires`, in seconds of Unix time.
    pub(super) fn query(&self, id: &str, name: &str, expires: u64) -> String {
        let signature = self.signature(id, name, expires);
        format!("Expires={expires}&Signature={signature}")
    }

    pub(super) fn check(
        &self,
        (id, name): (&str, &str),
        expires: u64,
        signature: &str,
        now: u64,
    ) -> Result<(), Rejected> {
        if self.signature(id, name, expires) != signature {
            Err(Rejected::Signature)
        } else if now >= expires {
            Err(Rejected::Expired)
        } else {
            Ok(())
        }
    }

    fn signature(&self, id: &str, name: &str, expires: u64) -> String {
        let mut hash = Sha256::new();
        // Of fixed length come first, and no name holds a newline, so that no two links are hashed alike.
        hash.update(self.0.as_bytes());
        hash.update(expires.to_be_bytes());
        hash.update(name);
        hash.update("\n");
        hash.update(id);
        let bytes = hash.finalize();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
