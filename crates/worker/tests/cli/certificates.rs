//! Certificates of a CA: PEM files for the program, and the configuration of a server.

use std::{fs, path::Path, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};

pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut parameters = parameters(name, &[]);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(parameters, key).expect("a certificate"))
    }

    /// Issues a certificate for these hosts.
    pub fn issue(&self, hosts: &[&str]) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters("a program", hosts).signed_by(&key, &self.0);
        Identity {
            certificate: certificate.expect("a certificate"),
            key,
        }
    }

    /// Writes the certificate of the CA to `FOLDER/NAME.pem`.
    pub fn write(&self, folder: &Path, name: &str) {
        fs::write(folder.join(format!("{name}.pem")), self.pem()).expect("written");
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// The configuration of a server with a certificate of this CA for these hosts. Clients of `clients` alone are accepted.
    pub fn server(&self, hosts: &[&str], clients: Option<&Self>) -> ServerConfig {
        let identity = self.issue(hosts);
        let key = PrivateKeyDer::try_from(identity.key.serialize_der()).expect("a key");
        let chain: Vec<CertificateDer<'static>> = vec![identity.certificate.der().clone()];
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().expect("TLS");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.0.der().clone()).expect("a CA");
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
            }
        };
        let mut server = builder.with_single_cert(chain, key).expect("a server");
        server.alpn_protocols = vec![b"h2".to_vec()];
        server
    }
}

impl Identity {
    /// Writes the certificate to `FOLDER/NAME.pem` and its key to `FOLDER/NAME.key`.
    pub fn write(&self, folder: &Path, name: &str) {
        let file = |extension: &str| folder.join(format!("{name}.{extension}"));
        fs::write(file("pem"), self.certificate.pem()).expect("written");
        fs::write(file("key"), self.key.serialize_pem()).expect("written");
    }
}

fn parameters(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).into()).collect();
    let mut parameters = CertificateParams::new(hosts).expect("names");
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters
}
