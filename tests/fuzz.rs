//! Property tests with arbitrary input: no input causes a panic, loses data, or makes a message show a secret.
//!
//! `PROPTEST_CASES` sets the number of cases.
#![cfg(feature = "kling")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video::{Generation, GenerationHandle, GenerationRequest, Route, State, models};
use proptest::{prelude::*, sample::Index};
use serde_json::{Map, Value, json};

const SECRET: &str = "signature-4712";

/// Texts and URLs, valid and invalid, as values of responses and requests.
fn text() -> impl Strategy<Value = String> {
    let known = [
        "completed",
        "Succeeded",
        "generating",
        "error",
        "",
        " ",
        "g1",
        "auto",
        "5",
        "-1",
        "16:9",
        "é\u{0}\u{202e}",
        "https://a.example/v.mp4",
        "http://",
        "data:image/png;base64,AAAA",
        "data:",
        "https://[::1]:0/%zz",
    ];
    prop_oneof![
        prop::sample::select(known.map(str::to_owned).to_vec()),
        any::<String>(),
        "[a-z]{1,5}://[a-z@:/?#]{0,12}".prop_map(|link| format!("{link}?{SECRET}")),
    ]
}

fn key() -> impl Strategy<Value = String> {
    let known = [
        "id",
        "generation_id",
        "status",
        "state",
        "video",
        "url",
        "error",
        "message",
        "msg",
        "detail",
        "name",
        "type",
        "code",
        "meta",
        "usage",
        "credits_used",
        "tokens_used",
        "usd_spent",
        "model",
        "prompt",
        "duration",
        "file_size",
        "content_type",
        "image_url",
        "created_at",
        "origin",
        "route",
    ];
    prop_oneof![5 => prop::sample::select(known.map(str::to_owned).to_vec()), 1 => any::<String>()]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// An object with the properties of responses, each with a valid or an invalid value.
fn answer() -> impl Strategy<Value = Value> {
    let fields = prop::collection::vec((key(), value()), 0..10);
    fields.prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

/// A body for a model, with properties of the model and other properties.
fn body() -> impl Strategy<Value = Value> {
    let fields = prop::collection::vec(
        (
            any::<Index>(),
            prop_oneof![3 => Just(None), 1 => key().prop_map(Some)],
            value(),
        ),
        0..8,
    );
    (any::<Index>(), fields).prop_map(|(model, fields)| {
        let model = model.get(models());
        let mut body: Map<String, Value> = Map::new();
        for (at, other, value) in fields {
            let names: Vec<&str> = model
                .properties
                .iter()
                .map(|property| property.name.as_str())
                .collect();
            body.insert(other.unwrap_or_else(|| (*at.get(&names)).to_owned()), value);
        }
        body.insert("model".into(), model.id.as_str().into());
        body.into()
    })
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_response_is_read_and_kept(raw in prop_oneof![answer(), value()]) {
        let generation = Generation::from_json(raw.clone());
        prop_assert_eq!(generation.as_json(), &raw);
        prop_assert!(generation.id() != Some(""));
        prop_assert!(generation.videos().iter().all(|video| !video.url.is_empty()));
        // A generation with a video has a known state.
        if !generation.videos().is_empty() {
            prop_assert!(generation.state() != State::Unknown);
        }
        // Formatting the failure must not panic.
        if let Some(failure) = generation.failure() {
            let _ = (failure.to_string(), format!("{failure:?}"));
        }
        let again: Generation = serde_json::from_str(&serde_json::to_string(&generation).unwrap()).unwrap();
        prop_assert_eq!(again.state(), generation.state());
        prop_assert_eq!(again.videos().len(), generation.videos().len());
        let _ = format!("{generation:?}");
    }

    #[test]
    fn debug_of_a_response_never_shows_the_query_of_a_url(path in "[a-zA-Z0-9/._~%-]{0,20}", tail in "[ -!#-;=?-~]{0,20}") {
        let link = format!("https://u:{SECRET}@cdn.example.com/{path}?{SECRET}{tail}&sig={SECRET}");
        let link: String = link.split_whitespace().collect();
        for raw in [
            json!({ "id": "g", "status": "completed", "video": { "url": link } }),
            json!({ "id": "g", "status": "error", "error": { "message": format!("cannot read {link} now") } }),
            json!({ "id": "g", "status": "error", "error": [link, { "detail": [{ "msg": link }] }] }),
        ] {
            let generation = Generation::from_json(raw);
            let mut shown = format!("{generation:?} {generation:#?} {:?}", generation.videos());
            if let Some(failure) = generation.failure() {
                shown.push_str(&failure.to_string());
            }
            prop_assert!(!shown.contains(SECRET), "{shown}");
        }
    }

    #[test]
    fn any_handle_is_read_or_refused(stored in answer()) {
        if let Ok(handle) = serde_json::from_value::<GenerationHandle>(stored) {
            let again = serde_json::to_string(&handle).map(|text| serde_json::from_str::<GenerationHandle>(&text).unwrap());
            if let Ok(again) = again {
                prop_assert_eq!(again, handle);
            }
        }
    }

    #[test]
    fn any_request_is_kept_unchanged_or_refused_with_violations(body in body()) {
        for route in [Route::Universal, Route::LegacyKling] {
            match GenerationRequest::from_json(route, body.clone()) {
                Ok(request) => {
                    prop_assert!(request.validate().is_ok());
                    prop_assert_eq!(Value::Object(request.body().clone()), body.clone());
                }
                Err(error) => {
                    prop_assert!(error.is_invalid_request(), "{error:?}");
                    prop_assert!(!error.violations().is_empty(), "{error:?}");
                }
            }
        }
        let _ = GenerationRequest::from_json_coerced(Route::Universal, body);
    }

    #[test]
    fn any_json_is_read_as_a_request_or_refused(body in value()) {
        let _ = GenerationRequest::from_json(Route::Universal, body.clone());
        let _ = GenerationRequest::from_json_coerced(Route::Universal, body.clone());
        let _ = GenerationRequest::from_json(Route::LegacyKling, body);
    }
}

mod journal {
    use std::fs;

    use aimlapi_video::Journal;

    use super::*;

    fn line() -> impl Strategy<Value = String> {
        let event = prop::sample::select(vec![
            "journal",
            "intent",
            "not_created",
            "unclear",
            "created",
            "failed",
            "completed",
            "saved",
            "other",
        ]);
        let handle = prop_oneof![Just(json!({ "id": "g1" })), answer()];
        (event, 0..4usize, handle, 0..3u32, "[ -~]{0,9}").prop_map(|(event, line, handle, version, end)| {
            let whole = json!({
                "event": event, "version": version, "line": line, "sha256": "0", "model": "m", "why": "w",
                "handle": handle, "files": ["a"],
            });
            match version {
                0 => format!("{whole}{end}"),
                _ => whole.to_string(),
            }
        })
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_file_is_a_journal_or_stays_unchanged(
            begins in any::<bool>(),
            lines in prop::collection::vec(line(), 0..6),
            tail in prop_oneof![Just(Vec::new()), prop::collection::vec(any::<u8>(), 0..40)],
        ) {
            let mut bytes = Vec::new();
            if begins {
                bytes.extend(b"{\"event\":\"journal\",\"version\":1}\n");
            }
            for line in lines {
                bytes.extend(line.as_bytes());
                bytes.push(b'\n');
            }
            bytes.extend(tail);
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("j");
            fs::write(&path, &bytes).unwrap();
            let entries = Journal::open(&path).map(|journal| journal.entries());
            let after = fs::read(&path).unwrap();
            match entries {
                Err(_) => prop_assert_eq!(after, bytes),
                Ok(entries) => {
                    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                    prop_assert!(after.starts_with(&bytes[..end]));
                    prop_assert_eq!(Journal::open(&path).unwrap().entries(), entries);
                }
            }
        }
    }
}
