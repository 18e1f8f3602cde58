//! What a batch's journal keeps of each fault, and what a forged one cannot do.

use std::{fs, path::Path, sync::Arc, time::Duration};

use aimlapi_video::{BatchEvent, ErrorKind, Journal, JournalState};
use serde_json::json;

use crate::{
    cells::{self, Place, Slot},
    secrets::{self, SIGNATURE},
    support::{
        faulty::{Act, Faulty},
        http,
    },
    table::{self, Row},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_tells_what_may_have_been_bought_and_no_secret() {
    secrets::listen();
    let rows = table::rows();
    let ended = crate::each(&rows, async |slot, row| {
        let wrong = journal(slot, row).await.err();
        wrong.map(|wrong| format!("{}: {wrong}", row.name))
    })
    .await;
    assert_eq!(ended.len(), table::ROWS);
    let wrong: Vec<String> = ended.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    secrets::assert_none_traced();
}

/// A batch of one, run twice over the same journal.
async fn journal(slot: &Slot, row: &Arc<Row>) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let link = format!("https://files.example.com/v.mp4?signature={SIGNATURE}");
    let mut refusing = None;
    let slot = slot.with(&mut refusing, (row, Place::Create), link.clone(), link);
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
            return Err("a second run bought it again".into());
        }
    }
    let text = fs::read_to_string(&path).unwrap();
    secrets::found_in(&text).map_or(Ok(()), Err)
}

/// Opens a journal that was in use just now: a process that another test starts holds its lock until it has begun.
async fn open(path: &Path) -> Journal {
    for _ in 0..1000 {
        if let Ok(journal) = Journal::open(path) {
            return journal;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Journal::open(path).unwrap()
}

/// How the only request of the batch ended.
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

/// A journal that somebody else wrote, with a handle of another host: neither that host nor the service hears of it.
#[tokio::test]
async fn a_forged_journal_sends_nothing_anywhere() {
    let answer = || {
        vec![Act::Send(http(
            200,
            &[],
            r#"{"id":"g1","status":"queued"}"#,
        ))]
    };
    let (service, host) = (
        Faulty::start(move |_, _| answer()),
        Faulty::start(move |_, _| answer()),
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
            "it names the origin: {ran:?}"
        );
    }
    assert_eq!((service.connections(), host.connections()), (0, 0));
}
