//! Finds out why there are no root certificates, on platforms that read them from files.

use std::{env, ffi::OsString};

use reqwest::ClientBuilder;
use rustls::RootCertStore;
use rustls_native_certs::CertificateResult;

use super::HttpClient;

/// The reason why the platform's verifier finds no root certificates.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// Neither a variable nor the system provides any.
    Absent,
    /// A variable or the system provides some, but none can be used.
    Unusable(String),
}

impl Missing {
    /// Builds the client with the bundled root certificates, or without any.
    pub(super) fn build(self, builder: ClientBuilder) -> reqwest::Result<HttpClient> {
        #[cfg(feature = "webpki-roots")]
        if self == Self::Absent {
            let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS
                .iter()
                .map(|root| reqwest::Certificate::from_der(root))
                .collect::<Result<Vec<_>, _>>()?;
            return Ok(builder.tls_certs_merge(bundled).build()?.into());
        }
        Ok(HttpClient {
            // With an empty list, the client does not look for the system's root certificates.
            client: builder.tls_certs_only([]).build()?,
            missing_roots: Some(self.message()),
        })
    }

    fn message(self) -> String {
        match self {
            Self::Absent => "https needs root certificates, and this system has none: install its package \
                             `ca-certificates`, name a PEM file with root certificates in SSL_CERT_FILE, or build with the \
                             feature `webpki-roots`"
                .to_owned(),
            Self::Unusable(why) => format!("https needs root certificates, and {why}"),
        }
    }
}

/// Looks for root certificates as the platform's verifier does; `None` if there are some.
pub(super) fn missing() -> Option<Missing> {
    let file = env::var_os(FILE);
    // The verifier ignores empty names of folders, but not an empty name of the file.
    let folders = env::var_os(FOLDERS)
        .filter(|folders| env::split_paths(folders).any(|folder| !folder.as_os_str().is_empty()));
    judge(rustls_native_certs::load_native_certs(), file, folders)
}

fn judge(
    found: CertificateResult,
    file: Option<OsString>,
    folders: Option<OsString>,
) -> Option<Missing> {
    let certificates = found.certs.len();
    let (usable, _) = RootCertStore::empty().add_parsable_certificates(found.certs);
    if usable > 0 {
        return None;
    }
    let why = match found.errors.first() {
        Some(error) => error.to_string(),
        None if certificates > 0 => "the content cannot be parsed as a certificate".to_owned(),
        None => "there is no certificate in PEM form".to_owned(),
    };
    let variables = [(FILE, file), (FOLDERS, folders)];
    let set: Vec<_> = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    if !set.is_empty() {
        let values: Vec<_> = set
            .iter()
            .map(|(name, value)| format!("{name}={value:?}"))
            .collect();
        let names: Vec<_> = set.iter().map(|(name, _)| *name).collect();
        return Some(Missing::Unusable(format!(
            "{} yields none: {why}; name a PEM file with root certificates in {FILE}, or unset {} to use the system's",
            values.join(" "),
            names.join(" and ")
        )));
    }
    if found.errors.is_empty() && certificates == 0 {
        return Some(Missing::Absent);
    }
    // The system may deliberately trust fewer roots than the bundled ones, so these do not replace a store that is unreadable.
    Some(Missing::Unusable(format!(
        "this system's cannot be used: {why}; repair them, or name a PEM file with root certificates in {FILE}"
    )))
}

const FILE: &str = "SSL_CERT_FILE";
const FOLDERS: &str = "SSL_CERT_DIR";

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str) -> CertificateResult {
        rustls_native_certs::load_certs_from_paths(Some(file.as_ref()), None)
    }

    #[test]
    fn absent_and_unusable_certificates_are_distinguished() {
        let absent = judge(CertificateResult::default(), None, None);
        assert_eq!(absent, Some(Missing::Absent));
        let unreadable = judge(found("/nonexistent.pem"), None, None);
        let Some(Missing::Unusable(why)) = unreadable else {
            panic!("{unreadable:?}");
        };
        assert!(why.contains("cannot be used") && why.contains("/nonexistent.pem"));
        let root = found(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/tls/root.pem"
        ));
        assert_eq!(judge(root, None, None), None);
    }

    #[test]
    fn message_names_the_variables_that_are_set() {
        let message = |file: Option<&str>, folders: Option<&str>| {
            let none = CertificateResult::default();
            let judged = judge(none, file.map(Into::into), folders.map(Into::into));
            judged.expect("a reason").message()
        };
        let both = message(Some("/a.pem"), Some("/b:/c"));
        assert!(both.contains(r#"SSL_CERT_FILE="/a.pem" SSL_CERT_DIR="/b:/c" yields none"#));
        assert!(both.contains("unset SSL_CERT_FILE and SSL_CERT_DIR"));
        assert!(message(Some(""), None).contains(r#"SSL_CERT_FILE="" yields none"#));
        assert!(message(None, Some("/b")).contains("or unset SSL_CERT_DIR to"));
        let absent = message(None, None);
        for remedy in ["`ca-certificates`", "SSL_CERT_FILE", "`webpki-roots`"] {
            assert!(absent.contains(remedy), "{absent}");
        }
    }
}
