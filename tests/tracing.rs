//! Tests of the spans and events of waits and requests (feature `tracing`), and of the data that they must not contain.
#![cfg(feature = "tracing")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use aimlapi_video::types::KlingaiV2MasterTextToVideo;
use serde_json::json;
use support::{KEY, Server, client, http};
use tracing_subscriber::fmt::{MakeWriter, format::FmtSpan};

/// A writer that keeps the output.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

const PROMPT: &str = "a confidential prompt";
const VIDEO: &str = "https://cdn.example.com/v.mp4?signature=secret-4712";

/// The output of a wait during which the service returns these states. An empty state is a response 502 of a gateway.
async fn written(states: &'static [&'static str]) -> String {
    let kept = Kept::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(kept.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let server = Server::start(move |number, request| match &*request.method {
        "POST" => support::json(201, json!({ "id": "g1", "status": "queued" })),
        _ => match states[number - 1] {
            "" => http(502, &[], format!("the gateway repeats {KEY}")),
            status => support::json(
                200,
                json!({ "id": "g1", "status": status, "video": { "url": VIDEO } }),
            ),
        },
    })
    .await;
    let request = KlingaiV2MasterTextToVideo::builder()
        .prompt(PROMPT)
        .build()
        .unwrap();
    let client = client(server.url());
    let handle = client.create(request).await.unwrap();
    let mut updates = client.wait(handle).updates();
    for _ in 0..=states.len() {
        updates.next().await;
    }
    drop(updates);
    drop(guard);
    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    for secret in [KEY, "Bearer", "secret-4712", PROMPT] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    text
}

/// The number of lines within the span of the wait that contain `what`.
fn lines(text: &str, what: &str) -> usize {
    text.lines()
        .filter(|line| {
            line.contains("aimlapi.wait{id=\"g1\" model=\"klingai/v2-master-text-to-video\"")
        })
        .filter(|line| line.contains(what))
        .count()
}

#[tokio::test]
async fn wait_is_one_span_with_an_event_for_each_change_and_no_secret() {
    let text = written(&["", "generating", "completed"]).await;
    for event in [
        "INFO aimlapi.wait",
        "}: aimlapi_video: state received state=queued",
        "}: aimlapi_video: poll failed, the wait continues status=502",
        "}: aimlapi_video: state received state=generating",
        "}: aimlapi_video: completed polls=3",
        "polls=3 state=\"completed\" outcome=\"completed\"}: aimlapi_video: close",
    ] {
        let expected = if event.starts_with("INFO") { 4 } else { 1 };
        assert_eq!(lines(&text, event), expected, "{event}: {text}");
    }
}

#[tokio::test]
async fn span_of_a_failed_wait_has_the_kind_of_its_error() {
    let text = written(&["generating", "error"]).await;
    assert_eq!(
        lines(&text, "ended without a video kind=GenerationFailed polls=2"),
        1,
        "{text}"
    );
    assert_eq!(
        lines(
            &text,
            "polls=2 state=\"failed\" outcome=\"GenerationFailed\"}: aimlapi_video: close"
        ),
        1,
        "{text}"
    );
}

#[tokio::test]
async fn span_of_a_dropped_wait_has_the_outcome_dropped() {
    let text = written(&["generating"]).await;
    assert_eq!(
        lines(
            &text,
            "polls=1 state=\"generating\" outcome=\"dropped\"}: aimlapi_video: close"
        ),
        1,
        "{text}"
    );
}

#[tokio::test]
async fn each_request_has_an_event_with_its_outcome_and_no_query() {
    let text = written(&["", "completed"]).await;
    let of = |what: &str| {
        let requests = text
            .lines()
            .filter(|line| line.contains("DEBUG") && line.contains("aimlapi_video::http: "));
        requests.filter(|line| line.contains(what)).count()
    };
    assert_eq!(
        of("response received method=\"POST\" url=\"http://127.0.0.1:"),
        1,
        "{text}"
    );
    assert_eq!(
        of("/v2/video/generations\" status=201 seconds=0."),
        1,
        "{text}"
    );
    assert_eq!(
        of("/v2/video/generations?…\" status=502 seconds=0."),
        1,
        "{text}"
    );
    assert_eq!(
        of("/v2/video/generations?…\" status=200 seconds=0."),
        1,
        "{text}"
    );
    assert_eq!(of("generation_id"), 0, "{text}");
    // The events of requests within a wait are in the span of the wait.
    assert_eq!(
        lines(&text, "aimlapi_video::http: response received"),
        2,
        "{text}"
    );
}
