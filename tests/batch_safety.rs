//! Batches with a slow consumer, stopped and dropped batches, and journals that are shared or misused.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{collections::BTreeMap, fs, time::Duration};

use aimlapi_video::{
    BatchEvent, Client, CreateRetries, Error, ErrorKind, GenerateAll, Generation,
    GenerationRequest, Journal, JournalState, WaitOptions,
    schedule::{Fixed, PollState, Schedule},
    types::KlingaiV2MasterTextToVideo,
};
use serde_json::{Value, json};
use support::{Bytes, Request, Server, builder, http};

fn quick() -> WaitOptions {
    WaitOptions::default().schedule(Fixed::every(Duration::from_millis(1)))
}

/// A client whose creates wait one second after a 429.
fn client(server: &Server) -> Client {
    builder(server.url())
        .poll_budget(None)
        .wait_options(quick())
        .create_retries(CreateRetries::patient())
        .build()
        .unwrap()
}

fn requests(prompts: &[&str]) -> Vec<KlingaiV2MasterTextToVideo> {
    let request = |prompt: &&str| {
        KlingaiV2MasterTextToVideo::builder()
            .prompt(*prompt)
            .build()
    };
    prompts
        .iter()
        .map(|prompt| request(prompt).unwrap())
        .collect()
}

/// A service whose generations have the prompt as id, and are completed at once.
fn service(_: usize, request: &Request) -> Bytes {
    if request.method == "POST" {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        return support::json(201, json!({ "id": body["prompt"], "status": "queued" }));
    }
    let id = request.target.split('=').next_back().unwrap();
    let video = json!({ "url": "https://cdn.example.com/v.mp4" });
    support::json(
        200,
        json!({ "id": id, "status": "completed", "video": video }),
    )
}

/// As `service`, but the first request gets a 429.
fn busy_at_first(number: usize, request: &Request) -> Bytes {
    match number {
        0 => http(429, &[("retry-after", "60")], "slow down"),
        _ => service(number, request),
    }
}

fn posts(server: &Server) -> usize {
    let requests = server.requests();
    requests.iter().filter(|r| r.method == "POST").count()
}

async fn outcomes(mut batch: GenerateAll) -> BTreeMap<usize, Result<Generation, Error>> {
    let mut outcomes = BTreeMap::new();
    while let Some((index, event)) = batch.next().await {
        if let BatchEvent::Ended(outcome) = event {
            outcomes.insert(index, outcome);
        }
    }
    outcomes
}

/// Polls the batch until the service has received its first create.
async fn until_sent(batch: &mut GenerateAll, server: &Server) {
    while posts(server) == 0 {
        let _ = tokio::time::timeout(Duration::from_millis(5), batch.next()).await;
    }
    // The response is read and recorded.
    let _ = tokio::time::timeout(Duration::from_millis(200), batch.next()).await;
}

#[tokio::test]
async fn slow_consumer_receives_every_handle() {
    let server = Server::start(service).await;
    let client = builder(server.url())
        .poll_budget(None)
        .wait_options(quick())
        .create_timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let mut batch = client
        .generate_all(requests(&["g0", "g1", "g2", "g3"]))
        .max_creates(4);
    let mut failed = Vec::new();
    while let Some((_, event)) = batch.next().await {
        if let BatchEvent::Ended(Err(error)) = event {
            failed.push(error.to_string());
        }
        // The consumer's work takes longer than the timeout of a create.
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    assert_eq!((posts(&server), failed), (4, Vec::new()));
}

#[tokio::test]
async fn slow_consumer_does_not_delay_polls() {
    let server = Server::start(service).await;
    let timeout = Duration::from_millis(200);
    let client = builder(server.url())
        .poll_budget(None)
        .fetch_timeout(timeout)
        .wait_options(quick().tolerance(timeout))
        .build()
        .unwrap();
    let mut waits = client.wait_all(["g0", "g1", "g2", "g3", "g4"]);
    while let Some((handle, outcome)) = waits.next().await {
        assert!(outcome.is_ok(), "{}: {outcome:?}", handle.id());
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

#[tokio::test]
async fn stopped_batch_retries_no_create() {
    let server = Server::start(busy_at_first).await;
    let mut batch = client(&server)
        .generate_all(requests(&["g0", "g1"]))
        .max_creates(1);
    until_sent(&mut batch, &server).await;
    batch.stop();
    let outcomes = tokio::time::timeout(Duration::from_secs(5), outcomes(batch));
    let outcomes = outcomes.await.expect("the batch ends");
    let kinds: Vec<_> = outcomes
        .values()
        .map(|outcome| outcome.as_ref().unwrap_err().kind())
        .collect();
    assert_eq!((posts(&server), kinds), (1, vec![ErrorKind::Refused]));
}

#[tokio::test]
async fn refused_create_is_recorded_as_not_created_before_its_retry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let server = Server::start(busy_at_first).await;
    let journal = Journal::open(&path).unwrap();
    let mut batch = client(&server)
        .generate_all(requests(&["g0"]))
        .journal(journal.clone());
    until_sent(&mut batch, &server).await;
    let entry = journal.entries()[&1].clone();
    assert_eq!(entry.state, JournalState::NotCreated);
    let sent = server.requests()[0]
        .header("x-client-request-id")
        .map(str::to_owned);
    assert_eq!((entry.request_id.is_some(), entry.request_id), (true, sent));
    assert_eq!(entry.origin, Some(server.url()));
    assert!(entry.sent_at.is_some());
}

#[tokio::test]
async fn dropped_batch_records_the_create_in_progress() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let server = Server::start(service).await;
    let journal = Journal::open(&path).unwrap();
    let mut batch = client(&server)
        .generate_all(requests(&["g0"]))
        .journal(journal.clone());
    while posts(&server) == 0 {
        assert!(futures_util::poll!(Box::pin(batch.next())).is_pending());
        tokio::task::yield_now().await;
    }
    drop(batch);
    while journal.entries()[&1].handle().is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(journal.entries()[&1].handle().unwrap().id(), "g0");
}

#[tokio::test]
async fn two_batches_with_one_journal_create_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(service).await;
    let journal = Journal::open(folder.path().join("journal.jsonl")).unwrap();
    let client = client(&server);
    let batch = || {
        client
            .generate_all(requests(&["g0"]))
            .journal(journal.clone())
    };
    let (one, other) = futures_util::future::join(outcomes(batch()), outcomes(batch())).await;
    assert_eq!(posts(&server), 1);
    assert!(one[&0].is_ok() || other[&0].is_ok());
}

#[tokio::test]
async fn journal_keeps_every_generation_and_refuses_unknown_requests() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(service).await;
    let journal = Journal::open(folder.path().join("journal.jsonl")).unwrap();
    let client = client(&server);
    outcomes(
        client
            .generate_all(requests(&["g0"]))
            .journal(journal.clone()),
    )
    .await;
    for error in [
        journal.repeat(0).unwrap_err(),
        journal.repeat(7).unwrap_err(),
        journal.attach(0, "g9".into()).await.unwrap_err(),
        journal.attach(7, "g9".into()).await.unwrap_err(),
        journal.saved(7, Vec::new()).await.unwrap_err(),
        journal.failed(7).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Configuration);
    }
    let mut batch = client
        .generate_all(requests(&["g0"]))
        .journal(journal.clone());
    let (_, first) = batch.next().await.unwrap();
    assert!(matches!(first, BatchEvent::Resumed(handle) if handle.id() == "g0"));
    outcomes(batch).await;
    assert_eq!(posts(&server), 1);
    assert_eq!(journal.elsewhere(&client), [0; 0]);
    let other = Server::start(service).await;
    assert_eq!(journal.elsewhere(&self::client(&other)), [1]);
}

#[test]
fn line_without_its_line_break_is_kept_and_line_0_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let intent = |line: usize| {
        format!(
            "{{\"event\":\"journal\",\"version\":1}}\n{{\"event\":\"intent\",\"line\":{line},\"sha256\":\"0\",\"model\":\"m\"}}\n"
        )
    };
    let created = "{\"event\":\"created\",\"line\":1,\"handle\":{\"id\":\"g0\"}}";
    fs::write(&path, intent(1) + created).unwrap();
    for _ in 0..2 {
        let journal = Journal::open(&path).unwrap();
        assert_eq!(journal.entries()[&1].handle().unwrap().id(), "g0");
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        intent(1) + created + "\n"
    );
    fs::write(&path, intent(0)).unwrap();
    let error = Journal::open(&path).unwrap_err().to_string();
    assert!(error.contains("lines are counted from 1"), "{error}");
}

#[test]
fn open_create_after_a_saved_video_that_an_earlier_version_retried_is_not_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    // Earlier versions let a saved request fail, so that it could be created again.
    let intent = r#"{"event":"intent","line":1,"sha256":"0","model":"m"}"#;
    let retried = [
        r#"{"event":"journal","version":1}"#,
        intent,
        r#"{"event":"created","line":1,"handle":{"id":"g0"}}"#,
        r#"{"event":"saved","line":1,"files":["0.mp4"]}"#,
        r#"{"event":"failed","line":1}"#,
        r#"{"event":"retry","line":1}"#,
    ];
    let created = r#"{"event":"created","line":1,"handle":{"id":"g1"}}"#;
    let state = |lines: &[&str]| {
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        Journal::open(&path).unwrap().entries()[&1].clone()
    };
    let saved = state(&retried[..5]);
    assert!(matches!(saved.state, JournalState::Saved { .. }));
    assert_eq!(state(&retried).state, JournalState::NotCreated);
    let sent = [&retried[..], &[intent]].concat();
    assert_eq!(state(&sent).state, JournalState::Unclear);
    let again = state(&[&sent[..], &[created]].concat());
    assert_eq!(again.handle().unwrap().id(), "g1");
}

#[test]
fn file_that_is_not_a_journal_is_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other");
    for text in [
        "\n",
        "{\"id\":\"a1b2\",\"route\":\"universal\"}",
        "{\"model\":\"a\"}\n{\"model\":\"b\"}",
        "{\"event\":\"failed\",\"line\":1}\n",
    ] {
        fs::write(&path, text).unwrap();
        assert_eq!(Journal::open(&path).unwrap_err().kind(), ErrorKind::Io);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[tokio::test]
async fn only_a_refused_request_may_be_changed() {
    let server = Server::start(|number, request| match number {
        0 => http(400, &[], "no"),
        _ => service(number, request),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let client = client(&server);
    let run = async |prompts: &[&str]| {
        let journal = Journal::open(&path).unwrap();
        let requests = requests(prompts);
        let universal = requests.iter().cloned().map(GenerationRequest::from);
        let bodies: Vec<_> = universal.map(|request| request.body().clone()).collect();
        let differing = journal.differing(&bodies);
        let batch = client.generate_all(requests).max_creates(1);
        (differing, outcomes(batch.journal(journal)).await)
    };
    let (_, first) = run(&["g0", "g1"]).await;
    assert_eq!(first[&0].as_ref().unwrap_err().kind(), ErrorKind::Refused);
    let (differing, second) = run(&["g2", "g3"]).await;
    assert_eq!(differing, [2]);
    assert!(second[&0].is_ok());
    let refused = second[&1].as_ref().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Configuration);
    assert_eq!(posts(&server), 3);
}

/// Panics at the first poll of one generation.
#[derive(Clone, Debug)]
struct Panics;

impl Schedule for Panics {
    fn next(&self, state: &PollState<'_>) -> Duration {
        assert_ne!(state.id, "g1", "this schedule panics for g1");
        Duration::from_millis(1)
    }
}

#[tokio::test]
async fn panicking_schedule_ends_only_its_own_wait_with_the_handle() {
    let server = Server::start(service).await;
    let client = client(&server);
    let options = WaitOptions::default().schedule(Panics);
    let batch = client.generate_all(requests(&["g0", "g1", "g2"]));
    let ended = outcomes(batch.options(options)).await;
    let error = ended[&1].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PollingLost);
    assert_eq!(error.handle().unwrap().id(), "g1");
    assert!(ended[&0].is_ok() && ended[&2].is_ok());
}

/// Streams that move to another runtime than the one that started them.
#[test]
fn batch_whose_runtime_has_ended_reports_ambiguous_creates() {
    let runtime = || {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.worker_threads(1).enable_all().build().unwrap()
    };
    // The listener accepts connections and never responds.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = builder(url).wait_options(quick()).build().unwrap();
    let mut batch = client.generate_all(requests(&["g0"]));
    let mut waits = client.wait_all(["g1"]);
    let first = runtime();
    first.block_on(async {
        let begins = Duration::from_millis(50);
        assert!(tokio::time::timeout(begins, batch.next()).await.is_err());
        assert!(tokio::time::timeout(begins, waits.next()).await.is_err());
    });
    first.shutdown_background();
    runtime().block_on(async {
        let (handle, unseen) = waits.next().await.unwrap();
        assert_eq!(handle.id(), "g1");
        let unseen = unseen.unwrap_err();
        assert_eq!(unseen.kind(), ErrorKind::PollingLost);
        assert_eq!(unseen.handle().unwrap().id(), "g1");
        let ended = outcomes(batch).await;
        let error = ended[&0].as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AmbiguousCreate);
    });
}
