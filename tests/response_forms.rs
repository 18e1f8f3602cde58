//! Tests of how `Generation` interprets responses: all known forms, and arbitrary JSON.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video::{Generation, State};
use serde_json::Value;

/// Bodies in the forms of the vendor's pages (`docs/api-references/video-models/`), written for this test, with their meaning.
const ANSWERS: &str = include_str!("fixtures/answers.jsonl");

#[test]
fn every_known_form_is_interpreted() {
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
        // The whole response remains available, also the properties that are not interpreted.
        assert_eq!(answer.as_json(), &fixture["body"], "{name}");
        count += 1;
    }
    assert!(count >= 25, "{count} fixtures");
}

#[test]
fn states_are_read_in_every_spelling() {
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

    /// The reader is lenient, so that a paid result is not lost: any JSON can be read, and is kept.
    #[test]
    fn any_json_is_read_and_kept(body in json(), status in ".{0,12}", error in json(), video in json()) {
        for body in [body, serde_json::json!({ "id": "g", "status": status, "error": error, "video": video })] {
            let answer = Generation::from_json(body.clone());
            let _ = (answer.state(), format!("{answer:?}"), answer.failure().map(ToString::to_string));
            proptest::prop_assert_eq!(answer.as_json(), &body);
        }
    }
}

/// A repetition of a request, with marked texts and URLs.
fn request() -> Value {
    let link = "https://mine.example.com/mine.mp4";
    serde_json::json!({
        "prompt": "mine",
        "negative_prompt": "mine",
        "image_url": link,
        "input_video": link,
        "source": { "url": link },
        "description": "mine",
        "webhook_url": link,
        "thumbnail_url": link,
        "input": { "message": "mine", "error": "mine", "video_url": link, "failure": { "reason": "mine" } },
        "params": [{ "detail": "mine", "output": link }],
        "original_request": { "status_message": "mine", "videos": [link] },
    })
}

/// A response with `value` under `name` within these wrappers, and a repetition of the request at each level.
fn wrapped(wrappers: &[&str], name: &str, value: Value, status: &str) -> Value {
    let mut inner = request();
    inner[name] = value;
    for wrapper in wrappers {
        let mut outer = request();
        outer[*wrapper] = inner;
        inner = outer;
    }
    inner["id"] = "g".into();
    inner["status"] = status.into();
    inner
}

const WRAPPERS: [&str; 8] = [
    "data", "result", "output", "response", "task", "job", "payload", "body",
];

const REASONS: [&str; 30] = [
    "error",
    "errors",
    "failure",
    "failure_reason",
    "failureReason",
    "fail_reason",
    "failReason",
    "failMsg",
    "fault",
    "error_message",
    "errorMessage",
    "error_msg",
    "errmsg",
    "err_msg",
    "errorDescription",
    "exception",
    "problem",
    "refusal",
    "message",
    "msg",
    "detail",
    "details",
    "reason",
    "cause",
    "explanation",
    "status_message",
    "task_status_msg",
    "statusDescription",
    "rejection_reason",
    "blockedReason",
];

const LINKS: [&str; 16] = [
    "url",
    "uri",
    "href",
    "link",
    "video_url",
    "videoUrl",
    "videourl",
    "video_uri",
    "output_url",
    "result_url",
    "resultUrl",
    "download_url",
    "file_url",
    "mp4_url",
    "outputs",
    "videos",
];

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn reason_is_found_under_every_usual_name_and_not_in_the_request(
        wrappers in proptest::collection::vec(proptest::sample::select(WRAPPERS.to_vec()), 0..4),
        name in proptest::sample::select(REASONS.to_vec()),
        shape in 0..4,
    ) {
        let text = "the picture was refused";
        let value = match shape {
            0 => text.into(),
            1 => serde_json::json!({ "message": text }),
            2 => serde_json::json!([text]),
            _ => serde_json::json!([{ "msg": text, "loc": ["mine"], "input": "mine" }]),
        };
        let body = wrapped(&wrappers, name, value, "failed");
        let failure = Generation::from_json(body.clone()).failure().map(ToString::to_string);
        proptest::prop_assert_eq!(failure.as_deref(), Some(text), "{}", body);
    }

    #[test]
    fn url_is_found_under_every_usual_name_and_not_in_the_request(
        wrappers in proptest::collection::vec(proptest::sample::select(WRAPPERS.to_vec()), 0..4),
        name in proptest::sample::select(LINKS.to_vec()),
        has_extension in proptest::bool::ANY,
    ) {
        let extension = if has_extension { ".mp4" } else { "" };
        let link = format!("https://cdn.example.com/v{extension}?sig=1");
        let value = match name {
            "outputs" | "videos" => serde_json::json!([link]),
            _ => link.as_str().into(),
        };
        let body = wrapped(&wrappers, name, value, "completed");
        let answer = Generation::from_json(body.clone());
        let urls: Vec<&str> = answer.videos().iter().map(|video| video.url.as_str()).collect();
        // A plain URL in the same object as the prompt may be anything.
        let is_bare = wrappers.iter().all(|wrapper| ["data", "task", "job", "payload", "body"].contains(wrapper))
            && ["url", "uri", "href", "link", "download_url", "file_url"].contains(&name)
            && !has_extension;
        if !is_bare {
            proptest::prop_assert_eq!(urls, [link.as_str()], "{}", body);
        } else {
            proptest::prop_assert!(urls.iter().all(|url| *url == link), "{}", body);
        }
    }

    #[test]
    fn repeated_request_alone_gives_neither_reason_nor_video(
        wrappers in proptest::collection::vec(proptest::sample::select(WRAPPERS.to_vec()), 0..4),
        status in proptest::sample::select(vec!["failed", "completed", "mulling"]),
    ) {
        let body = wrapped(&wrappers, "note_to_self", Value::Null, status);
        let answer = Generation::from_json(body.clone());
        proptest::prop_assert_eq!(answer.failure(), None, "{}", body);
        proptest::prop_assert!(answer.videos().is_empty(), "{}", body);
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
