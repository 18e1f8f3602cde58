//! The flags of a model in documents that are read at run time, with names that the command has too.

use serde_json::{Value, json};

use super::{generate, sent, service, support::cli::Cli};

fn document() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "openapi": "3.0.0",
        "info": { "title": "", "version": "1" },
        "paths": { "/v2/video/generations": { "post": {
            "requestBody": { "content": { "application/json": { "schema": {
                "type": "object",
                "properties": {
                    "model": { "type": "string", "enum": ["acme/newest"] },
                    "prompt": text, "steps": { "type": "integer", "maximum": 8 },
                    "speed": text, "help": text, "no_wait": text, "a_b": text, "two words": text,
                    "folder": text, "input": text, "last": text, "command": text,
                },
                "required": ["model", "prompt"],
            } } } },
            "responses": { "200": { "description": "" } },
        } } },
    })
}

#[tokio::test]
async fn flag_of_the_command_wins_and_set_reaches_the_parameter() {
    let server = service().await;
    let cli = Cli::at(server.url());
    std::fs::create_dir(cli.path("published")).unwrap();
    std::fs::write(cli.path("published/a.json"), document().to_string()).unwrap();
    let model = ["acme/newest", "--documents", "published"];
    let ran = generate(&cli, &[&model[..], &["--help"]].concat()).await;
    let words = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("only --set reaches help, no_wait, speed of this model"),
        "{ran:?}"
    );
    let flags = [
        "--prompt",
        "x",
        "--steps",
        "3",
        "--speed",
        "2",
        "--a-b",
        "y",
        "--folder",
        "f",
        "--input",
        "i",
        "--last",
        "l",
        "--command",
        "c",
    ];
    let sets = [
        "--set",
        "speed=fast",
        "--set",
        "no_wait=z",
        "--set",
        "two words=w",
    ];
    let ran = generate(&cli, &[&model, &flags[..], &sets].concat()).await;
    let sent = sent(&server);
    for (name, value) in [
        ("steps", json!(3)),
        ("speed", json!("fast")),
        ("no_wait", json!("z")),
        ("two words", json!("w")),
        ("folder", json!("f")),
        ("input", json!("i")),
        ("last", json!("l")),
        ("command", json!("c")),
    ] {
        assert_eq!(sent[name], value, "{ran:?}");
    }
    assert_eq!(sent["a_b"], "y");
    let ran = generate(
        &cli,
        &[&model[..], &["--prompt", "x", "--steps", "9"]].concat(),
    )
    .await;
    assert!(
        ran.code == 2 && ran.error().contains("--steps is 9; allowed: at most 8"),
        "{ran:?}"
    );
    let ran = generate(
        &cli,
        &["acme/newest", "--steps", "9", "--documents", "missing"],
    )
    .await;
    assert!(ran.code == 2 && ran.error().contains("missing"), "{ran:?}");
}
