//! A service behind TLS, whose root certificate is not in any system's store.

use std::{
    io::Cursor,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{io::AsyncWriteExt, net::TcpListener, task::JoinHandle};

use super::{Bytes, Request, read};

/// The root certificate. Its private key is public, since it is in the repository.
pub const ROOT: &[u8] = include_bytes!("../../fixtures/tls/root.pem");
const CERTIFICATE: &[u8] = include_bytes!("../../fixtures/tls/localhost.pem");
const PRIVATE: &[u8] = include_bytes!("../../fixtures/tls/localhost.key");

/// The video of every generation.
pub const CLIP: &[u8] = include_bytes!("../../../crates/simulator/src/clips/1x1-5.mp4");

/// A service whose generations are completed at the first poll, and the host of their video.
pub struct TlsService {
    port: u16,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl TlsService {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let (acceptor, counter) = (acceptor(), Arc::clone(&connections));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let Some(request) = read(&mut stream).await else {
                        return;
                    };
                    let _ = stream.write_all(&respond(port, &request)).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self {
            port,
            connections,
            task,
        }
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    pub fn video(&self) -> String {
        video(self.port)
    }

    /// The number of connections that were opened to the service.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for TlsService {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn acceptor() -> tokio_rustls::TlsAcceptor {
    let certificate = CertificateDer::pem_slice_iter(CERTIFICATE).map(Result::unwrap);
    let key = PrivateKeyDer::from_pem_reader(Cursor::new(PRIVATE)).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificate.collect(), key)
        .unwrap();
    Arc::new(config).into()
}

fn respond(port: u16, request: &Request) -> Bytes {
    match (request.method.as_str(), request.target.as_str()) {
        ("POST", _) => super::json(200, serde_json::json!({ "id": "g", "status": "queued" })),
        (_, "/video.mp4") => super::http(200, &[("content-type", "video/mp4")], CLIP),
        _ => super::json(200, completed(&video(port))),
    }
}

/// The state of a generation whose video is at this URL.
pub fn completed(url: &str) -> serde_json::Value {
    serde_json::json!({ "id": "g", "status": "completed", "video": { "url": url } })
}

fn video(port: u16) -> String {
    format!("https://localhost:{port}/video.mp4")
}
