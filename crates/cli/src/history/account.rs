//! The identity of an account: a salted and shortened hash of the key and the base URL, from which neither follows.

use std::env;

use aimlapi_video::Client;
use hmac_sha256::HMAC;

/// The key and the base URL of this command, as the library reads them from the environment.
pub(super) struct Account {
    key: String,
    base: String,
}

impl Account {
    /// `None` without a key.
    pub(super) fn from_env() -> Option<Self> {
        let first = |names: [&str; 2]| {
            let values = names.into_iter().filter_map(|name| env::var(name).ok());
            let mut values = values.map(|value| value.trim().to_owned());
            values.find(|value| !value.is_empty())
        };
        let base = first(["AIML_API_BASE", "AIMLAPI_API_BASE"]);
        let base = base.unwrap_or_else(|| Client::BASE_URL.into());
        let base = base.trim_end_matches('/');
        let origin = base.strip_suffix("/v1").or(base.strip_suffix("/v2"));
        Some(Self {
            key: first(["AIML_API_KEY", "AIMLAPI_API_KEY"])?,
            base: origin.unwrap_or(base).to_owned(),
        })
    }

    /// The identity for a new entry: `SALT:HASH`.
    pub(super) fn identity(&self) -> String {
        let salt = format!("{:016x}", fastrand::u64(..));
        self.salted(&salt)
    }

    pub(super) fn has(&self, identity: &str) -> bool {
        let salt = identity.split_once(':').map(|(salt, _)| salt);
        salt.is_some_and(|salt| self.salted(salt) == identity)
    }

    /// 32 bits of the hash tell accounts apart, and are too few to recognise a guessed key.
    fn salted(&self, salt: &str) -> String {
        let text = format!("{}\n{}", self.base, self.key);
        let hash = HMAC::mac(text, salt);
        let hash: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{salt}:{hash}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_is_that_of_one_key_and_base_url_and_differs_each_time() {
        let of = |key: &str, base: &str| Account {
            key: key.into(),
            base: base.into(),
        };
        let account = of("k", "https://a.example");
        let identity = account.identity();
        assert!(account.has(&identity));
        assert_ne!(account.identity(), identity);
        assert!(!of("l", "https://a.example").has(&identity));
        assert!(!of("k", "https://b.example").has(&identity));
        assert!(!account.has("") && !account.has(":"));
    }
}
