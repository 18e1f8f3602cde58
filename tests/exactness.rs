//! Tests that the types are exactly as strict as the documents: the result of this crate for every boundary of every constraint
//! of every model is compared with that of an independent JSON Schema validator.
#![cfg(feature = "all-vendors")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::collections::BTreeMap;

use aimlapi_video::{GenerationRequest, Model, Route, Violation, contract::EnforcedBy};
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};
use support::judge::{self, Judged, judges, minimal, mutations};

include!(concat!(env!("OUT_DIR"), "/typed_requests.rs"));

/// The reasons for which this crate differs from the document. A reason that no longer occurs fails the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exception {
    /// The overlay names the properties whose prose allows base64 text in addition to a URI.
    Base64WhereProseAllows,
    /// An integer beyond 64 bits is an integer in JSON Schema, but the Rust types hold 64 bits.
    IntegerBeyond64Bits,
    /// The model's table of constraints says that no type holds what the body violates. No vendored document needs it.
    CheckedAtCreate,
}

fn from_json(judged: &Judged, body: Value) -> Result<Value, aimlapi_video::Error> {
    let request = GenerationRequest::from_json(route(judged), body)?;
    Ok(serde_json::to_value(request).unwrap())
}

fn route(judged: &Judged) -> Route {
    let routes = [Route::Universal, Route::LegacyKling];
    let route = routes.into_iter().find(|route| route.path() == judged.path);
    route.unwrap()
}

fn bodies(judged: &Judged) -> Vec<Value> {
    let mut bodies = Vec::new();
    mutations(&judged.schema, &|body| body, &mut bodies);
    bodies
}

#[test]
fn from_json_agrees_with_the_validator_on_every_boundary() {
    let mut judged_bodies = 0;
    let (mut valid, mut with_base64) = (0, 0);
    for judged in judges() {
        for body in bodies(&judged) {
            // `model` alone determines the document.
            if body.get("model") != Some(&json!(judged.model)) {
                if body.get("model").and_then(Value::as_str).is_none() {
                    assert!(from_json(&judged, body).is_err());
                }
                continue;
            }
            let expected = judged.validator.is_valid(&body);
            let ours = from_json(&judged, body.clone());
            if ours.is_ok() != expected
                && exception(&judged, &body) == Some(Exception::Base64WhereProseAllows)
            {
                with_base64 += 1;
                continue;
            }
            assert_eq!(ours.is_ok(), expected, "{}: {body} {ours:?}", judged.file);
            judged_bodies += 1;
            match ours {
                // An accepted body is not changed.
                Ok(request) => {
                    assert_eq!(request, body);
                    valid += 1;
                }
                Err(error) => {
                    assert!(!error.violations().is_empty());
                    for violation in error.violations() {
                        let given = body.pointer(&violation.pointer);
                        let missing = violation.keyword == "required";
                        assert_eq!(
                            given.is_none(),
                            missing,
                            "{}: {body} {violation:?}",
                            judged.file
                        );
                    }
                }
            }
        }
    }
    println!(
        "{judged_bodies} bodies judged, {valid} of them valid; {with_base64} with base64 text"
    );
    assert!(
        with_base64 > 0,
        "the overlay allows base64 text nowhere any more"
    );
    assert!(
        judged_bodies > 20_000 && valid > 5_000,
        "{judged_bodies} {valid}"
    );
}

#[test]
fn types_agree_with_the_validator_except_for_named_reasons() {
    let mut exceptions: BTreeMap<Exception, usize> = BTreeMap::new();
    for judged in judges() {
        for body in bodies(&judged) {
            let expected = judged.validator.is_valid(&body);
            let ours = read_typed(&judged.path, &judged.model, body.clone())
                .expect("a type of every model");
            if ours.is_ok() == expected {
                continue;
            }
            let found = if expected {
                beyond_64_bits(&body)
            } else {
                exception(&judged, &body)
            };
            let exception = found.unwrap_or_else(|| {
                panic!("{}: {body} should be {expected}, {ours:?}", judged.file)
            });
            *exceptions.entry(exception).or_default() += 1;
        }
    }
    println!("{exceptions:?}");
    exceptions.remove(&Exception::CheckedAtCreate);
    let occurred: Vec<Exception> = exceptions.into_keys().collect();
    assert_eq!(
        occurred,
        [
            Exception::Base64WhereProseAllows,
            Exception::IntegerBeyond64Bits
        ]
    );
}

fn beyond_64_bits(body: &Value) -> Option<Exception> {
    let inner = |values: Vec<&Value>| values.into_iter().find_map(beyond_64_bits);
    match body {
        Value::Number(number) => {
            let beyond = number.as_f64()?.abs() > 9.3e18;
            beyond.then_some(Exception::IntegerBeyond64Bits)
        }
        Value::Object(map) => inner(map.values().collect()),
        Value::Array(items) => inner(items.iter().collect()),
        _ => None,
    }
}

/// The exception that applies to a body that the validator refuses: a repair of it alone makes the body valid, or the table of
/// constraints has all that the body violates.
fn exception(judged: &Judged, body: &Value) -> Option<Exception> {
    let mut repaired = body.clone();
    links_for_base64(&mut repaired);
    if judged.validator.is_valid(&repaired) {
        return Some(Exception::Base64WhereProseAllows);
    }
    let constraints = model(judged).constraints();
    let is_stated = |violation: &Violation| {
        let steps = violation.pointer.split('/').skip(1);
        let path = steps.fold(String::new(), |path, step| match step.parse::<usize>() {
            Ok(_) => path + "[]",
            Err(_) if path.is_empty() => step.to_owned(),
            Err(_) => format!("{path}.{step}"),
        });
        constraints.iter().any(|constraint| {
            constraint.enforced_by == EnforcedBy::Create
                && constraint.property == path
                && constraint.keyword == violation.keyword
        })
    };
    let error = from_json(judged, body.clone()).err()?;
    let is_stated = error.violations().iter().all(is_stated);
    is_stated.then_some(Exception::CheckedAtCreate)
}

fn model(judged: &Judged) -> &'static Model {
    let mut models = aimlapi_video::models().iter();
    let is_judged = |model: &&Model| model.id == judged.model && model.route == route(judged);
    models.find(is_judged).unwrap()
}

fn links_for_base64(value: &mut Value) {
    match value {
        Value::String(text) if text == judge::BASE64_PNG => *text = "https://a.example/b".into(),
        Value::Object(map) => map.values_mut().for_each(links_for_base64),
        Value::Array(items) => items.iter_mut().for_each(links_for_base64),
        _ => {}
    }
}

#[test]
fn every_model_has_a_minimal_body() {
    let judges = judges();
    assert_eq!(judges.len(), aimlapi_video::models().len());
    for judged in &judges {
        let body = minimal(&judged.schema);
        assert!(judged.validator.is_valid(&body), "{}: {body}", judged.file);
        assert!(from_json(judged, body).is_ok(), "{}", judged.file);
    }
}

#[test]
fn json_schema_of_a_model_equals_that_of_its_document() {
    let mut added = Vec::new();
    for judged in judges() {
        let mut ours = model(&judged).json_schema();
        let mut theirs = judged.schema.clone();
        for schema in [&mut ours, &mut theirs] {
            constraints_only(schema);
        }
        if let Some(properties) = ours["properties"].as_object_mut() {
            properties.retain(|name, _| {
                let is_stated = theirs["properties"].get(name).is_some();
                added.extend((!is_stated).then(|| name.clone()));
                is_stated
            });
        }
        assert_eq!(ours, theirs, "{}", judged.file);
    }
    assert_eq!(added, ["tail_image_url"], "the overlay adds properties");
}

const ANNOTATIONS: [&str; 5] = ["$schema", "title", "description", "default", "deprecated"];

/// Removes keywords that constrain nothing, and unifies keywords that can be written in two ways.
fn constraints_only(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    map.retain(|key, _| !ANNOTATIONS.contains(&key.as_str()));
    // The values of an enum of one type determine the type.
    if map.contains_key("enum") {
        map.remove("type");
    }
    for limit in ["minimum", "maximum", "multipleOf"] {
        if let Some(limit) = map.get_mut(limit) {
            *limit = json!(limit.as_f64());
        }
    }
    if let Some(Value::Array(names)) = map.get_mut("required") {
        names.sort_by_key(ToString::to_string);
    }
    for (key, value) in map {
        match value {
            Value::Object(properties) if key == "properties" => {
                properties.values_mut().for_each(constraints_only)
            }
            Value::Array(arms) if ["anyOf", "oneOf"].contains(&key.as_str()) => {
                arms.iter_mut().for_each(constraints_only)
            }
            Value::Object(_) => constraints_only(value),
            _ => {}
        }
    }
}

#[tokio::test]
async fn sent_body_is_valid_by_the_document() {
    let server =
        support::Server::always(support::json(201, json!({ "id": "g", "status": "queued" }))).await;
    let client = support::client(server.url());
    for judged in judges() {
        for body in [minimal(&judged.schema), judge::maximal(&judged.schema)] {
            assert!(judged.validator.is_valid(&body), "{}: {body}", judged.file);
            let read = GenerationRequest::from_json(route(&judged), body.clone()).unwrap();
            client.create(read).await.unwrap();
            let request = server.requests().pop().unwrap();
            let arrived: Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!((request.target, &arrived), (judged.path.clone(), &body));
            // The typed request sends a valid body with the same properties.
            let typed = read_typed(&judged.path, &judged.model, body.clone())
                .unwrap()
                .unwrap();
            assert!(
                judged.validator.is_valid(&typed),
                "{}: {typed}",
                judged.file
            );
            assert_eq!(
                typed.as_object().unwrap().len(),
                body.as_object().unwrap().len()
            );
        }
    }
}

/// A pseudo-random sequence from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % sides.max(1)
    }
}

/// A random value that the schema allows.
fn random(schema: &Value, dice: &mut Dice) -> Value {
    if judge::inner(schema) != schema && dice.below(3) == 0 {
        return Value::Null;
    }
    let schema = judge::inner(schema);
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values[dice.below(values.len() as u64) as usize].clone();
    }
    if let Some(arms) = schema
        .get("anyOf")
        .or(schema.get("oneOf"))
        .and_then(Value::as_array)
    {
        return random(&arms[dice.below(arms.len() as u64) as usize], dice);
    }
    let limit =
        |name: &str, default: f64| schema.get(name).and_then(Value::as_f64).unwrap_or(default);
    match schema
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or("object")
    {
        "null" => Value::Null,
        "boolean" => json!(dice.below(2) == 0),
        "integer" | "number" if schema.get("multipleOf").is_some() => {
            let step = limit("multipleOf", 1.0);
            let first = (limit("minimum", 0.0) / step).ceil();
            let last = (limit("maximum", 1000.0 * step) / step).floor();
            let count = dice.below((last - first) as u64 + 1) as f64;
            judge::multiple(first + count, step)
        }
        "integer" => {
            let (min, max) = (
                limit("minimum", -1000.0) as i64,
                limit("maximum", 4_294_967_295.0) as i64,
            );
            let value = min + dice.below((max - min + 1) as u64) as i64;
            if dice.below(4) == 0 {
                json!(value as f64)
            } else {
                json!(value)
            }
        }
        "number" => {
            let (min, max) = (limit("minimum", -10.0), limit("maximum", 10.0));
            json!(min + (max - min) * dice.below(1001) as f64 / 1000.0)
        }
        "array" => {
            let (min, max) = (limit("minItems", 0.0) as u64, limit("maxItems", 3.0) as u64);
            let count = min + dice.below(max - min + 1);
            (0..count).map(|_| random(&schema["items"], dice)).collect()
        }
        "string" if schema.get("format").is_some() => {
            json!(format!("https://example.com/{}", dice.below(99)))
        }
        "string" => {
            let (min, max) = (
                limit("minLength", 0.0) as u64,
                limit("maxLength", 40.0) as u64,
            );
            let count = min + dice.below(max.min(min + 40) - min + 1);
            (0..count)
                .map(|_| ['a', 'é', '"', '\n', '火'][dice.below(5) as usize])
                .collect::<String>()
                .into()
        }
        _ => {
            let mut object = minimal(schema);
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                if dice.below(2) == 0 {
                    object[name] = random(property, dice);
                }
            }
            if dice.below(4) == 0 {
                object["newer"] = json!([{ "a": null }]);
            }
            object
        }
    }
}

thread_local! {
    static JUDGES: Vec<Judged> = judges();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_valid_body_is_read_and_written_unchanged(which in any::<Index>(), seed in any::<u64>()) {
        JUDGES.with(|judges| {
            let judged = which.get(judges);
            let body = random(&judged.schema, &mut Dice(seed));
            prop_assert!(judged.validator.is_valid(&body), "{}", body);
            prop_assert_eq!(from_json(judged, body.clone()).map_err(|error| error.to_string()), Ok(body.clone()));
            let typed = read_typed(&judged.path, &judged.model, body.clone()).unwrap();
            let typed = typed.map_err(|error| TestCaseError::fail(format!("{error}: {body}")))?;
            prop_assert!(judged.validator.is_valid(&typed), "{}", typed);
            Ok(())
        })?;
    }

    #[test]
    fn from_json_agrees_with_the_validator_on_random_damage(which in any::<Index>(), seed in any::<u64>()) {
        JUDGES.with(|judges| {
            let judged = which.get(judges);
            let mut dice = Dice(seed);
            let mut body = random(&judged.schema, &mut dice);
            for _ in 0..=dice.below(3) {
                let damage = [json!(null), json!(-1), json!(0.5), json!("x"), json!([]), json!({}), json!(1e9), json!(true)];
                let damage = damage[dice.below(8) as usize].clone();
                strike(&mut body, damage, &mut dice);
            }
            if let Value::Object(map) = &mut body {
                map.insert("model".into(), json!(judged.model));
            }
            prop_assert_eq!(from_json(judged, body.clone()).is_ok(), judged.validator.is_valid(&body), "{}", body);
            Ok(())
        })?;
    }
}

/// Inserts `damage` at a random place, or removes a value.
fn strike(value: &mut Value, damage: Value, dice: &mut Dice) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let name = map
                .keys()
                .nth(dice.below(map.len() as u64) as usize)
                .cloned()
                .unwrap();
            match dice.below(4) {
                0 => drop(map.remove(&name)),
                1 => drop(map.insert(name, damage)),
                _ => strike(&mut map[&name], damage, dice),
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let index = dice.below(items.len() as u64) as usize;
            match dice.below(4) {
                0 => drop(items.remove(index)),
                1 => items.push(damage),
                _ => strike(&mut items[index], damage, dice),
            }
        }
        other => *other = damage,
    }
}
