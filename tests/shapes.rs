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
use serde_json::{Value, json};

include!(concat!(env!("OUT_DIR"), "/typed_requests.rs"));

const FORMATS: Formats = Formats {
    is_uri: |_| false,
    is_base64_media: |_| false,
};

fn read(document: Value) -> (Merged, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let mut documents = [Document::new("shapes.json", document)];
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
        let (merged, diagnostics) = read(shapes::document(seed));
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

#[test]
fn arms_that_leave_properties_open_are_judged_by_those_that_other_arms_state() {
    let (mut valid, mut stricter) = (0, 0);
    for seed in 0..1500 {
        let kinds = shapes::kinds(seed);
        let model = json!({ "type": "string", "enum": ["a/b"] });
        let properties = json!({ "model": model, "p": kinds });
        let body = json!({ "type": "object", "properties": properties });
        let (merged, diagnostics) = read(shapes::document_of(body));
        assert_eq!(diagnostics, Diagnostics::default(), "{kinds}");
        let published = judge::validator(&judge::json_schema(&kinds));
        let stated = judge::validator(&judge::json_schema(&stated_by_arms(&kinds)));
        let mut dice = Dice(seed);
        for _ in 0..40 {
            let value = shapes::sample(&kinds, &mut dice);
            let body = json!({ "model": "a/b", "p": value });
            let found = merged.requests[0]
                .model
                .check(body.as_object().unwrap(), FORMATS);
            let is_valid = published.is_valid(&value);
            let expected = is_valid && stated.is_valid(&value);
            assert_eq!(found.is_empty(), expected, "{kinds}\n{value}\n{found:?}");
            valid += usize::from(expected);
            stricter += usize::from(is_valid && !expected);
        }
    }
    assert!(valid > 10_000 && stricter > 100, "{valid} {stricter}");
}

/// The properties that an object has by its arms: one that an arm states fits the schema of an arm that states it, or what
/// the `additionalProperties` of another one allow.
fn stated_by_arms(schema: &Value) -> Value {
    let is_any = |rest: &Value| *rest == true || *rest == json!({});
    let schema = with_required(schema);
    let is_open = schema.get("additionalProperties").is_none_or(is_any);
    let arms = schema.get("oneOf").unwrap_or(&schema["anyOf"]);
    let arms: Vec<Value> = arms.as_array().unwrap().iter().map(with_required).collect();
    let of_arm = |arm: &Value, name: &str| {
        let properties = arm["properties"].as_object().unwrap();
        match (properties.get(name), arm.get("additionalProperties")) {
            (Some(own), _) => Some(own.clone()),
            (None, Some(rest)) => (*rest != false).then(|| rest.clone()),
            (None, None) => properties.is_empty().then_some(Value::Bool(true)),
        }
    };
    let mut properties = json!({});
    for name in arms
        .iter()
        .flat_map(|arm| arm["properties"].as_object().unwrap().keys())
    {
        let allowed: Vec<Value> = arms.iter().filter_map(|arm| of_arm(arm, name)).collect();
        let is_own = schema
            .get("properties")
            .is_some_and(|own| own.get(name).is_some());
        if is_open && !is_own && !allowed.iter().any(is_any) {
            properties[name] = json!({ "anyOf": allowed });
        }
    }
    json!({ "properties": properties })
}

/// An object that states the properties which it requires.
fn with_required(object: &Value) -> Value {
    let mut object = object.clone();
    let rest = object
        .get("additionalProperties")
        .filter(|rest| rest.is_object());
    let rest = rest.cloned().unwrap_or(json!({}));
    for name in object["required"].as_array().cloned().unwrap_or_default() {
        let name = name.as_str().unwrap();
        if object["properties"].get(name).is_none() {
            object["properties"][name] = rest.clone();
        }
    }
    object
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
