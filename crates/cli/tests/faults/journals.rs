//! Tests of a batch's journal under every fault, and of a forged journal.

use std::{fs, path::Path, sync::Arc, time::Duration};

use aimlapi_video::{BatchEvent, ErrorKind, Journal, JournalState};
use serde_json::json;

use crate::{
    cells::{self, FaultPoint, Slot},
    secrets::{self, SIGNATURE},
    support::{
        faulty::{Act, Faulty},
        http,
    },
    table::{self, Row},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn journal_records_every_possible_charge_and_no_secret() {
    secrets::record_traces();
    let rows = table::rows();
    let results = crate::each(&rows, async |slot, row| {
        let failure = journal(slot, row).await.err();
        failure.map(|failure| format!("{}: {failure}", row.name))
    })
    .await;
    assert_eq!(results.len(), table::ROWS);
    let failures: Vec<String> = results.into_iter().flatten().collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    secrets::assert_none_traced();
}

/// Runs a batch of one request twice with the same journal.
async fn journal(slot: &Slot, row: &Arc<Row>) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let url = format!("https://files.example.com/v.mp4?signature={SIGNATURE}");
    let mut refusing = None;
    let slot = slot.with(&mut refusing, (row, FaultPoint::Create), url.clone(), url);
    let service = &slot.service;
    let kind = run(slot, &path).await;
    let state = open(&path).await.entries()[&1].state.clone();
    let expected = match kind {
        Some(ErrorKind::AmbiguousCreate) => matches!(state, JournalState::Unclear),
        Some(ErrorKind::Refused | ErrorKind::Unreachable) => {
            matches!(state, JournalState::NotCreated)
        }
        Some(ErrorKind::GenerationFailed) => matches!(state, JournalState::Failed { .. }),
        None => matches!(state, JournalState::Completed { .. }),
        Some(_) => matches!(
            state,
            JournalState::Created { .. } | JournalState::Completed { .. }
        ),
    };
    if !expected {
        return Err(format!("{state:?} after {kind:?}"));
    }
    let creates = |service: &Faulty| {
        service
            .requests()
            .iter()
            .filter(|sent| table::is_create(sent))
            .count()
    };
    let before = creates(service);
    if !matches!(state, JournalState::NotCreated) {
        run(slot, &path).await;
        if creates(service) != before {
            return Err("the second run repeated the create".into());
        }
    }
    let text = fs::read_to_string(&path).unwrap();
    secrets::found_in(&text).map_or(Ok(()), Err)
}

/// Opens a journal, with retries: a child process that another test starts holds the lock until its `exec`.
async fn open(path: &Path) -> Journal {
    for _ in 0..1000 {
        if let Ok(journal) = Journal::open(path) {
            return journal;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Journal::open(path).unwrap()
}

/// Runs the batch and returns the error kind of its only request, or `None` on success.
async fn run(slot: &Slot, path: &Path) -> Option<ErrorKind> {
    let mut jobs = slot
        .client
        .generate_all([cells::request()])
        .journal(open(path).await);
    let mut ended = None;
    while let Some((_, job)) = jobs.next().await {
        if let BatchEvent::Ended(end) = job {
            ended = end.err().map(|error| error.kind());
        }
    }
    ended
}

/// The journal contains a handle of another host: neither that host nor the service receives a request.
#[tokio::test]
async fn forged_journal_causes_no_request() {
    let response = || {
        vec![Act::Send(http(
            200,
            &[],
            r#"{"id":"g1","status":"queued"}"#,
        ))]
    };
    let (service, host) = (
        Faulty::start(move |_, _| response()),
        Faulty::start(move |_, _| response()),
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let lines = [
        json!({ "event": "journal", "version": 1 }),
        json!({ "event": "intent", "line": 1, "sha256": "0", "model": "m" }),
        json!({ "event": "created", "line": 1, "handle": { "id": "g1", "origin": host.url() } }),
    ];
    fs::write(&path, lines.map(|line| format!("{line}\n")).concat()).unwrap();
    let forged = Journal::open(&path).unwrap().entries()[&1]
        .handle()
        .cloned()
        .unwrap();
    let client = cells::client(service.url());
    for error in [
        client.wait(&forged).await.unwrap_err(),
        client.fetch(&forged).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(!error.is_resumable());
    }
    {
        let cli = crate::support::cli::Cli::at(service.url());
        let ran = cli.run(&["resume", path.to_str().unwrap()]).await;
        assert_ne!(ran.code, 0, "{ran:?}");
        assert!(
            ran.stderr.contains(&host.url()),
            "the error names the origin: {ran:?}"
        );
    }
    assert_eq!((service.connections(), host.connections()), (0, 0));
}
