//! Checks that the hosts of downloads are on the public internet.
//!
//! The service chooses the URL of a video, and the URL's host chooses a redirect. Neither may make this machine send
//! requests to its local network (server-side request forgery).

use std::{
    error::Error as StdError,
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

use super::localhost;

/// The hosts that are allowed in addition to the public ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hosts {
    pub(crate) loopback: bool,
    pub(crate) private: bool,
}

/// The error of a host whose address is not public.
#[derive(Debug)]
pub(crate) struct NotPublic {
    host: String,
    address: Option<IpAddr>,
}

impl Hosts {
    /// Checks the host of `url` without resolving its name: an address, or a name of the loopback interface.
    pub(crate) fn check(self, url: &Url) -> Result<(), NotPublic> {
        let host = url.host_str().unwrap_or_default();
        let allowed = match host.trim_matches(['[', ']']).parse() {
            Ok(address) => self.allows(address),
            // The names that RFC 6761 reserves for the loopback interface.
            Err(_) => !is_localhost(host) || self.loopback || self.private,
        };
        if allowed {
            return Ok(());
        }
        Err(NotPublic {
            host: host.to_owned(),
            address: None,
        })
    }

    pub(crate) fn allows(self, address: IpAddr) -> bool {
        self.private
            || is_public(address)
            || (self.loopback && address.to_canonical().is_loopback())
    }
}

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.host)?;
        if let Some(address) = self.address {
            write!(f, " has the address {address}, which")?;
        }
        f.write_str(" is not on the public internet")
    }
}

impl StdError for NotPublic {}

/// The system's resolver without the addresses that are not allowed.
///
/// The connection uses the addresses that were checked, so a name cannot change its address in between. A host that has
/// public and other addresses is reached by the public ones.
pub(crate) struct Guard {
    hosts: Hosts,
    lookup: Arc<Lookup>,
}

type Lookup = dyn Fn(String) -> LookupFuture + Send + Sync;
type LookupFuture = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

impl Guard {
    pub(crate) fn new(hosts: Hosts) -> Self {
        let lookup = |name: String| -> LookupFuture {
            Box::pin(async move {
                if is_localhost(&name) {
                    return Ok(localhost::ADDRESSES.to_vec());
                }
                Ok(tokio::net::lookup_host((name, 0)).await?.collect())
            })
        };
        Self {
            hosts,
            lookup: Arc::new(lookup),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (hosts, lookup) = (self.hosts, (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let mut found = lookup.await?;
            let first = found.first().map(SocketAddr::ip);
            found.retain(|address| hosts.allows(address.ip()));
            if found.is_empty() && first.is_some() {
                return Err(NotPublic {
                    host: name.as_str().to_owned(),
                    address: first,
                }
                .into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether a URL's host may be on the public internet, as far as its name or address shows.
pub(crate) fn is_public_host(url: &Url) -> bool {
    let public_only = Hosts {
        loopback: false,
        private: false,
    };
    public_only.check(url).is_ok()
}

fn is_localhost(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

/// Whether an address is on the public internet, by a strict reading of IANA's registries of special-purpose addresses.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0, _, _)                   // this network
            | (10, _, _)            // private
            | (100, 64..=127, _)    // carriers' NAT
            | (127, _, _)           // loopback
            | (169, 254, _)         // link-local, with the metadata services of clouds
            | (172, 16..=31, _)     // private
            | (192, 0, 0)           // protocols
            | (192, 0, 2)           // documentation
            | (192, 88, 99)         // relays of 6to4
            | (192, 168, _)         // private
            | (198, 18..=19, _)     // benchmarks
            | (198, 51, 100)        // documentation
            | (203, 0, 113)         // documentation
            | (224.., _, _) // multicast, reserved, broadcast
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // IPv4-mapped addresses, and NAT64: the embedded address decides.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        // 6to4.
        [0x2002, high, low, ..] => embedded(high, low),
        // Protocols, Teredo, benchmarks, ORCHID; documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Only 2000::/3 is allocated: the rest is loopback, local, link-local, multicast or reserved.
        [first, ..] => matches!(first, 0x2000..=0x3fff),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC_ONLY: Hosts = Hosts {
        loopback: false,
        private: false,
    };

    fn check(hosts: Hosts, host: &str) -> bool {
        let url = Url::parse(&format!("https://{host}/x")).expect("a URL");
        hosts.check(&url).is_ok()
    }

    #[test]
    fn addresses_that_are_not_public_are_refused_in_every_spelling() {
        let refused = "0.0.0.0 10.1.2.3 100.64.0.1 100.127.255.254 127.0.0.1 127.1 2130706433 0x7f.1 0177.0.0.1 \
                       169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.7 192.88.99.1 192.168.1.1 198.18.0.1 \
                       198.19.255.255 198.51.100.9 203.0.113.9 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 \
                       [::] [::1] [::ffff:10.0.0.1] [::ffff:127.0.0.1] [::127.0.0.1] [64:ff9b::10.0.0.1] \
                       [64:ff9b:1::8.8.8.8] [2002:0a00:0001::1] [2002:7f00:1::] [2001::1] [2001:2::1] [2001:db8::1] \
                       [3fff::1] [fc00::1] [fd12:3456::1] [fe80::1] [fec0::1] [ff02::1] [100::1] [5f00::1] \
                       localhost LOCALHOST localhost. a.localhost";
        for host in refused.split_whitespace() {
            assert!(!check(PUBLIC_ONLY, host), "{host}");
        }
        let allowed = "8.8.8.8 100.63.0.1 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 198.20.0.1 223.255.255.255 \
                       [2606:4700::1] [2a00:1450::1] [::ffff:8.8.8.8] [64:ff9b::8.8.8.8] [2002:0808:0808::1] \
                       cdn.example.com notlocalhost localhost.example.com";
        for host in allowed.split_whitespace() {
            assert!(check(PUBLIC_ONLY, host), "{host}");
        }
    }

    #[test]
    fn allowed_classes_of_addresses_are_accepted_and_others_refused() {
        let loopback = Hosts {
            loopback: true,
            ..PUBLIC_ONLY
        };
        let private = Hosts {
            private: true,
            ..PUBLIC_ONLY
        };
        for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"] {
            assert!(check(loopback, host) && check(private, host), "{host}");
        }
        for host in ["10.0.0.1", "169.254.169.254", "[fe80::1]", "0.0.0.0"] {
            assert!(!check(loopback, host) && check(private, host), "{host}");
        }
    }

    async fn resolved(hosts: Hosts, found: &'static [&'static str]) -> Result<Vec<IpAddr>, String> {
        let lookup = move |_| -> LookupFuture {
            let found = found
                .iter()
                .map(|ip| SocketAddr::new(ip.parse().expect("an address"), 0));
            let found = found.collect();
            Box::pin(async move { Ok(found) })
        };
        let guard = Guard {
            hosts,
            lookup: Arc::new(lookup),
        };
        let name = "cdn.example.com".parse().expect("a name");
        let addresses = guard
            .resolve(name)
            .await
            .map_err(|error| error.to_string())?;
        Ok(addresses.map(|address| address.ip()).collect())
    }

    #[tokio::test]
    async fn name_resolves_to_its_public_addresses_only() {
        let mixed = &["10.0.0.1", "8.8.8.8", "fd00::1"];
        let public: IpAddr = "8.8.8.8".parse().expect("an address");
        assert_eq!(resolved(PUBLIC_ONLY, mixed).await, Ok(vec![public]));
        let refused = resolved(PUBLIC_ONLY, &["192.168.0.7"])
            .await
            .expect_err("a refusal");
        assert_eq!(
            refused,
            "cdn.example.com has the address 192.168.0.7, which is not on the public internet"
        );
        assert_eq!(resolved(PUBLIC_ONLY, &[]).await, Ok(Vec::new()));
    }
}
