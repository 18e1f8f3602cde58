//! Builds HTTP clients also on systems without root certificates, and refuses https with a client that has none.
//!
//! reqwest takes the root certificates from the platform's verifier: from `SSL_CERT_FILE` and `SSL_CERT_DIR` if one of the two
//! variables is set, else from the system. If there are none, reqwest builds no client, not even one for plain http. This module
//! then builds a client with the bundled root certificates, or one for plain http only.

use reqwest::{Client, ClientBuilder};

use crate::{Error, ErrorKind};

/// An HTTP client, and the reason why it has no root certificates, if it has none.
pub(crate) struct HttpClient {
    client: Client,
    missing_roots: Option<String>,
}

impl HttpClient {
    /// Builds the client that `configure` describes. The bundled root certificates are used only if neither the caller, nor an
    /// environment variable, nor the system provides any.
    pub(crate) fn build(configure: impl Fn() -> ClientBuilder) -> reqwest::Result<Self> {
        let error = match configure().build() {
            Ok(client) => return Ok(client.into()),
            Err(error) => error,
        };
        match roots::missing() {
            // If the client has another fault, this second build reports it.
            Some(missing) => missing.build(configure()),
            None => Err(error),
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Refuses https if there are no root certificates, before anything is sent: the server could not be verified.
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

/// On other platforms the verifier needs no files, or there is no TLS, so root certificates are never missing.
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
