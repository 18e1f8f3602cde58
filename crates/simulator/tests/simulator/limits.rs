//! Tests of the limits: rate limit, credits, held generations, recorded requests.

use std::time::Duration;

use aimlapi_video::{GenerationRequest, Route};
use aimlapi_video_simulator::Simulator;
use serde_json::json;

use crate::{Caller, manual_clock, support, text};

#[tokio::test]
async fn requests_above_the_rate_limit_get_429_with_retry_after() {
    let simulator = Simulator::builder()
        .manual_clock()
        .rate_limit(6)
        .start()
        .await
        .unwrap();
    let caller = Caller::of(&simulator);
    let id = caller.create_one().await;
    for _ in 0..5 {
        assert_eq!(caller.poll(&id).await.0, 200);
    }
    let target = format!("/v2/video/generations?generation_id={}", "x");
    let response = caller.response("GET", &target, None).await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "10");
    let error: serde_json::Value =
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(error["statusCode"], 429);
    simulator.advance(Duration::from_secs(9));
    assert_eq!(caller.poll(&id).await.0, 429);
    simulator.advance(Duration::from_secs(1));
    assert_eq!(caller.poll(&id).await.0, 200);
    assert_eq!(caller.create(&text(json!({}))).await.0, 429);
}

#[tokio::test]
async fn rate_limit_ignores_unauthenticated_and_control_requests() {
    let simulator = Simulator::builder()
        .manual_clock()
        .rate_limit(1)
        .start()
        .await
        .unwrap();
    let caller = Caller::of(&simulator);
    let url = format!("{}/v2/video/generations?generation_id=x", simulator.url());
    for _ in 0..3 {
        assert_eq!(caller.http.get(&url).send().await.unwrap().status(), 401);
        assert_eq!(caller.send("GET", "/_simulator/", None).await.0, 200);
    }
    assert_eq!(caller.poll("x").await.0, 404);
    assert_eq!(caller.poll("x").await.0, 429);
    simulator.reset();
    assert_eq!(caller.poll("x").await.0, 404);
}

#[tokio::test]
async fn credits_run_out_and_failed_generations_cost_nothing() {
    // A video of five seconds costs 500,000 credits.
    let simulator = Simulator::builder()
        .manual_clock()
        .credits(1_200_000.0)
        .start()
        .await
        .unwrap();
    let caller = Caller::of(&simulator);
    caller
        .play(json!({ "next": [{ "end": { "fail": "refused" } }] }))
        .await;
    for left in [1_200_000.0, 700_000.0, 200_000.0] {
        caller.create_one().await;
        assert_eq!(simulator.credits_left(), Some(left));
    }
    let (status, error) = caller.create(&text(json!({}))).await;
    assert_eq!((status, &error["statusCode"]), (403, &json!(403)));
    assert!(error["message"].as_str().unwrap().contains("credits"));
    assert_eq!(simulator.tasks().len(), 3);
    let client = support::client(simulator.url());
    let request = GenerationRequest::from_json(Route::Universal, text(json!({}))).unwrap();
    assert!(
        client
            .create(request)
            .await
            .unwrap_err()
            .is_out_of_credits()
    );
}

#[tokio::test]
async fn generation_that_ended_first_is_removed_at_the_limit() {
    let simulator = Simulator::builder()
        .manual_clock()
        .max_tasks(2)
        .start()
        .await
        .unwrap();
    let caller = Caller::of(&simulator);
    caller
        .play(json!({ "next": [{ "seconds": 200 }, { "seconds": 100 }] }))
        .await;
    let (slow, fast) = (caller.create_one().await, caller.create_one().await);
    let (status, error) = caller.create(&text(json!({}))).await;
    assert_eq!(status, 429, "{error}");
    simulator.advance(Duration::from_secs(150));
    let third = caller.create_one().await;
    assert_eq!(caller.poll(&fast).await.0, 404);
    assert_eq!(
        [caller.poll(&slow).await.0, caller.poll(&third).await.0],
        [200, 200]
    );
    assert_eq!(simulator.tasks().len(), 2);
}

#[tokio::test]
async fn create_that_is_refused_at_the_limit_takes_no_rule() {
    let simulator = Simulator::builder()
        .manual_clock()
        .max_tasks(1)
        .start()
        .await
        .unwrap();
    let caller = Caller::of(&simulator);
    caller.create_one().await;
    caller
        .play(json!({ "next": [{ "seconds": 1, "end": { "fail": "refused" } }] }))
        .await;
    assert_eq!(caller.create(&text(json!({}))).await.0, 429);
    let rules = simulator.rules();
    assert_eq!((rules[0].applied, rules[0].left), (0, Some(1)));
    simulator.advance(Duration::from_secs(3600));
    let id = caller.create_one().await;
    simulator.advance(Duration::from_secs(1));
    assert_eq!(caller.status(&id).await, "error");
    assert_eq!(simulator.rules()[0].applied, 1);
}

#[tokio::test]
async fn newest_requests_keep_their_numbers_at_the_limit() {
    let simulator = Simulator::builder().max_requests(3).start().await.unwrap();
    let caller = Caller::of(&simulator);
    for id in 1..=5 {
        caller.poll(&id.to_string()).await;
    }
    let recorded: Vec<_> = simulator
        .requests()
        .into_iter()
        .map(|request| (request.number, request.target, request.status))
        .collect();
    let of = |id: u64| {
        (
            id,
            format!("/v2/video/generations?generation_id={id}"),
            Some(404),
        )
    };
    assert_eq!(recorded, [of(3), of(4), of(5)]);
}

#[tokio::test]
async fn default_address_is_loopback() {
    assert!(manual_clock().await.address().ip().is_loopback());
}
