//! Tests of the parameters of lists, and of what a task and a request show.

use std::time::Duration;

use aimlapi_video::Route;
use aimlapi_video_simulator::Simulator;
use serde_json::{Value, json};

use crate::{Caller, MODEL, manual_clock, text};

const IMAGE_MODEL: &str = "klingai/v2-master-image-to-video";

fn values(list: &Value, field: &str) -> Vec<Value> {
    let items = list.as_array().unwrap();
    items.iter().map(|item| item[field].clone()).collect()
}

/// A simulator with four requests of one key and two of another, a minute after them.
async fn with_requests() -> (Simulator, Caller, Vec<String>) {
    let builder = Simulator::builder().manual_clock().seed(1);
    let simulator = builder.start().await.unwrap();
    let [one, two] = ["key-number-1", "key-number-2"].map(|key| Caller::with_key(&simulator, key));
    let first = one.create_one().await;
    one.poll(&first).await;
    simulator.advance(Duration::from_secs(60));
    let image =
        json!({ "model": IMAGE_MODEL, "image_url": "https://example.com/a.png", "prompt": "rain" });
    let (_, second) = one.create(&image).await;
    let legacy = Route::LegacyKling.path();
    let (_, third) = two.send("POST", legacy, Some(&text(json!({})))).await;
    let invalid = json!({ "model": IMAGE_MODEL });
    two.create(&invalid).await;
    one.poll("unknown").await;
    let ids = [json!(first), second["id"].clone(), third["id"].clone()];
    let ids = ids.map(|id| id.as_str().unwrap().to_owned());
    (simulator, one, ids.into())
}

#[tokio::test]
async fn lists_are_limited_by_each_parameter() {
    let (simulator, caller, ids) = with_requests().await;
    let hash = simulator.for_key("key-number-2").tasks()[0].key.clone();
    let model = format!("model={IMAGE_MODEL}");
    let hash = format!("key={hash}");
    let both = format!("method=POST&{model}&limit=1");
    for (query, requests, tasks) in [
        ("", &[1, 2, 3, 4, 5, 6][..], &[0, 1, 2][..]),
        ("method=post", &[1, 3, 4, 5], &[0, 1, 2]),
        ("method=GET", &[2, 6], &[]),
        ("path=/v2/generate/", &[4], &[2]),
        ("path=/v2/video/generations", &[1, 2, 3, 5, 6], &[0, 1]),
        (&model, &[3, 5], &[1]),
        ("key=key-number-2", &[4, 5], &[2]),
        (&hash, &[4, 5], &[2]),
        ("key=another", &[], &[]),
        ("since=3", &[3, 4, 5, 6], &[1, 2]),
        ("since=2100-01-01T00:01:00Z", &[3, 4, 5, 6], &[1, 2]),
        ("since=2100-01-01T00:01:01Z", &[], &[]),
        ("limit=2", &[5, 6], &[1, 2]),
        ("limit=100", &[1, 2, 3, 4, 5, 6], &[0, 1, 2]),
        (&both, &[5], &[1]),
    ] {
        let target = format!("/_simulator/requests?{query}");
        let (_, listed) = caller.send("GET", &target, None).await;
        assert_eq!(values(&listed, "number"), requests, "{query}");
        let target = format!("/_simulator/tasks?{query}");
        let (_, listed) = caller.send("GET", &target, None).await;
        let expected: Vec<_> = tasks.iter().map(|number| json!(ids[*number])).collect();
        assert_eq!(values(&listed, "id"), expected, "{query}");
        let target = format!("/_simulator/?{query}");
        let (_, overview) = caller.send("GET", &target, None).await;
        assert_eq!(values(&overview["requests"], "number"), requests, "{query}");
        assert_eq!(overview["tasks"], listed, "{query}");
    }
}

#[tokio::test]
async fn unknown_and_invalid_parameters_are_refused() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    for (query, expected) in [
        (
            "modle=a",
            "modle: unknown parameter; expected one of method, path, model, key, since, limit",
        ),
        (
            "limit=0",
            "limit: expected a whole number from 1; received \"0\"",
        ),
        (
            "limit=x",
            "limit: expected a whole number from 1; received \"x\"",
        ),
        ("model=", "model: expected a value; received none"),
        ("model=a&model=b", "model: expected once"),
        (
            "since=today",
            "since: expected a request's number, or a time such as 2100-01-01T00:00:00Z; received \"today\"",
        ),
    ] {
        for list in ["", "tasks", "requests"] {
            let target = format!("/_simulator/{list}?{query}");
            let (status, error) = caller.send("GET", &target, None).await;
            assert_eq!((status, error["message"].as_str()), (400, Some(expected)));
        }
    }
    let (status, error) = caller.send("GET", "/_simulator/rules?model=a", None).await;
    let expected = "model: unknown parameter; expected one of name, key";
    assert_eq!((status, error["message"].as_str()), (400, Some(expected)));
}

#[tokio::test]
async fn rules_are_limited_by_name_and_key() {
    let simulator = manual_clock().await;
    let [one, two] = ["key-number-1", "key-number-2"].map(|key| Caller::with_key(&simulator, key));
    one.play(json!({ "next": [{ "name": "a" }, { "name": "b" }] }))
        .await;
    two.play(json!({ "next": [{ "name": "a" }] })).await;
    one.create_one().await;
    for (query, expected) in [
        ("", &[("a", 0), ("a", 1), ("b", 0)][..]),
        ("?name=a", &[("a", 0), ("a", 1)]),
        ("?name=c", &[]),
        ("?key=key-number-2", &[("a", 0)]),
        ("?name=a&key=key-number-1", &[("a", 1)]),
    ] {
        let target = format!("/_simulator/rules{query}");
        let (_, rules) = one.send("GET", &target, None).await;
        let rules = rules.as_array().unwrap().iter();
        let mut counts: Vec<_> = rules
            .map(|rule| {
                (
                    rule["name"].as_str().unwrap(),
                    rule["applied"].as_u64().unwrap(),
                )
            })
            .collect();
        counts.sort_unstable();
        assert_eq!(counts, expected, "{query}");
    }
}

#[tokio::test]
async fn task_shows_its_prompt_its_hashed_key_and_its_requests() {
    let simulator = manual_clock().await;
    let caller = Caller::with_key(&simulator, "key-number-1");
    let id = caller.create_one().await;
    caller.create_one().await;
    simulator.advance(Duration::from_secs(10_000));
    let (_, polled) = caller.poll(&id).await;
    let url = polled["video"]["url"].as_str().unwrap();
    caller.http.get(url).send().await.unwrap();
    let task = &simulator.tasks()[0];
    assert_eq!(task.prompt.as_deref(), Some("A lantern rises"));
    assert_eq!(task.key, "sha256:f3ade5654386b5cd");
    assert_eq!(task.requests, [1, 3, 4]);
    let download = &simulator.requests()[3];
    assert_eq!(download.key.as_deref(), Some(&*task.key));
    assert_eq!(download.task.as_deref(), Some(&*id));
    assert_eq!(download.model.as_deref(), Some(MODEL));
    // The file's request has no key of its own, and belongs to the generation's.
    simulator.for_key("key-number-1").reset();
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn key_in_a_prompt_is_removed_and_a_long_prompt_is_truncated() {
    let simulator = manual_clock().await;
    let caller = Caller::with_key(&simulator, "key-number-1");
    let prompt = format!("{} {}", caller.key, "é".repeat(800));
    caller.create(&text(json!({ "prompt": prompt }))).await;
    let (_, overview) = caller.send("GET", "/_simulator/", None).await;
    assert!(!overview.to_string().contains(&caller.key), "{overview}");
    let shown = overview["tasks"][0]["prompt"].as_str().unwrap();
    assert!(shown.starts_with("… é") && shown.len() == 1024, "{shown}");
}

#[tokio::test]
async fn create_whose_response_is_replaced_is_listed_with_its_model() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    caller
        .play(json!({ "next": [{ "create": { "status": 503 } }, { "create": { "status": 503, "created": true } }] }))
        .await;
    caller.create(&text(json!({}))).await;
    caller.create(&text(json!({}))).await;
    let requests = json!(simulator.requests());
    assert_eq!(values(&requests, "model"), [MODEL, MODEL]);
    assert_eq!(requests[0]["task"], json!(null));
    assert_eq!(requests[1]["task"], json!(simulator.tasks()[0].id));
}
