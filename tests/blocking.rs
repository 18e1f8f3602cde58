//! The blocking client, against real servers on a separate runtime.
#![cfg(feature = "blocking")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use aimlapi_video::{
    BatchEvent, ErrorKind, GenerationHandle, Received, State, Update, WaitOptions,
    blocking::{Client, Download, GenerateAll, Updates, Wait, WaitAll},
    schedule::Fixed,
    types::KlingaiV2MasterTextToVideo,
};
use serde_json::{Value, json};
use support::{
    Bytes, KEY, Request, Server, builder,
    files::{Film, Host, Plan, Validator},
};
use tokio::runtime::Runtime;

/// A runtime for the servers, separate from the runtime of the client.
fn servers() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn client(url: impl Into<String>) -> Client {
    let often = WaitOptions::default()
        .speed(1000.0)
        .schedule(Fixed::every(Duration::from_millis(1)));
    let builder = builder(url).poll_budget(None).wait_options(often);
    builder.build_blocking().unwrap()
}

fn request(prompt: &str) -> KlingaiV2MasterTextToVideo {
    let request = KlingaiV2MasterTextToVideo::builder().prompt(prompt);
    request.build().unwrap()
}

fn id_of(request: &Request) -> String {
    if request.method == "POST" {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        return body["prompt"].as_str().unwrap().to_owned();
    }
    request.target.split('=').next_back().unwrap().to_owned()
}

/// A service whose generations have the prompt as id. `fail` fails, `slow` never ends, all others are completed at
/// once.
fn service(_: usize, request: &Request) -> Bytes {
    let id = id_of(request);
    if request.method == "POST" {
        return support::json(201, json!({ "id": id, "status": "queued" }));
    }
    let body = match id.as_str() {
        "fail" => json!({ "id": id, "status": "error" }),
        "slow" => json!({ "id": id, "status": "generating" }),
        _ => {
            json!({ "id": id, "status": "completed", "video": { "url": "https://cdn.example.com/v.mp4" } })
        }
    };
    support::json(200, body)
}

fn polls_of(server: &Server, id: &str) -> usize {
    let requests = server.requests();
    let polls = requests.iter().filter(|request| request.method == "GET");
    polls.filter(|request| id_of(request) == id).count()
}

/// Waits until the condition holds; panics after a timeout.
fn until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "it never is so");
        thread::yield_now();
    }
}

#[test]
fn generation_is_created_waited_for_and_fetched() {
    let servers = servers();
    let server = servers.block_on(Server::start(service));
    let client = client(server.url());
    let handle = client.create(request("a")).unwrap();
    assert_eq!(handle.id(), "a");
    let generation = client.wait(&handle).outcome().unwrap();
    assert_eq!(generation.videos().len(), 1);
    assert_eq!(client.fetch("a").unwrap().state(), State::Completed);
    assert_eq!(client.generate(request("b")).unwrap().id(), Some("b"));
}

#[test]
fn updates_are_returned_one_by_one_and_end() {
    let servers = servers();
    let server = servers.block_on(Server::start(|number, request| match number {
        0 => support::json(200, json!({ "id": "a", "status": "queued" })),
        1 => support::json(200, json!({ "id": "a", "status": "generating" })),
        _ => service(number, request),
    }));
    let client = client(server.url());
    let mut updates = client.wait("a").updates();
    let mut states = Vec::new();
    for update in &mut updates {
        states.push(match update.unwrap() {
            Update::Progress(progress) => progress.state,
            Update::Completed(generation) => generation.state(),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(states, [State::Queued, State::Generating, State::Completed]);
    assert!(updates.next().is_none());
    assert!(updates.next().is_none());
}

#[test]
fn error_of_a_wait_has_the_handle() {
    let servers = servers();
    let server = servers.block_on(Server::start(service));
    let client = client(server.url());
    let error = client.wait("fail").outcome().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GenerationFailed);
    assert_eq!(error.handle().unwrap().id(), "fail");
    let wait = client.wait("slow").deadline(Duration::from_millis(20));
    let error = wait.outcome().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert!(error.is_resumable());
}

#[test]
fn waits_end_independently_and_dropped_waits_send_nothing() {
    let servers = servers();
    let server = servers.block_on(Server::start(service));
    let client = client(server.url());
    let mut outcomes = client.wait_all(["a", "fail", "slow"]);
    let mut ended = [outcomes.next().unwrap(), outcomes.next().unwrap()]
        .map(|(handle, outcome)| (handle.id().to_owned(), outcome.is_ok()));
    ended.sort();
    assert_eq!(ended, [("a".to_owned(), true), ("fail".to_owned(), false)]);
    until(|| polls_of(&server, "slow") > 2);
    drop(outcomes);
    // The call runs on the same background thread, so the dropped waits have ended after it.
    client.fetch("b").unwrap();
    let polls = polls_of(&server, "slow");
    for _ in 0..50 {
        client.fetch("b").unwrap();
    }
    assert_eq!(polls_of(&server, "slow"), polls);
}

#[test]
fn dropped_updates_send_no_poll() {
    let servers = servers();
    let server = servers.block_on(Server::start(service));
    let client = client(server.url());
    let mut updates = client.wait("slow").updates();
    updates.next().unwrap().unwrap();
    let polls = polls_of(&server, "slow");
    drop(updates);
    for _ in 0..50 {
        client.fetch("b").unwrap();
    }
    assert_eq!(polls_of(&server, "slow"), polls);
}

#[test]
fn creates_continue_without_a_consumer() {
    let servers = servers();
    let server = servers.block_on(Server::start(service));
    let client = client(server.url());
    let mut batch = client.generate_all(["a", "b", "fail"].map(request));
    let (_, first) = batch.next().unwrap();
    assert!(matches!(first, BatchEvent::Created(_)));
    until(|| server.requests().len() >= 3);
    let mut ended: Vec<(usize, bool)> = batch
        .filter_map(|(index, event)| match event {
            BatchEvent::Ended(outcome) => Some((index, outcome.is_ok())),
            _ => None,
        })
        .collect();
    ended.sort();
    assert_eq!(ended, [(0, true), (1, true), (2, false)]);
}

#[test]
fn stopped_batch_sends_no_create() {
    let servers = servers();
    let server = servers.block_on(Server::start(service));
    let client = client(server.url());
    let many = (0..1000).map(|number| request(&number.to_string()));
    let mut batch = client.generate_all(many).max_creates(1);
    batch.next().unwrap();
    batch.stop();
    assert!(batch.by_ref().count() < 20);
    assert!(!batch.is_creating());
    assert!(server.requests().len() < 20);
}

#[test]
fn create_in_progress_is_recorded_after_batch_and_client_are_dropped() {
    use aimlapi_video::{Journal, JournalState};

    let servers = servers();
    let (go, going) = mpsc::channel::<()>();
    let going = Mutex::new(going);
    let server = servers.block_on(Server::start(move |number, request| {
        if id_of(request) == "b" {
            // The other requests get their responses in the meantime.
            tokio::task::block_in_place(|| going.lock().unwrap().recv().unwrap());
        }
        service(number, request)
    }));
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path().join("journal")).unwrap();
    let client = client(server.url());
    let mut batch = client
        .generate_all(["a", "b"].map(request))
        .journal(journal.clone());
    assert!(matches!(batch.next(), Some((0, BatchEvent::Created(_)))));
    until(|| {
        server
            .requests()
            .iter()
            .any(|request| id_of(request) == "b")
    });
    drop(batch);
    drop(client);
    let state = |line: usize| journal.entries()[&line].state.clone();
    assert!(!matches!(state(2), JournalState::Created { .. }));
    go.send(()).unwrap();
    until(|| matches!(state(2), JournalState::Created { .. }));
    journal.saved_blocking(0, vec!["a.mp4".into()]).unwrap();
    assert!(matches!(state(1), JournalState::Saved { .. }));
    journal.saving_blocking(1, "b.mp4".into()).unwrap();
    assert_eq!(journal.entries()[&2].saving, Some("b.mp4".into()));
    journal.failed_blocking(1).unwrap();
    journal.retry_blocking(1).unwrap();
    assert_eq!(state(2), JournalState::NotCreated);
    for refused in [
        journal.failed_blocking(7),
        journal.saving_blocking(7, "c.mp4".into()),
        journal.retry_blocking(0),
        journal.retry_blocking(7),
    ] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Configuration);
    }
}

#[test]
fn threads_share_one_client() {
    let servers = servers();
    let server = servers.block_on(Server::start(service));
    let client = client(server.url());
    thread::scope(|scope| {
        for number in 0..16 {
            let client = &client;
            scope.spawn(move || {
                for again in 0..4 {
                    let id = format!("{number}-{again}");
                    let generation = client.generate(request(&id)).unwrap();
                    assert_eq!(generation.id(), Some(id.as_str()));
                }
            });
        }
    });
    assert_eq!(server.requests().len(), 16 * 4 * 2);
}

#[test]
fn generation_is_saved_in_one_call_and_paid_for_once() {
    let servers = servers();
    let server = servers.block_on(Server::start(|_, request| {
        let base = format!("http://{}", request.header("host").unwrap());
        match request.method.as_str() {
            "POST" => support::json(201, json!({ "id": "g", "status": "queued" })),
            _ if request.target == "/film" => support::http(200, &[], "a film"),
            _ => {
                let video = json!({ "url": format!("{base}/film") });
                support::json(
                    200,
                    json!({ "id": "g", "status": "completed", "video": video }),
                )
            }
        }
    }));
    let client = client(server.url());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/film.mp4");
    let (mut updates, mut received) = (0, 0);
    let made = client
        .generate_to(request("a"), &path)
        .wait_options(WaitOptions::default().speed(1000.0))
        .on_update(|_| updates += 1)
        .on_progress(|so_far| received = so_far.bytes);
    let made = made.outcome().unwrap();
    assert_eq!(made.saved[0].path, path);
    assert_eq!(std::fs::read(&path).unwrap(), b"a film");
    assert!(updates > 0 && received == 6);
    let request_count = server.requests().len();
    let error = client
        .generate_to(request("a"), &path)
        .outcome()
        .unwrap_err();
    assert_eq!(
        (error.kind(), server.requests().len()),
        (ErrorKind::Io, request_count)
    );
    let again = client.generate_to(request("a"), &path).overwrite(true);
    again.outcome().unwrap();

    let kept = Download::reserve_target(&path, true).unwrap();
    assert!(Download::check_target(&path, true).is_err());
    let download = client.download(&made.generation);
    assert_eq!(download.to_reserved(kept).unwrap()[0].bytes, 6);
    assert!(Download::is_folder(folder.path()));
}

fn film() -> Film {
    Film::new(3_000_000, 7)
}

fn host(servers: &Runtime) -> Host {
    let whole = |_: usize, _: &Request| Plan::Whole;
    servers.block_on(Host::start(film(), Validator::Etag("\"a\""), whole))
}

#[test]
fn video_is_saved_to_file_folder_memory_and_writer() {
    let servers = servers();
    let host = host(&servers);
    let client = client(host.url.clone());
    let folder = tempfile::tempdir().unwrap();
    let generation = client.fetch("g").unwrap();

    let path = folder.path().join("film.mp4");
    client.save(&generation, &path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), film().bytes());
    let error = client.save(&generation, &path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(Download::check_target(&path, false).is_err());

    let received_bytes = Arc::new(Mutex::new(Vec::new()));
    let progress = |received: Received| received_bytes.lock().unwrap().push(received.bytes);
    let download = client.download(&generation).on_progress(progress);
    let saved = download.to_folder(folder.path()).unwrap();
    assert_eq!(std::fs::read(&saved[0].path).unwrap(), film().bytes());
    assert_eq!(received_bytes.lock().unwrap().last(), Some(&3_000_000));

    let bytes = client.download(&generation).to_bytes().unwrap();
    assert_eq!(bytes, film().bytes());
    let mut written = Vec::new();
    let result = client
        .download(&generation)
        .to_writer(&mut written)
        .unwrap();
    assert_eq!((result.bytes, written), (3_000_000, film().bytes()));

    #[cfg(feature = "object-store")]
    {
        use aimlapi_video::object_store::local::LocalFileSystem;

        let store = Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
        let saved = client
            .save_to(&generation, store, "kites/film.mp4")
            .unwrap();
        let stored = std::fs::read(folder.path().join(&saved[0].path)).unwrap();
        assert_eq!(stored, film().bytes());
    }
}

/// A writer that accepts a few bytes per call, is interrupted at times, and may be full after a million bytes.
struct Slow {
    taken: Vec<u8>,
    calls: usize,
    is_full: bool,
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.calls += 1;
        if self.calls.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.is_full && self.taken.len() > 1_000_000 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let count = bytes.len().min(1000);
        self.taken.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn writer_that_accepts_partial_writes_gets_every_byte() {
    let servers = servers();
    let host = host(&servers);
    let client = client(host.url.clone());
    let generation = client.fetch("g").unwrap();
    let mut slow = Slow {
        taken: Vec::new(),
        calls: 0,
        is_full: false,
    };
    client.download(&generation).to_writer(&mut slow).unwrap();
    assert!(slow.taken == film().bytes());
    slow.is_full = true;
    slow.taken.clear();
    let error = client.download(&generation).to_writer(&mut slow);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Io);
}

/// The main methods of the client, called inside async code.
fn everything(server: &Server, host: &Host) {
    let client = client(server.url());
    assert!(client.generate(request("a")).is_ok());
    assert_eq!(client.wait_all(["a", "b"]).count(), 2);
    assert_eq!(client.wait("a").updates().count(), 1);
    assert!(client.generate_all([request("a")]).count() >= 2);
    let mut dropped = client.wait_all(["slow", "a"]);
    assert!(dropped.next().is_some());
    drop(dropped);
    let files = self::client(host.url.clone());
    let generation = files.fetch("g").unwrap();
    let bytes = files.download(&generation).to_bytes().unwrap();
    assert!(bytes == film().bytes());
}

#[test]
fn client_works_and_is_dropped_inside_a_current_thread_runtime() {
    let servers = servers();
    let (server, host) = (servers.block_on(Server::start(service)), host(&servers));
    let one = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    one.block_on(async { everything(&server, &host) });
    one.block_on(async {
        let (server, host) = (Arc::new(server), Arc::new(host));
        tokio::spawn(async move { everything(&server, &host) })
            .await
            .unwrap();
    });
}

#[test]
fn client_works_and_is_dropped_inside_a_multi_thread_runtime() {
    let servers = servers();
    let server = Arc::new(servers.block_on(Server::start(service)));
    let host = Arc::new(host(&servers));
    let many = self::servers();
    many.block_on(async {
        let pairs = || (Arc::clone(&server), Arc::clone(&host));
        let (own, film) = pairs();
        tokio::spawn(async move { everything(&own, &film) })
            .await
            .unwrap();
        let (own, film) = pairs();
        tokio::task::spawn_blocking(move || everything(&own, &film))
            .await
            .unwrap();
    });
}

#[test]
fn client_made_from_an_async_one_shares_its_durations() {
    let servers = servers();
    let server = servers.block_on(Server::start(service));
    let asynchronous = builder(server.url()).build().unwrap();
    let client = Client::try_from(asynchronous.clone()).unwrap();
    client.generate(request("a")).unwrap();
    assert_eq!(client.durations(), asynchronous.durations());
    assert!(format!("{:?}", asynchronous.durations()).contains("kling"));
    assert!(servers.block_on(asynchronous.fetch("a")).is_ok());
    drop(client);
    // The connections ran on the runtime of the async client.
    for _ in 0..10 {
        assert!(servers.block_on(asynchronous.fetch("a")).is_ok());
    }
}

#[test]
fn debug_output_hides_the_key_and_a_missing_key_is_reported() {
    let client = client("http://127.0.0.1:9");
    let text = format!(
        "{client:?} {:?} {:?} {:?} {:?}",
        client.wait("a"),
        client.wait("a").updates(),
        client.wait_all(["a"]),
        client.generate_all([request("a")]),
    );
    assert!(!text.contains(KEY), "{text}");
    assert!(text.contains("127.0.0.1"), "{text}");
    let error = Client::builder().build_blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingKey);
}

#[test]
fn public_types_are_send_and_sync() {
    fn shared<T: Send + Sync>() {}
    shared::<Client>();
    shared::<Wait>();
    shared::<Updates>();
    shared::<WaitAll>();
    shared::<GenerateAll>();
    shared::<Download<'_>>();
    shared::<GenerationHandle>();
}
