//! Documents of OpenAPI 3.0 and their twins of 3.1: the same contract and the same source.

use std::{env, path::Path};

use super::super::{client, read};
use aimlapi_video_codegen::{
    Diagnostics, Document, Merged,
    diff::{self, Kind},
    document, rust, strip,
};

fn documents_in(folder: &Path) -> Vec<Document> {
    let mut diagnostics = Diagnostics::default();
    let documents = document::read(folder, &mut diagnostics);
    assert_eq!(diagnostics, Diagnostics::default());
    documents
}

/// The same documents in OpenAPI 3.0, or in 3.1 by one of the converters.
pub(crate) fn twins(form: &str) -> Vec<Document> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/twins");
    documents_in(&Path::new(folder).join(form))
}

fn source(merged: &Merged) -> Vec<(&'static str, String)> {
    let mut diagnostics = Diagnostics::default();
    let source = rust::generate(merged, &client, &mut diagnostics);
    assert_eq!(diagnostics.errors, []);
    source.unwrap().files
}

/// Asserts that documents have the same contract and reports as their twins, and returns what was read from both.
fn same(documents: &[Document], twins: &[Document]) -> [Merged; 2] {
    let (old, of_old) = read(documents.to_vec());
    let (new, of_new) = read(twins.to_vec());
    let name = &twins[0].file;
    assert_eq!(of_old, of_new, "{name}");
    let models = |merged: &Merged| -> Vec<_> {
        let requests = merged.requests.iter();
        requests.map(|request| request.model.clone()).collect()
    };
    assert_eq!(models(&old), models(&new), "{name}");
    [old, new]
}

/// Vendored documents have no examples, for which the two versions have different keywords.
pub(super) fn stripped(document: &Document) -> Document {
    Document::new(&*document.file, strip::strip(document))
}

#[test]
pub(crate) fn twins_of_both_converters_give_the_same_contract_and_source() {
    let documents = twins("3.0");
    for converter in ["openapi-format", "openapi-upgrader"] {
        let twins = twins(converter);
        let [old, new] = same(&documents, &twins);
        assert_eq!(new.requests.len(), 5);
        assert_eq!(diff::compare(&old, &new), []);
        assert_eq!(source(&old), source(&new));
    }
}

/// `.ci/openapi31/run` converts published documents and runs this test.
#[test]
#[ignore = "needs the folders OPENAPI_3_0 and OPENAPI_3_1"]
fn published_documents_converted_to_3_1_mean_the_same() {
    let [documents, twins] =
        ["OPENAPI_3_0", "OPENAPI_3_1"].map(|name| documents_in(env::var(name).unwrap().as_ref()));
    assert_eq!(documents.len(), twins.len());
    let mut changes = Vec::new();
    for (document, twin) in documents.iter().zip(&twins) {
        assert_eq!(document.file, twin.file);
        let [old, new] = same(std::slice::from_ref(document), std::slice::from_ref(twin));
        changes.extend(diff::compare(&old, &new));
    }
    // A converter may lose a fact of a response.
    let (responses, requests): (Vec<_>, Vec<_>) = changes
        .into_iter()
        .partition(|change| change.kind == Kind::AnswerChanged);
    assert_eq!(requests, []);
    let [documents, twins] =
        [documents, twins].map(|documents| documents.iter().map(stripped).collect::<Vec<_>>());
    let [old, new] = same(&documents, &twins);
    assert!(source(&old) == source(&new), "the source differs");
    let bytes: usize = source(&new).iter().map(|(_, text)| text.len()).sum();
    println!(
        "{} documents, {} requests: same contract, same source ({bytes} bytes); {} responses differ",
        twins.len(),
        new.requests.len(),
        responses.len(),
    );
}
