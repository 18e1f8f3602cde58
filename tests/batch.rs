//! Batches, waits for many generations, and the journal, against a real server.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use aimlapi_video::{
    BatchEvent, Client, Error, ErrorKind, GenerateAll, Generation, GenerationHandle, Journal,
    JournalState, PollBudget, WaitOptions, schedule::Fixed, types::KlingaiV2MasterTextToVideo,
};
use serde_json::{Value, json};
use support::{Bytes, KEY, Request, Server, builder, http};

const VIDEO: &str = "https://cdn.example.com/video.mp4?signature=secret-4712";

fn client(server: &Server) -> Client {
    builder(server.url())
        .poll_budget(None)
        .wait_options(quick())
        .build()
        .unwrap()
}

fn quick() -> WaitOptions {
    WaitOptions::default().schedule(Fixed::every(Duration::from_millis(1)))
}

fn request(prompt: &str) -> KlingaiV2MasterTextToVideo {
    KlingaiV2MasterTextToVideo::builder()
        .prompt(prompt)
        .build()
        .unwrap()
}

fn requests(prompts: &[&str]) -> Vec<KlingaiV2MasterTextToVideo> {
    prompts.iter().map(|prompt| request(prompt)).collect()
}

fn prompt(request: &Request) -> String {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    body["prompt"].as_str().unwrap().to_owned()
}

fn is_create(request: &Request) -> bool {
    request.method == "POST"
}

/// A service whose generations have the prompt as id. An id that begins with `fail` fails, `refuse` is refused, `lose`
/// gets a server error; all others are completed at once.
fn service(_: usize, request: &Request) -> Bytes {
    if is_create(request) {
        let prompt = prompt(request);
        return match prompt.get(..4).unwrap_or_default() {
            "refu" => support::json(400, json!({ "message": "no" })),
            "lose" => http(502, &[], "bad gateway"),
            _ => support::json(201, json!({ "id": prompt, "status": "queued" })),
        };
    }
    let id = request.target.split('=').next_back().unwrap();
    if id.starts_with("fail") {
        return support::json(200, json!({ "id": id, "status": "error" }));
    }
    support::json(
        200,
        json!({ "id": id, "status": "completed", "video": { "url": VIDEO } }),
    )
}

fn created(server: &Server) -> Vec<String> {
    let requests = server.requests();
    let mut prompts: Vec<String> = requests
        .iter()
        .filter(|r| is_create(r))
        .map(prompt)
        .collect();
    prompts.sort();
    prompts
}

/// The outcome of each request; asserts that the handle of each generation is reported before its outcome.
async fn outcomes(mut batch: GenerateAll) -> BTreeMap<usize, Result<Generation, Error>> {
    let mut handles: BTreeMap<usize, GenerationHandle> = BTreeMap::new();
    let mut outcomes = BTreeMap::new();
    while let Some((index, event)) = batch.next().await {
        match event {
            BatchEvent::Created(handle) | BatchEvent::Resumed(handle) => {
                assert!(handles.insert(index, handle).is_none())
            }
            BatchEvent::Ended(outcome) => {
                if outcome.is_ok() {
                    assert!(handles.contains_key(&index), "the handle comes first");
                }
                assert!(outcomes.insert(index, outcome).is_none());
            }
            _ => {}
        }
    }
    outcomes
}

fn kinds(outcomes: &BTreeMap<usize, Result<Generation, Error>>) -> Vec<Option<ErrorKind>> {
    let kind = |outcome: &Result<Generation, Error>| outcome.as_ref().err().map(Error::kind);
    outcomes.values().map(kind).collect()
}

#[tokio::test]
async fn failed_wait_does_not_end_the_others() {
    let server = Server::start(service).await;
    let ids = ["fail-1", "g2", "g3", "fail-4", "g5"];
    let mut waits = client(&server).wait_all(ids).max_open(2).options(quick());
    let mut ended = BTreeMap::new();
    while let Some((handle, outcome)) = waits.next().await {
        ended.insert(handle.id().to_owned(), outcome.is_ok());
    }
    let expected = ids.map(|id| (id.to_owned(), id.starts_with('g')));
    assert_eq!(ended, BTreeMap::from(expected));
}

#[tokio::test]
async fn handles_are_taken_up_to_the_limit() {
    let server = Server::start(|_, request| {
        let id = request.target.split('=').next_back().unwrap();
        support::json(200, json!({ "id": id, "status": "queued" }))
    })
    .await;
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let endless = (0..).map(move |number| {
        count.fetch_add(1, Ordering::Relaxed);
        format!("g{number}")
    });
    let mut waits = client(&server).wait_all(endless).max_open(7);
    let next = tokio::time::timeout(Duration::from_millis(50), waits.next());
    assert!(next.await.is_err());
    assert_eq!(taken.load(Ordering::Relaxed), 7);
}

#[tokio::test]
async fn request_of_a_batch_reports_its_handle_and_then_its_outcome() {
    let server = Server::start(service).await;
    let batch = requests(&["g0", "fail-1", "refuse-2", "lose-3", "g4"]);
    let outcomes = outcomes(client(&server).generate_all(batch).max_creates(2)).await;
    assert_eq!(
        kinds(&outcomes),
        [
            None,
            Some(ErrorKind::GenerationFailed),
            Some(ErrorKind::Refused),
            Some(ErrorKind::AmbiguousCreate),
            None
        ]
    );
    assert_eq!(
        created(&server),
        ["fail-1", "g0", "g4", "lose-3", "refuse-2"]
    );
}

#[tokio::test]
async fn creates_in_progress_are_limited() {
    // The server never responds, so creates stay in progress.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = builder(url).build().unwrap();
    let mut batch = client.generate_all(requests(&["a000"; 20])).max_creates(3);
    let next = tokio::time::timeout(Duration::from_millis(100), batch.next());
    assert!(next.await.is_err());
    let mut connections = Vec::new();
    while let Ok(Ok(connection)) =
        tokio::time::timeout(Duration::from_millis(50), listener.accept()).await
    {
        connections.push(connection);
    }
    assert_eq!(connections.len(), 3);
    assert!(batch.is_creating());
}

#[tokio::test]
async fn iterator_holds_requests_back_while_a_generation_is_open() {
    let server = Server::start(service).await;
    let ended = Arc::new(AtomicUsize::new(0));
    let mut left = requests(&["a", "b", "c"])
        .into_iter()
        .enumerate()
        .peekable();
    let seen = Arc::clone(&ended);
    let one_at_a_time = std::iter::from_fn(move || {
        let next = left.next_if(|(index, _)| *index == seen.load(Ordering::SeqCst));
        next.map(|(_, request)| request)
    });
    let mut batch = client(&server).generate_all(one_at_a_time);
    while let Some((index, event)) = batch.next().await {
        if let BatchEvent::Ended(outcome) = event {
            assert!(outcome.is_ok(), "{outcome:?}");
            assert_eq!(index, ended.fetch_add(1, Ordering::SeqCst));
        }
    }
    assert_eq!(ended.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn only_a_create_refused_with_429_is_retried() {
    let server = Server::start(|number, request| match number {
        0 => http(429, &[("retry-after-ms", "1")], "slow down"),
        _ => service(number, request),
    })
    .await;
    let began = std::time::Instant::now();
    let client = builder(server.url())
        .poll_budget(PollBudget::default())
        .wait_options(quick())
        .build()
        .unwrap();
    let outcomes = outcomes(
        client
            .generate_all(requests(&["g0", "lose-1"]))
            .max_creates(1),
    )
    .await;
    assert_eq!(kinds(&outcomes), [None, Some(ErrorKind::AmbiguousCreate)]);
    assert_eq!(created(&server), ["g0", "g0", "lose-1"]);
    assert!(began.elapsed() >= Duration::from_secs(1), "it backs off");
}

#[tokio::test]
async fn stopped_batch_sends_no_create_and_completes_its_waits() {
    let server = Server::start(service).await;
    let mut batch = client(&server)
        .generate_all(requests(&["g0", "g1", "g2", "g3"]))
        .max_creates(1);
    let mut ended = 0;
    while let Some((_, event)) = batch.next().await {
        match event {
            BatchEvent::Created(_) => batch.stop(),
            BatchEvent::Ended(outcome) => {
                assert!(outcome.is_ok());
                ended += 1;
            }
            _ => {}
        }
    }
    assert_eq!((created(&server).len(), ended), (1, 1));
}

#[tokio::test]
async fn second_run_creates_only_missing_generations() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let server = Server::start(service).await;
    let prompts = ["g0", "fail-1", "refuse-2", "lose-3", "g4"];
    for (prompts, new) in [
        (&prompts[..4], vec!["fail-1", "g0", "lose-3", "refuse-2"]),
        // A refused create was not billed, so the next run sends it again.
        (&prompts[..], vec!["g4", "refuse-2"]),
        (&prompts[..], vec!["refuse-2"]),
    ] {
        let before = created(&server).len();
        let journal = Journal::open(&path).unwrap();
        let batch = client(&server).generate_all(requests(prompts));
        let outcomes = outcomes(batch.journal(journal)).await;
        assert_eq!(outcomes.len(), prompts.len());
        assert_eq!(
            kinds(&outcomes)[1..4],
            [
                Some(ErrorKind::GenerationFailed),
                Some(ErrorKind::Refused),
                Some(ErrorKind::AmbiguousCreate)
            ]
        );
        let requests = server.requests();
        let mut since: Vec<String> = requests
            .iter()
            .filter(|request| is_create(request))
            .skip(before)
            .map(prompt)
            .collect();
        since.sort();
        assert_eq!(since, new);
    }
    let text = fs::read_to_string(&path).unwrap();
    for secret in [KEY, "secret-4712", "\"prompt\"", "Bearer"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn intent_is_on_disk_before_the_request_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let journal_path = path.clone();
    let server = Server::start(move |number, request| {
        if is_create(request) {
            let text = fs::read_to_string(&journal_path).unwrap();
            assert_eq!(text.matches("\"intent\"").count(), 1, "{text}");
            assert!(!text.contains("\"created\""));
        }
        service(number, request)
    })
    .await;
    let batch = client(&server).generate_all(requests(&["g0"]));
    let outcomes = outcomes(batch.journal(Journal::open(&path).unwrap())).await;
    assert!(outcomes[&0].is_ok());
}

/// Truncates a journal after each of its bytes, as a kill may do: a recorded create is not repeated, and a create that
/// may have been accepted is reported as ambiguous.
#[tokio::test]
async fn journal_truncated_at_any_byte_repeats_no_create() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let server = Server::start(service).await;
    let client = client(&server);
    let batch = client.generate_all(requests(&["g0"]));
    outcomes(batch.journal(Journal::open(&path).unwrap())).await;
    let text = fs::read(&path).unwrap();
    let end_of = |event: &str| {
        let text = String::from_utf8(text.clone()).unwrap();
        let at = text.find(event).unwrap();
        at + text[at..].find('\n').unwrap() + 1
    };
    // A create is recorded even if its line lacks the line break.
    let (intent, created_at) = (end_of("\"intent\"") - 1, end_of("\"created\"") - 1);
    for cut in 0..=text.len() {
        fs::write(&path, &text[..cut]).unwrap();
        let before = created(&server).len();
        let batch = client.generate_all(requests(&["g0"]));
        let outcomes = outcomes(batch.journal(Journal::open(&path).unwrap())).await;
        let again = created(&server).len() - before;
        let kind = outcomes[&0].as_ref().err().map(Error::kind);
        let expected = match cut {
            // The intent is not on disk, so the request was not sent.
            _ if cut < intent => (1, None),
            _ if cut < created_at => (0, Some(ErrorKind::AmbiguousCreate)),
            _ => (0, None),
        };
        assert_eq!((again, kind), expected, "cut at {cut}");
    }
}

#[tokio::test]
async fn changed_batch_is_refused_with_its_lines_and_creates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let server = Server::start(service).await;
    let batch = client(&server).generate_all(requests(&["g0", "g1"]));
    outcomes(batch.journal(Journal::open(&path).unwrap())).await;
    let journal = Journal::open(&path).unwrap();
    let differing = |prompts: &[&str]| {
        let bodies: Vec<_> = requests(prompts)
            .into_iter()
            .map(aimlapi_video::GenerationRequest::from)
            .collect();
        journal.differing(bodies.iter().map(|request| request.body()))
    };
    assert_eq!(differing(&["g0", "g1"]), [0; 0]);
    assert_eq!(differing(&["g0", "g1", "g2"]), [0; 0]);
    assert_eq!(differing(&["g1", "g0"]), [1, 2]);
    assert_eq!(differing(&["g0"]), [2]);
    let before = created(&server).len();
    let batch = client(&server).generate_all(requests(&["g0", "other"]));
    let outcomes = outcomes(batch.journal(journal)).await;
    assert_eq!(kinds(&outcomes), [None, Some(ErrorKind::Configuration)]);
    assert_eq!(created(&server).len(), before);
}

#[tokio::test]
async fn journal_is_locked_and_another_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let journal = Journal::open(&path).unwrap();
    let error = Journal::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("in use"), "{error}");
    drop(journal);
    Journal::open(&path).unwrap();
    for (text, what) in [
        ("{\"event\":\"journal\",\"version\":9}\n", "version 9"),
        ("hello\n", "line 1"),
        // Another program's file does not become a journal by the removal of its last line.
        ("hello", "line 1"),
        ("{\"event\":\"journal\",\"version\":1} ", "line 1"),
        ("hello\nworld", "line 1"),
        (&*" ".repeat(3 << 20), "line 1 is longer than 1048576 bytes"),
        (
            "{\"event\":\"journal\",\"version\":1}\n{\"event\":\"new\"}\n",
            "line 2",
        ),
    ] {
        fs::write(&path, text).unwrap();
        let error = Journal::open(&path).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "it is left alone");
    }
    assert!(Journal::open(folder.path().join("no/such/folder")).is_err());
}

#[tokio::test]
async fn unclear_request_with_an_attached_generation_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let server = Server::start(service).await;
    let journal = Journal::open(&path).unwrap();
    let batch = || client(&server).generate_all(requests(&["lose-0"]));
    let lost = outcomes(batch().journal(journal.clone())).await;
    assert_eq!(kinds(&lost), [Some(ErrorKind::AmbiguousCreate)]);
    journal.attach(0, "g0".into()).await.unwrap();
    drop(journal);
    let journal = Journal::open(&path).unwrap();
    let waited = outcomes(batch().journal(journal)).await;
    assert_eq!(waited[&0].as_ref().unwrap().id(), Some("g0"));
    assert_eq!(created(&server), ["lose-0"]);
}

#[tokio::test]
async fn unclear_request_is_created_again_only_after_repeat() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let server = Server::start(|number, request| match number {
        0 => http(502, &[], ""),
        _ => service(number, request),
    })
    .await;
    let run = async |repeats: bool| {
        let journal = Journal::open(&path).unwrap();
        if repeats {
            journal.repeat(0).unwrap();
        }
        let batch = client(&server).generate_all(requests(&["g0"]));
        outcomes(batch.journal(journal)).await
    };
    for _ in 0..2 {
        assert_eq!(kinds(&run(false).await), [Some(ErrorKind::AmbiguousCreate)]);
    }
    assert_eq!(created(&server), ["g0"]);
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.entries()[&1].state, JournalState::Unclear);
    // An unused permission to repeat ends when the journal is closed.
    journal.repeat(0).unwrap();
    drop(journal);
    assert_eq!(kinds(&run(false).await), [Some(ErrorKind::AmbiguousCreate)]);
    assert_eq!(kinds(&run(true).await), [None]);
    assert_eq!(created(&server), ["g0", "g0"]);
}

#[tokio::test]
async fn failed_request_is_created_again_only_after_retry_and_may_be_corrected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let server = Server::start(service).await;
    let run = async |prompts: &[&str]| {
        let journal = Journal::open(&path).unwrap();
        let batch = client(&server).generate_all(requests(prompts));
        kinds(&outcomes(batch.journal(journal)).await)
    };
    let failed = Some(ErrorKind::GenerationFailed);
    for _ in 0..2 {
        assert_eq!(run(&["fail", "g1"]).await, [failed, None]);
    }
    assert_eq!(
        run(&["g0", "g1"]).await,
        [Some(ErrorKind::Configuration), None]
    );
    assert_eq!(created(&server), ["fail", "g1"]);

    let journal = Journal::open(&path).unwrap();
    for index in [1, 7] {
        let error = journal.retry(index).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
    }
    journal.retry(0).await.unwrap();
    assert_eq!(journal.entries()[&1].state, JournalState::NotCreated);
    drop(journal);
    for _ in 0..2 {
        assert_eq!(run(&["g0", "g1"]).await, [None, None]);
    }
    assert_eq!(created(&server), ["fail", "g0", "g1"]);
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.entries()[&1].handle().unwrap().id(), "g0");
}

#[tokio::test]
async fn only_one_of_two_simultaneous_retries_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let server = Server::start(service).await;
    let journal = Journal::open(&path).unwrap();
    let batch = client(&server).generate_all(requests(&["fail"]));
    outcomes(batch.journal(journal.clone())).await;
    let (first, second) = tokio::join!(journal.retry(0), journal.retry(0));
    first.unwrap();
    let error = second.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let lines = fs::read_to_string(&path).unwrap();
    assert_eq!(lines.matches(r#""retry""#).count(), 1, "{lines}");
}

#[tokio::test]
async fn saved_request_stays_saved_however_its_generation_ends_in_a_later_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let has_expired = Arc::new(AtomicBool::new(false));
    let expired = Arc::clone(&has_expired);
    let server = Server::start(move |number, request| {
        match expired.load(Ordering::Relaxed) && !is_create(request) {
            true => support::json(200, json!({ "id": "g0", "status": "expired" })),
            false => service(number, request),
        }
    })
    .await;
    let run = async || {
        let journal = Journal::open(&path).unwrap();
        let batch = client(&server).generate_all(requests(&["g0"]));
        kinds(&outcomes(batch.journal(journal)).await)
    };
    assert_eq!(run().await, [None]);
    let journal = Journal::open(&path).unwrap();
    let files = vec![PathBuf::from("0.mp4")];
    journal.saved(0, files.clone()).await.unwrap();
    drop(journal);
    let failed = Some(ErrorKind::GenerationFailed);
    for (is_expired, outcome) in [(false, None), (true, failed)] {
        has_expired.store(is_expired, Ordering::Relaxed);
        assert_eq!(run().await, [outcome]);
        let journal = Journal::open(&path).unwrap();
        let state = journal.entries()[&1].state.clone();
        assert!(
            matches!(&state, JournalState::Saved { files: kept, .. } if *kept == files),
            "{state:?}"
        );
        // A video that is on disk is not paid for again.
        let error = journal.retry(0).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
    }
    assert_eq!(created(&server), ["g0"]);
}

#[tokio::test]
async fn requests_skip_reserved_indices() {
    let server = Server::start(service).await;
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path().join("j.jsonl")).unwrap();
    let batch = || {
        let batch = client(&server).generate_all(requests(&["a", "b", "c"]));
        batch.reserve_indices([0, 2, 3, 9]).journal(journal.clone())
    };
    let indexes = |outcomes: BTreeMap<usize, _>| outcomes.into_keys().collect::<Vec<_>>();
    assert_eq!(indexes(outcomes(batch()).await), [1, 4, 5]);
    assert_eq!(journal.entries().into_keys().collect::<Vec<_>>(), [2, 5, 6]);
    // A second run recognizes the requests, and skips by the same indices.
    assert_eq!(indexes(outcomes(batch().skip_indices([4])).await), [1, 5]);
    assert_eq!(created(&server).len(), 3);
}
