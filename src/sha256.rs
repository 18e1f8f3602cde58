//! SHA-256, by the lean crate where it counts bytes in 64 bits, and by `sha2` on 32-bit platforms.

#[cfg(not(target_pointer_width = "32"))]
pub(crate) use hmac_sha256::Hash;

#[cfg(target_pointer_width = "32")]
#[derive(Clone)]
pub(crate) struct Hash(sha2::Sha256);

#[cfg(target_pointer_width = "32")]
impl Hash {
    pub(crate) fn new() -> Self {
        Self(sha2::Digest::new())
    }

    pub(crate) fn update(&mut self, bytes: impl AsRef<[u8]>) {
        sha2::Digest::update(&mut self.0, bytes);
    }

    pub(crate) fn finalize(self) -> [u8; 32] {
        sha2::Digest::finalize(self.0).into()
    }
}

/// The digest in hexadecimal.
pub(crate) fn hex(hash: Hash) -> String {
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
