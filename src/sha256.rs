//! SHA-256, by the lean crate, or by `sha2` where uploads to object stores need the processor's instructions for it, and on 32-bit
//! platforms, where the lean crate counts bytes in 32 bits.

#[cfg(not(any(target_pointer_width = "32", feature = "object-store")))]
pub(crate) use hmac_sha256::Hash;

#[cfg(any(target_pointer_width = "32", feature = "object-store"))]
#[derive(Clone)]
pub(crate) struct Hash(sha2::Sha256);

#[cfg(any(target_pointer_width = "32", feature = "object-store"))]
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
