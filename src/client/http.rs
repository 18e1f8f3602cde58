//! The HTTP clients of the API: what callers may change about them, and what is fixed.

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

    /// The client for creates: each one has a connection of its own, with any version of HTTP.
    ///
    /// A connection that was kept open may be closed by the service in the very moment in which a request is written to
    /// it, and then it is unknown whether the service has read the request. A GET can be sent again; a create may have
    /// been billed. Without idle connections the pool is off as a whole, so that HTTP/2 shares none, either.
    pub(super) fn creates(&self) -> reqwest::Result<HttpClient> {
        HttpClient::build(|| self.builder().pool_max_idle_per_host(0))
    }

    fn builder(&self) -> reqwest::ClientBuilder {
        let mut builder = base_builder(self.connect_timeout);
        match self.proxy {
            // No proxy can reach what listens on this machine's loopback, and the key would leave the machine in clear.
            _ if self.loopback => {
                builder = builder
                    .no_proxy()
                    .resolve_to_addrs("localhost", &localhost::ADDRESSES);
            }
            Some(proxy) => builder = builder.proxy(proxy.clone()),
            None => {}
        }
        // A redirect would carry the request to a host that the caller did not choose, so it is a response like any
        // other. When a create is sent again is decided here, and nowhere below.
        customize(builder, self.change)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            // Which would log every byte, the key among them.
            .connection_verbose(false)
    }
}

/// The proxy at this URL, for everything.
pub(super) fn proxy(url: &SecretString) -> Result<Proxy, Error> {
    let url = url.expose_secret();
    let is_web = |url: &reqwest::Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    let parsed = url.parse().ok().filter(is_web);
    parsed
        .and_then(|url| Proxy::all(url).ok())
        .ok_or_else(|| {
            let shown = crate::uri::redacted_text(url);
            let what = format!("the proxy {shown} is no http or https URL; give one such as http://proxy.example.com:3128");
            Error::new(ErrorKind::Configuration, what)
        })
}

/// Whether TLS can begin: reqwest panics without a provider.
pub(super) fn check_provider() -> Result<(), Error> {
    #[cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another crate may have switched on a provider of reqwest's own, which is not visible here.
        let what = "no crypto provider is installed for rustls; install one first, even if another crate brings one, such as \
                    `rustls::crypto::ring::default_provider().install_default()`, or switch on the feature `rustls`";
        return Err(Error::new(ErrorKind::Configuration, what));
    }
    Ok(())
}
