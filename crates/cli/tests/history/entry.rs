//! `wait ID --entry ENTRY`: what is checked before the id is recorded for ever.

use std::fs;

use serde_json::{Value, json};

use crate::{
    MODEL, answer, batch, generate, history,
    support::{Request, Server, cli::Cli, http, json},
};

/// A service that answers no create. It does not have the generation `wrong`, and `other` is of another model.
async fn service() -> Server {
    Server::start(|_, request| {
        let id = request.target.split_once("generation_id=");
        match (request.method.as_str(), id) {
            ("POST", _) => http(502, &[], ""),
            (_, Some((_, "wrong"))) => http(404, &[], r#"{"message":"not found"}"#),
            (_, Some((_, "other"))) => {
                let model = "google/veo-3.0";
                json(
                    200,
                    json!({ "id": "other", "status": "generating", "model": model }),
                )
            }
            _ => answer(request, true),
        }
    })
    .await
}

async fn only_entry(cli: &Cli) -> Value {
    let entries = history(cli).await;
    assert_eq!(entries.len(), 1);
    entries[0].clone()
}

fn wait<'a>(id: &'a str, entry: &'a str) -> [&'a str; 6] {
    ["wait", id, "--entry", entry, "--speed", "1000"]
}

#[tokio::test]
async fn id_that_is_not_of_the_entry_is_not_recorded() {
    let server = service().await;
    let cli = Cli::at(server.url());
    assert_eq!(cli.run(&generate("g", "a.mp4")).await.code, 6);
    let recorded = only_entry(&cli).await;
    let entry = recorded["entry"].as_str().unwrap();
    for (id, part) in [("wrong", "404"), ("other", "is of model google/veo-3.0")] {
        let ran = cli.run(&wait(id, entry)).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.error().contains(part), "{ran:?}");
        assert!(ran.error().contains("nothing was recorded"), "{ran:?}");
        assert_eq!(only_entry(&cli).await, recorded);
    }
    // The file is checked before the service is asked.
    fs::write(cli.path("a.mp4"), "mine").unwrap();
    let sent = server.requests().len();
    let ran = cli.run(&wait("g1", entry)).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(only_entry(&cli).await, recorded);
    assert_eq!(server.requests().len(), sent);
    fs::remove_file(cli.path("a.mp4")).unwrap();

    let ran = cli.run(&wait("g1", entry)).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(cli.path("a.mp4").is_file());
    // The same command once more is a plain wait.
    let ran = cli.run(&wait("g1", entry)).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("saved already"), "{ran:?}");
    let ran = cli.run(&wait("g2", entry)).await;
    assert!(ran.error().contains("no ambiguous entry"), "{ran:?}");
}

#[tokio::test]
async fn wrong_id_leaves_the_line_of_a_batch_as_it_is() {
    let server = service().await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("b.jsonl"), batch(&["g"])).unwrap();
    let run = ["batch", "b.jsonl", "--out", "videos", "--speed", "1000"];
    assert_eq!(cli.run(&run).await.code, 6);
    let recorded = only_entry(&cli).await;
    let entry = recorded["entry"].as_str().unwrap();
    assert_eq!(cli.run(&wait("wrong", entry)).await.code, 2);
    assert_eq!(cli.run(&run).await.code, 6);
    assert_eq!(cli.run(&wait("g1", entry)).await.code, 0);
    let ran = cli.run(&run).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("saved already: 1"), "{ran:?}");
}

#[tokio::test]
async fn id_of_an_entry_is_polled_on_the_route_of_its_create() {
    let server = service().await;
    let cli = Cli::at(server.url());
    let create = ["generate", MODEL, "--legacy", "--prompt", "g", "-o"];
    let ran = cli.run(&[&create[..], &["a.mp4"]].concat()).await;
    assert_eq!(ran.code, 6, "{ran:?}");
    let recorded = only_entry(&cli).await;
    let ran = cli
        .run(&wait("g1", recorded["entry"].as_str().unwrap()))
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let requests = server.requests();
    let is_poll = |request: &&Request| request.target.contains("generation_id=");
    let mut polls = requests.iter().filter(is_poll);
    let route = "/v2/generate/video/kling/generation?";
    assert!(polls.all(|poll| poll.target.starts_with(route)));
}
