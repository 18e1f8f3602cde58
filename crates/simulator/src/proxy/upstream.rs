//! The upstream: its base URL, and the HTTP client that sends requests to it.
//!
//! The client is hyper's, since reqwest adds an `Accept` header to a request without one.

use std::io;

use aimlapi_video::reqwest::Url;
use axum::{
    body::Body,
    http::{
        Request, Uri,
        uri::{Parts, PathAndQuery},
    },
};
use hyper_util::{
    client::{
        legacy::{
            Client, ResponseFuture,
            connect::{Connect, HttpConnector, proxy::Tunnel},
        },
        proxy::matcher::{Intercept, Matcher},
    },
    rt::{TokioExecutor, TokioTimer},
};

#[cfg(feature = "rustls")]
use super::tls;

/// Sends a request over a pool of connections.
pub(super) type Sender = Box<dyn Fn(Request<Body>) -> ResponseFuture + Send + Sync>;

/// The server that requests are forwarded to.
pub(super) struct Upstream {
    /// The base URL, without a slash at its end.
    pub(super) url: String,
    base: Uri,
    send: Sender,
}

impl Upstream {
    /// Reads a base URL. Root certificates are loaded for https alone.
    ///
    /// # Errors
    ///
    /// If the text is not a base URL, the system's proxy for it is not supported, or https needs what is not there.
    pub(super) fn new(text: &str) -> io::Result<Self> {
        let base = base_uri(text).map_err(invalid)?;
        let is_https = base.scheme_str() == Some("https");
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.enforce_http(false);
        let proxy = Matcher::from_system().intercept(&base);
        let tunnel = proxy.map(|proxy| tunnel(&proxy, connector.clone()));
        let send = match (tunnel.transpose().map_err(invalid)?, is_https) {
            (None, false) => sender(connector),
            (None, true) => tls::sender(connector)?,
            (Some(tunnel), false) => sender(tunnel),
            (Some(tunnel), true) => tls::sender(tunnel)?,
        };
        let url = text.trim_end_matches('/').to_owned();
        Ok(Self { url, base, send })
    }

    /// Returns the URL of the upstream for the target of a request.
    ///
    /// # Errors
    ///
    /// If the URL is too long.
    pub(super) fn uri(&self, target: &Uri) -> Result<Uri, axum::http::Error> {
        let root = PathAndQuery::from_static("/");
        let target = target.path_and_query().unwrap_or(&root);
        let mut parts = Parts::default();
        parts.scheme = self.base.scheme().cloned();
        parts.authority = self.base.authority().cloned();
        parts.path_and_query = Some(match self.base.path() {
            "/" => target.clone(),
            path => {
                let path = path.trim_end_matches('/');
                format!("{path}{target}").parse()?
            }
        });
        Ok(Uri::from_parts(parts)?)
    }

    pub(super) fn send(&self, request: Request<Body>) -> ResponseFuture {
        (self.send)(request)
    }
}

/// Returns a client whose connections are made by a connector.
pub(super) fn sender<C>(connector: C) -> Sender
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let mut builder = Client::builder(TokioExecutor::new());
    let client = builder.pool_timer(TokioTimer::new()).build(connector);
    Box::new(move |request| client.request(request))
}

#[cfg(not(feature = "rustls"))]
mod tls {
    use std::io;

    pub(super) fn sender<C>(_: C) -> io::Result<super::Sender> {
        let message = "upstream: https needs the feature `rustls`";
        Err(io::Error::new(io::ErrorKind::InvalidInput, message))
    }
}

/// Returns a connector through the proxy that the system names.
fn tunnel(proxy: &Intercept, connector: HttpConnector) -> Result<Tunnel<HttpConnector>, String> {
    let scheme = proxy.uri().scheme_str().unwrap_or_default();
    if scheme != "http" {
        return Err(format!(
            "upstream: the environment names a proxy with the scheme {scheme}; expected http"
        ));
    }
    let tunnel = Tunnel::new(proxy.uri().clone(), connector);
    Ok(match proxy.basic_auth() {
        Some(auth) => tunnel.with_auth(auth.clone()),
        None => tunnel,
    })
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

fn base_uri(text: &str) -> Result<Uri, String> {
    let expected = "expected a base URL such as https://api.aimlapi.com";
    let url = Url::parse(text).map_err(|error| format!("upstream: {expected}: {error}"))?;
    let is_base = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !is_base {
        return Err(format!(
            "upstream: {expected}, without user, query and fragment"
        ));
    }
    url.as_str()
        .parse()
        .map_err(|error| format!("upstream: {expected}: {error}"))
}
