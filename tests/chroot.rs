//! Tests the library without bundled root certificates in a root file system that has none.
//!
//! `.ci/chroot` runs these tests; they need Linux and root.
#![cfg(all(
    target_os = "linux",
    any(feature = "rustls", feature = "rustls-no-provider"),
    not(feature = "webpki-roots")
))]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video::{Error, ErrorKind, reqwest::Certificate, types::KlingaiV2MasterTextToVideo};
use aimlapi_video_test_support as support;
use support::{
    Server, builder,
    chroot::Chroot,
    tls::{self, TlsService},
};

#[tokio::test]
#[ignore = "needs root: run .ci/chroot"]
async fn https_without_roots_is_a_distinct_error_and_plain_http_works() {
    let chroot = Chroot::new(&std::env::current_exe().unwrap());
    let (refused, trusted) = (TlsService::start().await, TlsService::start().await);
    let plain = Server::always(support::json(200, tls::completed(&refused.video()))).await;
    let mut command = chroot.command(&["inside::", "--ignored", "--nocapture"]);
    command.env("HTTPS", refused.url()).env("HTTP", plain.url());
    command.env("TRUSTED", trusted.url());
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("3 passed"), "{stdout}");
    assert_eq!(refused.connections(), 0);
}

/// The tests that run in the chroot.
mod inside {
    use super::*;

    fn provider() {
        #[cfg(not(feature = "rustls"))]
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }

    fn url(name: &str) -> String {
        provider();
        std::env::var(name).expect("the other test sets it")
    }

    fn request() -> KlingaiV2MasterTextToVideo {
        let request = KlingaiV2MasterTextToVideo::builder().prompt("a kite");
        request.build().unwrap()
    }

    fn check(error: &Error) {
        assert_eq!(error.kind(), ErrorKind::MissingRootCertificates);
        assert!(!error.is_transient());
        for remedy in ["`ca-certificates`", "SSL_CERT_FILE", "`webpki-roots`"] {
            assert!(error.to_string().contains(remedy), "{error}");
        }
    }

    #[tokio::test]
    #[ignore = "runs in a chroot"]
    async fn https_is_refused_before_anything_is_sent() {
        let client = builder(url("HTTPS")).build().unwrap();
        let error = client.create(request()).await.unwrap_err();
        check(&error);
        assert!(error.handle().is_none());
        for error in [
            client.fetch("g").await.unwrap_err(),
            client.wait("g").await.unwrap_err(),
        ] {
            check(&error);
            assert_eq!(error.handle().unwrap().id(), "g");
            assert!(error.is_resumable());
            assert_eq!(error.answered(), Some(0));
        }
    }

    #[tokio::test]
    #[ignore = "runs in a chroot"]
    async fn plain_http_works_and_the_video_on_https_is_refused_with_the_handle() {
        let client = builder(url("HTTP")).build().unwrap();
        let generation = client.generate(request()).await.unwrap();
        let error = client.save(&generation, "/out/a.mp4").await.unwrap_err();
        check(&error);
        assert_eq!(error.handle().unwrap().id(), "g");
        assert!(error.is_resumable());
    }

    #[tokio::test]
    #[ignore = "runs in a chroot"]
    async fn roots_of_the_caller_are_used() {
        let url = url("TRUSTED");
        let root = || [Certificate::from_pem(tls::ROOT).unwrap()];
        let merged = builder(&url)
            .configure_http(move |http| http.tls_certs_merge(root()))
            .configure_downloads(move |http| http.tls_certs_merge(root()));
        let only = builder(&url)
            .configure_http(move |http| http.tls_certs_only(root()))
            .configure_downloads(move |http| http.tls_certs_only(root()));
        for client in [merged, only] {
            let client = client.build().unwrap();
            let generation = client.generate(request()).await.unwrap();
            let bytes = client.download(&generation).to_bytes().await.unwrap();
            assert_eq!(bytes, tls::CLIP);
        }
    }
}
