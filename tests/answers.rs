//! What an answer means: every shape the service is known to print, and what it might print next.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video::{Generation, State};
use serde_json::Value;

/// Our own bodies in the shapes of the vendor's pages (`docs/api-references/video-models/`), and what each means.
const ANSWERS: &str = include_str!("fixtures/answers.jsonl");

#[test]
fn every_known_shape_is_read_rightly() {
    let mut count = 0;
    for line in ANSWERS.lines() {
        let fixture: Value = serde_json::from_str(line).unwrap();
        let (name, expected) = (&fixture["name"], &fixture["means"]);
        let answer = Generation::from_json(fixture["body"].clone());
        assert_eq!(answer.id(), expected["id"].as_str(), "{name}");
        assert_eq!(answer.state().to_string(), expected["state"], "{name}");
        let urls: Vec<&str> = answer
            .videos()
            .iter()
            .map(|video| video.url.as_str())
            .collect();
        let expected_urls: Vec<&str> = expected["videos"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(urls, expected_urls, "{name}");
        let failure = answer
            .failure()
            .filter(|_| answer.state() == State::Failed)
            .map(ToString::to_string);
        assert_eq!(failure.as_deref(), expected["failure"].as_str(), "{name}");
        assert_eq!(
            answer.usage().credits,
            expected["credits"].as_f64(),
            "{name}"
        );
        assert_eq!(answer.usage().usd, expected["usd"].as_f64(), "{name}");
        if let Some(file) = expected.get("file") {
            let video = &answer.videos()[0];
            assert_eq!(video.file_name.as_deref(), file["name"].as_str(), "{name}");
            assert_eq!(video.file_size, file["size"].as_u64(), "{name}");
            assert_eq!(
                video.content_type.as_deref(),
                file["type"].as_str(),
                "{name}"
            );
        }
        // Whatever was understood, the whole stays reachable.
        assert_eq!(answer.as_json(), &fixture["body"], "{name}");
        count += 1;
    }
    assert!(count >= 25, "{count} fixtures");
}

#[test]
fn states_are_read_in_any_spelling() {
    let state = |status: &str| {
        Generation::from_json(serde_json::json!({ "id": "g", "status": status })).state()
    };
    for (word, expected) in [
        ("QUEUED", State::Queued),
        ("waiting", State::Queued),
        ("active", State::Generating),
        ("in-progress", State::Generating),
        ("In Progress", State::Generating),
        ("complete", State::Completed),
        ("Succeeded", State::Completed),
        ("canceled", State::Failed),
        ("cancelled", State::Failed),
        ("mulling", State::Unknown),
    ] {
        assert_eq!(state(word), expected, "{word}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    /// A paid result is never lost to a strict reader: any JSON is read, and kept.
    #[test]
    fn any_json_is_read_and_kept(body in json(), status in ".{0,12}", error in json(), video in json()) {
        for body in [body, serde_json::json!({ "id": "g", "status": status, "error": error, "video": video })] {
            let answer = Generation::from_json(body.clone());
            let _ = (answer.state(), format!("{answer:?}"), answer.failure().map(ToString::to_string));
            proptest::prop_assert_eq!(answer.as_json(), &body);
        }
    }
}

fn json() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z:/?.]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let key = prop_oneof![
            Just("url".to_owned()),
            Just("message".to_owned()),
            Just("detail".to_owned()),
            Just("msg".to_owned()),
            Just("usage".to_owned()),
            Just("name".to_owned()),
            "[a-z]{1,4}",
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(key, inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
