//! Tests with documents of shapes that no published document has. This crate's check, the schema that the simulator compiles and
//! an independent validator of the document as it is published agree on bodies that are valid or nearly so; and so do the
//! generated types and the simulator itself, in a build with such documents.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{env, fs, path::PathBuf};

use aimlapi_video::{
    Model, Route, Violation,
    contract::{self, Constraint, EnforcedBy},
};
use aimlapi_video_codegen::{self as codegen, Diagnostics, Document, Facts, Merged};
use aimlapi_video_contract::Formats;
use aimlapi_video_simulator::Simulator;
use aimlapi_video_test_support::{
    judge,
    shapes::{self, Dice},
};
use serde_json::Value;

include!(concat!(env!("OUT_DIR"), "/typed_requests.rs"));

const FORMATS: Formats = Formats {
    is_uri: |_| false,
    is_base64_media: |_| false,
};

fn read(seed: u64) -> (Merged, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let mut documents = [Document::new("shapes.json", shapes::document(seed))];
    let merged = codegen::read(
        &mut documents,
        &Facts::default(),
        |_| true,
        &mut diagnostics,
    );
    (merged, diagnostics)
}

#[test]
fn check_and_validators_agree_on_documents_of_every_shape() {
    let (mut valid, mut invalid) = (0, 0);
    for seed in 0..1500 {
        let schema = shapes::body(seed);
        let (merged, diagnostics) = read(seed);
        assert_eq!(diagnostics, Diagnostics::default(), "{schema}");
        let request = &merged.requests[0];
        let published = judge::validator(&judge::json_schema(&schema));
        let repaired = judge::validator(&judge::json_schema(&request.create.schema));
        let mut dice = Dice(seed);
        for _ in 0..40 {
            let body = shapes::value(seed, &schema, &mut dice);
            let expected = published.is_valid(&body);
            let found = request.model.check(body.as_object().unwrap(), FORMATS);
            assert_eq!(
                (found.is_empty(), repaired.is_valid(&body)),
                (expected, expected),
                "{schema}\n{body}\n{found:?}"
            );
            *(if expected { &mut valid } else { &mut invalid }) += 1;
        }
    }
    assert!(valid > 15_000 && invalid > 15_000, "{valid} {invalid}");
}

/// How many documents the build of `types_and_simulator_agree` has.
const BUILT: u64 = 60;

#[test]
#[ignore = "writes the documents for the next test into the folder SHAPES"]
fn documents_of_every_shape_are_written() {
    let folder = PathBuf::from(env::var_os("SHAPES").unwrap());
    fs::create_dir_all(&folder).unwrap();
    for seed in 0..BUILT {
        let text = shapes::document(seed).to_string();
        fs::write(folder.join(format!("{seed}.json")), text).unwrap();
    }
}

#[tokio::test]
#[ignore = "needs a build with the documents that the previous test writes"]
async fn types_and_simulator_agree_on_documents_of_every_shape() {
    let simulator = Simulator::builder().strict(true).start().await.unwrap();
    let url = format!("{}{}", simulator.url(), Route::Universal.path());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for seed in 0..BUILT {
        let schema = shapes::body(seed);
        let id = format!("shapes/{seed}");
        let model = contract::model(Route::Universal, &id).expect("the build has the document");
        let published = judge::validator(&judge::json_schema(&schema));
        let mut dice = Dice(seed);
        for _ in 0..40 {
            let body = shapes::value(seed, &schema, &mut dice);
            let expected = published.is_valid(&body);
            let create = http.post(&url).bearer_auth("any").body(body.to_string());
            let created = create.send().await.unwrap().status().is_success();
            assert_eq!(created, expected, "{schema}\n{body}");
            let typed = read_typed(Route::Universal.path(), &id, body.clone()).unwrap();
            let Ok(sent) = typed else {
                assert!(!expected, "{typed:?}\n{schema}\n{body}");
                continue;
            };
            // What a type does not hold is checked before the request is sent.
            let found = model.check(sent.as_object().unwrap(), FORMATS);
            assert_eq!(
                found.is_empty(),
                published.is_valid(&sent),
                "{schema}\n{sent}\n{found:?}"
            );
            let unstated = found.iter().find(|found| !is_stated(model, &sent, found));
            assert_eq!(unstated, None, "the table lacks a row: {schema}\n{sent}");
            // A struct leaves out `null` and what the document does not state, so that it may hold too little.
            let is_too_little = found.iter().all(|found| found.keyword == "minProperties");
            assert!(is_too_little || !expected, "{schema}\n{body}\n{sent}");
        }
    }
}

/// Whether the table of constraints says that the check before a create finds a violation which the types allow.
fn is_stated(model: &Model, body: &Value, violation: &Violation) -> bool {
    let steps: Vec<&str> = violation.pointer.split('/').skip(1).collect();
    let constraints = model.constraints();
    let has_row = |depth: usize, is_keyword: &dyn Fn(&Constraint) -> bool| {
        let path =
            steps[..depth]
                .iter()
                .fold(String::new(), |path, step| match step.parse::<usize>() {
                    Ok(_) => path + "[]",
                    Err(_) if path.is_empty() => (*step).to_owned(),
                    Err(_) => format!("{path}.{step}"),
                });
        let mut rows = constraints.iter().filter(|row| row.property == path);
        rows.any(|row| row.enforced_by == EnforcedBy::Create && is_keyword(row))
    };
    let is_null = body.pointer(&violation.pointer) == Some(&Value::Null);
    let is_property = steps
        .last()
        .is_some_and(|step| step.parse::<usize>().is_err());
    let of_value = |row: &Constraint| row.keyword == violation.keyword;
    let of_null = |row: &Constraint| row.keyword == "nullable" && row.value == false;
    // A schema that no type expresses has one row, whatever is in it.
    let of_parts = |row: &Constraint| ["additionalProperties", "allOf"].contains(&&*row.keyword);
    (0..steps.len()).any(|depth| has_row(depth, &of_parts))
        || has_row(steps.len(), &of_value)
            && (!is_null || !is_property || has_row(steps.len(), &of_null))
}
