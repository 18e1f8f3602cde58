//! Tests of the replay of recordings: what a simulator serves of what a proxy has recorded.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use aimlapi_video_simulator::{Proxy, RecordedExchange, Recording, Simulator};
use serde_json::{Value, json};

use crate::{Caller, proxy::PATH, support::KEY, text};

/// A simulator with a manual clock behind a proxy, and the lines that the proxy has recorded.
pub(crate) struct Recorder {
    pub(crate) simulator: Simulator,
    _proxy: Proxy,
    pub(crate) caller: Caller,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    pub(crate) async fn start(scenario: &str) -> Self {
        let builder = Simulator::builder().manual_clock();
        let builder = builder.scenario(scenario.parse().unwrap());
        let simulator = builder.start().await.unwrap();
        let (proxy, lines) = recording_proxy(&simulator.url()).await;
        let caller = Caller {
            url: proxy.url(),
            ..Caller::of(&simulator)
        };
        Self {
            simulator,
            _proxy: proxy,
            caller,
            lines,
        }
    }

    pub(crate) fn text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    pub(crate) fn recording(&self) -> Recording {
        self.text().parse().unwrap()
    }
}

/// A proxy, and the lines that it records.
pub(crate) async fn recording_proxy(upstream: &str) -> (Proxy, Arc<Mutex<Vec<String>>>) {
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let recorded = Arc::clone(&lines);
    let proxy = Proxy::builder(upstream).on_exchange(move |exchange| {
        let line = serde_json::to_string(&exchange).unwrap();
        recorded.lock().unwrap().push(line);
    });
    (proxy.start().await.unwrap(), lines)
}

/// The line of an exchange at a time in seconds.
pub(crate) fn exchange(seconds: u64, request: Value, status: u16, body: Value) -> String {
    let at = humantime::format_rfc3339(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    json!({ "number": seconds, "at": at.to_string(), "seconds": 0.1, "request": request,
        "response": { "status": status, "headers": { "content-type": "application/json" }, "body": body } })
    .to_string()
}

fn create_of(body: Value) -> Value {
    json!({ "method": "POST", "path": PATH, "body": text(body) })
}

fn fetch_of(id: &str) -> Value {
    json!({ "method": "GET", "path": PATH, "generation_id": id })
}

pub(crate) async fn replay(recording: &Recording) -> (Simulator, Caller) {
    let builder = Simulator::builder().manual_clock();
    let simulator = builder.replay(recording.clone()).replay_only(true);
    let simulator = simulator.start().await.unwrap();
    let caller = Caller::of(&simulator);
    (simulator, caller)
}

/// The response body with the file names in place of URLs.
fn named(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("http") => {
            let path = text.split('?').next().unwrap();
            path.rsplit('/').next().unwrap().into()
        }
        Value::Array(items) => items.iter().map(named).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), named(value)))
            .collect(),
        other => other.clone(),
    }
}

/// Sends the recorded requests again at the recorded times, and compares the responses.
async fn assert_replays(recording: &Recording) -> (Simulator, Caller) {
    let (simulator, caller) = replay(recording).await;
    let mut last: Option<SystemTime> = None;
    for exchange in recording.exchanges() {
        let since = last.map(|last| exchange.at.duration_since(last).unwrap());
        simulator.advance(since.unwrap_or_default());
        last = Some(exchange.at);
        let request = &exchange.request;
        let (status, body) = match &request.generation_id {
            Some(id) => caller.poll(id).await,
            None => {
                caller
                    .send("POST", &request.path, request.content.body.as_ref())
                    .await
            }
        };
        let recorded = &exchange.response;
        assert_eq!(status, recorded.status, "{exchange:?}");
        let recorded = recorded.content.body.clone().unwrap_or_default();
        assert_eq!(named(&body), named(&recorded), "{exchange:?}");
    }
    (simulator, caller)
}

#[tokio::test]
async fn recording_of_the_simulator_replays_to_the_same_responses() {
    let scenario = r#"{ "next": [
        { "seconds": 60, "polls": [{ "status": 503 }, { "status": 502, "html": "<h1>Bad Gateway</h1>" }] },
        { "seconds": 30, "end": { "fail": { "name": "moderation", "message": "refused" } } },
        { "create": { "status": 429 } },
        { "shape": "generation-id", "seconds": 60 }
    ] }"#;
    let recorder = Recorder::start(scenario).await;
    let caller = &recorder.caller;
    let same = text(json!({ "duration": 10 }));
    let mut ids = Vec::new();
    for body in [&same, &same, &same, &text(json!({ "prompt": "Snow" }))] {
        let (_, created) = caller.create(body).await;
        let id = created.get("id").or(created.get("generation_id"));
        ids.extend(id.map(|id| id.as_str().unwrap().to_owned()));
    }
    assert_eq!(ids.len(), 3);
    for _ in 0..5 {
        for id in &ids {
            caller.poll(id).await;
        }
        recorder.simulator.advance(Duration::from_secs(20));
    }
    let recording = recorder.recording();
    assert_eq!(recording.exchanges().len(), 19);
    let (simulator, caller) = assert_replays(&recording).await;

    // The clip is the one that the simulator has for the request.
    let (_, completed) = caller.poll(&ids[0]).await;
    let url = completed["video"]["url"].as_str().unwrap();
    assert!(
        url.starts_with(&simulator.url()) && url.ends_with("/1.mp4"),
        "{url}"
    );
    let clip = caller.response("GET", url, None).await.unwrap();
    assert_eq!(clip.headers()["content-type"], "video/mp4");
    let (_, completed) = recorder.caller.poll(&ids[0]).await;
    let url = completed["video"]["url"].as_str().unwrap();
    let simulated = recorder.caller.response("GET", url, None).await.unwrap();
    assert_eq!(
        clip.bytes().await.unwrap(),
        simulated.bytes().await.unwrap()
    );

    // All courses are replayed, until a reset starts them anew.
    let (status, refused) = caller.create(&same).await;
    assert_eq!(status, 404);
    let message = refused["message"].as_str().unwrap();
    assert!(
        message.contains("all recorded courses of this request"),
        "{message}"
    );
    simulator.reset();
    assert_eq!(caller.create(&same).await.1["id"], ids[0].as_str());
}

#[tokio::test]
async fn course_follows_the_clock_and_errors_are_replayed_once() {
    let state = |status: &str| json!({ "id": 7, "status": status });
    let lines = [
        exchange(100, create_of(json!({})), 201, state("queued")),
        exchange(110, fetch_of("7"), 200, state("generating")),
        exchange(120, fetch_of("7"), 503, json!("busy")),
        exchange(130, fetch_of("7"), 200, state("completed")),
    ];
    let recording: Recording = lines.join("\n\n").parse().unwrap();
    let (simulator, caller) = replay(&recording).await;
    assert_eq!(caller.poll("7").await.0, 404);
    assert_eq!(
        caller.create(&text(json!({}))).await,
        (201, state("queued"))
    );
    for (advance, status, expected) in [
        // A create's 201 is no status of a fetch.
        (9, 200, "queued"),
        (1, 200, "generating"),
        (9, 200, "generating"),
        (100, 503, "busy"),
        (0, 200, "completed"),
        (0, 200, "completed"),
    ] {
        simulator.advance(Duration::from_secs(advance));
        let (got, body) = caller.poll("7").await;
        assert_eq!(got, status);
        assert!(body.to_string().contains(expected), "{body}");
    }
}

#[tokio::test]
async fn request_that_is_not_recorded_is_simulated_unless_only_the_recording_is_replayed() {
    let recorder = Recorder::start(r#"{ "next": [] }"#).await;
    recorder.caller.create(&text(json!({}))).await;
    let other = text(json!({ "duration": 10 }));
    let (_simulator, caller) = replay(&recorder.recording()).await;
    let (status, refused) = caller.create(&other).await;
    assert_eq!(status, 404);
    let message = refused["message"].as_str().unwrap();
    assert!(
        message.ends_with("the nearest recorded request differs in duration"),
        "{message}"
    );
    let builder = Simulator::builder().replay(recorder.recording());
    let simulator = builder.start().await.unwrap();
    let (status, _) = Caller::of(&simulator).create(&other).await;
    assert_eq!((status, simulator.tasks().len()), (200, 1));
}

#[test]
fn line_that_is_not_an_exchange_is_named() {
    let error = "\n{\"number\": 1}"
        .parse::<Recording>()
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("line 2: expected an exchange") && error.contains("missing field"),
        "{error}"
    );
    let exchanges: Vec<RecordedExchange> = Vec::new();
    assert_eq!(Recording::from_iter(exchanges), "".parse().unwrap());
}

#[tokio::test]
async fn replayed_generation_is_listed_as_others_are() {
    let recorder = Recorder::start(r#"{ "next": [{ "seconds": 60 }] }"#).await;
    let body = text(json!({ "prompt": "Rain" }));
    recorder.caller.create(&body).await;
    let id = recorder.simulator.tasks()[0].id.clone();
    recorder.caller.poll(&id).await;
    recorder.simulator.advance(Duration::from_secs(60));
    recorder.caller.poll(&id).await;
    let recording = recorder.recording();

    let (simulator, caller) = replay(&recording).await;
    let other = Caller::with_key(&simulator, "key-number-2");
    assert!(simulator.tasks().is_empty());
    for caller in [&other, &caller] {
        caller.create(&body).await;
    }
    simulator.for_key(KEY).advance(Duration::from_secs(60));
    let (_, completed) = caller.poll(&id).await;
    let url = completed["video"]["url"].as_str().unwrap();
    let file = caller.response("GET", url, None).await.unwrap();
    assert_eq!(file.status(), 200);

    let listed = json!(simulator.for_key(KEY).tasks());
    let own = &listed[0];
    assert_eq!(own["id"], id);
    assert_eq!(own["model"], body["model"]);
    assert_eq!(own["prompt"], "Rain");
    assert_eq!(own["route"], "universal");
    assert_eq!(
        (&own["status"], &own["state"]),
        (&json!("completed"), &json!("completed"))
    );
    assert_eq!(own["seconds_left"], 0.0);
    assert_eq!((&own["polls"], &own["downloads"]), (&json!(1), &json!(1)));
    assert!(own["credits"].as_f64().unwrap() > 0.0);
    assert_eq!(own["requests"], json!([2, 3, 4]));
    let requests = simulator.for_key(KEY).requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert_eq!(request.task.as_ref(), Some(&id));
        assert_eq!(json!(request.model), body["model"]);
    }

    // The page shows its times and plays its clip.
    let page = caller.response("GET", "/_simulator/page/state", None).await;
    let page: Value = page.unwrap().json().await.unwrap();
    let [of_other, shown] = page["tasks"].as_array().unwrap().as_slice() else {
        panic!("{page}");
    };
    assert!(shown["ends_seconds"].is_f64() && of_other["ends_seconds"].is_f64());
    let clip = format!("/_simulator/page/clips/{}", id.replace('/', "%2F"));
    let clip = caller.response("GET", &clip, None).await.unwrap();
    assert_eq!(&clip.bytes().await.unwrap()[4..8], b"ftyp");

    let all = json!(simulator.tasks());
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(all[1]["downloads"], 1);
    assert_eq!(all[0]["status"], "queued");
    assert_eq!(all[0]["requests"], json!([1]));
    assert_ne!(all[0]["key"], all[1]["key"]);
    assert!(all[0]["seconds_left"].as_f64().unwrap() > 0.0);
    simulator.for_key("key-number-2").reset();
    assert_eq!(json!(simulator.tasks()), listed);
}

#[tokio::test]
async fn recorded_fields_of_a_connection_are_not_replayed() {
    let line = exchange(1, create_of(json!({})), 201, json!({ "id": "1" }));
    let fields = r#""connection":"x-hop","x-hop":"1","keep-alive":"timeout=5","transfer-encoding":"chunked","content-type""#;
    let recording = line.replace("\"content-type\"", fields).parse().unwrap();
    let (_simulator, caller) = replay(&recording).await;
    let response = caller.response("POST", PATH, Some(&text(json!({})))).await;
    let response = response.unwrap();
    for name in ["x-hop", "keep-alive", "transfer-encoding"] {
        assert!(!response.headers().contains_key(name), "{name}");
    }
    let body: Value = response.json().await.unwrap();
    assert_eq!(body, json!({ "id": "1" }));
}

#[tokio::test]
async fn request_with_a_url_that_an_earlier_recording_has_in_full_is_replayed() {
    let body = json!({ "prompt": "see https://a.test/?q=1" });
    let recording = exchange(1, create_of(body.clone()), 201, json!({ "id": "1" }));
    let (_simulator, caller) = replay(&recording.parse().unwrap()).await;
    assert_eq!(caller.create(&text(body)).await.0, 201);
}

#[tokio::test]
async fn recorded_preflight_is_not_replayed_as_a_fetch() {
    let mut preflight = fetch_of("1");
    preflight["method"] = "OPTIONS".into();
    let created = json!({ "id": "1", "status": "queued" });
    let lines = [
        exchange(1, create_of(json!({})), 200, created.clone()),
        exchange(2, preflight, 204, Value::Null),
        exchange(
            9,
            fetch_of("1"),
            200,
            json!({ "id": "1", "status": "completed" }),
        ),
    ];
    let (simulator, caller) = replay(&lines.join("\n").parse().unwrap()).await;
    caller.create(&text(json!({}))).await;
    simulator.advance(Duration::from_secs(2));
    assert_eq!(caller.poll("1").await, (200, created));
}

#[tokio::test]
async fn error_before_the_first_success_of_fetches_without_a_create_is_replayed_once() {
    let generating = json!({ "id": "1", "status": "generating" });
    let lines = [
        exchange(1, fetch_of("1"), 503, json!("busy")),
        exchange(9, fetch_of("1"), 200, generating.clone()),
    ];
    let (_simulator, caller) = replay(&lines.join("\n").parse().unwrap()).await;
    assert_eq!(caller.poll("1").await, (503, json!("busy")));
    assert_eq!(caller.poll("1").await, (200, generating));
    // There is nothing but the error.
    let (_simulator, caller) = replay(&lines[0].parse().unwrap()).await;
    for _ in 0..2 {
        assert_eq!(caller.poll("1").await, (503, json!("busy")));
    }
}

#[tokio::test]
async fn urls_of_files_lead_to_clips_and_other_texts_are_replayed_unchanged() {
    let kept = json!({ "id": "1", "note": "https://a.test is down, see http://b.test/c", "docs": "https://docs.test/",
        "host": "https://docs.test" });
    let mut created = kept.clone();
    created["url"] = "HTTPS://a.test/v/1.mp4?x=/y".into();
    let line = exchange(1, create_of(json!({})), 201, created);
    let header = r#""location":"https://a.test/v/2.mp4","content-type""#;
    let recording = line.replace("\"content-type\"", header).parse().unwrap();
    let (simulator, caller) = replay(&recording).await;
    let response = caller.response("POST", PATH, Some(&text(json!({})))).await;
    let response = response.unwrap();
    let clip = |name| format!("{}/_simulator/replay/0/{name}", simulator.url());
    assert_eq!(response.headers()["location"], clip("2.mp4"));
    let mut expected = kept;
    expected["url"] = clip("1.mp4").into();
    assert_eq!(response.json::<Value>().await.unwrap(), expected);
}
