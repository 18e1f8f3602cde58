//! The command line: input, output, exit codes and resume commands.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

mod catalogue;
mod commands;
mod documents;
mod encodings;
mod files;
mod generate;
mod media;
mod prompts;
mod refusals;
mod resume;
mod unchecked;

use serde_json::Value;
use support::{Server, http};

const MODEL: &str = "klingai/v2-master-text-to-video";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x09\0\0\0\x10\x08\x06\0\0\0";

async fn service() -> Server {
    let created = r#"{"id":"g1","status":"queued"}"#;
    Server::always(http(200, &[("content-type", "application/json")], created)).await
}

/// The bodies of the creates that a server has received.
fn bodies(server: &Server) -> Vec<Value> {
    let requests = server.requests().into_iter();
    let bodies = requests.map(|request| serde_json::from_slice(&request.body).unwrap());
    bodies.collect()
}
