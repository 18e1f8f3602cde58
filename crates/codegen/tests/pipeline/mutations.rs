//! Documents damaged at random: each ends in source that parses, or in errors that name a place in the file.

use proptest::{prelude::*, sample::Index, test_runner::TestCaseResult};
use serde_json::{Value, json};

use super::{client, defects, documents, facts, openapi_3_1::twins::twins};
use aimlapi_video_codegen::{self as spec, Diagnostics, Document, rust};

/// One change at a place. Places and values are chosen by index, so that proptest can shrink a failing case.
#[derive(Clone, Debug)]
enum Mutation {
    Remove(Index),
    Put(Index, Index),
    Insert(Index, Index, Index),
    Rename(Index, Index),
    Copy(Index, Index),
    Refer(Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<Index>;
    prop_oneof![
        index().prop_map(Mutation::Remove),
        (index(), index()).prop_map(|(at, value)| Mutation::Put(at, value)),
        (index(), index(), index()).prop_map(|(at, key, value)| Mutation::Insert(at, key, value)),
        (index(), index()).prop_map(|(at, key)| Mutation::Rename(at, key)),
        (index(), index()).prop_map(|(at, from)| Mutation::Copy(at, from)),
        (index(), index()).prop_map(|(at, to)| Mutation::Refer(at, to)),
    ]
}

const WORDS: &[&str] = &[
    "type",
    "enum",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "items",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minLength",
    "maxLength",
    "pattern",
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "nullable",
    "properties",
    "required",
    "additionalProperties",
    "minProperties",
    "maxProperties",
    "default",
    "$ref",
    "discriminator",
    "const",
    "prefixItems",
    "patternProperties",
    "if",
    "$defs",
    "$dynamicRef",
    "contentEncoding",
    "x-media",
    "x-role",
    "x-rules",
    "x-base64",
    "x-task",
    "extend",
    "model",
    "prompt",
    "parameters",
    "in",
    "name",
    "openapi",
    "paths",
    "post",
    "get",
    "requestBody",
    "content",
    "schema",
    "responses",
    "…",
    "",
    "r#move",
    "Self",
    "self",
    "3d",
    "a b",
    "'",
    "\"",
    "\\",
    "\n",
    "\0",
    "build",
    "found",
    "value",
    "Größe",
    "ⅷ",
    "/",
    "~",
    "{}",
    "#",
    "null",
    "true",
    "-1",
    "string",
    "integer",
    "number",
    "array",
    "object",
    "boolean",
    "uri",
    "uuid",
    "5",
    "1080p",
    "1080P",
];

fn values() -> Vec<Value> {
    let mut values = vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(0.5),
        json!(1e300),
        json!(-1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!([]),
        json!({}),
        json!([null]),
        json!(["a", 5, null, true, 0.5, {}]),
        json!(["a", "A", "a ", "a-"]),
        json!([5, 5.0, 5]),
        json!({ "type": "object" }),
        json!({ "type": "array" }),
        json!({ "type": "array", "items": { "type": "integer", "minimum": 5, "maximum": 1 } }),
        json!({ "type": "string", "format": "uri", "maxLength": 3 }),
        json!({ "type": "number", "minimum": 0.1, "exclusiveMinimum": true, "maximum": 1e300 }),
        json!({ "type": "integer", "minimum": 0.5, "maximum": u64::MAX }),
        json!({ "anyOf": [{ "required": ["a"] }, { "nullable": true }] }),
        json!({ "oneOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] }),
        json!({ "allOf": [{ "type": "object", "properties": { "a": { "type": "string" } } }], "nullable": true }),
        json!({ "type": ["string", "integer", "null"], "maxLength": 3, "minimum": 5 }),
        json!({ "type": ["array", "null"], "prefixItems": [true], "items": false }),
        json!({ "type": "number", "exclusiveMinimum": 0.5, "maximum": 5 }),
        json!({ "anyOf": [{ "const": null }, { "const": "a" }, true, false] }),
        json!({ "$defs": { "a": { "const": 5 } }, "$ref": "#/$defs/a", "type": ["integer", "null"] }),
        json!({ "enum": [true] }),
        json!({ "enum": ["1080p", "1080P"] }),
        json!({ "minLength": 9, "maxLength": 1 }),
        json!({ "type": "object", "properties": { "a": { "type": "object", "properties": { "b": {} } } }, "required": ["c"] }),
        json!({ "properties": { "model": { "enum": ["another/model", "x"] } } }),
    ];
    values.extend(WORDS.iter().map(|word| json!(word)));
    values
}

/// The pointers of every value in the part of a document that is read.
fn places(document: &Value) -> Vec<String> {
    fn walk(value: &Value, at: String, places: &mut Vec<String>) {
        match value {
            Value::Object(map) => map
                .iter()
                .for_each(|(key, value)| walk(value, format!("{at}{}", spec::step(key)), places)),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .for_each(|(index, value)| walk(value, format!("{at}/{index}"), places)),
            _ => {}
        }
        places.push(at);
    }
    let mut places = Vec::new();
    walk(document, String::new(), &mut places);
    places
}

fn apply(document: &mut Value, mutation: &Mutation) {
    let places = places(document);
    let word = |index: &Index| WORDS[index.index(WORDS.len())].to_owned();
    let at = |index: &Index| places[index.index(places.len())].clone();
    let values = values();
    match mutation {
        Mutation::Remove(place) => {
            let place = at(place);
            let Some((parent, last)) = place.rsplit_once('/') else {
                return;
            };
            let last = last.replace("~1", "/").replace("~0", "~");
            match document.pointer_mut(parent) {
                Some(Value::Object(map)) => drop(map.remove(&last)),
                Some(Value::Array(items)) => drop(items.remove(last.parse().unwrap())),
                _ => {}
            }
        }
        Mutation::Put(place, value) => {
            *document.pointer_mut(&at(place)).unwrap() = values[value.index(values.len())].clone();
        }
        Mutation::Insert(place, key, value) => {
            let value = values[value.index(values.len())].clone();
            match document.pointer_mut(&at(place)).unwrap() {
                Value::Object(map) => drop(map.insert(word(key), value)),
                Value::Array(items) => items.push(value),
                other => *other = value,
            }
        }
        Mutation::Rename(place, key) => {
            if let Value::Object(map) = document.pointer_mut(&at(place)).unwrap()
                && let Some(name) = map.keys().next().cloned()
                && let Some(value) = map.remove(&name)
            {
                map.insert(word(key), value);
            }
        }
        Mutation::Copy(place, from) => {
            let value = document.pointer(&at(from)).unwrap().clone();
            *document.pointer_mut(&at(place)).unwrap() = value;
        }
        Mutation::Refer(place, to) => {
            *document.pointer_mut(&at(place)).unwrap() = json!({ "$ref": format!("#{}", at(to)) });
        }
    }
}

fn check(published: Value) -> TestCaseResult {
    let mut diagnostics = Diagnostics::default();
    let mut read = vec![Document::new("x.json", published.clone())];
    let merged = spec::read(&mut read, &facts(), |_| true, &mut diagnostics);
    for diagnostic in diagnostics.errors.iter().chain(&diagnostics.warnings) {
        prop_assert_eq!(&diagnostic.file, "x.json");
        prop_assert!(!diagnostic.what.is_empty() && !diagnostic.remedy.is_empty());
        prop_assert!(
            published.pointer(&diagnostic.pointer).is_some(),
            "{} does not exist",
            diagnostic
        );
    }
    if diagnostics.errors.is_empty() {
        let source = rust::generate(&merged, &client, &mut diagnostics);
        prop_assert_eq!(diagnostics.errors, []);
        prop_assert!(source.is_some());
    }
    Ok(())
}

fn seeds() -> Vec<Value> {
    let mut seeds: Vec<Value> = defects::all()
        .into_iter()
        .map(|document| document.published)
        .collect();
    seeds.extend(
        twins("openapi-format")
            .into_iter()
            .map(|document| document.published),
    );
    let vendored = documents();
    let every_eighth = vendored
        .into_iter()
        .step_by(8)
        .map(|document| document.published);
    seeds.extend(every_eighth);
    seeds
}

proptest! {
    #![proptest_config(super::random_cases())]

    #[test]
    fn a_damaged_document_is_read_or_reported(document in damaged(seeds())) {
        check(document)?;
    }
}

fn damaged(seeds: Vec<Value>) -> impl Strategy<Value = Value> {
    let cases = (any::<Index>(), prop::collection::vec(mutation(), 1..6));
    cases.prop_map(move |(seed, mutations)| {
        let mut document = seeds[seed.index(seeds.len())].clone();
        mutations
            .iter()
            .for_each(|mutation| apply(&mut document, mutation));
        document
    })
}
