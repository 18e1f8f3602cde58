//! Errors with `--json`: their kinds, violations, handles and exit codes.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};
use support::{Bytes, Server, cli::Cli, http};

const MODEL: &str = "klingai/v2-master-text-to-video";
const GENERATE: &[&str] = &[
    "generate", MODEL, "--prompt", "x", "-o", "a.mp4", "--speed", "1000", "--json",
];

/// A service that responds to creates with a generation, and to polls with `state`.
async fn polled(state: Value) -> Server {
    Server::start(move |_, request| match &*request.method {
        "POST" => support::json(201, json!({ "id": "g1", "status": "queued" })),
        _ => support::json(200, state.clone()),
    })
    .await
}

/// The printed error of a command, which ends with the exit code that the error states.
async fn error(cli: &Cli, arguments: &[&str]) -> (String, Value) {
    let ran = cli.run(arguments).await;
    let printed = ran.json();
    let error = &printed["error"];
    assert_eq!(error["exit_code"], ran.code, "{ran:?}");
    assert!(error["violations"].is_array(), "{ran:?}");
    let message = error["message"].as_str().unwrap();
    // Standard error states the nearest name of a mistyped flag in a line of its own.
    let (text, _) = message
        .split_once("; did you mean")
        .unwrap_or((message, ""));
    assert!(!text.is_empty() && ran.stderr.contains(text), "{ran:?}");
    (error["kind"].as_str().unwrap().to_owned(), printed)
}

#[tokio::test]
async fn error_states_its_kind_which_the_guide_lists() {
    let server = |answer: Bytes| Server::always(answer);
    let mut kinds = BTreeSet::new();
    let mut seen = |(kind, printed): (String, Value)| {
        kinds.insert(kind.clone());
        (kind, printed["handle"]["id"].as_str().map(str::to_owned))
    };
    let no_handle = |kind: &str| (kind.to_owned(), None);
    let with_handle = |kind: &str| (kind.to_owned(), Some("g1".to_owned()));

    let keyless = Cli::new();
    assert_eq!(
        seen(error(&keyless, GENERATE).await),
        no_handle("missing_key")
    );
    let unknown = ["generate", MODEL, "--json", "--promt", "x"];
    assert_eq!(seen(error(&keyless, &unknown).await), no_handle("usage"));
    let vendor = ["models", "--vendor", "nobody", "--json"];
    assert_eq!(seen(error(&keyless, &vendor).await), no_handle("usage"));
    let media = [
        GENERATE,
        &["--set", "tail_image_url=@nothing.png", "--unchecked"],
    ]
    .concat();
    let media: Vec<&str> = media
        .iter()
        .map(|word| if *word == MODEL { "a/new-model" } else { word })
        .collect();
    assert_eq!(
        seen(error(&keyless, &media).await),
        no_handle("invalid_media")
    );

    let insecure = Cli::at("http://h.example");
    assert_eq!(
        seen(error(&insecure, GENERATE).await),
        no_handle("configuration")
    );
    for (status, kind) in [(401, "refused"), (500, "ambiguous_create")] {
        let server = server(http(status, &[], "{}")).await;
        assert_eq!(
            seen(error(&Cli::at(server.url()), GENERATE).await),
            no_handle(kind)
        );
    }
    let wait = ["wait", "g1", "-o", "a.mp4", "--speed", "1000", "--json"];
    let lost = server(http(404, &[], "{}")).await;
    assert_eq!(
        seen(error(&Cli::at(lost.url()), &wait).await).0,
        "polling_lost"
    );
    let status = ["status", "g1", "--json"];
    assert_eq!(
        seen(error(&Cli::at(lost.url()), &status).await).0,
        "polling_lost"
    );

    let failed = polled(json!({ "id": "g1", "status": "failed", "error": "no" })).await;
    assert_eq!(
        seen(error(&Cli::at(failed.url()), GENERATE).await),
        with_handle("generation_failed")
    );
    let endless = polled(json!({ "id": "g1", "status": "queued" })).await;
    let short = [GENERATE, &["--deadline", "1s"]].concat();
    assert_eq!(
        seen(error(&Cli::at(endless.url()), &short).await),
        with_handle("deadline_exceeded")
    );
    let empty = polled(json!({ "id": "g1", "status": "completed" })).await;
    assert_eq!(
        seen(error(&Cli::at(empty.url()), GENERATE).await),
        with_handle("missing_video")
    );
    let taken = Cli::at(endless.url());
    fs::write(taken.path("a.mp4"), "mine").unwrap();
    assert_eq!(seen(error(&taken, GENERATE).await), no_handle("io"));

    let guide = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../src/guide/command_line.md"
    ));
    let guide = guide.unwrap();
    for kind in &kinds {
        assert!(
            guide.contains(&format!("| `{kind}` |")),
            "{kind} is not in the guide"
        );
    }
}

#[tokio::test]
async fn violations_have_pointer_and_allowed_values_and_in_a_batch_the_line() {
    let cli = Cli::new();
    let wrong = [GENERATE, &["--set", "duration=7"]].concat();
    let (kind, printed) = error(&cli, &wrong).await;
    assert_eq!(kind, "invalid_request");
    let violation = &printed["error"]["violations"][0];
    assert_eq!(
        (&violation["pointer"], &violation["given"]),
        (&json!("/duration"), &json!(7))
    );
    assert!(
        violation["allowed"].as_str().unwrap().contains("10"),
        "{violation}"
    );
    let bad = json!({ "model": MODEL, "prompt": 1 });
    let good = json!({ "model": MODEL, "prompt": "x" });
    fs::write(cli.path("b.jsonl"), format!("{good}\n{bad}\n{bad}\n")).unwrap();
    let (kind, printed) = error(&cli, &["batch", "b.jsonl", "--out", "o", "--json"]).await;
    assert_eq!(kind, "invalid_request");
    let lines = printed["error"]["violations"].as_array().unwrap().iter();
    let lines: Vec<&Value> = lines.map(|violation| &violation["line"]).collect();
    assert_eq!(lines, [2, 3]);
}
