//! The HTTP clients that call the API: the settings that callers may customize, and the settings that are fixed.

use std::time::Duration;

use reqwest::Proxy;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    Error, ErrorKind,
    http::{Customize, base_builder, customize, localhost},
    tls::HttpClient,
};

/// The settings of the HTTP clients that the API is called with.
pub(super) struct ApiSettings<'a> {
    pub(super) connect_timeout: Duration,
    /// Whether the service is on this machine.
    pub(super) loopback: bool,
    pub(super) proxy: Option<&'a Proxy>,
    pub(super) change: Option<&'a Customize>,
}

impl ApiSettings<'_> {
    /// The client for polls.
    pub(super) fn polls(&self) -> reqwest::Result<HttpClient> {
        HttpClient::build(|| self.builder())
    }

    /// The client for creates, each of which has a connection of its own in any version of HTTP.
    ///
    /// The service may close an idle connection at the moment when a request is written to it, and then it is unknown whether
    /// the service has read the request. A GET can be retried; a create may have been billed. Without idle connections
    /// the pool is disabled altogether, so that HTTP/2 shares no connection either.
    pub(super) fn creates(&self) -> reqwest::Result<HttpClient> {
        HttpClient::build(|| self.builder().pool_max_idle_per_host(0))
    }

    fn builder(&self) -> reqwest::ClientBuilder {
        let mut builder = base_builder(self.connect_timeout);
        match self.proxy {
            // A proxy cannot reach this machine's loopback interface, and the key would leave the machine unencrypted.
            _ if self.loopback => {
                builder = builder
                    .no_proxy()
                    .resolve_to_addrs("localhost", &localhost::ADDRESSES);
            }
            Some(proxy) => builder = builder.proxy(proxy.clone()),
            None => {}
        }
        // A redirect would send the request to a host that the caller did not choose, so a redirect is a response like any
        // other. `CreateRetries` alone decides whether a create is retried, so reqwest must not.
        customize(builder, self.change)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            // A verbose connection logs every byte, including the key.
            .connection_verbose(false)
    }
}

/// The proxy at this URL, for requests of any scheme.
pub(super) fn proxy(url: &SecretString) -> Result<Proxy, Error> {
    let url = url.expose_secret();
    let is_web = |url: &reqwest::Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    let parsed = url.parse().ok().filter(is_web);
    parsed
        .and_then(|url| Proxy::all(url).ok())
        .ok_or_else(|| {
            let shown = crate::urls::redacted_text(url);
            let what = format!("the proxy {shown} is not an http or https URL; give one such as http://proxy.example.com:3128");
            Error::new(ErrorKind::Configuration, what)
        })
}

/// Fails if no crypto provider is installed, since reqwest panics without one.
pub(super) fn check_provider() -> Result<(), Error> {
    #[cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another crate may have enabled reqwest's own provider, which is not visible here.
        let what = "no crypto provider is installed for rustls; install one first, even if another crate enables one, such as \
                    `rustls::crypto::ring::default_provider().install_default()`, or enable the feature `rustls`";
        return Err(Error::new(ErrorKind::Configuration, what));
    }
    Ok(())
}
