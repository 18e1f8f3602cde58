//! The settings that all HTTP clients of this crate share, those of downloads included.

use std::{sync::Arc, time::Duration};

/// A caller's function that customizes an HTTP client.
pub(crate) type Customize =
    Arc<dyn Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync>;

/// The settings that every client starts with.
pub(crate) fn base_builder(connect_timeout: Duration) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(connect_timeout)
        .user_agent(concat!("aimlapi-video/", env!("CARGO_PKG_VERSION")))
}

/// Applies the caller's function, if there is one, and turns decompression off.
///
/// Decompression is on as soon as another crate of the program enables a feature of reqwest such as `gzip`. A download would
/// then count decompressed bytes, and request the rest of the file from a wrong offset.
pub(crate) fn customize(
    builder: reqwest::ClientBuilder,
    customize: Option<&Customize>,
) -> reqwest::ClientBuilder {
    let builder = match customize {
        Some(customize) => customize(builder),
        None => builder,
    };
    builder.no_gzip().no_brotli().no_deflate().no_zstd()
}
