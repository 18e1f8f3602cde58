//! API keys: how a request states its key, and the hash by which a key is shown.

use std::fmt;

use axum::http::{HeaderMap, header};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

/// The first 64 bits of the SHA-256 hash of a key, which stand for the key wherever it is stored, compared or shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct KeyHash(u64);

const PREFIX: &str = "sha256:";

impl KeyHash {
    /// Hashes the key of a request; `None` if the request states none.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        bearer(headers).map(Self::of_key)
    }

    /// Reads the key of a request for the simulator's own endpoints, which may state the hash of a key in its place.
    pub(super) fn named(headers: &HeaderMap) -> Option<Self> {
        bearer(headers).map(Self::read)
    }

    /// Reads a key, or the hash of a key in the form in which it is shown.
    pub(super) fn read(text: &str) -> Self {
        let digits = text
            .strip_prefix(PREFIX)
            .filter(|digits| digits.len() == 16);
        let hash = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        hash.map_or_else(|| Self::of_key(text), Self)
    }

    /// Returns the hash as a number.
    pub(super) fn number(self) -> u64 {
        self.0
    }

    /// Hashes a key.
    pub(super) fn of_key(key: &str) -> Self {
        let bytes = Sha256::digest(key);
        let first = bytes.iter().take(8);
        Self(first.fold(0, |hash, byte| hash << 8 | u64::from(*byte)))
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{:016x}", self.0)
    }
}

impl Serialize for KeyHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // An error of serde's would show the value.
        match String::deserialize(deserializer).as_deref().map(str::trim) {
            Ok(text) if !text.is_empty() => Ok(Self::read(text)),
            _ => Err(de::Error::custom(
                "expected a key, or its hash as a task shows it",
            )),
        }
    }
}

/// Returns the key of `Authorization: Bearer KEY`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}
