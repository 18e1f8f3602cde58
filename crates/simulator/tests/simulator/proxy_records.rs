//! Tests of what a proxy records: without keys, signatures, media and the fields of a connection.

use std::time::Duration;

use aimlapi_video::Route;
use aimlapi_video_simulator::Recording;
use serde_json::{Value, json};

use crate::{
    proxy::{PATH, caller, json_response, post},
    replay::{Recorder, exchange, recording_proxy, replay},
    support::{KEY, Server},
    text,
};

#[tokio::test]
async fn recording_has_no_key_no_signature_and_no_media_and_still_matches() {
    let recorder = Recorder::start(r#"{ "next": [] }"#).await;
    let media = format!("data:image/png;base64,{}", "QUJD".repeat(100));
    let body = json!({ "model": "klingai/v2-master-image-to-video", "prompt": format!("of {KEY}"),
        "image_url": media });
    let (status, created) = recorder.caller.create(&body).await;
    assert_eq!(status, 200, "{created}");
    let id = created["id"].as_str().unwrap();
    recorder.simulator.advance(Duration::from_secs(10_000));
    let (_, completed) = recorder.caller.poll(id).await;
    let signed = completed["video"]["url"].as_str().unwrap();
    let recorded = recorder.text();
    for secret in [
        KEY,
        "QUJDQUJD",
        signed.split_once('?').unwrap().1,
        "authorization",
    ] {
        assert!(!recorded.contains(secret), "{secret} is in {recorded}");
    }
    let prompt = recorder.recording().exchanges()[0]
        .request
        .content
        .body
        .as_ref()
        .unwrap()["prompt"]
        .clone();
    assert_eq!(prompt, "of …");
    let (_simulator, caller) = replay(&recorder.recording()).await;
    assert_eq!(caller.create(&body).await.1["id"], id);
}

#[tokio::test]
async fn response_of_null_is_recorded_and_replayed() {
    let upstream = Server::always(json_response(&json!(null))).await;
    let (proxy, lines) = recording_proxy(&upstream.url()).await;
    let request = text(json!({}));
    let response = post(&proxy, &request.to_string()).await.unwrap();
    assert_eq!(response.text().await.unwrap(), "null");
    let recording: Recording = lines.lock().unwrap().join("\n").parse().unwrap();
    let (_simulator, caller) = replay(&recording).await;
    let replayed = caller.response("POST", PATH, Some(&request)).await.unwrap();
    assert_eq!(replayed.text().await.unwrap(), "null");
}

#[tokio::test]
async fn chunked_response_is_recorded_without_the_fields_of_its_connection_and_replayed() {
    let created = r#"{"id":"1"}"#;
    let upstream = Server::start(move |_, _| {
        format!("HTTP/1.1 201 Created\r\ncontent-type: application/json\r\nconnection: x-hop, close\r\nx-hop: 1\r\n\
            keep-alive: timeout=5\r\nx-own: 1\r\ntransfer-encoding: chunked\r\n\r\na\r\n{created}\r\n0\r\n\r\n")
        .into()
    })
    .await;
    let (proxy, lines) = recording_proxy(&upstream.url()).await;
    let request = text(json!({}));
    let response = post(&proxy, &request.to_string()).await.unwrap();
    response.bytes().await.unwrap();
    let recording: Recording = lines.lock().unwrap().join("\n").parse().unwrap();
    let headers = &recording.exchanges()[0].response.content.headers;
    let names: Vec<&str> = headers.keys().map(String::as_str).collect();
    assert_eq!(names, ["content-type", "x-own"]);
    let (_simulator, caller) = replay(&recording).await;
    assert_eq!(caller.create(&request).await, (201, json!({ "id": "1" })));
}

#[tokio::test]
async fn signed_url_within_a_text_or_a_header_is_recorded_and_reported_without_its_query() {
    let upstream = Server::start(|_, _| {
        let body = "<Error>https://a.test/v.mp4?Signature=SECRET</Error>";
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\nlocation: HTTPS://a.test/w.mp4?Signature=SECRET\r\ncontent-length: {length}\r\n\r\n{body}")
            .into()
    })
    .await;
    let (proxy, lines) = recording_proxy(&upstream.url()).await;
    let body = text(
        json!({ "prompt": "like http://a.test/x?Signature=SECRET", "aspect_ratio": "see https://a.test/y?Signature=SECRET" }),
    );
    let response = post(&proxy, &body.to_string()).await.unwrap();
    response.bytes().await.unwrap();
    let recorded = lines.lock().unwrap().join("\n");
    let reported = serde_json::to_string(&proxy.deviations()).unwrap();
    for url in ["https://a.test/v.mp4", "https://a.test/y"] {
        assert!(reported.contains(url), "{reported}");
    }
    for url in [
        "https://a.test/v.mp4",
        "HTTPS://a.test/w.mp4",
        "http://a.test/x",
    ] {
        assert!(recorded.contains(url), "{recorded}");
    }
    assert!(
        !format!("{recorded}{reported}").contains("SECRET"),
        "{recorded} {reported}"
    );
}

#[tokio::test]
async fn key_in_any_secret_header_is_neither_recorded_nor_reported() {
    let upstream = Server::start(|_, _| json_response(&json!({ "id": "1" }))).await;
    let (proxy, lines) = recording_proxy(&upstream.url()).await;
    let http = caller(&proxy).http;
    let mut request = http.post(format!("{}{PATH}", proxy.url()));
    let names = [
        "x-api-key",
        "x-auth-token",
        "x-amz-security-token",
        "cf-access-client-secret",
        "x-unknown",
    ];
    for name in names {
        request = request.header(name, format!("SECRET-{name}"));
    }
    let body =
        text(json!({ "prompt": "of SECRET-x-api-key", "aspect_ratio": "SECRET-x-auth-token" }));
    let request = request.header("accept", "application/json").json(&body);
    request.send().await.unwrap().bytes().await.unwrap();
    let recorded = lines.lock().unwrap().join("\n");
    let reported = serde_json::to_string(&proxy.deviations()).unwrap();
    assert!(reported.contains(r#""given":"…""#), "{reported}");
    assert!(
        !format!("{recorded}{reported}").contains("SECRET"),
        "{recorded} {reported}"
    );
    let recording: Recording = recorded.parse().unwrap();
    let headers = &recording.exchanges()[0].request.content.headers;
    let names: Vec<&str> = headers.keys().map(String::as_str).collect();
    assert_eq!(names, ["accept", "content-length", "content-type"]);
}

#[tokio::test]
async fn replayed_generation_of_the_older_url_is_listed_with_its_cost() {
    let call = |more: Value| {
        let mut call = json!({ "path": Route::LegacyKling.path() });
        let more = more.as_object().unwrap().clone();
        call.as_object_mut().unwrap().extend(more);
        call
    };
    let body = text(json!({}));
    let usage = json!({ "usage": { "tokens_used": 500_000 } });
    let recording = [
        exchange(
            1,
            call(json!({ "method": "POST", "body": body })),
            201,
            json!({ "id": "a", "status": "queued" }),
        ),
        exchange(
            9,
            call(json!({ "method": "GET", "generation_id": "a" })),
            200,
            json!({ "id": "a", "status": "completed", "meta": usage }),
        ),
    ];
    let recording: Recording = recording.join("\n").parse().unwrap();
    let (simulator, caller) = replay(&recording).await;
    let path = Route::LegacyKling.path();
    assert_eq!(caller.send("POST", path, Some(&body)).await.0, 201);
    assert_eq!(simulator.tasks()[0].credits, 500_000.0);
}
