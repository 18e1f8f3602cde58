//! Tests of accepted and refused requests, and of the error messages.

use aimlapi_video::{ErrorKind, GenerationRequest, Route};
use aimlapi_video_simulator::Simulator;
use serde_json::{Value, json};

use crate::{Caller, manual_clock, simulator, support::client, text};

#[tokio::test]
async fn invalid_body_gets_an_error_in_the_services_shape() {
    let simulator = simulator().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/v2/video/generations", simulator.url());
    let post = |body: Value| {
        http.post(&url)
            .bearer_auth("any")
            .body(body.to_string())
            .send()
    };
    let response = post(
        json!({ "model": "klingai/v2-master-text-to-video", "duration": 7, "cfg_scale": 1.5 }),
    )
    .await
    .unwrap();
    assert_eq!(response.status(), 400);
    let error: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(error["statusCode"], 400);
    assert_eq!(error["path"], "/v2/video/generations");
    assert!(error["requestId"].is_string() && error["timestamp"].is_string());
    let message = error["message"].as_str().unwrap();
    for part in [
        "prompt: expected a value; received nothing",
        "duration: expected one of 5, 10; received 7",
        "cfg_scale: expected at most 1; received 1.5",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let unknown = post(json!({ "model": "x" })).await.unwrap();
    assert_eq!(unknown.status(), 400);
    assert!(
        String::from_utf8_lossy(&unknown.bytes().await.unwrap())
            .contains("klingai/v2-master-image-to-video, ")
    );
    let broken = http
        .post(&url)
        .bearer_auth("any")
        .body("{")
        .send()
        .await
        .unwrap();
    assert_eq!(broken.status(), 400);
}

#[tokio::test]
async fn numeric_strings_are_accepted_unless_strict() {
    let simulator = simulator().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = |body: Value| {
        let url = format!("{}/v2/video/generations", simulator.url());
        http.post(url)
            .bearer_auth("any")
            .body(body.to_string())
            .send()
    };
    let body = |duration: &str| json!({ "model": "klingai/v2-master-text-to-video", "prompt": "x", "duration": duration, "cfg_scale": "0.5" });
    assert!(post(body("5")).await.unwrap().status().is_success());
    assert_eq!(post(body("7")).await.unwrap().status(), 400);
    assert_eq!(post(body("five")).await.unwrap().status(), 400);
}

#[tokio::test]
async fn missing_and_wrong_keys_are_refused() {
    let simulator = Simulator::builder().api_key("right").start().await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/v2/video/generations?generation_id=x", simulator.url());
    assert_eq!(http.get(&url).send().await.unwrap().status(), 401);
    assert_eq!(
        http.get(&url)
            .header("authorization", "Basic x")
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    assert_eq!(
        http.get(&url)
            .bearer_auth("right")
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    let error = client(simulator.url()).fetch("x").await.unwrap_err();
    assert!(error.is_auth());
}

#[tokio::test]
async fn id_is_found_only_on_the_route_of_its_create() {
    let simulator = simulator().await;
    let client = client(simulator.url());
    let request = json!({ "model": "klingai/v2-master-text-to-video", "prompt": "x" });
    let handle = client
        .create(GenerationRequest::from_json(Route::Universal, request).unwrap())
        .await
        .unwrap();
    assert!(client.fetch(handle.id()).await.is_ok());
    let error = client
        .fetch(handle.with_route(Route::LegacyKling))
        .await
        .unwrap_err();
    assert_eq!(error.service().map(|service| service.status), Some(404));
}

#[tokio::test]
async fn unknown_id_ends_a_wait_at_the_first_poll() {
    let simulator = simulator().await;
    let error = client(simulator.url())
        .wait("unknown-id")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PollingLost);
    assert_eq!(error.polls(), Some(1));
}

#[tokio::test]
async fn strict_simulator_refuses_numeric_strings() {
    let simulator = Simulator::builder().strict(true).start().await.unwrap();
    let caller = Caller::of(&simulator);
    let (status, error) = caller.create(&text(json!({ "duration": "5" }))).await;
    assert_eq!(status, 400);
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("duration: expected") && message.contains("received \"5\""),
        "{message}"
    );
    assert_eq!(caller.create(&text(json!({ "duration": 5 }))).await.0, 200);
}

#[tokio::test]
async fn unknown_method_and_path_get_an_error_in_the_services_shape() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    for (method, path, status) in [
        ("PUT", "/v2/video/generations", 405),
        ("GET", "/v2/videos", 404),
    ] {
        let (received, error) = caller.send(method, path, None).await;
        assert_eq!(
            (received, &error["statusCode"], &error["path"]),
            (status, &json!(status), &json!(path))
        );
    }
}

#[tokio::test]
async fn body_of_ten_megabytes_is_accepted_and_recorded_shortened() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    let image = format!("data:image/png;base64,{}", "A".repeat(10_000_000));
    let body =
        json!({ "model": "klingai/v2-master-image-to-video", "image_url": image, "prompt": "x" });
    assert!((200..300).contains(&caller.create(&body).await.0));
    let recorded = &simulator.requests()[0];
    assert!(recorded.body_bytes > 10_000_000);
    let body = recorded.body.as_ref().unwrap();
    assert_eq!(body["prompt"], "x");
    assert!(body["image_url"].as_str().unwrap().len() < 300);
}

#[tokio::test]
async fn client_request_id_that_the_service_drops_is_not_returned() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    let known = caller.create_one().await;
    let (longest, longer) = ("x".repeat(128), "x".repeat(129));
    for (given, is_returned) in [
        ("a.B_c:9-", true),
        ("a b", false),
        ("a/b", false),
        ("", false),
        (&*longest, true),
        (&*longer, false),
    ] {
        let send = |id: &str| {
            let url = format!("{}{}", simulator.url(), Route::Universal.path());
            let url = reqwest::Url::parse_with_params(&url, [("generation_id", id)]).unwrap();
            let request = caller.http.get(url).bearer_auth(&caller.key);
            request.header("x-client-request-id", given).send()
        };
        let response = send(&known).await.unwrap();
        assert_eq!(response.status(), 200);
        let returned = response.headers().get("x-client-request-id");
        let expected = is_returned.then_some(given.as_bytes());
        assert_eq!(returned.map(|id| id.as_bytes()), expected, "{given:?}");
        let error: Value = send("unknown").await.unwrap().json().await.unwrap();
        assert_eq!(error["requestId"] == given, is_returned, "{error}");
    }
}
