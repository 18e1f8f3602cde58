//! From documents to Rust source: for the vendored documents, for every known defect, for folders of other files, and for
//! documents damaged at random.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod alternatives;
mod arms;
mod bodies;
mod changes;
mod defects;
mod divide;
mod drift;
mod folders;
mod idioms;
mod json_schema;
mod limits;
mod mutations;
mod openapi_3_1;
mod overlays;
mod reports;
mod tasks;
mod vendored;

use std::path::Path;

use aimlapi_video_codegen::{
    self as spec, Diagnostics, Document, Facts, Merged, document,
    rust::{ClientInput, ClientTokens},
};
use proptest::prelude::ProptestConfig;
use serde_json::{Value, json};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi"))
}

fn facts() -> Facts {
    let mut diagnostics = Diagnostics::default();
    let absent = |_: &str| Err(std::io::ErrorKind::NotFound.into());
    let facts = Facts::read(folder(), absent, &mut diagnostics);
    assert_eq!(diagnostics, Diagnostics::default());
    facts
}

fn documents() -> Vec<Document> {
    let mut diagnostics = Diagnostics::default();
    let documents = document::read(folder(), &mut diagnostics);
    assert_eq!(diagnostics, Diagnostics::default());
    documents
}

fn read(mut documents: Vec<Document>) -> (Merged, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let merged = spec::read(&mut documents, &facts(), |_| true, &mut diagnostics);
    (merged, diagnostics)
}

/// Merges documents that give no diagnostics.
fn merged(documents: Vec<Document>) -> Merged {
    let (merged, diagnostics) = read(documents);
    assert_eq!(diagnostics, Diagnostics::default());
    merged
}

fn one(value: Value) -> Vec<Document> {
    vec![Document::new("x.json", value)]
}

/// A document whose create takes `schema`.
fn create(schema: Value) -> Vec<Document> {
    one(json!({
        "openapi": "3.0.0",
        "paths": { "/v2/video/generations": { "post": {
            "requestBody": { "content": { "application/json": { "schema": schema } } }, "responses": {},
        } } },
    }))
}

/// The settings of the tests of random documents: `PROPTEST_CASES` cases, 400 by default.
fn random_cases() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: cases.and_then(|cases| cases.parse().ok()).unwrap_or(400),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Calls progenitor, as the library's build does.
fn client(input: &ClientInput) -> Result<ClientTokens, progenitor::Error> {
    let mut generator = progenitor::Generator::new(&input.settings);
    let client = generator.generate_tokens(&input.client)?;
    let mocks = generator.httpmock(&input.mocks, "crate::generated")?;
    Ok(ClientTokens { client, mocks })
}
