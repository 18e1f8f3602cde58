//! What version 0.1.0 wrote is read, and gone on with: handles, journals, parts of downloads, learned durations.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{collections::BTreeMap, fs, path::PathBuf};

use aimlapi_video::{
    BatchEvent, Client, ErrorKind, Generation, GenerationHandle, GenerationRequest, Journal,
    JournalState, Route, schedule::Durations,
};
use serde_json::{Value, json};
use support::{
    Request, Server, http,
    recorded::{self, SERVER},
};
use tempfile::TempDir;

const MODEL: &str = "klingai/v2-master-text-to-video";

/// A service whose generations are all completed.
async fn service() -> Server {
    Server::start(|_, request| {
        if request.method == "POST" {
            let id = format!("new:{}", body(request)["model"].as_str().unwrap());
            return support::json(201, json!({ "id": id, "status": "queued" }));
        }
        let id = generation_id(request);
        let video = json!({ "url": "https://cdn.example.com/video.mp4" });
        support::json(
            200,
            json!({ "id": id, "status": "completed", "video": video }),
        )
    })
    .await
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

fn generation_id(request: &Request) -> String {
    let url = format!("http://server{}", request.target);
    let url = reqwest::Url::parse(&url).unwrap();
    let (_, id) = url
        .query_pairs()
        .find(|(name, _)| name == "generation_id")
        .unwrap();
    id.into_owned()
}

#[tokio::test]
async fn handle_is_read_as_it_was_written_and_its_wait_goes_on() {
    for (name, model, route) in [
        ("universal", Some(MODEL), Route::Universal),
        ("legacy-kling", Some(MODEL), Route::LegacyKling),
        ("id-alone", None, Route::Universal),
        ("id-and-route", None, Route::LegacyKling),
    ] {
        let file = format!("handles/{name}.json");
        let written = recorded::json(&file);
        let handle: GenerationHandle = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(handle.id(), written["id"], "{name}");
        assert_eq!(handle.model(), model, "{name}");
        assert_eq!(handle.route(), route, "{name}");
        let created_at = written
            .get("created_at")
            .map(|text| humantime::parse_rfc3339(text.as_str().unwrap()).unwrap());
        assert_eq!(handle.created_at(), created_at, "{name}");
        let origin = written.get("origin").map(|_| SERVER);
        assert_eq!(handle.origin(), origin, "{name}");
        assert_eq!(serde_json::to_value(&handle).unwrap(), written, "{name}");

        let server = service().await;
        let text = recorded::text(&file, &server.url());
        let handle: GenerationHandle = serde_json::from_str(&text).unwrap();
        let generation = support::client(server.url()).wait(&handle).await.unwrap();
        assert_eq!(generation.id(), Some(handle.id()), "{name}");
        let requests = server.requests();
        assert_eq!(requests.len(), 1, "{name}");
        assert_eq!(requests[0].method, "GET", "{name}");
        assert!(
            requests[0]
                .target
                .starts_with(&format!("{}?", route.path())),
            "{name}"
        );
        assert_eq!(generation_id(&requests[0]), handle.id(), "{name}");
    }
}

#[test]
fn durations_are_read_as_they_were_learned() {
    let written = recorded::json("durations.json");
    let durations: Durations = serde_json::from_value(written.clone()).unwrap();
    let count = |model: &str, seconds| durations.learned(model, Some(seconds)).unwrap().count;
    assert_eq!(count(MODEL, 5), 2.0);
    assert_eq!(count(MODEL, 10), 3.0);
    let client = Client::builder()
        .api_key("key")
        .durations(durations)
        .build()
        .unwrap();
    assert_eq!(serde_json::to_value(client.durations()).unwrap(), written);
}

/// A journal of a batch that was killed, with the requests of the batch.
struct Batch {
    folder: TempDir,
    requests: Vec<GenerationRequest>,
}

impl Batch {
    fn new(name: &str, route: Route, server: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = recorded::text(&format!("journals/{name}.jsonl"), server);
        fs::write(folder.path().join("journal.jsonl"), journal).unwrap();
        let requests = recorded::text(&format!("journals/{name}.requests.jsonl"), server);
        let request = |line| {
            let body = serde_json::from_str(line).unwrap();
            GenerationRequest::from_json(route, body).unwrap()
        };
        Self {
            folder,
            requests: requests.lines().map(request).collect(),
        }
    }

    fn journal(&self) -> Journal {
        Journal::open(self.folder.path().join("journal.jsonl")).unwrap()
    }
}

fn states(journal: &Journal) -> Vec<(usize, &'static str)> {
    let state = |state: &JournalState| match state {
        JournalState::NotCreated => "not created",
        JournalState::Unclear => "unclear",
        JournalState::Created { .. } => "created",
        JournalState::Failed { .. } => "failed",
        JournalState::Completed { .. } => "completed",
        JournalState::Saved { .. } => "saved",
        _ => "unknown",
    };
    let entries = journal.entries();
    entries
        .iter()
        .map(|(line, entry)| (*line, state(&entry.state)))
        .collect()
}

#[tokio::test]
async fn journal_keeps_every_state_and_its_requests_are_the_same() {
    for (name, route, expected) in [
        (
            "killed",
            Route::Universal,
            &[
                "saved",
                "failed",
                "not created",
                "unclear",
                "completed",
                "created",
                "created",
                "unclear",
            ][..],
        ),
        (
            "killed-legacy",
            Route::LegacyKling,
            &["created", "unclear", "saved"],
        ),
        ("finished", Route::Universal, &["saved", "saved"]),
    ] {
        let batch = Batch::new(name, route, SERVER);
        let journal = batch.journal();
        let expected: Vec<_> = (1..).zip(expected.iter().copied()).collect();
        assert_eq!(states(&journal), expected, "{name}");
        let client = support::client(SERVER);
        assert_eq!(journal.elsewhere(&client), [0; 0], "{name}");
        let bodies = batch.requests.iter().map(GenerationRequest::body);
        assert_eq!(journal.differing(bodies), [0; 0], "{name}");
        for (line, entry) in journal.entries() {
            let context = format!("{name}, line {line}");
            assert_eq!(entry.model, batch.requests[line - 1].model(), "{context}");
            assert!(
                entry.sent_at.is_some() && entry.request_id.is_some(),
                "{context}"
            );
            assert_eq!(entry.origin.as_deref(), Some(SERVER), "{context}");
            let handle = entry.handle();
            assert!(
                handle.is_none_or(|handle| handle.route() == route),
                "{context}"
            );
            if let JournalState::Saved { files, .. } = &entry.state {
                let file = PathBuf::from(format!("{line:04}.mp4"));
                assert_eq!(
                    (files, &entry.saving),
                    (&vec![file.clone()], &Some(file)),
                    "{context}"
                );
            }
        }
    }
}

#[tokio::test]
async fn batch_goes_on_from_a_journal_and_creates_only_what_was_refused() {
    for (name, route, created) in [
        ("killed", Route::Universal, &[3][..]),
        ("killed-legacy", Route::LegacyKling, &[]),
    ] {
        let server = service().await;
        let batch = Batch::new(name, route, &server.url());
        let journal = batch.journal();
        let before = journal.entries();
        let client = support::client(server.url());
        let mut jobs = client
            .generate_all(batch.requests.clone())
            .journal(journal.clone());
        let mut ended = BTreeMap::new();
        while let Some((index, event)) = jobs.next().await {
            if let BatchEvent::Ended(outcome) = event {
                ended.insert(index + 1, outcome.map_err(|error| error.kind()));
            }
        }
        let posts: Vec<Value> = server
            .requests()
            .iter()
            .filter(|request| request.method == "POST")
            .map(body)
            .collect();
        let expected: Vec<Value> = created
            .iter()
            .map(|line: &usize| batch.requests[line - 1].body().clone().into())
            .collect();
        assert_eq!(posts, expected, "{name}");
        for (line, entry) in before {
            let context = format!("{name}, line {line}");
            match entry.state {
                JournalState::Unclear => {
                    assert_eq!(ended[&line], Err(ErrorKind::AmbiguousCreate), "{context}");
                }
                _ => assert!(ended[&line].is_ok(), "{context}: {:?}", ended[&line]),
            }
        }
    }
}

/// A host of the video whose download was interrupted.
async fn host(validator: (&'static str, &'static str), film: Vec<u8>) -> Server {
    Server::start(move |_, request| match request.header("range") {
        None => http(200, &[("content-type", "video/mp4"), validator], &film),
        Some(range) => {
            let from = range
                .strip_prefix("bytes=")
                .unwrap()
                .strip_suffix('-')
                .unwrap();
            let (from, length) = (from.parse::<usize>().unwrap(), film.len());
            let content_range = format!("bytes {from}-{}/{length}", length - 1);
            let headers = [
                ("content-type", "video/mp4"),
                ("content-range", &content_range),
                validator,
            ];
            http(206, &headers, &film[from..])
        }
    })
    .await
}

#[tokio::test]
async fn part_of_a_download_is_continued_by_its_note() {
    let film = fs::read(recorded::path("parts/whole.mp4")).unwrap();
    for (name, validator) in [
        ("etag", ("etag", "\"v1\"")),
        (
            "last-modified",
            ("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT"),
        ),
    ] {
        let server = host(validator, film.clone()).await;
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("rain.mp4");
        let part = fs::read(recorded::path(&format!("parts/{name}.mp4.part"))).unwrap();
        assert!(film.starts_with(&part) && part.len() < film.len(), "{name}");
        fs::write(folder.path().join("rain.mp4.part"), &part).unwrap();
        let note = recorded::text(&format!("parts/{name}.mp4.part.json"), &server.url());
        fs::write(folder.path().join("rain.mp4.part.json"), note).unwrap();

        let video = json!({ "url": format!("{}/film-held.mp4", server.url()) });
        let generation = Generation::from_json(json!({
            "id": format!("stop:{MODEL}"), "status": "completed", "video": video,
        }));
        let client = support::client(server.url());
        let saved = client.save(&generation, &target).await.unwrap();
        assert_eq!(saved[0].bytes, film.len() as u64, "{name}");
        assert_eq!(fs::read(&target).unwrap(), film, "{name}");
        let requests = server.requests();
        assert_eq!(requests.len(), 1, "{name}");
        let range = format!("bytes={}-", part.len());
        assert_eq!(requests[0].header("range"), Some(range.as_str()), "{name}");
        assert_eq!(requests[0].header("if-range"), Some(validator.1), "{name}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{name}");
    }
}
