//! The HTTP client of the API: what callers may change about it, and what stays as promised.

use std::{sync::Arc, time::Duration};

use reqwest::Proxy;
use secrecy::{ExposeSecret, SecretString};

use crate::{Error, ErrorKind, localhost, tls::HttpClient};

/// What a caller changes about an HTTP client.
pub(crate) type Change =
    Arc<dyn Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync>;

/// Whose client the API is called with.
#[derive(Clone)]
pub(super) enum Http {
    Ours(Option<Change>),
    Given(reqwest::Client),
}

impl Http {
    pub(super) fn client(
        self,
        connect_timeout: Duration,
        loopback: bool,
        proxy: Option<&Proxy>,
    ) -> reqwest::Result<HttpClient> {
        let change = match self {
            Self::Given(client) => return Ok(client.into()),
            Self::Ours(change) => change,
        };
        HttpClient::build(|| {
            let mut builder = begun(connect_timeout);
            match proxy {
                // No proxy can reach what listens on this machine's loopback, and the key would leave the machine in clear.
                _ if loopback => {
                    builder = builder
                        .no_proxy()
                        .resolve_to_addrs("localhost", &localhost::ADDRESSES);
                }
                Some(proxy) => builder = builder.proxy(proxy.clone()),
                None => {}
            }
            // A redirect would carry the request to a place nobody chose, so it is an answer like any other. When a create
            // is sent again is decided here, and nowhere below.
            changed(builder, change.as_ref())
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                // Which would log every byte, the key among them.
                .connection_verbose(false)
        })
    }
}

/// What all HTTP clients of this crate begin as.
pub(crate) fn begun(connect_timeout: Duration) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(connect_timeout)
        .user_agent(concat!("aimlapi-video/", env!("CARGO_PKG_VERSION")))
}

pub(crate) fn changed(
    builder: reqwest::ClientBuilder,
    change: Option<&Change>,
) -> reqwest::ClientBuilder {
    match change {
        Some(change) => change(builder),
        None => builder,
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
        // Another crate may have switched on a provider of reqwest's own, which cannot be seen from here.
        let what = "no crypto provider is installed for rustls; install one first, even if another crate brings one, such as \
                    `rustls::crypto::ring::default_provider().install_default()`, or switch on the feature `rustls`";
        return Err(Error::new(ErrorKind::Configuration, what));
    }
    Ok(())
}

/// Refuses a client that follows redirects: it would send the key along on the second hop of another host, and a create
/// whose redirect leads nowhere would look as if it had not been sent.
pub(super) fn check_redirects(client: &reqwest::Client) -> Result<(), Error> {
    // It tells its policy nowhere else, and only if it is not the default.
    match format!("{client:?}").contains("Policy(None)") {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::Configuration,
            "the HTTP client that was given follows redirects, which might take the key elsewhere; build it with \
             `redirect(reqwest::redirect::Policy::none())`",
        )),
    }
}
