//! Signed URLs of files, which are valid until they expire.

use sha2::{Digest, Sha256};

/// Signs URLs and verifies their signatures.
///
/// The signature is a SHA-256 hash over a secret, random unless the simulator has a seed, which suffices to protect clips that this crate publishes anyway. It
/// is as long as the signature of a real host, and any change to the URL invalidates it.
#[derive(Clone, Debug)]
pub(super) struct Signer(uuid::Uuid);

/// The reason why a signed URL is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejected {
    Signature,
    Expired,
}

impl Signer {
    pub(super) fn new(secret: uuid::Uuid) -> Self {
        Self(secret)
    }

    /// Returns the query of a URL that is valid until `expires`, in seconds of Unix time.
    pub(super) fn query(&self, id: &str, name: &str, expires: u64) -> String {
        let signature = self.signature(id, name, expires);
        format!("Expires={expires}&Signature={signature}")
    }

    /// Verifies the signature and the expiry of a URL at the time `now`, in seconds of Unix time.
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
        // Fields of fixed length come first, and no name contains a newline, so that two URLs never hash the same bytes.
        hash.update(self.0.as_bytes());
        hash.update(expires.to_be_bytes());
        hash.update(name);
        hash.update("\n");
        hash.update(id);
        let bytes = hash.finalize();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
