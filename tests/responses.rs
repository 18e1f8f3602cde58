//! Tests of how creates, polls and waits handle undocumented responses of gateways.
#![cfg(feature = "kling")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::time::{Duration, Instant};

use aimlapi_video::{
    Client, Error, ErrorKind, Media, State, Update, WaitOptions, schedule::Fixed,
    types::KlingaiV2MasterTextToVideo,
};
use serde_json::{Value, json};
use support::{Bytes, KEY, Server, builder, client, http};

fn request() -> KlingaiV2MasterTextToVideo {
    let request = KlingaiV2MasterTextToVideo::builder().prompt("a kite");
    request.build().unwrap()
}

fn completed() -> Bytes {
    let video = json!({ "url": "https://cdn.example.com/v.mp4" });
    support::json(
        200,
        json!({ "id": "g1", "status": "completed", "video": video }),
    )
}

/// Responses 202 without a state.
fn accepted() -> Vec<(&'static str, Bytes)> {
    let of = |body: &str| http(202, &[("content-type", "application/json")], body);
    vec![
        ("empty", http(202, &[], "")),
        (
            "empty in chunks",
            b"HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(),
        ),
        ("until the end", b"HTTP/1.1 202 Accepted\r\n\r\n".to_vec()),
        (
            "text",
            http(202, &[("content-type", "text/plain")], "Accepted"),
        ),
        (
            "page",
            http(202, &[("content-type", "text/html")], "<html></html>"),
        ),
        ("null", of("null")),
        ("list", of("[]")),
        ("text as JSON", of(r#""pending""#)),
        ("empty object", of("{}")),
        ("id", of(r#"{"id":"g1"}"#)),
        ("message", of(r#"{"message":"still working"}"#)),
        ("cut off", http(202, &[("content-length", "99")], "{\"id\"")),
        (
            "compressed",
            http(202, &[("content-encoding", "gzip")], b"\x1f\x8b\x08"),
        ),
    ]
}

/// A client whose waits poll often, and have a short tolerance.
fn impatient(url: String) -> Client {
    let wait = WaitOptions::default()
        .schedule(Fixed::every(Duration::from_millis(100)))
        .tolerance(Duration::from_millis(150))
        .deadline(Duration::from_secs(20));
    let builder = builder(url).poll_budget(None).wait_options(wait);
    builder.build().unwrap()
}

#[tokio::test]
async fn wait_continues_after_202_without_a_state_for_longer_than_its_tolerance() {
    for (name, answer) in accepted() {
        let server = Server::start(move |number, _| match number {
            0 => support::json(200, json!({ "id": "g1", "status": "generating" })),
            1..=4 => answer.clone(),
            _ => completed(),
        })
        .await;
        let mut updates = impatient(server.url()).wait("g1").updates();
        let mut states = Vec::new();
        loop {
            match updates.next().await.unwrap() {
                Ok(Update::Progress(progress)) => states.push(progress.state),
                Ok(Update::Completed(_)) => break,
                other => panic!("{name}: {other:?}"),
            }
        }
        // The state is unchanged.
        assert_eq!(states, [State::Generating], "{name}");
        assert_eq!(server.requests().len(), 6, "{name}");
    }
}

#[tokio::test]
async fn retry_after_of_a_202_is_obeyed() {
    let server = Server::start(|number, _| match number {
        0 => http(202, &[("retry-after-ms", "700")], ""),
        _ => completed(),
    })
    .await;
    let began = Instant::now();
    impatient(server.url()).wait("g1").await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(700));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn fetch_of_202_without_a_state_is_queued() {
    for (name, answer) in accepted() {
        let server = Server::always(answer).await;
        let generation = client(server.url()).fetch("g1").await.unwrap();
        assert_eq!(generation.state(), State::Queued, "{name}");
        assert_eq!(generation.handle().unwrap().id(), "g1", "{name}");
        assert!(generation.metadata().client_request_id.is_some(), "{name}");
    }
}

#[tokio::test]
async fn response_202_with_a_state_has_that_state() {
    let video = json!({ "url": "https://cdn.example.com/v.mp4" });
    for (body, state) in [
        (
            json!({ "id": "g1", "status": "processing" }),
            State::Generating,
        ),
        (
            json!({ "id": "g1", "status": "failed", "message": "no" }),
            State::Failed,
        ),
        (json!({ "id": "g1", "video": video }), State::Completed),
        (
            json!({ "data": { "task_status": "processing" } }),
            State::Generating,
        ),
    ] {
        let server = Server::always(support::json(202, body.clone())).await;
        let generation = client(server.url()).fetch("g1").await.unwrap();
        assert_eq!(generation.state(), state, "{body}");
        assert_eq!(generation.as_json(), &body);
    }
}

#[tokio::test]
async fn create_with_response_202_is_accepted_only_with_an_id() {
    for (name, answer) in accepted() {
        let server = Server::always(answer).await;
        let created = client(server.url()).create(request()).await;
        match name {
            "id" => assert_eq!(created.unwrap().id(), "g1"),
            _ => assert_eq!(
                created.unwrap_err().kind(),
                ErrorKind::AmbiguousCreate,
                "{name}"
            ),
        }
        assert_eq!(server.requests().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn handle_in_the_beginning_of_a_create_response_is_not_lost() {
    let body = |rest: &str| format!(r#"{{"id":"g1","status":"queued","prompt":"{rest}"#);
    for (name, answer) in [
        (
            "broken connection",
            http(201, &[("content-length", "999")], body("a kite")),
        ),
        ("too large", http(201, &[], body(&"a kite ".repeat(20_000)))),
        ("cut by the service", http(201, &[], body("a kite"))),
    ] {
        let server = Server::always(answer).await;
        let client = builder(server.url()).max_answer_bytes(100_000).build();
        let handle = client.unwrap().create(request()).await;
        assert_eq!(handle.expect(name).id(), "g1");
    }
    // What else has arrived may be a part of the videos.
    let cut = r#"{"id":"g1","status":"completed","url":"https://a.example/1.mp4","videos":["#;
    let server = Server::start(move |number, _| match number {
        0 => http(201, &[], cut),
        _ => support::json(200, json!({ "id": "g1", "status": "failed" })),
    })
    .await;
    let waiting = impatient(server.url());
    let handle = waiting.create(request()).await.unwrap();
    let error = waiting.wait(handle).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GenerationFailed);
    // A response that is elsewhere.
    let server = Server::always(http(303, &[("location", "/v2/done")], "")).await;
    let error = client(server.url()).create(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AmbiguousCreate);
}

#[tokio::test]
async fn success_responses_without_a_state_are_not_valid() {
    for answer in [
        http(200, &[], ""),
        b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_vec(),
        http(203, &[], "null"),
    ] {
        let server = Server::always(answer).await;
        let error = impatient(server.url()).wait("g1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PollingLost);
        assert!(error.is_resumable());
    }
}

/// Responses that JavaScript and Python read, although their text is not Unicode: a service cut a text within a character.
fn not_unicode(id_and_more: &str) -> Vec<(&'static str, Vec<u8>)> {
    let with = |prompt: &[u8]| {
        let parts: [&[u8]; 5] = [br#"{"prompt":"#, prompt, b",", id_and_more.as_bytes(), b"}"];
        parts.concat()
    };
    vec![
        ("single surrogate", with(br#""a kite \ud83d""#)),
        ("second half alone", with(br#""\ude00 a kite""#)),
        ("cut bytes", with(b"\"a kite \xF0\x9F\x98\"")),
        (
            "byte order mark",
            [b"\xEF\xBB\xBF", &with(br#""a kite""#)[..]].concat(),
        ),
    ]
}

#[tokio::test]
async fn response_whose_text_is_not_unicode_loses_no_handle_and_no_video() {
    for (name, body) in not_unicode(r#""id":"g1","status":"queued""#) {
        let server = Server::always(http(201, &[], body)).await;
        let handle = client(server.url()).create(request()).await;
        assert_eq!(handle.unwrap().id(), "g1", "{name}");
    }
    let video = r#""id":"g1","status":"completed","video":{"url":"https://cdn.example.com/v.mp4?a=\ud83d\ude00"}"#;
    for (name, body) in not_unicode(video) {
        let server = Server::always(http(200, &[], body)).await;
        let generation = impatient(server.url()).wait("g1").await.unwrap();
        let url = &generation.videos()[0].url;
        assert_eq!(url, "https://cdn.example.com/v.mp4?a=\u{1F600}", "{name}");
        let prompt = generation.as_json()["prompt"].as_str().unwrap();
        assert!(prompt.contains("a kite"), "{name}: {prompt}");
    }
}

#[tokio::test]
async fn wrapped_create_has_a_handle() {
    for body in [
        json!({ "code": 0, "message": "SUCCEED", "data": { "task_id": "g1", "task_status": "submitted" } }),
        json!({ "task_id": "g1", "status": "queued" }),
        json!({ "code": 200, "data": { "id": "g1" } }),
        json!({ "output": { "task_id": "g1", "task_status": "PENDING" }, "request_id": "r" }),
    ] {
        let server = Server::start(move |number, _| match number {
            0 => support::json(200, body.clone()),
            _ => completed(),
        })
        .await;
        let handle = client(server.url()).create(request()).await.unwrap();
        assert_eq!(handle.id(), "g1");
        client(server.url()).wait(&handle).await.unwrap();
    }
}

/// The error of a wait that gets this response to every poll.
async fn ended(body: Value) -> Error {
    let server = Server::always(support::json(200, body)).await;
    client(server.url()).wait("g1").await.unwrap_err()
}

#[tokio::test]
async fn failed_wait_states_the_reason() {
    for body in [
        json!({ "id": "g1", "status": "failed", "failure_reason": "the prompt was refused" }),
        json!({ "id": "g1", "status": "failed", "message": "the prompt was refused" }),
        json!({ "id": "g1", "status": "failed", "detail": "the prompt was refused" }),
        json!({ "code": 0, "message": "ok", "data": { "status": "failed", "reason": "the prompt was refused" } }),
    ] {
        let error = ended(body.clone()).await;
        assert_eq!(error.kind(), ErrorKind::GenerationFailed, "{body}");
        assert_eq!(
            error.to_string(),
            "the generation failed (failed): the prompt was refused"
        );
        assert!(!error.is_resumable());
        assert_eq!(error.failure().unwrap().message, "the prompt was refused");
        assert_eq!(error.last_answer().unwrap().as_json(), &body);
    }
}

#[tokio::test]
async fn failed_wait_without_a_reason_shows_the_beginning_of_the_response() {
    let inline = format!("data:image/png;base64,{}", "A".repeat(100_000));
    let error = ended(json!({
        "id": "g1",
        "status": "failed",
        "input": { "image": inline, "mask": "https://me:hush-4713@a.example/m.png?sig=sesame" },
        "stage": { "key": KEY, "number": 7 },
        "result": "https://a.example/v.mp4?sig=sesame",
    }))
    .await;
    let shown = error.to_string();
    assert!(
        shown
            .starts_with("the generation failed (failed): no reason stated; the response began: {"),
        "{shown}"
    );
    assert!(
        shown.contains(r#""mask":"https://a.example/m.png?…""#),
        "{shown}"
    );
    assert!(
        shown.contains(r#""image":"data:image/png;base64,…""#),
        "{shown}"
    );
    assert!(shown.len() < 600, "{shown}");
    let shown = format!("{error} {error:?}");
    for secret in ["sesame", "hush-4713", KEY] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(error.failure().is_none());
}

#[tokio::test]
async fn reason_is_shown_redacted_and_truncated() {
    let message = format!(
        "{KEY} cannot read https://a.example/i.png?sig=sesame {}",
        "x".repeat(50_000)
    );
    let error = ended(json!({ "id": "g1", "status": "failed", "failure_reason": message })).await;
    let shown = format!("{error}");
    assert!(
        shown.contains("[key] cannot read https://a.example/i.png?… x"),
        "{shown}"
    );
    assert!(shown.len() < 9000);
    assert!(!format!("{error:?}").contains("sesame"));
}

#[tokio::test]
async fn wait_fails_if_a_completed_generation_has_an_error_and_no_video() {
    for (body, reason) in [
        (
            json!({ "id": "g1", "status": "completed", "video": null, "error": { "name": "x", "message": "the output was blocked" } }),
            "x: the output was blocked",
        ),
        (
            json!({ "id": "g1", "status": "completed", "video": { "url": null }, "error": "the output was blocked" }),
            "the output was blocked",
        ),
        (
            json!({ "id": "g1", "status": "completed", "videos": [], "failure_reason": "the output was blocked" }),
            "the output was blocked",
        ),
        (
            json!({ "code": 0, "data": { "task_id": "g1", "task_status": "succeed", "task_result": { "videos": [] }, "error_msg": "the output was blocked" } }),
            "the output was blocked",
        ),
        (
            json!({ "id": "g1", "status": "completed", "response": { "raiMediaFilteredReasons": ["the output was blocked"] } }),
            "the output was blocked",
        ),
    ] {
        let error = ended(body.clone()).await;
        assert_eq!(error.kind(), ErrorKind::GenerationFailed, "{body}: {error}");
        let status = ["completed", "succeed"]
            .iter()
            .find(|status| body.to_string().contains(**status));
        assert_eq!(
            error.to_string(),
            format!(
                "the generation failed ({}, without a video): {reason}",
                status.unwrap()
            )
        );
        assert!(!error.is_resumable());
        assert_eq!(error.failure().unwrap().to_string(), reason);
    }
}

#[tokio::test]
async fn wait_is_resumable_if_a_completed_generation_has_neither_video_nor_error() {
    for error in [
        json!(null),
        json!({}),
        json!(""),
        json!([]),
        json!(false),
        json!({ "code": 0, "message": "" }),
        json!("none"),
    ] {
        let body = json!({ "id": "g1", "status": "completed", "video": null, "error": error, "stage": "upload" });
        let error = ended(body.clone()).await;
        assert_eq!(error.kind(), ErrorKind::MissingVideo, "{body}");
        assert!(error.is_resumable());
        assert!(error.to_string().contains(r#""stage":"upload""#), "{error}");
    }
}

#[tokio::test]
async fn video_that_follows_an_early_error_is_not_lost() {
    let early =
        json!({ "id": "g1", "status": "completed", "video": null, "error": "not uploaded yet" });
    let server = Server::start(move |number, _| match number {
        0 | 1 => support::json(200, early.clone()),
        _ => completed(),
    })
    .await;
    let generation = client(server.url()).wait("g1").await.unwrap();
    assert_eq!(generation.videos().len(), 1);
}

#[tokio::test]
async fn error_of_a_completed_generation_with_a_video_is_ignored() {
    let body = json!({
        "id": "g1",
        "status": "completed",
        "video": { "url": "https://cdn.example.com/v.mp4" },
        "error": { "name": "<name>", "message": "<message>" },
    });
    let server = Server::always(support::json(200, body)).await;
    assert!(client(server.url()).wait("g1").await.is_ok());
}

/// The largest media as a data URI.
fn inline() -> String {
    let length = Media::MAX_BYTES.div_ceil(3) * 4;
    format!("data:image/png;base64,{}", "A".repeat(length as usize))
}

#[tokio::test]
async fn responses_that_repeat_inline_media_are_read() {
    let inline = inline();
    let one = json!({ "id": "g1", "status": "queued", "input": inline }).to_string();
    let two = format!(
        r#"{{"id":"g1","first":"{inline}","last":"{inline}","status":"completed","video":"https://cdn.example.com/v.mp4"}}"#
    );
    let answers = [http(201, &[], one), http(200, &[], two)];
    let server = Server::start(move |number, _| answers[number].clone()).await;
    let client = client(server.url());
    let handle = client.create(request()).await.unwrap();
    let generation = client.fetch(handle).await.unwrap();
    assert_eq!(generation.videos().len(), 1);
}

#[tokio::test]
async fn refusal_that_repeats_inline_media_states_its_reason() {
    let body = json!({ "detail": [{ "input": inline(), "loc": ["body", "image_url"], "msg": "no face was found" }], "message": "invalid" });
    let server = Server::always(support::json(422, body)).await;
    let error = client(server.url()).create(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(error.service().unwrap().message.as_deref(), Some("invalid"));
}
