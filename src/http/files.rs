//! The HTTP clients of downloads: connections of their own, to allowed hosts alone, without the API's key.

use std::{sync::OnceLock, time::Duration};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Proxy, Url};

use super::{
    Customize, base_builder, customize,
    hosts::{Guard, Hosts},
};
use crate::tls::HttpClient;

/// The HTTP clients that downloads use.
pub(crate) struct Files {
    settings: FileSettings,
    /// Resolves names itself, and connects to allowed addresses only.
    direct: HttpClient,
    /// Leaves resolving to the proxy: for http, and for https.
    proxied: [OnceLock<HttpClient>; 2],
    /// The system's proxies.
    system: Option<Matcher>,
}

pub(crate) struct FileSettings {
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    /// Whether the API's own base URL is on this machine.
    pub(crate) loopback: bool,
    pub(crate) allow_http: bool,
    pub(crate) allow_private: bool,
    /// What the caller changes about the HTTP client.
    pub(crate) change: Option<Customize>,
    /// Takes everything.
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
            // A proxy that nobody named cannot reach what listens on this machine's loopback.
            system: (!settings.loopback).then(Matcher::from_system),
            settings,
        })
    }

    pub(crate) fn settings(&self) -> &FileSettings {
        &self.settings
    }

    /// The client for `url`: where a proxy takes it, the proxy resolves the name.
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
        // It and no other, for without one nobody would look at what the name resolves to.
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
        // The idle time is kept here: reqwest's runs on while the caller's disk or writer is what is slow.
        // Redirects are followed here, each after a look.
        // Some servers know `Range` in this spelling alone, such as weborf 0.19.
        let builder = base_builder(self.connect_timeout).http1_title_case_headers();
        customize(builder, self.change.as_ref()).redirect(reqwest::redirect::Policy::none())
    }
}
