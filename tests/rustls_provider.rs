//! Tests a crypto provider that the program installs. There is one test, since an installed provider stays for the process.
#![cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video::{Client, ErrorKind};

#[test]
fn client_is_built_only_after_a_provider_was_installed() {
    for url in [Client::BASE_URL, "http://127.0.0.1:9"] {
        let client = Client::builder().api_key("sk-1").base_url(url).build();
        let error = client.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let message = error.to_string();
        assert!(
            message.contains("no crypto provider is installed"),
            "{message}"
        );
        assert!(message.contains("install_default"), "{message}");
    }
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.install_default().unwrap();
    Client::builder().api_key("sk-1").build().unwrap();
}
