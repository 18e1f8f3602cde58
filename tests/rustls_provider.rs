//! A crypto provider of the program's own. One test, since what is installed stays so for the process.
#![cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video::{Client, ErrorKind};

#[test]
fn client_without_a_provider_is_a_clear_error_and_with_one_is_built() {
    for url in [Client::BASE_URL, "http://127.0.0.1:9"] {
        let client = Client::builder().api_key("sk-1").base_url(url).build();
        let error = client.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let told = error.to_string();
        assert!(told.contains("no crypto provider is installed"), "{told}");
        assert!(told.contains("install_default"), "{told}");
    }
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.install_default().unwrap();
    Client::builder().api_key("sk-1").build().unwrap();
}
