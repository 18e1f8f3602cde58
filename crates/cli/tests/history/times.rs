//! The times that a wait shows for the generation of an earlier command.

use std::{fs, sync::Arc};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{
    MODEL, history, recorded, service,
    support::{self, Server, cli::Cli},
    until,
};

/// The stated times of a clip of ten seconds.
const OF_TEN_SECONDS: &str = ", usually 11m to 14m";

const CREATE: [&str; 6] = ["generate", MODEL, "--duration", "10", "--prompt", "g1"];

/// The first state that a command shows, with its times; the command is then interrupted.
async fn first_state(cli: &Cli, arguments: &[&str]) -> String {
    let mut child = cli.command(arguments).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let is_state = |line: &str| line.starts_with("queued ") || line.starts_with("generating ");
    let state = loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if is_state(&line) {
            break line;
        }
    };
    support::cli::interrupt(&child);
    assert_eq!(child.wait().await.unwrap().code(), Some(130));
    state
}

async fn wait(cli: &Cli, options: &[&str]) -> String {
    first_state(cli, &[&["wait", "g1"], options].concat()).await
}

#[tokio::test]
async fn wait_by_id_shows_the_times_of_its_create_or_none() {
    let server = service(&Arc::default()).await;
    let cli = Cli::at(server.url());
    let created = [&CREATE[..], &["-o", "a.mp4", "--sidecar"]].concat();
    let state = first_state(&cli, &created).await;
    assert!(state.ends_with(OF_TEN_SECONDS), "{state}");
    for options in [&[][..], &["--no-history", "-o", "a.mp4"]] {
        let state = wait(&cli, options).await;
        assert!(state.ends_with(OF_TEN_SECONDS), "{state}");
        assert!(state.contains(" left, "), "{state}");
    }
    let state = wait(&cli, &["--no-history"]).await;
    assert!(!state.contains(','), "{state}");
}

#[tokio::test]
async fn wait_for_a_lost_create_shows_the_times_of_its_request() {
    let server = service(&Arc::default()).await;
    let cli = Cli::at(server.url());
    let silent = [&CREATE[..5], &["silent"]].concat();
    let mut child = cli.command(&silent).spawn().unwrap();
    until(|| recorded(&cli).contains("silent")).await;
    until(|| !server.requests().is_empty()).await;
    child.kill().await.unwrap();
    let entries = history(&cli).await;
    let entry = entries[0]["entry"].as_str().unwrap();
    for options in [&["--entry", entry][..], &[]] {
        let state = wait(&cli, options).await;
        assert!(state.ends_with(OF_TEN_SECONDS), "{state}");
    }
}

#[tokio::test]
async fn wait_by_id_shows_the_times_of_the_model_that_the_response_names() {
    let answer = json!({ "id": "g1", "status": "generating", "model": MODEL });
    let server = Server::always(support::json(200, answer)).await;
    let state = wait(&Cli::at(server.url()), &[]).await;
    // The length of the clip is not known.
    assert!(state.ends_with(" left, usually 5m to 14m"), "{state}");
}

#[tokio::test]
async fn stored_handle_has_the_length_of_the_clip() {
    let server = service(&Arc::default()).await;
    let cli = Cli::at(server.url());
    let ran = cli.run(&[&CREATE[..], &["--no-wait"]].concat()).await;
    let handle: Value = ran.json();
    assert_eq!(handle["length"], 10, "{handle}");
    fs::write(cli.path("handle.json"), handle.to_string()).unwrap();
    let wait = ["wait", "handle.json", "--no-history"];
    let state = first_state(&cli, &wait).await;
    assert!(state.ends_with(OF_TEN_SECONDS), "{state}");
}
