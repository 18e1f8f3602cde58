//! Tests of HTTP clients that callers customize, against servers on loopback.
#![cfg(any(feature = "rustls", not(feature = "rustls-no-provider")))]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aimlapi_video::{
    Client, ClientBuilder, ErrorKind, Generation,
    reqwest::{
        self,
        dns::{Name, Resolve, Resolving},
        header::{HeaderMap, HeaderValue},
        redirect::Policy,
    },
    types::KlingaiV2MasterTextToVideo,
};
use serde_json::json;
use support::{
    KEY, Request, Server, builder,
    files::{Film, Host, Plan, Validator},
    http,
};

fn request() -> KlingaiV2MasterTextToVideo {
    let request = KlingaiV2MasterTextToVideo::builder().prompt("a kite");
    request.build().unwrap()
}

fn completed(_: usize, _: &Request) -> support::Bytes {
    let video = json!({ "url": "https://cdn.example.com/v.mp4" });
    support::json(
        200,
        json!({ "id": "a", "status": "completed", "video": video }),
    )
}

fn marked(name: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static("yes"))])
}

async fn redirecting(status: u16, to: &Server) -> Server {
    let target = format!("{}/elsewhere?signature=secret", to.url());
    Server::always(http(status, &[("location", &target)], "")).await
}

#[tokio::test]
async fn settings_of_the_api_client_apply_to_the_api_but_not_to_downloads() {
    let whole = |_: usize, _: &Request| Plan::Whole;
    let film = Film::new(5000, 3);
    let host = Host::start(film, Validator::None, whole).await;
    let link = host.link();
    let api = Server::start(move |_, _| {
        let video = json!({ "url": link });
        support::json(
            200,
            json!({ "id": "a", "status": "completed", "video": video }),
        )
    })
    .await;
    let client = builder(api.url())
        .configure_http(|http| {
            http.user_agent("film-desk/3")
                .default_headers(marked("x-api"))
        })
        .configure_downloads(|http| http.default_headers(marked("x-files")))
        .build()
        .unwrap();
    let generation = client.fetch("a").await.unwrap();
    client.download(&generation).to_bytes().await.unwrap();
    let received = &api.requests()[0];
    assert_eq!(received.header("user-agent"), Some("film-desk/3"));
    assert_eq!(received.header("x-api"), Some("yes"));
    assert_eq!(received.header("x-files"), None);
    let bearer = format!("Bearer {KEY}");
    assert_eq!(received.header("authorization"), Some(bearer.as_str()));
    let received = &host.requests()[0];
    assert_eq!(received.header("x-files"), Some("yes"));
    assert_eq!(received.header("x-api"), None);
    assert_eq!(received.header("authorization"), None);
    let agent = received.header("user-agent").unwrap();
    assert!(agent.starts_with("aimlapi-video/"), "{agent}");
}

#[tokio::test]
async fn redirects_are_not_followed_by_a_customized_client() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Server::start(completed).await;
        let api = redirecting(status, &elsewhere).await;
        let client = builder(api.url())
            .configure_http(|http| http.redirect(Policy::limited(10)))
            .build()
            .unwrap();
        let error = client.create(request()).await.unwrap_err();
        // 303 says that the request was processed.
        let refusal = match status {
            303 => ErrorKind::AmbiguousCreate,
            _ => ErrorKind::Refused,
        };
        assert_eq!(error.kind(), refusal, "{status}");
        let error = client.fetch("a").await.unwrap_err();
        assert_eq!(error.service().unwrap().status, status);
        assert_eq!(elsewhere.requests().len(), 0);
    }
}

#[tokio::test]
async fn requests_are_sent_once_although_the_customized_client_would_retry() {
    let api = Server::always(http(503, &[], "busy")).await;
    let host = api.url().trim_start_matches("http://").to_owned();
    let host = host.split(':').next().unwrap().to_owned();
    let client = builder(api.url())
        .configure_http(move |http| {
            let retries = reqwest::retry::for_host(host.clone())
                .max_retries_per_request(3)
                .classify_fn(|attempt| match attempt.status() {
                    Some(status) if status.is_server_error() => attempt.retryable(),
                    _ => attempt.success(),
                });
            http.retry(retries)
        })
        .build()
        .unwrap();
    let error = client.create(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AmbiguousCreate);
    assert_eq!(api.requests().len(), 1);
    client.fetch("a").await.unwrap_err();
    assert_eq!(api.requests().len(), 2);
}

#[tokio::test]
async fn calls_of_a_customized_client_have_their_own_timeout() {
    let api = Server::start(|number, request| match number {
        0 => completed(number, request),
        _ => support::SILENCE.to_vec(),
    })
    .await;
    let client = builder(api.url())
        .configure_http(|http| http.timeout(Duration::from_secs(3600)))
        .fetch_timeout(Duration::from_millis(50))
        .create_timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    assert_eq!(client.fetch("a").await.unwrap().videos().len(), 1);
    let error = client.fetch("a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PollingLost);
    let error = client.create(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AmbiguousCreate);
}

#[tokio::test]
async fn settings_apply_to_creates_and_polls() {
    let api = Server::start(completed).await;
    let client = builder(api.url())
        .configure_http(|http| http.user_agent("film-desk/3"))
        .build()
        .unwrap();
    client.create(request()).await.unwrap();
    client.fetch("a").await.unwrap();
    for received in api.requests() {
        assert_eq!(received.header("user-agent"), Some("film-desk/3"));
    }
}

#[tokio::test]
async fn create_has_a_content_length() {
    let api = Server::start(completed).await;
    let client = builder(api.url()).build().unwrap();
    client.create(request()).await.unwrap();
    let sent = &api.requests()[0];
    let length = sent.body.len().to_string();
    assert!(!sent.body.is_empty());
    assert_eq!(sent.header("content-length"), Some(length.as_str()));
    assert_eq!(sent.header("transfer-encoding"), None);
}

/// A resolver that resolves every name to this machine, and records that it was used.
struct Elsewhere(Arc<AtomicBool>);

impl Resolve for Elsewhere {
    fn resolve(&self, _: Name) -> Resolving {
        self.0.store(true, Ordering::SeqCst);
        let here = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        Box::pin(async move { Ok(Box::new([here].into_iter()) as reqwest::dns::Addrs) })
    }
}

#[tokio::test]
async fn customized_resolver_and_redirects_do_not_apply_to_downloads() {
    let is_used = Arc::new(AtomicBool::new(false));
    let resolver = Arc::new(Elsewhere(Arc::clone(&is_used)));
    let server = redirecting(302, &Server::start(completed).await).await;
    let client = Client::builder()
        .api_key(KEY)
        .base_url("https://api.invalid")
        .configure_downloads(move |http| {
            http.dns_resolver(Arc::clone(&resolver))
                .redirect(Policy::limited(10))
        })
        .build()
        .unwrap();
    let links = [
        "https://films.invalid/v.mp4".to_owned(),
        server.url().replace("http", "https"),
    ];
    for link in links {
        let generation = json!({ "id": "a", "status": "completed", "video": { "url": link } });
        let generation = Generation::from_json(generation);
        let download = client.download(&generation).retries(0);
        let error = download.to_bytes().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download);
    }
    assert!(!is_used.load(Ordering::SeqCst));
    assert_eq!(server.requests().len(), 0);
}

fn beyond_this_machine() -> ClientBuilder {
    Client::builder()
        .api_key(KEY)
        .base_url("http://api.example.com")
        .allow_insecure_http()
}

#[tokio::test]
async fn proxy_is_used_for_calls_and_downloads_but_not_for_private_addresses() {
    let film = Film::new(5000, 3).bytes();
    let proxy = Server::start(move |number, request| match request.method.as_str() {
        "POST" => completed(number, request),
        _ => http(200, &[("content-type", "video/mp4")], &film),
    })
    .await;
    let url = proxy.url().replace("http://", "http://desk:hush-4713@");
    let builder = beyond_this_machine().proxy(url);
    assert!(!format!("{builder:?}").contains("hush"));
    let client = builder.build().unwrap();
    assert!(!format!("{client:?}").contains("hush"));
    client.create(request()).await.unwrap();
    let video = |link: &str| {
        let video = json!({ "id": "a", "status": "completed", "video": { "url": link } });
        Generation::from_json(video)
    };
    let public = video("http://films.example.com/v.mp4");
    let bytes = client.download(&public).to_bytes().await.unwrap();
    assert_eq!(bytes.len(), 5000);
    for private in ["http://10.0.0.1/v.mp4", "http://localhost/v.mp4"] {
        let private = video(private);
        let error = client.download(&private).to_bytes().await.unwrap_err();
        assert!(error.to_string().contains("not on the public internet"));
    }
    let received = proxy.requests();
    let targets: Vec<&str> = received
        .iter()
        .map(|received| received.target.as_str())
        .collect();
    assert_eq!(
        targets,
        [
            "http://api.example.com/v2/video/generations",
            "http://films.example.com/v.mp4"
        ]
    );
    for received in &received {
        assert!(received.header("proxy-authorization").is_some());
    }
    assert_eq!(received[1].header("authorization"), None);
}

#[test]
fn invalid_proxy_is_reported_without_its_password() {
    for wrong in [
        "",
        "proxy.example.com:3128",
        "socks5://desk:hush-4713@proxy.example.com",
        "desk:hush-4713@proxy.example.com:3128",
        "http://desk:hush/4713@proxy.example.com:3128",
        "http://",
        "ftp://proxy",
    ] {
        let error = beyond_this_machine().proxy(wrong).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let message = error.to_string();
        assert!(
            message.contains("the proxy") && !message.contains("hush"),
            "{message}"
        );
    }
}

#[cfg(feature = "rustls")]
mod tls {
    use std::io::Cursor;

    use aimlapi_video::reqwest::Certificate;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// The root certificate, which is not in any system's store. Its private key is public, since it is in the repository.
    const ROOT: &[u8] = include_bytes!("fixtures/tls/root.pem");
    const CERTIFICATE: &[u8] = include_bytes!("fixtures/tls/localhost.pem");
    const PRIVATE: &[u8] = include_bytes!("fixtures/tls/localhost.key");

    /// The base URL of an API with TLS.
    async fn api() -> String {
        let certificate = CertificateDer::pem_slice_iter(CERTIFICATE).map(Result::unwrap);
        let key = PrivateKeyDer::from_pem_reader(Cursor::new(PRIVATE)).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(certificate.collect(), key)
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let _ = stream.read(&mut [0; 4096]).await;
                    let answer = support::json(200, json!({ "id": "a", "status": "queued" }));
                    let _ = stream.write_all(&answer).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        format!("https://localhost:{port}")
    }

    #[tokio::test]
    async fn service_with_an_unknown_root_is_reached_only_with_that_root() {
        let url = api().await;
        let stranger = builder(&url).build().unwrap();
        let error = stranger.fetch("a").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PollingLost);
        let root = Certificate::from_pem(ROOT).unwrap();
        let client = builder(&url)
            .configure_http(move |http| http.tls_certs_merge([root.clone()]))
            .build()
            .unwrap();
        assert_eq!(client.fetch("a").await.unwrap().id(), Some("a"));
        assert_eq!(client.create(request()).await.unwrap().id(), "a");
    }
}
