//! Tests of scenarios: the effect of each field, and the errors of invalid scenarios.

use std::time::Duration;

use aimlapi_video::{ErrorKind, GenerationRequest, Route};
use aimlapi_video_simulator::{Scenario, Simulator};
use serde_json::{Value, json};

use crate::{Caller, MODEL, manual_clock, support::client, text};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A simulator with a manual clock and these rules.
async fn with_rules(rules: Value) -> (Simulator, Caller) {
    let scenario = Scenario::from_json(json!({ "next": rules })).unwrap();
    let builder = Simulator::builder().manual_clock().scenario(scenario);
    let simulator = builder.start().await.unwrap();
    let caller = Caller::of(&simulator);
    (simulator, caller)
}

#[tokio::test]
async fn failed_generation_has_its_error_and_no_video() {
    for error in [
        json!({ "name": "a", "message": "b" }),
        json!("text"),
        json!(["x"]),
        json!(null),
    ] {
        let (simulator, caller) = with_rules(json!([{ "end": { "fail": error } }])).await;
        let id = caller.create_one().await;
        simulator.advance(DAY);
        let response = caller.poll(&id).await.1;
        assert_eq!(
            response,
            json!({ "id": id, "status": "error", "error": error })
        );
    }
}

#[tokio::test]
async fn unknown_status_is_reported_with_and_without_a_video() {
    let rules = json!([{ "end": { "status": "paused" } }, { "end": { "status": "archived" }, "video": "given" }]);
    let (simulator, caller) = with_rules(rules).await;
    let (bare, with_video) = (caller.create_one().await, caller.create_one().await);
    simulator.advance(DAY);
    assert_eq!(
        caller.poll(&bare).await.1,
        json!({ "id": bare, "status": "paused" })
    );
    let response = caller.poll(&with_video).await.1;
    assert_eq!(response["status"], "archived");
    assert!(response["video"]["url"].is_string());
}

#[tokio::test]
async fn stalled_generation_never_ends() {
    let rules = json!([{ "end": { "stall": "queued" } }, { "end": { "stall": "generating" } }]);
    let (simulator, caller) = with_rules(rules).await;
    let ids = [caller.create_one().await, caller.create_one().await];
    simulator.advance(DAY * 365);
    assert_eq!(caller.status(&ids[0]).await, "queued");
    assert_eq!(caller.status(&ids[1]).await, "generating");
    assert!(simulator.tasks().iter().all(|task| task.left.is_none()));
}

#[tokio::test]
async fn step_with_times_replaces_three_polls_by_html_and_not_the_fourth() {
    let (simulator, caller) = with_rules(json!([{
        "polls": [{ "status": 502, "html": "<h1>Bad Gateway</h1>", "times": 3.0, "headers": { "X-Front": "a" } }]
    }]))
    .await;
    let id = caller.create_one().await;
    let target = format!(
        "/v2/video/generations?generation_id={}",
        id.replace(':', "%3A")
    );
    for _ in 0..3 {
        let response = caller.response("GET", &target, None).await.unwrap();
        assert_eq!(response.status(), 502);
        assert!(
            response.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/html")
        );
        assert_eq!(response.headers()["x-front"], "a");
        assert_eq!(response.text().await.unwrap(), "<h1>Bad Gateway</h1>");
    }
    assert_eq!(caller.status(&id).await, "queued");
    assert_eq!(simulator.tasks()[0].polls, 4);
}

#[tokio::test]
async fn step_replaces_the_response_or_only_adds_headers() {
    let (_simulator, caller) = with_rules(json!([{ "polls": [
        { "status": 429, "headers": { "Retry-After": "7" } },
        { "json": { "id": 5 } },
        { "json": null },
        { "text": "", "status": 204 },
        { "headers": { "x-a": "b" } },
        { "close": true },
    ] }]))
    .await;
    let id = caller.create_one().await;
    let target = format!("/v2/video/generations?generation_id={id}");
    let limited = caller.response("GET", &target, None).await.unwrap();
    assert_eq!(
        (limited.status().as_u16(), &limited.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    let error: Value = serde_json::from_slice(&limited.bytes().await.unwrap()).unwrap();
    assert_eq!(error["path"], "/v2/video/generations");
    assert_eq!(caller.poll(&id).await, (200, json!({ "id": 5 })));
    let null = caller.response("GET", &target, None).await.unwrap();
    assert_eq!(null.text().await.unwrap(), "null");
    assert_eq!(caller.poll(&id).await.0, 204);
    let same = caller.response("GET", &target, None).await.unwrap();
    assert_eq!(same.headers()["x-a"], "b");
    assert!(same.text().await.unwrap().contains("queued"));
    assert!(caller.response("GET", &target, None).await.is_err());
    assert_eq!(caller.poll(&id).await.0, 200);
}

#[tokio::test]
async fn video_is_without_url_missing_or_late_as_the_rule_states() {
    let rules = json!([{ "video": "without_url" }, { "video": "missing" }, { "video": { "after_polls": 2 } }]);
    let (simulator, caller) = with_rules(rules).await;
    let ids = [
        caller.create_one().await,
        caller.create_one().await,
        caller.create_one().await,
    ];
    simulator.advance(DAY);
    assert_eq!(caller.poll(&ids[0]).await.1["video"], json!({}));
    assert!(caller.poll(&ids[1]).await.1.get("video").is_none());
    for has_url in [false, false, true, true] {
        let response = caller.poll(&ids[2]).await.1;
        assert_eq!(response["status"], "completed");
        assert_eq!(response["video"]["url"].is_string(), has_url);
    }
}

#[tokio::test]
async fn generation_returns_to_the_queue_half_way() {
    let (simulator, caller) =
        with_rules(json!([{ "back_to_queued": true, "seconds": 100, "queued_seconds": 0 }])).await;
    let id = caller.create_one().await;
    let mut observed = Vec::new();
    for _ in 0..5 {
        observed.push(caller.status(&id).await);
        simulator.advance(Duration::from_secs(25));
    }
    assert_eq!(
        observed,
        [
            "generating",
            "generating",
            "queued",
            "generating",
            "completed"
        ]
    );
}

#[tokio::test]
async fn polls_return_another_id_if_the_rule_states_a_wrong_one() {
    let (_simulator, caller) = with_rules(json!([{ "id": "wrong" }])).await;
    let id = caller.create_one().await;
    let (status, response) = caller.poll(&id).await;
    assert_eq!(status, 200);
    assert_ne!(response["id"], json!(id));
}

#[tokio::test]
async fn generation_exists_after_the_response_to_its_create_is_lost() {
    let (simulator, caller) =
        with_rules(json!([{ "create": { "close": true, "created": true } }])).await;
    let client = client(simulator.url());
    let request = GenerationRequest::from_json(Route::Universal, text(json!({}))).unwrap();
    let error = client.create(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AmbiguousCreate);
    let tasks = simulator.tasks();
    assert_eq!(tasks.len(), 1);
    assert_eq!(caller.status(&tasks[0].id).await, "queued");
    let recorded = simulator.requests();
    assert_eq!(
        (recorded[0].method.as_str(), recorded[0].status),
        ("POST", None)
    );
}

#[tokio::test]
async fn refused_create_creates_no_generation() {
    let rules =
        json!([{ "create": { "status": 503 }, "times": 2 }, { "create": { "close": true } }]);
    let (simulator, caller) = with_rules(rules).await;
    assert_eq!(caller.create(&text(json!({}))).await.0, 503);
    assert_eq!(caller.create(&text(json!({}))).await.0, 503);
    assert!(
        caller
            .response("POST", "/v2/video/generations", Some(&text(json!({}))))
            .await
            .is_err()
    );
    assert!(simulator.tasks().is_empty());
    caller.create_one().await;
}

#[tokio::test]
async fn delay_precedes_the_normal_response() {
    let (_simulator, caller) = with_rules(json!([{ "polls": [{ "delay_seconds": 0.05 }] }])).await;
    let id = caller.create_one().await;
    let started = std::time::Instant::now();
    assert_eq!(caller.status(&id).await, "queued");
    assert!(started.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn rules_are_taken_in_order_by_creates_of_their_model() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    let other = "klingai/v2-master-image-to-video";
    let rules = json!({ "next": [{ "model": other, "seconds": 1 }, { "times": 2, "seconds": 2 }] });
    assert_eq!(caller.play(rules).await.0, 200);
    let (status, left) = caller
        .play(json!({ "next": [{ "times": "always", "model": MODEL, "seconds": 3 }] }))
        .await;
    assert_eq!((status, left["next"].as_array().unwrap().len()), (200, 3));
    for _ in 0..4 {
        caller.create_one().await;
    }
    let image = json!({ "model": other, "image_url": "https://example.com/a.png", "prompt": "x" });
    caller.create(&image).await;
    let seconds: Vec<u64> = simulator
        .tasks()
        .iter()
        .map(|task| task.left.unwrap().as_secs())
        .collect();
    assert_eq!(seconds, [2, 2, 3, 3, 1]);
    let (_, left) = caller.send("GET", "/_simulator/scenario", None).await;
    assert_eq!(
        left,
        json!({ "next": [{ "times": "always", "model": MODEL, "seconds": 3.0 }] })
    );
    let (_, left) = caller.send("DELETE", "/_simulator/scenario", None).await;
    assert_eq!(left, json!({ "next": [] }));
}

#[tokio::test]
async fn invalid_scenario_is_refused_as_a_whole_with_the_path_of_its_field() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    for (invalid, expected) in [
        (json!([]), "expected an object"),
        (
            json!({ "next": [[]] }),
            "next[0]: expected an object; received []",
        ),
        (
            json!({ "next": [{ "polls": [[2]] }] }),
            "next[0].polls[0]: expected an object; received [2]",
        ),
        (
            json!({ "next": [{ "video": { "given": null } }] }),
            "next[0].video: unknown variant `given` in an object",
        ),
        (
            json!({ "next": [{ "id": { "wrong": null } }] }),
            "next[0].id: expected text; received",
        ),
        (json!({}), "missing field `next`"),
        (json!({ "next": [{}, { "tims": 1 }] }), "next[1]"),
        (json!({ "next": [{ "tims": 1 }] }), "unknown field `tims`"),
        (
            json!({ "next": [{ "times": 0 }] }),
            "next[0].times: expected 1 or more, or \"always\"; received 0",
        ),
        (
            json!({ "next": [{ "times": "ever" }] }),
            "next[0].times: expected 1 or more, or \"always\"",
        ),
        (
            json!({ "next": [{ "model": "x/y" }] }),
            "next[0].model: no document describes x/y",
        ),
        (
            json!({ "next": [{ "seconds": -1 }] }),
            "next[0].seconds: expected 0 to 1000000000; received -1",
        ),
        (
            json!({ "next": [{ "end": "exploded" }] }),
            "next[0].end: unknown variant `exploded`",
        ),
        (
            json!({ "next": [{ "end": { "stall": "completed" } }] }),
            "next[0].end",
        ),
        (
            json!({ "next": [{ "polls": [{}, { "status": 99 }] }] }),
            "next[0].polls[1].status: expected 200 to 599; received 99",
        ),
        (
            json!({ "next": [{ "polls": [{ "created": true }] }] }),
            "next[0].polls[0].created: expected in `create` only",
        ),
        (
            json!({ "next": [{ "polls": [{ "cut_after": 1 }] }] }),
            "next[0].polls[0].cut_after: expected in `downloads` only",
        ),
        (
            json!({ "next": [{ "create": { "times": 2 } }] }),
            "next[0].create.times",
        ),
        (
            json!({ "next": [{ "create": { "json": 1, "html": "" } }] }),
            "next[0].create.json, text, html: expected one of them",
        ),
        (
            json!({ "next": [{ "create": { "headers": { "a b": "c" } } }] }),
            "next[0].create.headers",
        ),
        (
            json!({ "next": [{ "create": { "headers": { "Content-Length": "1" } } }] }),
            "headers: Content-Length is set by the server",
        ),
        (
            json!({ "next": [{ "shape": "square" }] }),
            "next[0].shape: unknown variant `square`",
        ),
    ] {
        let (status, error) = caller.play(invalid.clone()).await;
        let message = error["message"].as_str().unwrap();
        assert_eq!(status, 400, "{invalid}");
        assert!(message.contains(expected), "{invalid}: {message}");
        // A scenario may be for another simulator, which knows other models.
        match Scenario::from_json(invalid) {
            Ok(_) => assert!(message.contains("no document describes"), "{message}"),
            Err(error) => assert_eq!(error.to_string(), message),
        }
    }
    assert!("{\"next\": []} x".parse::<Scenario>().is_err());
    assert_eq!(
        caller.send("GET", "/_simulator/scenario", None).await.1,
        json!({ "next": [] })
    );
}

#[tokio::test]
async fn reset_restarts_the_initial_scenario() {
    let (simulator, caller) = with_rules(json!([{ "create": { "status": 500 } }])).await;
    for _ in 0..2 {
        assert_eq!(caller.create(&text(json!({}))).await.0, 500);
        caller.create_one().await;
        let (status, _) = caller.send("POST", "/_simulator/reset", None).await;
        assert_eq!(status, 204);
        assert!(simulator.tasks().is_empty() && simulator.requests().is_empty());
    }
}
