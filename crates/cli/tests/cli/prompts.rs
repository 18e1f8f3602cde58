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
async fn prompt_after_an_at_sign_is_the_text_of_a_file_and_two_of_them_are_one() {
    let server = service().await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("scene.txt"), "Rain\non a roof\n\n").unwrap();
    fs::write(cli.path("empty.txt"), "\n").unwrap();
    for (prompt, parts) in [
        (
            "@missing.txt",
            ["missing.txt cannot be read", "write @@missing.txt"],
        ),
        (
            "@Image1 walks",
            ["Image1 walks cannot be read", "write @@Image1 walks"],
        ),
        ("@", ["no file is named", "write @@"]),
        (
            "@empty.txt",
            ["--prompt: empty.txt is empty", "--prompt ''"],
        ),
    ] {
        let ran = cli
            .run(&["generate", MODEL, "--prompt", prompt, "--no-wait"])
            .await;
        assert_eq!(ran.code, 2, "{ran:?}");
        for part in parts {
            assert!(ran.error().contains(part), "{ran:?}");
        }
    }
    assert!(server.requests().is_empty());
    let prompts = [
        ("@scene.txt", "Rain\non a roof"),
        ("@@Image1 walks", "@Image1 walks"),
        ("@@@", "@@"),
        ("a @scene.txt", "a @scene.txt"),
    ];
    for (prompt, _) in prompts {
        let ran = cli
            .run(&["generate", MODEL, "--prompt", prompt, "--no-wait"])
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    for set in ["prompt=@word", "prompt=-"] {
        let ran = cli
            .run(&["generate", MODEL, "--set", set, "--no-wait"])
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let sent: Vec<Value> = bodies(&server)
        .iter()
        .map(|body| body["prompt"].clone())
        .collect();
    let expected = prompts.map(|(_, sent)| sent);
    assert_eq!(sent, [&expected[..], &["@word", "-"]].concat());
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
