//! The flags of a model's own parameters: parsing, help, errors and completions; `-o -`.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

mod completions;
mod documents;
mod errors;
mod help;
mod images;
mod standard_output;
mod values;

use serde_json::Value;
use support::{
    Server,
    cli::{Cli, Ran},
    http,
};

const MODEL: &str = "klingai/v2-master-text-to-video";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x09\0\0\0\x10\x08\x06\0\0\0";
/// The beginning of [`PNG`] as a data URI.
const DATA: &str = "data:image/png;base64,iVBOR";

async fn service() -> Server {
    let created = r#"{"id":"g1","status":"queued"}"#;
    Server::always(http(200, &[("content-type", "application/json")], created)).await
}

/// Runs `generate` without a wait.
async fn generate(cli: &Cli, arguments: &[&str]) -> Ran {
    cli.run(&[&["generate", "--no-wait"], arguments].concat())
        .await
}

/// The body of the last create.
fn sent(server: &Server) -> Value {
    let request = server.requests().pop().unwrap();
    serde_json::from_slice(&request.body).unwrap()
}
