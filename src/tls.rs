//! HTTP clients that can be built where there are no root certificates, and the error where one is needed.
//!
//! The system's verifier decides which root certificates there are, as reqwest sets it up: those of `SSL_CERT_FILE` and
//! `SSL_CERT_DIR` where one of the two variables is set, else the system's. Where it finds none, reqwest builds no client, not
//! even one for plain http. This module builds it nevertheless: with the bundled roots, or for plain http alone.

use reqwest::{Client, ClientBuilder};

use crate::{Error, ErrorKind};

/// An HTTP client, and why it has no root certificates, if it has none.
pub(crate) struct HttpClient {
    client: Client,
    missing_roots: Option<String>,
}

impl HttpClient {
    /// Builds the client that `configure` describes. The bundled roots are used only if there are no others: neither the
    /// caller, nor a variable of the environment, nor the system names any.
    pub(crate) fn build(configure: impl Fn() -> ClientBuilder) -> reqwest::Result<Self> {
        let error = match configure().build() {
            Ok(client) => return Ok(client.into()),
            Err(error) => error,
        };
        match roots::missing() {
            // Anything else that is wrong with the client is still wrong, and is reported by this second build.
            Some(missing) => missing.build(configure()),
            None => Err(error),
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Refuses https without root certificates before anything is sent, since no server can be verified.
    pub(crate) fn check(&self, scheme: &str) -> Result<(), Error> {
        match &self.missing_roots {
            Some(why) if scheme == "https" => {
                Err(Error::new(ErrorKind::MissingRootCertificates, why))
            }
            _ => Ok(()),
        }
    }
}

impl From<Client> for HttpClient {
    fn from(client: Client) -> Self {
        Self {
            client,
            missing_roots: None,
        }
    }
}

#[cfg(all(
    any(feature = "rustls", feature = "rustls-no-provider"),
    unix,
    not(any(target_os = "android", target_vendor = "apple"))
))]
mod roots;

/// Elsewhere the system's verifier needs no files, or there is no TLS.
#[cfg(not(all(
    any(feature = "rustls", feature = "rustls-no-provider"),
    unix,
    not(any(target_os = "android", target_vendor = "apple"))
)))]
mod roots {
    use reqwest::ClientBuilder;

    use super::HttpClient;

    pub(super) enum Missing {}

    impl Missing {
        pub(super) fn build(self, _: ClientBuilder) -> reqwest::Result<HttpClient> {
            match self {}
        }
    }

    pub(super) fn missing() -> Option<Missing> {
        None
    }
}
