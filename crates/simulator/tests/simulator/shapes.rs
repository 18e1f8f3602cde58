//! Tests of the shapes of responses: their JSON, and the client's interpretation of them.

use std::time::Duration;

use aimlapi_video::{GenerationRequest, Route, State};
use aimlapi_video_simulator::{Shape, Simulator};
use serde_json::{Value, json};

use crate::{Caller, support::client, text};

/// A simulator with a manual clock and these shapes.
async fn with_shapes(shapes: &[Shape]) -> Simulator {
    let builder = Simulator::builder().manual_clock();
    builder
        .shapes(shapes.iter().copied())
        .start()
        .await
        .unwrap()
}

/// Returns the responses to the create and to polls while queued, while generating and after the end.
async fn responses(shape: Shape) -> [Value; 4] {
    let simulator = with_shapes(&[shape]).await;
    let caller = Caller::of(&simulator);
    caller.play(json!({ "next": [{ "seconds": 100 }] })).await;
    let created = caller.create(&text(json!({}))).await.1;
    let id = simulator.tasks()[0].id.clone();
    let queued = caller.poll(&id).await.1;
    simulator.advance(Duration::from_secs(50));
    let generating = caller.poll(&id).await.1;
    simulator.advance(Duration::from_secs(50));
    [created, queued, generating, caller.poll(&id).await.1]
}

#[tokio::test]
async fn each_shape_has_its_documented_differences() {
    let [created, queued, generating, ended] = responses(Shape::Documented).await;
    assert_eq!(created, queued);
    assert_eq!(
        [&queued["status"], &generating["status"], &ended["status"]],
        ["queued", "generating", "completed"]
    );
    assert!(created["id"].as_str().unwrap().contains(":klingai/"));
    assert!(ended["video"]["url"].is_string() && ended["error"].is_null());
    assert_eq!(
        ended["meta"]["usage"],
        json!({ "credits_used": 500_000.0, "usd_spent": 0.25 })
    );

    let [created, .., ended] = responses(Shape::Bare).await;
    assert_eq!(created["id"].as_str().unwrap().len(), 21);
    assert_eq!(ended.as_object().unwrap().len(), 3);

    let [.., ended] = responses(Shape::File).await;
    assert_eq!(ended["video"]["content_type"], "video/mp4");
    assert!(ended["video"]["file_name"].is_string() && ended["video"]["file_size"].is_u64());

    assert!(responses(Shape::List).await[3]["video"][0]["url"].is_string());
    assert!(responses(Shape::Links).await[3]["video"][0].is_string());

    let [created, .., ended] = responses(Shape::Tokens).await;
    assert_eq!(created["meta"]["usage"]["tokens_used"], 0.0);
    assert_eq!(ended["meta"]["usage"], json!({ "tokens_used": 500_000.0 }));

    let [created, .., ended] = responses(Shape::Succeeded).await;
    assert_eq!(ended["status"], "succeeded");
    assert!(
        created["id"]
            .as_str()
            .unwrap()
            .bytes()
            .all(|byte| byte.is_ascii_digit())
    );

    let [_, queued, generating, ended] = responses(Shape::OlderWords).await;
    assert_eq!(
        [&queued["status"], &generating["status"], &ended["status"]],
        ["waiting", "active", "completed"]
    );

    let [created, queued, ..] = responses(Shape::GenerationId).await;
    assert!(created["id"].is_null() && created["generation_id"].is_string());
    assert_eq!(queued["id"], created["generation_id"]);

    let [.., ended] = responses(Shape::FilledError).await;
    assert!(ended["error"]["message"].is_string() && ended["model"].is_string());
    assert_eq!(ended["status"], "completed");
}

#[tokio::test]
async fn client_reads_every_shape() {
    let simulator = with_shapes(Shape::ALL).await;
    let client = client(simulator.url());
    let mut handles = Vec::new();
    for _ in Shape::ALL {
        let request = GenerationRequest::from_json(Route::Universal, text(json!({}))).unwrap();
        handles.push(client.create(request).await.unwrap());
    }
    simulator.advance(Duration::from_secs(24 * 3600));
    for (shape, handle) in Shape::ALL.iter().zip(&handles) {
        let generation = client.fetch(handle).await.unwrap();
        assert_eq!(generation.state(), State::Completed, "{shape}");
        assert!(generation.videos()[0].url.starts_with("http://"), "{shape}");
        let has_usage = *shape != Shape::Bare;
        assert_eq!(generation.usage().credits.is_some(), has_usage, "{shape}");
    }
}

#[tokio::test]
async fn failure_is_reported_in_the_configured_shape() {
    for (shape, detail) in [(Shape::Documented, false), (Shape::Detail, true)] {
        let simulator = with_shapes(&[shape]).await;
        let caller = Caller::of(&simulator);
        let error = json!({ "name": "moderation", "message": "not this picture" });
        caller
            .play(json!({ "next": [{ "end": { "fail": error } }] }))
            .await;
        let id = caller.create_one().await;
        simulator.advance(Duration::from_secs(24 * 3600));
        let response = caller.poll(&id).await.1;
        assert_eq!(response["status"], "error");
        assert_eq!(response["error"]["detail"][0]["msg"].is_string(), detail);
        let failed = client(simulator.url()).fetch(&*id).await.unwrap();
        assert_eq!(failed.state(), State::Failed);
        let failure = failed.failure().unwrap();
        assert_eq!(
            (failure.name.as_deref(), &*failure.message),
            (Some("moderation"), "not this picture")
        );
    }
}

#[tokio::test]
async fn shapes_are_used_in_turn_unless_a_rule_names_one() {
    let simulator = with_shapes(&[Shape::List, Shape::Bare]).await;
    let caller = Caller::of(&simulator);
    caller
        .play(json!({ "next": [{ "shape": "succeeded" }] }))
        .await;
    let mut lengths = Vec::new();
    for _ in 0..4 {
        lengths.push(caller.create_one().await.len());
    }
    assert_eq!(lengths[0], 19);
    assert_eq!((lengths[1], lengths[3]), (21, 21));
    assert!(lengths[2] > 36);
    assert!(
        "lists"
            .parse::<Shape>()
            .unwrap_err()
            .contains("documented, bare, ")
    );
}

#[tokio::test]
async fn legacy_route_reports_tokens_and_the_length_of_the_clip() {
    let simulator = with_shapes(&[]).await;
    let client = client(simulator.url());
    let body = json!({ "model": "klingai/v2-master-text-to-video", "prompt": "x" });
    let request = GenerationRequest::from_json(Route::LegacyKling, body).unwrap();
    let handle = client.create(request).await.unwrap();
    simulator.advance(Duration::from_secs(24 * 3600));
    let generation = client.fetch(&handle).await.unwrap();
    let response = generation.as_json();
    assert_eq!(
        (&response["duration"], &response["video"]["duration"]),
        (&json!(5.0), &json!(5.0))
    );
    assert_eq!(
        response["meta"]["usage"],
        json!({ "tokens_used": 500_000.0 })
    );
}
