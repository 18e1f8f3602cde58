//! Which hosts a link may lead to: none inside the network that this machine stands in.
//!
//! A link is the service's word, and a redirect its host's; neither may make this machine ask its neighbours.

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

use crate::http::localhost;

/// Which hosts are allowed beside the public ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hosts {
    pub(super) loopback: bool,
    pub(super) private: bool,
}

/// A host that leads to an address that is not public.
#[derive(Debug)]
pub(super) struct NotPublic {
    host: String,
    address: Option<IpAddr>,
}

impl Hosts {
    /// Judges the host that `url` names, as far as it can be told without asking for its address.
    pub(super) fn check(self, url: &Url) -> Result<(), NotPublic> {
        let host = url.host_str().unwrap_or_default();
        let allowed = match host.trim_matches(['[', ']']).parse() {
            Ok(address) => self.allows(address),
            // Names that mean this machine wherever they are resolved.
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

    pub(super) fn allows(self, address: IpAddr) -> bool {
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

/// The system's resolver, less the addresses that are not allowed. What is left is what is connected to, so a name
/// cannot change its address between the look and the connection. A host that has public addresses beside others is
/// reached by the public ones.
pub(super) struct Guard {
    hosts: Hosts,
    lookup: Arc<Lookup>,
}

type Lookup = dyn Fn(String) -> Looking + Send + Sync;
type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

impl Guard {
    pub(super) fn new(hosts: Hosts) -> Self {
        let lookup = |name: String| -> Looking {
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
        let (hosts, looking) = (self.hosts, (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let mut found = looking.await?;
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

/// Whether a URL's host may be one of the public internet's, as far as its name or address shows.
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

/// Whether an address is one of the public internet's: IANA's registries of special addresses, read strictly.
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
            | (169, 254, _)         // link-local, where clouds tell secrets
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
        // Mapped, and NAT64: what counts is the address within.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        // 6to4.
        [0x2002, high, low, ..] => embedded(high, low),
        // Protocols, Teredo, benchmarks, ORCHID; documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Nothing beyond is given out: the rest is loopback, local, link-local, multicast or reserved.
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
    fn what_is_allowed_is_allowed_and_no_more() {
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
        let lookup = move |_| -> Looking {
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
    async fn a_name_is_reached_by_its_public_addresses_alone() {
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
