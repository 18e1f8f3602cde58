//! `batch --dry-run`.

use std::fs;

use serde_json::{Value, json};

use super::{
    MODEL, batch, generate,
    support::{cli::Cli, paid::service},
    write_batch,
};

#[tokio::test]
async fn dry_run_prints_the_plan_and_sends_and_writes_nothing() {
    let server = service().await;
    let cli = Cli::at(server.url());
    assert_eq!(cli.run(&generate(&["--set", "duration=5"])).await.code, 0);
    let before = (server.requests().len(), cli.files());
    let line = |body: Value| body.to_string() + "\n";
    let known = line(json!({ "model": MODEL, "prompt": "b", "duration": 5 }));
    let other = line(json!({ "model": MODEL, "prompt": "b", "duration": 10, "typo": 1 }));
    let new = line(json!({ "model": "klingai/v2.1-master-text-to-video", "prompt": "b" }));
    let text = format!("{known}{known}{other}{new}");
    fs::write(cli.path("b.jsonl"), text).unwrap();
    let ran = cli.run(&batch("new", &["--dry-run"])).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let words = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "requests: 4, to create: 4, warnings: 1",
        "text-to-video 5s 2 0.25 USD",
        "text-to-video 10s 1 0.50 USD",
        "estimate: 1.00 USD without the 1 whose model has no known cost yet",
    ] {
        assert!(words.contains(part), "{part:?}: {ran:?}");
    }
    let json = cli
        .run(&batch("new", &["--dry-run", "--json"]))
        .await
        .json();
    assert_eq!(json["estimated_usd"], 1.0);
    assert_eq!(json["without_estimate"], 1);
    assert_eq!(json["warnings"][0]["line"], 3);
    let each = json["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| &kind["usd_each"]);
    assert!(each.eq([&json!(0.25), &json!(0.5), &json!(null)]), "{json}");
    fs::remove_file(cli.path("b.jsonl")).unwrap();
    assert_eq!((server.requests().len(), cli.files()), before);
    assert!(!cli.path("new").exists());
}

#[tokio::test]
async fn dry_run_accepts_a_journal_in_the_new_folder_and_repairs_none() {
    let server = service().await;
    let cli = Cli::at(server.url());
    write_batch(&cli, &["b1"]);
    let more = ["--journal", "new/j.jsonl", "--dry-run"];
    let ran = cli.run(&batch("./new", &more)).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!cli.path("new").exists());
    // An empty journal, and one whose last line is torn.
    for text in ["", "{\"event\":\"journal\",\"version\":1}\n{\"ev"] {
        fs::write(cli.path("j.jsonl"), text).unwrap();
        let more = ["--journal", "j.jsonl", "--dry-run"];
        let ran = cli.run(&batch("new", &more)).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(fs::read_to_string(cli.path("j.jsonl")).unwrap(), text);
    }
}

#[tokio::test]
async fn dry_run_refuses_what_the_batch_refuses() {
    let server = service().await;
    let cli = Cli::at(server.url());
    write_batch(&cli, &["b1", "b2"]);
    assert_eq!(cli.run(&batch("done", &[])).await.code, 0);
    let elsewhere = fs::read_to_string(cli.path("done/journal.jsonl")).unwrap();
    let elsewhere = elsewhere.replace("127.0.0.1", "127.0.0.2");
    fs::write(cli.path("elsewhere.jsonl"), elsewhere).unwrap();
    fs::create_dir(cli.path("full")).unwrap();
    for name in ["0002.mp4", "index.html"] {
        fs::write(cli.path(&format!("full/{name}")), "mine").unwrap();
    }
    fs::write(cli.path("file"), "mine").unwrap();
    write_batch(&cli, &["b1", "changed"]);
    let before = (server.requests().len(), cli.files());
    for (out, more, error) in [
        ("full", &[][..], "0002.mp4 exists already"),
        (
            "other",
            &["--name", "video"],
            "line 1 and line 2 have the same name",
        ),
        ("done", &[], "in these lines: 2;"),
        ("file", &[], "file is not a folder; name another folder"),
        ("file/below", &[], "name another folder by --out"),
        ("other", &["--journal", "b.jsonl"], "is not a journal"),
        (
            "other",
            &["--journal", "no/j.jsonl"],
            "its folder does not exist",
        ),
        (
            "other",
            &["--journal", "file/j.jsonl"],
            "file/j.jsonl cannot be used",
        ),
        ("full", &["--gallery", "--name", "x{n}"], "is not a gallery"),
        (
            "other",
            &["--journal", "elsewhere.jsonl"],
            "in these lines: 2;",
        ),
    ] {
        for dry_run in [&["--dry-run"][..], &[]] {
            let ran = cli.run(&batch(out, &[more, dry_run].concat())).await;
            assert_eq!(ran.code, 2, "{out} {more:?}: {ran:?}");
            assert!(ran.error().contains(error), "{out} {more:?}: {ran:?}");
            if !dry_run.is_empty() {
                assert_eq!(cli.files(), before.1, "{out} {more:?}");
            }
        }
        let _ = fs::remove_dir_all(cli.path("other"));
    }
    write_batch(&cli, &["b1", "b2"]);
    for dry_run in [&["--dry-run"][..], &[]] {
        let words = batch(
            "other",
            &[&["--journal", "elsewhere.jsonl"], dry_run].concat(),
        )
        .join(" ");
        let ran = cli.run(&words.split(' ').collect::<Vec<_>>()).await;
        assert!(
            ran.error().contains("created on another service"),
            "{ran:?}"
        );
    }
    assert_eq!(server.requests().len(), before.0);
}

#[tokio::test]
async fn dry_run_needs_no_key_and_names_a_limit_that_would_end_the_batch() {
    let server = service().await;
    let cli = Cli::at(server.url());
    write_batch(&cli, &["b1", "b2"]);
    assert_eq!(cli.run(&batch("done", &[])).await.code, 0);
    let ran = cli
        .run(&batch("new", &["--dry-run", "--max-usd", "0.3"]))
        .await;
    let note = "note: the limit of 0.30 USD ends the batch before all are created\n";
    assert_eq!((ran.code, &*ran.stderr), (0, note), "{ran:?}");
    let ran = Cli { key: None, ..cli }
        .run(&batch("new", &["--dry-run"]))
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stdout.starts_with("requests: 2, to create: 2"),
        "{ran:?}"
    );
    assert!(
        ran.stderr.contains("note: the batch needs a key"),
        "{ran:?}"
    );
}
