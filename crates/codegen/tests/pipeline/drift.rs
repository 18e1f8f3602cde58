//! Drift: what responses have and documents do not declare, and the drafts that correct the documents.

use std::{collections::BTreeMap, sync::LazyLock};

use aimlapi_video_codegen::{
    self as spec, Diagnostics, Document, Facts, Merged, Route,
    drift::{self, Drift, Response},
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const MODEL: &str = "klingai/v2-master-text-to-video";

/// The vendored documents of the model and of both fetches, one of two models, and one without the body of its response.
fn documents() -> Vec<Document> {
    let mut documents = super::documents();
    documents.retain(|document| {
        document.file.ends_with("fetch.json") || document.file.contains("/v2-master-")
    });
    let two = json!({ "type": "object", "properties": { "model": { "type": "string", "enum": ["acme/it's", "acme/b"] } } });
    let mut two = super::create(two);
    two[0].file = "acme/two.json".into();
    let operation = &mut two[0].published["paths"]["/v2/video/generations"]["post"];
    operation["responses"] = json!({ "200": { "description": "A sentence.", "content": { "application/json": { "schema": {
        "type": "object",
        "description": "A sentence.",
        "properties": { "id": { "type": "string", "description": "A sentence." } },
    } } } } });
    documents.extend(two);
    let silent = json!({ "type": "object", "properties": { "model": { "type": "string", "enum": ["acme/silent"] } } });
    let mut silent = super::create(silent);
    silent[0].file = "acme/silent.json".into();
    silent[0].published["paths"]["/v2/video/generations"]["post"]["responses"] =
        json!({ "201": { "description": "" } });
    documents.extend(silent);
    documents
}

/// Merges the documents, corrected by overlay actions.
fn merged(actions: &[Value]) -> (Vec<Document>, Merged) {
    static DOCUMENTS: LazyLock<Vec<Document>> = LazyLock::new(|| {
        documents()
            .into_iter()
            .map(|document| Document::new(document.file, document.published))
            .collect()
    });
    let mut documents = DOCUMENTS.clone();
    let overlay =
        json!({ "overlay": "1.0.0", "info": { "title": "", "version": "1" }, "actions": actions });
    let facts = Facts {
        overlay,
        ..Facts::default()
    };
    let mut diagnostics = Diagnostics::default();
    let merged = spec::read(&mut documents, &facts, |_| true, &mut diagnostics);
    assert_eq!(diagnostics.errors, [], "{actions:?}");
    (documents, merged)
}

/// A response: model, whether it is that of a create, status, headers, body.
type Given = (
    &'static str,
    bool,
    u16,
    BTreeMap<String, String>,
    Option<Value>,
);

/// The documents without corrections.
static UNCORRECTED: LazyLock<(Vec<Document>, Merged)> = LazyLock::new(|| merged(&[]));

fn compare(given: &[Given], actions: &[Value]) -> Drift {
    match actions {
        [] => compare_with(given, &UNCORRECTED),
        actions => compare_with(given, &merged(actions)),
    }
}

fn compare_with(given: &[Given], (documents, merged): &(Vec<Document>, Merged)) -> Drift {
    let responses = given
        .iter()
        .map(|(model, is_create, status, headers, body)| Response {
            route: Route::Universal,
            is_create: *is_create,
            model,
            status: *status,
            headers,
            body: body.as_ref(),
            has_body: body.is_some(),
        });
    let responses: Vec<_> = responses.collect();
    drift::compare(documents, merged, &responses)
}

fn created(model: &'static str, body: Value) -> Given {
    (model, true, 200, BTreeMap::new(), Some(body))
}

fn fetched(body: Value) -> Given {
    (MODEL, false, 200, BTreeMap::new(), Some(body))
}

fn lines(drift: &Drift) -> Vec<String> {
    let differences = drift.differences.iter();
    differences
        .map(|difference| format!("{} {difference}", difference.model))
        .collect()
}

#[test]
fn document_of_several_models_gets_one_action_for_all() {
    let given = [
        created("acme/b", json!({ "id": "1", "cost": 1 })),
        created("acme/it's", json!({ "id": 2, "cost": null })),
        created(MODEL, json!({ "id": "3", "status": "queued" })),
    ];
    let drift = compare(&given, &[]);
    assert_eq!(
        lines(&drift),
        [
            "acme/b POST 200: property `cost` is not declared; received number (1 response)",
            "acme/it's POST 200: property `cost` is not declared; received null (1 response)",
            "acme/it's POST 200: `id`: expected string; received number (1 response)",
        ]
    );
    let text = Value::from(drift.actions.clone()).to_string();
    assert!(!text.contains("sentence"), "{text}");
    let again = compare(&given, &drift.actions);
    assert_eq!((lines(&again), again.actions), (vec![], vec![]));
    let other = [created(
        MODEL,
        json!({ "id": "3", "status": "queued", "cost": 1 }),
    )];
    assert_eq!(compare(&other, &drift.actions).differences.len(), 1);
}

#[test]
fn declarations_that_no_response_has_are_listed_by_model() {
    let usage = json!({ "id": "1", "status": "generating", "meta": { "usage": null } });
    let given = [
        created(MODEL, json!({ "id": "1", "status": "queued" })),
        fetched(usage),
    ];
    let drift = compare(&given, &[]);
    assert_eq!(lines(&drift), [""; 0]);
    let unreceived = drift.unreceived.iter();
    let unreceived: Vec<String> = unreceived
        .map(|one| format!("{} {}", one.model, one.declaration))
        .collect();
    let expected = [
        "property `error`",
        "property `meta.usage`",
        "property `video`",
        "`status`: \"completed\"",
        "`status`: \"error\"",
    ];
    assert_eq!(unreceived, expected.map(|one| format!("{MODEL} {one}")));
    assert_eq!(drift.actions, [Value::Null; 0]);
}

#[test]
fn status_and_header_that_no_response_has_are_listed() {
    let headers = |name: &str| BTreeMap::from([(name.to_owned(), "1".to_owned())]);
    let body = || Some(json!({ "id": "1", "status": "queued" }));
    let given = [
        (MODEL, true, 200, headers("x-a"), body()),
        (MODEL, true, 404, headers("x-b"), None),
    ];
    let drift = compare(&given, &[]);
    let again = compare(
        &[(MODEL, true, 200, headers("x-c"), body())],
        &drift.actions,
    );
    let unreceived = again
        .unreceived
        .iter()
        .map(|one| one.declaration.to_string());
    let unreceived: Vec<String> = unreceived
        .filter(|one| !one.contains("property") && !one.contains("status`:"))
        .collect();
    assert_eq!(unreceived, ["status `POST 404`", "header `x-a`"]);
    assert_eq!(
        lines(&again),
        [format!(
            "{MODEL} POST 200: header `x-c` is not declared (1 response)"
        )]
    );
}

#[test]
fn status_of_success_that_is_not_declared_has_the_declared_body() {
    let (model, _, _, headers, body) = created(MODEL, json!({ "id": "1", "status": 7 }));
    let given = [(model, true, 202, headers, body)];
    let drift = compare(&given, &[]);
    let line = |text: &str| format!("{MODEL} POST 202: {text} (1 response)");
    assert_eq!(
        lines(&drift),
        [
            line("status is not declared"),
            line("`status`: expected string; received number"),
        ]
    );
    let again = compare(&given, &drift.actions);
    assert_eq!((lines(&again), again.actions), (vec![], vec![]));
}

#[test]
fn documents_that_need_the_same_actions_share_them() {
    let more = |model| created(model, json!({ "id": "1", "status": "queued", "cost": 1 }));
    let given = [
        more("acme/b"),
        more(MODEL),
        more("klingai/v2-master-image-to-video"),
    ];
    let drift = compare(&given, &[]);
    assert_eq!(drift.actions.len(), 2, "{:?}", drift.actions);
    let again = compare(&given, &drift.actions);
    assert_eq!((lines(&again), again.actions), (vec![], vec![]));
}

#[test]
fn success_without_a_body_is_counted() {
    let given = |status| (MODEL, false, status, BTreeMap::new(), None);
    let drift = compare(&[given(200), given(200), given(204)], &[]);
    assert_eq!(
        drift.not_compared,
        BTreeMap::from([("GET 200 without a body".to_owned(), 2)])
    );
    assert_eq!(
        lines(&drift),
        [format!(
            "{MODEL} GET 204: status is not declared (1 response)"
        )]
    );
}

#[test]
fn body_that_cannot_be_compared_is_counted() {
    let json = BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]);
    let (none, body) = (BTreeMap::new(), json!({ "id": 1 }));
    let of = |model, status, headers, body, has_body| Response {
        route: Route::Universal,
        is_create: status == 201,
        model,
        status,
        headers,
        body,
        has_body,
    };
    let responses = [
        of(MODEL, 200, &json, None, true),
        of(MODEL, 200, &json, None, false),
        of(MODEL, 200, &none, None, true),
        of("acme/silent", 201, &json, Some(&body), true),
        of("acme/silent", 201, &none, None, false),
    ];
    let (documents, merged) = &*UNCORRECTED;
    let drift = drift::compare(documents, merged, &responses);
    assert_eq!(lines(&drift), [] as [String; 0]);
    let counted = [
        "GET 200 with a body that is not JSON",
        "GET 200 with a body without a media type",
        "GET 200 without a body",
        "POST 201 with a body, of which the document declares nothing",
    ];
    let counted = counted.map(|what| (what.to_owned(), 1));
    assert_eq!(drift.not_compared, BTreeMap::from(counted));
}

#[test]
fn model_without_a_document_is_counted() {
    let drift = compare(
        &[created("acme/new", json!({})), created("", json!({}))],
        &[],
    );
    let counts = drift
        .not_compared
        .iter()
        .map(|(what, count)| format!("{what}: {count}"));
    let path = Route::Universal.path();
    assert_eq!(
        counts.collect::<Vec<_>>(),
        [
            format!("POST {path} without a model: 1"),
            format!("`acme/new` on {path}: 1"),
        ]
    );
}

/// Any JSON value.
fn anything() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..9i64).prop_map(Value::from),
        (-1.5..1.5f64).prop_map(Value::from),
        prop::sample::select(vec!["", "queued", "paused", "it's"]).prop_map(Value::from),
        Just("a prompt of more than sixty-four characters that a service sends back".into()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let names = prop::sample::select(vec![
            "url",
            "name",
            "usage",
            "credits_used",
            "it's \"x\"",
            "a.b",
        ]);
        let object =
            prop::collection::btree_map(names.prop_map(str::to_owned), inner.clone(), 0..3);
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(Value::from),
            object.prop_map(|map| map.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
    .boxed()
}

/// A documented body with any values in place of some, or any value.
fn body() -> impl Strategy<Value = Value> {
    let documented = json!({
        "id": "1", "status": "completed", "error": null, "video": { "url": "https://a.test" },
        "meta": { "usage": { "credits_used": 1 } },
    });
    let names = ["id", "status", "error", "video", "meta", "more"];
    let changes = prop::collection::vec(
        (
            prop::sample::select(names.to_vec()),
            prop::option::of(anything()),
        ),
        0..3,
    );
    let changed = changes.prop_map(move |changes| {
        let mut body = documented.clone();
        for (name, value) in changes {
            match value {
                Some(value) => body[name] = value,
                None => drop(body.as_object_mut().unwrap().remove(name)),
            }
        }
        body
    });
    prop_oneof![9 => changed, 1 => anything()]
}

/// Any response to a create or a fetch of the model.
fn response() -> impl Strategy<Value = Given> {
    let header = prop::sample::select(vec!["x-a", "x-b", "server", "content-type"]);
    let kind = prop::sample::select(vec!["application/json; charset=utf-8", "text/plain"]);
    let headers = prop::collection::btree_map(
        header.prop_map(str::to_owned),
        kind.prop_map(str::to_owned),
        0..2,
    );
    let status = prop::sample::select(vec![200, 200, 200, 202, 404, 500]);
    (
        any::<bool>(),
        status,
        headers,
        prop::option::weighted(0.9, body()),
    )
        .prop_map(|(is_create, status, headers, body)| (MODEL, is_create, status, headers, body))
}

/// The schema of a response as JSON Schema.
fn json_schema(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            let mut out: Map<String, Value> = map
                .iter()
                .map(|(name, value)| (name.clone(), json_schema(value)))
                .collect();
            match out.remove("nullable") {
                Some(Value::Bool(true)) => json!({ "anyOf": [out, { "type": "null" }] }),
                _ => out.into(),
            }
        }
        Value::Array(items) => items.iter().map(json_schema).collect(),
        other => other.clone(),
    }
}

/// Whether the documents allow the body of a success, by a validator that knows nothing of this comparison.
fn is_valid(merged: &Merged, (_, is_create, status, headers, body): &Given) -> bool {
    let is_json = headers
        .get("content-type")
        .is_none_or(|kind| kind.starts_with("application/json"));
    let Some(body) = body
        .as_ref()
        .filter(|_| is_json && (200..300).contains(status))
    else {
        return true;
    };
    let schema = if *is_create {
        let mut requests = merged.requests.iter();
        let is_own = |create: &spec::document::Create| {
            create.model == MODEL && create.route == Route::Universal
        };
        requests
            .find(|request| is_own(&request.create))
            .unwrap()
            .create
            .answer
            .clone()
            .unwrap()
    } else {
        merged.fetched[&Route::Universal].schema.clone()
    };
    jsonschema::validator_for(&json_schema(&schema))
        .unwrap()
        .is_valid(body)
}

proptest! {
    // A case reads the documents several times.
    #![proptest_config(ProptestConfig { cases: super::random_cases().cases / 8, ..super::random_cases() })]

    #[test]
    fn draft_makes_the_documents_allow_every_response(given in prop::collection::vec(response(), 1..4)) {
        for one in &given {
            let found = compare(std::slice::from_ref(one), &[]);
            prop_assert!(is_valid(&UNCORRECTED.1, one) || !found.differences.is_empty());
        }
        let drift = compare(&given, &[]);
        prop_assert_eq!(drift.differences.is_empty(), drift.actions.is_empty());
        let corrected = merged(&drift.actions);
        let again = compare_with(&given, &corrected);
        prop_assert_eq!((lines(&again), &again.actions), (vec![], &vec![]), "{:?}", drift.actions);
        for one in &given {
            prop_assert!(is_valid(&corrected.1, one), "{:?} {:?}", one, drift.actions);
        }
    }
}
