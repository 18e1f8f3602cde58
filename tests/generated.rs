//! Tests of the generated source: it holds every operation and every type, and is identical in every run.
#![cfg(feature = "all-vendors")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;

use aimlapi_video_codegen::{
    self as codegen, Diagnostics, Document, Facts, Merged, document,
    rust::{self, ClientInput, ClientTokens, types},
};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi"))
}

fn facts() -> Facts {
    let absent = |_: &str| Err(std::io::ErrorKind::NotFound.into());
    Facts::read(folder(), absent, &mut Diagnostics::default())
}

fn documents() -> Vec<Document> {
    document::read(folder(), &mut Diagnostics::default())
}

fn merged(mut documents: Vec<Document>) -> Merged {
    let mut diagnostics = Diagnostics::default();
    let merged = codegen::read(&mut documents, &facts(), |_| true, &mut diagnostics);
    assert_eq!(diagnostics, Diagnostics::default());
    merged
}

/// Calls progenitor, as `build.rs` does.
fn client(input: &ClientInput) -> Result<ClientTokens, progenitor::Error> {
    let mut generator = progenitor::Generator::new(&input.settings);
    let client = generator.generate_tokens(&input.client)?;
    let mocks = generator.httpmock(&input.mocks, "crate::generated")?;
    Ok(ClientTokens { client, mocks })
}

/// The generated source contains each operation and each type of the merged document.
#[test]
fn generated_source_holds_every_operation_and_every_type() {
    let source = include_str!(concat!(env!("OUT_DIR"), "/generated.rs"));
    let merged = merged(documents());
    let mut operations = 0;
    let input = ClientInput::new(&merged).unwrap();
    for (_, _, operation) in input.client.operations() {
        let id = operation.operation_id.as_ref().unwrap();
        assert!(source.contains(&format!("pub async fn {id}<'a>")), "{id}");
        operations += 1;
    }
    assert_eq!(
        (operations, source.matches("pub async fn ").count()),
        (4, 4)
    );
    for request in &merged.requests {
        types::each_struct(&request.model, &mut |name, _| {
            assert!(source.contains(&format!("pub struct {name} {{")), "{name}");
            assert!(
                source.contains(&format!("pub struct {name}Builder(")),
                "{name}"
            );
        });
    }
}

/// The build ran in another process, from another folder, with other features, and its source is identical to the byte.
#[test]
fn equal_documents_give_identical_source() {
    let sources = |documents: Vec<Document>| {
        let mut diagnostics = Diagnostics::default();
        let source = rust::generate(&merged(documents), &client, &mut diagnostics);
        assert_eq!(diagnostics, Diagnostics::default());
        source.unwrap().files
    };
    let mut reversed = documents();
    reversed.reverse();
    let built = [
        (
            "generated.rs",
            include_str!(concat!(env!("OUT_DIR"), "/generated.rs")),
        ),
        (
            "httpmock.rs",
            include_str!(concat!(env!("OUT_DIR"), "/httpmock.rs")),
        ),
        (
            "contract.json",
            include_str!(concat!(env!("OUT_DIR"), "/contract.json")),
        ),
        (
            "documents.json",
            include_str!(concat!(env!("OUT_DIR"), "/documents.json")),
        ),
        (
            "typed_requests.rs",
            include_str!(concat!(env!("OUT_DIR"), "/typed_requests.rs")),
        ),
        (
            "types.md",
            include_str!(concat!(env!("OUT_DIR"), "/types.md")),
        ),
    ];
    for documents in [documents(), reversed] {
        for ((name, text), (built_name, built)) in sources(documents).iter().zip(built) {
            assert_eq!(*name, built_name);
            assert!(
                text == built,
                "{name} differs from the file that the build wrote"
            );
        }
    }
}
