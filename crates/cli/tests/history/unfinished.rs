//! What later commands do about unfinished and lost creates.

use std::{
    fs,
    sync::{Arc, atomic::Ordering},
};

use serde_json::{Value, json};

use crate::{
    KEY, MODEL, batch, files, generate, history, killed, killed_by,
    list::age,
    notes, recorded, service,
    support::{self, Server, cli::Cli, http},
    until,
};

#[tokio::test]
async fn killed_generate_is_noted_once_with_the_command_that_finishes_it() {
    for signal in ["-KILL", "-HUP"] {
        // Programs that `nohup` starts, and those that they start, live on.
        if signal == "-HUP" && ignores_hangups() {
            continue;
        }
        let released = Arc::default();
        let server = service(&released).await;
        let cli = Cli::at(server.url());
        killed_by(signal, &cli, &generate("g1", "a b.mp4"), "g1").await;
        let status = &["status", "other"][..];
        let told = cli.run(status).await;
        let path = cli.folder.path().canonicalize().unwrap().join("a b.mp4");
        let command = format!("aimlapi-video wait -o '{}' g1", path.display());
        let [note] = notes(&told)[..] else {
            panic!("one note: {told:?}");
        };
        assert!(note.starts_with(&format!("note: {MODEL} (")), "{note}");
        let end = format!("is unfinished; finish with: {command}");
        assert!(note.ends_with(&end), "{note}");
        assert_eq!(notes(&cli.run(status).await), [""; 0]);

        released.store(true, Ordering::SeqCst);
        let output = path.to_str().unwrap();
        let ran = cli
            .run(&["wait", "-o", output, "g1", "--speed", "1000"])
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let entries = history(&cli).await;
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0]["state"], "saved");
        assert_eq!(entries[0]["files"], json!([output]));
        assert_eq!(entries[0]["usd_spent"], 0.25);
        assert_eq!(entries[0]["credits_used"], 500_000.0);
    }
}

fn ignores_hangups() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1)
}

#[tokio::test]
async fn create_without_a_response_is_ambiguous_and_says_what_to_do() {
    let server = service(&Arc::default()).await;
    let cli = Cli::at(server.url());
    let mut child = cli.command(&generate("silent", "a.mp4")).spawn().unwrap();
    until(|| !server.requests().is_empty()).await;
    child.kill().await.unwrap();
    let told = cli.run(&["status", "other"]).await;
    let [note] = notes(&told)[..] else {
        panic!("one note: {told:?}");
    };
    assert!(note.contains("may have been accepted and billed"), "{note}");
    let entries = history(&cli).await;
    assert_eq!(
        (entries.len(), &entries[0]["state"]),
        (1, &json!("ambiguous"))
    );
    let entry = entries[0]["entry"].as_str().unwrap();
    let shown = cli.run(&["history", "show", &entry[..6]]).await;
    for part in ["account's log", "\"prompt\": \"silent\"", entry] {
        assert!(shown.stdout.contains(part), "{part}: {shown:?}");
    }
    // The id that the account's log lists.
    let named = ["wait", "g1", "--entry", entry, "--deadline", "1ms"];
    let ran = cli.run(&named).await;
    assert!(ran.code != 2, "{ran:?}");
    let entries = history(&cli).await;
    assert_eq!(
        (&entries[0]["id"], &entries[0]["state"]),
        (&json!("g1"), &json!("unfinished"))
    );
    // From now on, the same command is a plain wait.
    let ran = cli.run(&named).await;
    assert!(ran.code != 2, "{ran:?}");
    let other = ["wait", "g2", "--entry", entry];
    let ran = cli.run(&other).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.error().contains("no ambiguous entry"), "{ran:?}");
    // The same from a response that cannot be read, and not from a refusal.
    for (status, state) in [(500, "ambiguous"), (401, "not_created")] {
        let server = Server::always(http(status, &[], "{}")).await;
        let cli = Cli::at(server.url());
        fs::write(cli.path("b.jsonl"), batch(&["b1"])).unwrap();
        for create in [
            &generate("g1", "a.mp4")[..],
            &["batch", "b.jsonl", "--out", "out"],
        ] {
            let ran = cli.run(create).await;
            let entries = history(&cli).await;
            let entry = entries.last().unwrap();
            assert_eq!(entry["state"], state);
            // The error itself says how to go on.
            let next = format!("wait ID --entry {}`", entry["entry"].as_str().unwrap());
            let is_ambiguous = state == "ambiguous";
            assert_eq!(ran.stderr.contains(&next), is_ambiguous, "{ran:?}");
        }
        assert_eq!(history(&cli).await.len(), 2);
    }
}

#[tokio::test]
async fn generation_of_another_command_or_account_is_not_noted() {
    let server = service(&Arc::default()).await;
    let mut cli = Cli::at(server.url());
    let no_wait = ["generate", MODEL, "--prompt", "g0", "--no-wait"];
    assert_eq!(cli.run(&no_wait).await.code, 0);
    killed(&cli, &generate("g1", "a.mp4"), "g1").await;
    cli.key = Some("another-key");
    assert_eq!(notes(&cli.run(&["status", "other"]).await), [""; 0]);
    cli.key = Some(KEY);
    let other = service(&Arc::default()).await;
    cli.base = Some(other.url());
    assert_eq!(notes(&cli.run(&["status", "other"]).await), [""; 0]);
    cli.base = Some(format!("{}/v2/", server.url()));
    let ran = cli.run(&["status", "other"]).await;
    assert!(notes(&ran)[0].ends_with(" g1"), "{ran:?}");
    assert_eq!(notes(&ran).len(), 1);
}

#[tokio::test]
async fn list_notes_what_resume_finishes_and_what_it_cannot() {
    let server = service(&Arc::default()).await;
    let mut cli = Cli::at(server.url());
    let create = [&generate("g1", "a.mp4")[..], &["--no-wait"]].concat();
    assert_eq!(cli.run(&create).await.code, 0);
    let mut child = cli.command(&generate("silent", "b.mp4")).spawn().unwrap();
    until(|| recorded(&cli).contains("silent")).await;
    child.kill().await.unwrap();
    let ran = cli.run(&["history"]).await;
    let id = history(&cli).await[1]["entry"].as_str().unwrap().to_owned();
    let ambiguous = format!("note: 1 ambiguous; what to do: aimlapi-video history show {id}");
    let own = "note: 1 unfinished; finish with: aimlapi-video resume";
    assert_eq!(notes(&ran), [own, &ambiguous]);
    cli.base = Some("http://127.0.0.1:1".into());
    let ran = cli.run(&["history"]).await;
    let other = "note: 1 unfinished of another key or base URL; ";
    assert!(notes(&ran)[0].starts_with(other), "{ran:?}");
    assert_eq!(notes(&ran).len(), 2, "{ran:?}");
    let ran = cli.run(&["resume"]).await;
    let expected = "nothing is unfinished of this key and base URL; 1 of another\n";
    assert_eq!((ran.code, &*ran.stderr), (0, expected), "{ran:?}");
}

#[tokio::test]
async fn interrupt_that_names_the_command_is_not_noted_again() {
    let server = service(&Arc::default()).await;
    let cli = Cli::at(server.url());
    let child = cli.command(&generate("g1", "a.mp4")).spawn().unwrap();
    until(|| recorded(&cli).contains("\"created\"")).await;
    support::cli::interrupt(&child);
    let output = child.wait_with_output().await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("resume with: "), "{stderr}");
    assert_eq!(notes(&cli.run(&["status", "other"]).await), [""; 0]);
    assert_eq!(history(&cli).await[0]["state"], "unfinished");
}

#[tokio::test]
async fn last_generation_is_saved_where_its_command_would_have_saved_it() {
    let released = Arc::default();
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    let ran = cli.run(&["wait", "--last"]).await;
    assert!(ran.error().contains("has no generation"), "{ran:?}");
    killed(&cli, &generate("g1", "out/{id}.mp4"), "g1").await;
    released.store(true, Ordering::SeqCst);
    let ran = cli.run(&["wait", "--last", "--speed", "1000"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(cli.path("out/g1.mp4").is_file());
    assert_eq!(history(&cli).await[0]["state"], "saved");
}

#[tokio::test]
async fn resume_finishes_all_that_is_unfinished_in_its_place() {
    let released = Arc::default();
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    killed(&cli, &generate("g1", "one.mp4"), "g1").await;
    fs::write(cli.path("b.jsonl"), batch(&["b1", "silent", "fail", "b4"])).unwrap();
    let run = ["batch", "b.jsonl", "--out", "videos", "--speed", "1000"];
    let mut child = cli.command(&run).spawn().unwrap();
    until(|| recorded(&cli).matches("\"event\":\"created\"").count() == 4).await;
    child.kill().await.unwrap();

    let told = cli.run(&["status", "other"]).await;
    let [ambiguous, note] = notes(&told)[..] else {
        panic!("two notes: {told:?}");
    };
    assert!(ambiguous.contains("account's log"), "{ambiguous}");
    assert!(note.contains("a batch left 3 unfinished"), "{note}");
    released.store(true, Ordering::SeqCst);
    let ran = cli.run(&["resume", "--speed", "1000"]).await;
    assert_eq!(ran.code, 6, "a create has no response: {ran:?}");
    for file in ["one.mp4", "videos/0001.mp4", "videos/0004.mp4"] {
        assert!(cli.path(file).is_file(), "{file}: {ran:?}");
    }
    let entries = history(&cli).await;
    let state = |prompt: &str| {
        let of = |entry: &&Value| entry["request"]["prompt"] == prompt;
        let entry = entries.iter().find(of).unwrap();
        entry["state"].as_str().unwrap().to_owned()
    };
    let states = ["g1", "b1", "silent", "fail", "b4"].map(state);
    assert_eq!(states, ["saved", "saved", "ambiguous", "failed", "saved"]);
    // The journal of the batch has the same outcome.
    let ran = cli.run(&run).await;
    assert!(ran.stderr.contains("saved already: 2"), "{ran:?}");
    let created = server.requests();
    let created = created.iter().filter(|request| request.method == "POST");
    assert_eq!(created.count(), 5);
    let ran = cli.run(&["resume", "--speed", "1000"]).await;
    assert!(ran.stderr.contains("nothing is unfinished"), "{ran:?}");
}

/// Starts a batch, and kills it as soon as the history has its only generation.
async fn killed_batch(cli: &Cli, prompt: &str, out: &str) {
    fs::write(cli.path("b.jsonl"), batch(&[prompt])).unwrap();
    let run = ["batch", "b.jsonl", "--out", out, "--speed", "1000"];
    killed(cli, &run, prompt).await;
}

#[tokio::test]
async fn generation_of_a_replaced_journal_is_noted_and_resumed() {
    let released = Arc::default();
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    killed_batch(&cli, "b1", "videos").await;
    fs::remove_file(cli.path("videos/journal.jsonl")).unwrap();
    released.store(true, Ordering::SeqCst);
    fs::write(cli.path("b.jsonl"), batch(&["b2"])).unwrap();
    let run = ["batch", "b.jsonl", "--out", "videos", "--speed", "1000"];
    let ran = cli.run(&run).await;
    assert_eq!((ran.code, notes(&ran).len()), (0, 1), "{ran:?}");
    let ran = cli.run(&["resume", "--speed", "1000"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let entries = history(&cli).await;
    assert!(entries.iter().all(|entry| entry["state"] == "saved"));
    assert_eq!(entries.len(), 2);
}

#[tokio::test]
async fn batch_that_is_resumed_by_a_link_to_its_folder_is_not_noted() {
    let released = Arc::default();
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    killed_batch(&cli, "b1", "videos").await;
    std::os::unix::fs::symlink(cli.path("videos"), cli.path("link")).unwrap();
    released.store(true, Ordering::SeqCst);
    let ran = cli
        .run(&["resume", "link/journal.jsonl", "--speed", "1000"])
        .await;
    assert_eq!((ran.code, notes(&ran).len()), (0, 0), "{ran:?}");
}

#[tokio::test]
async fn last_generation_of_a_batch_is_saved_under_the_name_of_its_line() {
    let released = Arc::default();
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    killed_batch(&cli, "b1", "videos").await;
    released.store(true, Ordering::SeqCst);
    let ran = cli.run(&["wait", "--last", "--speed", "1000"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(cli.path("videos/0001.mp4").is_file(), "{ran:?}");
}

#[tokio::test]
async fn generation_is_noted_again_after_its_wait_was_killed() {
    let server = service(&Arc::default()).await;
    let cli = Cli::at(server.url());
    killed(&cli, &generate("g1", "a.mp4"), "g1").await;
    assert_eq!(notes(&cli.run(&["status", "other"]).await).len(), 1);
    let mut wait = cli.command(&["wait", "g1"]).spawn().unwrap();
    until(|| recorded(&cli).matches("\"event\":\"created\"").count() == 2).await;
    wait.kill().await.unwrap();
    assert_eq!(notes(&cli.run(&["status", "other"]).await).len(), 1);
}

#[tokio::test]
async fn prune_keeps_an_old_entry_that_a_command_waits_for() {
    let server = service(&Arc::default()).await;
    let cli = Cli::at(server.url());
    killed(&cli, &generate("g1", "a.mp4"), "g1").await;
    let [file] = &files(&cli)[..] else {
        panic!("one file");
    };
    age(file);
    let mut wait = cli.command(&["wait", "--last"]).spawn().unwrap();
    until(|| recorded(&cli).matches("\"event\":\"created\"").count() == 2).await;
    let ran = cli.run(&["history", "prune", "--older-than", "90d"]).await;
    assert!(ran.stdout.contains("removed 0"), "{ran:?}");
    wait.kill().await.unwrap();
    assert_eq!(history(&cli).await[0]["state"], "unfinished");
}

#[tokio::test]
async fn create_that_its_journal_never_sent_is_not_created_but_after_a_replacement() {
    let server = service(&Arc::default()).await;
    for is_replaced in [false, true] {
        let cli = Cli::at(server.url());
        fs::write(cli.path("b.jsonl"), batch(&["silent"])).unwrap();
        let run = ["batch", "b.jsonl", "--out", "videos"];
        let mut child = cli.command(&run).spawn().unwrap();
        let journal = cli.path("videos/journal.jsonl");
        let sent = || fs::read_to_string(&journal).unwrap_or_default();
        until(|| sent().contains("intent")).await;
        child.kill().await.unwrap();
        if is_replaced {
            fs::remove_file(&journal).unwrap();
            // File systems state the time of a creation in steps of some milliseconds.
            age(&files(&cli)[0]);
        }
        // As if the process had been killed before it wrote to its journal.
        fs::write(&journal, "").unwrap();
        let ran = cli.run(&["resume", "videos/journal.jsonl"]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let state = match is_replaced {
            true => "ambiguous",
            false => "not_created",
        };
        assert_eq!(history(&cli).await[0]["state"], state);
    }
}

#[tokio::test]
async fn end_that_status_sees_is_recorded() {
    let released = Arc::default();
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    for id in ["fail", "g1"] {
        killed(&cli, &generate(id, "a.mp4"), id).await;
    }
    released.store(true, Ordering::SeqCst);
    let ran = cli.run(&["status", "fail"]).await;
    assert_eq!(ran.stdout, "failed\nno\n");
    assert!(ran.stderr.ends_with(" g1\n"), "{ran:?}");
    let ran = cli.run(&["status", "g1"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let entries = history(&cli).await;
    // The video of a completed generation is not saved yet.
    let states = entries.iter().map(|entry| entry["state"].as_str().unwrap());
    assert_eq!(states.collect::<Vec<_>>(), ["failed", "unfinished"]);
    assert_eq!(entries[0]["why"], "no");
    assert_eq!(entries[1]["usd_spent"], 0.25);
    let length = recorded(&cli).len();
    cli.run(&["status", "g1"]).await;
    cli.run(&["status", "fail"]).await;
    assert_eq!(recorded(&cli).len(), length, "nothing is recorded twice");
}

#[tokio::test]
async fn journal_with_lost_responses_alone_is_named_by_resume() {
    let server = service(&Arc::default()).await;
    let cli = Cli::at(server.url());
    let lines = batch(&["silent1", "silent2"]);
    fs::write(cli.path("b.jsonl"), lines).unwrap();
    let mut child = cli
        .command(&["batch", "b.jsonl", "--out", "o"])
        .spawn()
        .unwrap();
    until(|| server.requests().len() == 2).await;
    child.kill().await.unwrap();
    let folder = cli.folder.path().canonicalize().unwrap();
    let command = format!(
        "aimlapi-video resume {0}/journal.jsonl --out {0}",
        folder.join("o").display()
    );
    for _ in 0..2 {
        let ran = cli.run(&["resume"]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let [note] = notes(&ran)[..] else {
            panic!("one note: {ran:?}");
        };
        assert!(
            note.starts_with("note: 2 creates of a batch got no response"),
            "{note}"
        );
        assert!(note.ends_with(&format!("listed by: {command}")), "{note}");
    }
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let ran = cli.run(&words).await;
    assert_eq!(ran.code, 6, "{ran:?}");
}
