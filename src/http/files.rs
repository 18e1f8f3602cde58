//! The HTTP clients of downloads, which connect only to allowed hosts and do not hold the API's key.

use std::{sync::OnceLock, time::Duration};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Proxy, Url};

use super::{
    Customize, base_builder, customize,
    hosts::{Guard, Hosts},
};
use crate::tls::HttpClient;

/// The HTTP clients of downloads: one that connects directly, and one for each scheme that goes through a proxy.
pub(crate) struct Files {
    settings: FileSettings,
    /// The client that resolves names itself and connects only to allowed addresses.
    direct: HttpClient,
    /// The clients for http and https whose proxy resolves names.
    proxied: [OnceLock<HttpClient>; 2],
    /// The system's proxies.
    system: Option<Matcher>,
}

/// The settings of the HTTP clients of downloads.
pub(crate) struct FileSettings {
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    /// Whether the API's own base URL is on this machine.
    pub(crate) loopback: bool,
    pub(crate) allow_http: bool,
    pub(crate) allow_private: bool,
    /// The caller's function that customizes the HTTP client.
    pub(crate) change: Option<Customize>,
    /// The caller's proxy, for requests of any scheme.
    pub(crate) proxy: Option<Proxy>,
}

impl Files {
    pub(crate) fn new(settings: FileSettings) -> reqwest::Result<Self> {
        let hosts = settings.hosts();
        let direct = || {
            let builder = settings.builder().no_proxy();
            builder.dns_resolver(Guard::new(hosts))
        };
        Ok(Self {
            direct: HttpClient::build(direct)?,
            proxied: Default::default(),
            // The system's proxy cannot reach this machine's loopback interface.
            system: (!settings.loopback).then(Matcher::from_system),
            settings,
        })
    }

    pub(crate) fn settings(&self) -> &FileSettings {
        &self.settings
    }

    /// The client for `url`. If a proxy is configured for the URL, the proxy resolves the name.
    pub(crate) fn client(&self, url: &Url) -> reqwest::Result<&HttpClient> {
        let uri = url.as_str().parse().ok();
        let found = |system: &Matcher| system.intercept(uri.as_ref()?);
        let system = self.system.as_ref().and_then(found);
        let proxy = match (&self.settings.proxy, system) {
            (Some(proxy), _) => proxy.clone(),
            (None, Some(system)) => {
                let proxy = Proxy::all(system.uri().to_string())?;
                match system.basic_auth() {
                    Some(user) => proxy.custom_http_auth(user.clone()),
                    None => proxy,
                }
            }
            (None, None) => return Ok(&self.direct),
        };
        let proxied = &self.proxied[usize::from(url.scheme() == "https")];
        if let Some(client) = proxied.get() {
            return Ok(client);
        }
        // `no_proxy` keeps the system's proxies out: a request that none of them takes would skip the check of addresses.
        let client = HttpClient::build(|| self.settings.builder().no_proxy().proxy(proxy.clone()))?;
        Ok(proxied.get_or_init(|| client))
    }
}

impl FileSettings {
    pub(crate) fn hosts(&self) -> Hosts {
        Hosts {
            loopback: self.loopback,
            private: self.allow_private,
        }
    }

    fn builder(&self) -> reqwest::ClientBuilder {
        // The download measures the idle time itself: reqwest's read timeout also runs while the caller's disk or writer is
        // slow. The download follows redirects itself, each after a check of its host.
        // Some servers, such as weborf 0.19, recognise `Range` only in this spelling.
        let builder = base_builder(self.connect_timeout).http1_title_case_headers();
        customize(builder, self.change.as_ref()).redirect(reqwest::redirect::Policy::none())
    }
}
