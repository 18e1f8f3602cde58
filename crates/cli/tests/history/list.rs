//! `history`: the list, the sums, damaged lines, and `prune`.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::SystemTime,
};

use serde_json::json;

use crate::{
    MODEL, files, generate, history, killed, service,
    support::{self, KEY, Server, cli::Cli, http},
};

#[tokio::test]
async fn damaged_line_is_reported_and_skipped() {
    let released = Arc::new(AtomicBool::new(true));
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    for (prompt, file) in [("g1", "1.mp4"), ("g2", "2.mp4")] {
        assert_eq!(cli.run(&generate(prompt, file)).await.code, 0);
    }
    let file = &files(&cli)[0];
    let text = fs::read_to_string(file).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    // A damaged line in the middle, and a torn one at the end.
    fs::write(
        file,
        format!("{first}\n\0\0\0\n{}", &rest[..rest.len() - 9]),
    )
    .unwrap();
    let ran = cli.run(&["history", "--json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let note = format!(
        "note: skipped a damaged line of the history: {}:2, and 1 more",
        file.display()
    );
    assert_eq!(ran.stderr.trim_end(), note);
    assert_eq!(ran.json().as_array().unwrap().len(), 2);
    // Other commands go on, and do not repeat the note.
    let ran = cli.run(&generate("g3", "3.mp4")).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.stderr.contains("damaged"), "{ran:?}");
    assert_eq!(history(&cli).await.len(), 3);
}

#[tokio::test]
async fn list_has_the_model_cost_file_and_prompt_and_sums_by_model() {
    let released = Arc::new(AtomicBool::new(true));
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    let empty = cli.run(&["history"]).await;
    assert!(empty.stderr.contains("has no create"), "{empty:?}");
    assert_eq!(empty.stdout, "");
    cli.run(&generate("g1", "1.mp4")).await;
    cli.run(&generate("fail", "2.mp4")).await;
    let long = "g ".repeat(100);
    let ran = cli
        .run(&["generate", MODEL, "--prompt", &long, "--no-wait"])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let list = cli.run(&["history"]).await.stdout;
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 4, "{list}");
    let words: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!(words[..4], ["g1", "saved", MODEL, "0.25"]);
    assert_eq!(words[5..], ["1.mp4", "g1"]);
    assert!(lines[2].starts_with("fail  "), "{list}");
    assert!(
        lines[3].contains("unfinished") && lines[3].ends_with(long.trim_end()),
        "{list}"
    );
    let sums = cli.run(&["history", "--group-by", "model", "--json"]).await;
    let expected = json!([{
        "model": MODEL, "creates": 3, "saved": 1, "failed": 1, "unknown_cost": 2,
        "usd_spent": 0.25, "credits_used": 500_000.0,
    }]);
    assert_eq!(sums.json(), expected);
    let sums = cli.run(&["history", "--group-by", "model"]).await;
    assert!(
        sums.stdout
            .ends_with("total cost: 0.25 USD (500000 credits)\n"),
        "{sums:?}"
    );
    let recent = cli.run(&["history", "--json", "--since", "1h"]).await;
    assert_eq!(recent.json().as_array().unwrap().len(), 3);
    let none = cli.run(&["history", "--json", "--since", "0s"]).await;
    assert_eq!(none.json(), json!([]));
    let wrong = cli.run(&["history", "show", "nothing", "--json"]).await;
    assert_eq!(
        (wrong.code, &wrong.json()["error"]["kind"]),
        (2, &json!("usage"))
    );
}

#[tokio::test]
async fn cost_of_an_open_generation_is_unknown_until_a_response_states_more_than_zero() {
    let server = Server::start(|_, _| {
        let headers = [
            ("content-type", "application/json"),
            ("x-aimlapi-usd-spent", "0"),
        ];
        http(201, &headers, r#"{"id":"g1","status":"queued"}"#)
    })
    .await;
    let cli = Cli::at(server.url());
    let create = [&generate("g1", "1.mp4")[..], &["--no-wait"]].concat();
    assert_eq!(cli.run(&create).await.code, 0);
    let entries = history(&cli).await;
    assert_eq!(entries[0]["usd_spent"], json!(null));
    assert!(entries[0].as_object().unwrap().contains_key("usd_spent"));
    let list = cli.run(&["history"]).await.stdout;
    assert!(!list.contains("0.00"), "{list}");
}

#[tokio::test]
async fn list_fits_the_terminal_and_its_short_ids_are_known() {
    let id = "60ac7c34-3224-4b14-8e7d-0aa0db708325:klingai/v2-master-text-to-video";
    let server = Server::start(move |_, request| {
        let id = match crate::prompt(request).starts_with("first") {
            true => id.to_owned(),
            false => id.replace("60ac7c34", "60ac7c35"),
        };
        support::json(201, json!({ "id": id, "status": "queued" }))
    })
    .await;
    let cli = Cli::at(server.url());
    for prompt in ["first", "second"] {
        let prompt = format!("{prompt} kite that climbs over the hills and far away, slowly");
        let create = ["generate", MODEL, "--prompt", &prompt, "--no-wait"];
        assert_eq!(cli.run(&create).await.code, 0);
    }
    for columns in [80, 120] {
        let shown = support::terminal::run(cli.command(&["history"]), 24, columns).await;
        let lines = shown.lines();
        let lines: Vec<&String> = lines
            .iter()
            .filter(|line| line.contains("unfinished "))
            .collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        for line in &lines {
            assert!(line.chars().count() <= columns.into(), "{line}");
        }
        let short = lines[1].split(' ').next().unwrap();
        assert_eq!(short, "60ac7c35…");
        for short in [short, "60ac7c35"] {
            let ran = cli.run(&["history", "show", short]).await;
            assert!(ran.stdout.contains("second kite"), "{ran:?}");
        }
    }
    let ran = cli.run(&["wait", "60ac7c35…"]).await;
    assert!(ran.error().contains("history show 60ac7c35`"), "{ran:?}");
    let piped = cli.run(&["history"]).await.stdout;
    assert!(
        piped.contains(id) && piped.contains("far away, slowly\n"),
        "{piped}"
    );
}

#[tokio::test]
async fn wrong_time_is_an_error_with_the_allowed_forms() {
    let cli = Cli::new();
    for time in ["-1d", "yesterday", "7", "2026-11-01"] {
        for arguments in [
            &["history", "--since", time][..],
            &["history", "prune", "--older-than", time],
        ] {
            let ran = cli.run(arguments).await;
            let expected = format!("'{time}' for '--");
            assert!(ran.code == 2 && ran.error().contains(&expected), "{ran:?}");
            let forms = "expected a time such as 90s, 30m, 1h30m or 7d";
            assert!(ran.error().ends_with(forms), "{ran:?}");
        }
    }
}

#[tokio::test]
async fn prune_removes_old_entries_alone() {
    let released = Arc::new(AtomicBool::new(true));
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    cli.run(&generate("old", "1.mp4")).await;
    age(&files(&cli)[0]);
    cli.run(&generate("new", "2.mp4")).await;
    // What the file of another process ended stays ended as long as its entry.
    killed(
        &cli,
        &["generate", MODEL, "--prompt", "kept", "--deadline", "1h"],
        "kept",
    )
    .await;
    let known = files(&cli);
    let ran = cli
        .run(&["wait", "--last", "--speed", "1000", "-o", "3.mp4"])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let end = files(&cli)
        .into_iter()
        .find(|file| !known.contains(file))
        .unwrap();
    age(&end);
    let ran = cli.run(&["history", "prune", "--older-than", "90d"]).await;
    assert_eq!(ran.stdout, "removed 1, 0 of them unfinished\n");
    let entries = history(&cli).await;
    let states = entries.iter().map(|entry| (&entry["id"], &entry["state"]));
    let expected = [
        (&json!("new"), &json!("saved")),
        (&json!("kept"), &json!("saved")),
    ];
    assert!(states.eq(expected), "{entries:?}");
    assert!(cli.path("1.mp4").is_file());
}

/// Changes the times of a file of the history to an earlier year.
pub(crate) fn age(file: &PathBuf) {
    let now = httpdate::fmt_http_date(SystemTime::now());
    let year = now.split_whitespace().nth(3).unwrap();
    let text = fs::read_to_string(file).unwrap();
    let aged = text.replace(&format!("\"at\":\"{year}"), "\"at\":\"2019");
    fs::write(file, aged).unwrap();
}

#[tokio::test]
async fn history_that_cannot_be_read_is_a_failure_of_the_commands_that_need_it() {
    let cli = Cli {
        key: Some(KEY),
        ..Cli::new()
    };
    fs::write(cli.home.path().join("history"), "a file").unwrap();
    for arguments in [
        &["history", "--json"][..],
        &["history", "show", "g1", "--json"],
        &["wait", "--last", "--json"],
        &["resume", "--json"],
    ] {
        let ran = cli.run(arguments).await;
        assert_eq!(
            (ran.code, &ran.json()["error"]["kind"]),
            (2, &json!("io")),
            "{ran:?}"
        );
        assert!(!ran.stderr.contains("--no-history"), "{ran:?}");
    }
}

#[tokio::test]
async fn reason_and_advice_of_a_lost_create_break_between_words_in_a_terminal() {
    let server = Server::always(http(500, &[], "{}")).await;
    let cli = Cli::at(server.url());
    assert_eq!(cli.run(&generate("g1", "a.mp4")).await.code, 6);
    let entries = history(&cli).await;
    let show = ["history", "show", entries[0]["entry"].as_str().unwrap()];
    let redirected = cli.run(&show).await;
    let shown = support::terminal::run(cli.command(&show), 40, 60).await;
    let words = shown.last().iter().flat_map(|row| row.split_whitespace());
    assert!(
        words.eq(redirected.stdout.split_whitespace()),
        "{:?}",
        shown.last()
    );
}
