//! Scenarios: each thing that the next generations can do, and the errors of a wrong one.

use std::time::Duration;

use aimlapi_video::{ErrorKind, GenerationRequest, Route};
use aimlapi_video_simulator::{Scenario, Simulator};
use serde_json::{Value, json};

use crate::{Caller, MODEL, standing, support::client, text};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn playing(rules: Value) -> (Simulator, Caller) {
    let scenario = Scenario::from_json(json!({ "next": rules })).unwrap();
    let builder = Simulator::builder().manual_clock().scenario(scenario);
    let simulator = builder.start().await.unwrap();
    let caller = Caller::of(&simulator);
    (simulator, caller)
}

#[tokio::test]
async fn a_failure_tells_its_error_and_gives_no_video() {
    for error in [
        json!({ "name": "a", "message": "b" }),
        json!("text"),
        json!(["x"]),
        json!(null),
    ] {
        let (simulator, caller) = playing(json!([{ "end": { "fail": error } }])).await;
        let id = caller.made().await;
        simulator.advance(DAY);
        let answer = caller.poll(&id).await.1;
        assert_eq!(
            answer,
            json!({ "id": id, "status": "error", "error": error })
        );
    }
}

#[tokio::test]
async fn an_unknown_state_stays_with_or_without_a_video() {
    let rules = json!([{ "end": { "status": "paused" } }, { "end": { "status": "archived" }, "video": "given" }]);
    let (simulator, caller) = playing(rules).await;
    let (bare, with_video) = (caller.made().await, caller.made().await);
    simulator.advance(DAY);
    assert_eq!(
        caller.poll(&bare).await.1,
        json!({ "id": bare, "status": "paused" })
    );
    let answer = caller.poll(&with_video).await.1;
    assert_eq!(answer["status"], "archived");
    assert!(answer["video"]["url"].is_string());
}

#[tokio::test]
async fn a_stalled_one_never_ends() {
    let rules = json!([{ "end": { "stall": "queued" } }, { "end": { "stall": "generating" } }]);
    let (simulator, caller) = playing(rules).await;
    let ids = [caller.made().await, caller.made().await];
    simulator.advance(DAY * 365);
    assert_eq!(caller.status(&ids[0]).await, "queued");
    assert_eq!(caller.status(&ids[1]).await, "generating");
    assert!(simulator.tasks().iter().all(|task| task.left.is_none()));
}

#[tokio::test]
async fn three_polls_meet_a_page_of_html_and_the_fourth_an_answer() {
    let (simulator, caller) = playing(json!([{
        "polls": [{ "status": 502, "html": "<h1>Bad Gateway</h1>", "times": 3.0, "headers": { "X-Front": "a" } }]
    }]))
    .await;
    let id = caller.made().await;
    let target = format!(
        "/v2/video/generations?generation_id={}",
        id.replace(':', "%3A")
    );
    for _ in 0..3 {
        let answer = caller.answer("GET", &target, None).await.unwrap();
        assert_eq!(answer.status(), 502);
        assert!(
            answer.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/html")
        );
        assert_eq!(answer.headers()["x-front"], "a");
        assert_eq!(answer.text().await.unwrap(), "<h1>Bad Gateway</h1>");
    }
    assert_eq!(caller.status(&id).await, "queued");
    assert_eq!(simulator.tasks()[0].polls, 4);
}

#[tokio::test]
async fn a_step_may_answer_with_anything_or_only_change_headers() {
    let (_simulator, caller) = playing(json!([{ "polls": [
        { "status": 429, "headers": { "Retry-After": "7" } },
        { "json": { "id": 5 } },
        { "json": null },
        { "text": "", "status": 204 },
        { "headers": { "x-a": "b" } },
        { "close": true },
    ] }]))
    .await;
    let id = caller.made().await;
    let target = format!("/v2/video/generations?generation_id={id}");
    let limited = caller.answer("GET", &target, None).await.unwrap();
    assert_eq!(
        (limited.status().as_u16(), &limited.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    let error: Value = serde_json::from_slice(&limited.bytes().await.unwrap()).unwrap();
    assert_eq!(error["path"], "/v2/video/generations");
    assert_eq!(caller.poll(&id).await, (200, json!({ "id": 5 })));
    let null = caller.answer("GET", &target, None).await.unwrap();
    assert_eq!(null.text().await.unwrap(), "null");
    assert_eq!(caller.poll(&id).await.0, 204);
    let same = caller.answer("GET", &target, None).await.unwrap();
    assert_eq!(same.headers()["x-a"], "b");
    assert!(same.text().await.unwrap().contains("queued"));
    assert!(caller.answer("GET", &target, None).await.is_err());
    assert_eq!(caller.poll(&id).await.0, 200);
}

#[tokio::test]
async fn a_video_may_lack_its_link_or_come_late_or_not_at_all() {
    let rules = json!([{ "video": "without_url" }, { "video": "missing" }, { "video": { "after_polls": 2 } }]);
    let (simulator, caller) = playing(rules).await;
    let ids = [
        caller.made().await,
        caller.made().await,
        caller.made().await,
    ];
    simulator.advance(DAY);
    assert_eq!(caller.poll(&ids[0]).await.1["video"], json!({}));
    assert!(caller.poll(&ids[1]).await.1.get("video").is_none());
    for there in [false, false, true, true] {
        let answer = caller.poll(&ids[2]).await.1;
        assert_eq!(answer["status"], "completed");
        assert_eq!(answer["video"]["url"].is_string(), there);
    }
}

#[tokio::test]
async fn one_goes_back_to_the_queue_half_way() {
    let (simulator, caller) =
        playing(json!([{ "back_to_queued": true, "seconds": 100, "queued_seconds": 0 }])).await;
    let id = caller.made().await;
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(caller.status(&id).await);
        simulator.advance(Duration::from_secs(25));
    }
    assert_eq!(
        seen,
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
async fn polls_are_answered_with_another_ones_id() {
    let (_simulator, caller) = playing(json!([{ "id": "wrong" }])).await;
    let id = caller.made().await;
    let (status, answer) = caller.poll(&id).await;
    assert_eq!(status, 200);
    assert_ne!(answer["id"], json!(id));
}

#[tokio::test]
async fn the_answer_to_a_create_is_lost_and_the_generation_is_there() {
    let (simulator, caller) =
        playing(json!([{ "create": { "close": true, "created": true } }])).await;
    let client = client(simulator.url());
    let request = GenerationRequest::from_json(Route::Universal, text(json!({}))).unwrap();
    let error = client.create(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AmbiguousCreate);
    let tasks = simulator.tasks();
    assert_eq!(tasks.len(), 1);
    assert_eq!(caller.status(&tasks[0].id).await, "queued");
    let seen = simulator.requests();
    assert_eq!((seen[0].method.as_str(), seen[0].status), ("POST", None));
}

#[tokio::test]
async fn a_refused_create_makes_nothing() {
    let rules =
        json!([{ "create": { "status": 503 }, "times": 2 }, { "create": { "close": true } }]);
    let (simulator, caller) = playing(rules).await;
    assert_eq!(caller.create(&text(json!({}))).await.0, 503);
    assert_eq!(caller.create(&text(json!({}))).await.0, 503);
    assert!(
        caller
            .answer("POST", "/v2/video/generations", Some(&text(json!({}))))
            .await
            .is_err()
    );
    assert!(simulator.tasks().is_empty());
    caller.made().await;
}

#[tokio::test]
async fn a_delay_comes_before_the_usual_answer() {
    let (_simulator, caller) = playing(json!([{ "polls": [{ "delay_seconds": 0.05 }] }])).await;
    let id = caller.made().await;
    let started = std::time::Instant::now();
    assert_eq!(caller.status(&id).await, "queued");
    assert!(started.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn rules_are_taken_in_order_each_by_the_models_it_names() {
    let simulator = standing().await;
    let caller = Caller::of(&simulator);
    let other = "klingai/v2-master-image-to-video";
    let rules = json!({ "next": [{ "model": other, "seconds": 1 }, { "times": 2, "seconds": 2 }] });
    assert_eq!(caller.play(rules).await.0, 200);
    let (status, left) = caller
        .play(json!({ "next": [{ "times": "always", "model": MODEL, "seconds": 3 }] }))
        .await;
    assert_eq!((status, left["next"].as_array().unwrap().len()), (200, 3));
    for _ in 0..4 {
        caller.made().await;
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
async fn a_wrong_scenario_is_refused_whole_by_the_name_of_its_field() {
    let simulator = standing().await;
    let caller = Caller::of(&simulator);
    for (wrong, message) in [
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
            "next[0].model: no document has x/y",
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
            "the server's own",
        ),
        (
            json!({ "next": [{ "shape": "square" }] }),
            "next[0].shape: unknown variant `square`",
        ),
    ] {
        let (status, error) = caller.play(wrong.clone()).await;
        let told = error["message"].as_str().unwrap();
        assert_eq!(status, 400, "{wrong}");
        assert!(told.contains(message), "{wrong}: {told}");
        assert_eq!(Scenario::from_json(wrong).unwrap_err().to_string(), told);
    }
    assert!("{\"next\": []} x".parse::<Scenario>().is_err());
    assert_eq!(
        caller.send("GET", "/_simulator/scenario", None).await.1,
        json!({ "next": [] })
    );
}

#[tokio::test]
async fn a_reset_begins_the_scenario_of_the_start_anew() {
    let (simulator, caller) = playing(json!([{ "create": { "status": 500 } }])).await;
    for _ in 0..2 {
        assert_eq!(caller.create(&text(json!({}))).await.0, 500);
        caller.made().await;
        let (status, _) = caller.send("POST", "/_simulator/reset", None).await;
        assert_eq!(status, 204);
        assert!(simulator.tasks().is_empty() && simulator.requests().is_empty());
    }
}
