//! The addresses of `localhost`, which RFC 6761, section 6.3, reserves for the loopback interface.
//!
//! The name is not looked up, since a container may have neither `/etc/hosts` nor a name server, and a name server may return
//! any address.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// The addresses of the loopback interface. The port is 0: the URL's port replaces it.
pub(crate) const ADDRESSES: [SocketAddr; 2] = [
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)),
    SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0)),
];
