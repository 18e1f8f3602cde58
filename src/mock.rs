//! Typed mocks of the four operations, for [`httpmock`](https://docs.rs/httpmock) (feature `mock`).
//!
//! ```
//! use aimlapi_video::{Client, Generation, mock::MockServerExt};
//! use aimlapi_video::types::KlingaiV2MasterTextToVideo;
//! use httpmock::MockServer;
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = MockServer::start_async().await;
//! let request = KlingaiV2MasterTextToVideo::builder().prompt("A lantern drifts by").build()?;
//! let mock = server.create_generation(|when, then| {
//!     when.body(&request.clone().into());
//!     then.success(201, &Generation::from_json(json!({ "id": "g1", "status": "queued" })));
//! });
//!
//! let client = Client::builder().api_key("test").base_url(server.base_url()).build()?;
//! let handle = client.create(request).await?;
//! assert_eq!(handle.id(), "g1");
//! mock.assert();
//! # Ok(())
//! # }
//! ```
#![allow(
    missing_docs,
    missing_debug_implementations,
    unused_imports,
    unused_qualifications,
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::pedantic,
    clippy::exhaustive_structs,
    clippy::unwrap_used,
    rustdoc::all,
    reason = "generated code"
)]
include!(concat!(env!("OUT_DIR"), "/httpmock.rs"));
