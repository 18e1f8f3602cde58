//! TLS to an https upstream, with the root certificates of `SSL_CERT_FILE` and `SSL_CERT_DIR`, else those of the system, else
//! Mozilla's.

use std::{env, io, sync::Arc};

use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::Connect;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

use super::upstream::{Sender, sender as sender_over};

/// Returns a client whose connections are made by a connector, with TLS.
///
/// # Errors
///
/// If there is no root certificate, so that no server can be verified.
pub(super) fn sender<C>(connector: C) -> io::Result<Sender>
where
    HttpsConnector<C>: Connect + Clone + Send + Sync + 'static,
{
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(io::Error::other)?;
    let config = config.with_root_certificates(roots()?);
    let config = config.with_no_client_auth();
    Ok(sender_over(HttpsConnector::from((connector, config))))
}

fn roots() -> io::Result<RootCertStore> {
    let mut found = rustls_native_certs::load_native_certs();
    let set = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .map(|name| env::var_os(name).map(|value| format!(" from {name}={value:?}")));
    // The system may deliberately trust fewer roots than Mozilla's, which replace none that cannot be read.
    if found.certs.is_empty() && found.errors.is_empty() && set == [None, None] {
        found.certs = webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec();
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if !roots.is_empty() {
        return Ok(roots);
    }
    let from = set.into_iter().flatten().collect::<String>();
    let why = found.errors.first().map(|error| format!(" ({error})"));
    let message = format!(
        "upstream: https needs root certificates, and none can be read{from}{}: name a PEM file in SSL_CERT_FILE",
        why.unwrap_or_default()
    );
    Err(io::Error::new(io::ErrorKind::NotFound, message))
}
