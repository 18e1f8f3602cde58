//! Prompts from options and standard input.

use std::fs;

use serde_json::{Value, json};

use super::{MODEL, bodies, encodings::encoded, service, support::cli::Cli};

#[tokio::test]
async fn prompt_on_standard_input_is_sent_without_its_final_line_break() {
    let server = service().await;
    let cli = Cli::at(server.url());
    let run = ["generate", MODEL, "--prompt", "-", "--no-wait"];
    let mut expected = Vec::new();
    for bytes in encoded("Ein Café 猫,\nand rain\n\n") {
        let ran = cli.run_bytes(&run, &bytes).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        expected.push("Ein Café 猫,\nand rain".to_owned());
    }
    let sent = bodies(&server)
        .into_iter()
        .map(|body| body["prompt"].as_str().unwrap().replace('\r', ""));
    assert_eq!(sent.collect::<Vec<String>>(), expected);
    for nothing in ["", "\n", "\r\n\r\n"] {
        let ran = cli.run_with(&run, nothing).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.error().contains("standard input is empty"), "{ran:?}");
    }
    let ran = cli
        .run_with(&["generate", "--request", "-", "--prompt", "-"], "x")
        .await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.error().contains("both read standard input"), "{ran:?}");
    assert_eq!(bodies(&server).len(), expected.len());
}

#[tokio::test]
async fn prompt_that_looks_like_a_file_is_an_error_and_a_mention_is_sent() {
    let server = service().await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("scene.txt"), "Rain").unwrap();
    fs::write(cli.path("scene one.txt"), "Rain").unwrap();
    for (prompt, part) in [
        ("@scene.txt", "--prompt - < scene.txt; "),
        ("@scene one.txt", "--prompt - < 'scene one.txt'; "),
        ("@missing.txt", "--prompt - < missing.txt; "),
        ("@/tmp/missing", "--set prompt=@/tmp/missing"),
        ("@", "--set prompt=@"),
    ] {
        let ran = cli
            .run(&["generate", MODEL, "--prompt", prompt, "--no-wait"])
            .await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.error().contains(part), "{ran:?}");
    }
    assert!(server.requests().is_empty());
    let sent = ["@Image1 walks in the rain", "a @scene.txt", "@word", "-"];
    for prompt in &sent[..2] {
        let ran = cli
            .run(&["generate", MODEL, "--prompt", prompt, "--no-wait"])
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    for prompt in &sent[2..] {
        let set = format!("prompt={prompt}");
        let ran = cli
            .run(&["generate", MODEL, "--set", &set, "--no-wait"])
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let prompts: Vec<Value> = bodies(&server)
        .iter()
        .map(|body| body["prompt"].clone())
        .collect();
    assert_eq!(prompts, sent);
}

#[tokio::test]
async fn blank_prompt_is_warned_of_by_every_command() {
    let server = service().await;
    let cli = Cli::at(server.url());
    for blank in ["", "  ", "\u{200B}\u{2060}", "\u{3000}\n"] {
        let ran = cli
            .run(&["generate", MODEL, "--prompt", blank, "--no-wait"])
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(
            ran.stderr.contains("warning: /prompt: the prompt is blank"),
            "{ran:?}"
        );
        let body = json!({ "model": MODEL, "prompt": blank }).to_string();
        let ran = cli.run_with(&["validate"], &body).await;
        assert_eq!(ran.json()["warnings"][0]["pointer"], "/prompt", "{ran:?}");
    }
    fs::write(
        cli.path("b.jsonl"),
        json!({ "model": MODEL, "prompt": "" }).to_string(),
    )
    .unwrap();
    let ran = cli
        .run(&[
            "batch",
            "b.jsonl",
            "--out",
            "v",
            "--simulate",
            "--speed",
            "100000",
        ])
        .await;
    assert!(
        ran.stderr
            .contains("warning: b.jsonl:1: /prompt: the prompt is blank"),
        "{ran:?}"
    );
}
