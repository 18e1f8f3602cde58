//! Documents that are read at run time, by `--documents`.

use serde_json::{Value, json};

use super::support::cli::{Cli, Ran};

/// A document of a model that no build contains.
pub(super) fn newest() -> Value {
    json!({
        "openapi": "3.0.0",
        "info": { "title": "", "version": "1" },
        "paths": { "/v2/video/generations": { "post": {
            "requestBody": { "content": { "application/json": { "schema": {
                "type": "object",
                "properties": {
                    "model": { "type": "string", "enum": ["acme/newest"] },
                    "prompt": { "type": "string", "maxLength": 20 },
                    "steps": { "type": "integer", "minimum": 1, "maximum": 8 },
                    "shots": { "type": "array", "items": {
                        "type": "object",
                        "properties": { "image_url": { "type": "string", "format": "uri" } },
                    } },
                },
                "required": ["model", "prompt"],
            } } } },
            "responses": { "200": { "description": "" } },
        } } },
    })
}

/// A command line with the document of the newest model in `published/`.
pub(super) fn with_documents() -> Cli {
    let cli = Cli::new();
    let folder = cli.path("published/acme");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("newest.json"), newest().to_string()).unwrap();
    cli
}

fn ids(ran: &Ran) -> Vec<String> {
    let models = ran.json();
    let id = |model: &Value| model["id"].as_str().unwrap().to_owned();
    models.as_array().unwrap().iter().map(id).collect()
}

#[tokio::test]
async fn documents_given_at_run_time_are_listed_shown_and_validated() {
    let cli = with_documents();
    let documents = ["--documents", "published"];
    let ran = cli
        .run(&[&["models", "--json"], &documents[..]].concat())
        .await;
    assert_eq!(ids(&ran), ["acme/newest"]);
    assert_eq!(ran.json()[0]["takes"], json!(["image"]));
    let ran = cli
        .run(&[&["schema", "acme/newest"], &documents[..]].concat())
        .await;
    assert!(
        ran.stdout.contains("steps") && ran.stdout.contains("1 to 8"),
        "{ran:?}"
    );
    let requests = r#"{ "model": "acme/newest", "prompt": "A kite", "steps": "8" }
{ "model": "acme/newest", "prompt": "A kite", "steps": 9 }
"#;
    let verdicts = |ran: &Ran| -> Vec<bool> {
        let verdict = |line| serde_json::from_str::<Value>(line).unwrap()["valid"] == true;
        ran.stdout.lines().map(verdict).collect()
    };
    for (options, expected) in [
        (&["--documents", "published", "--coerce"][..], [true, false]),
        (&["--documents", "published"], [false, false]),
        (&["--coerce"], [false, false]),
    ] {
        let ran = cli
            .run_with(&[&["validate"], options].concat(), requests)
            .await;
        assert_eq!(verdicts(&ran), expected, "{ran:?}");
    }
}

#[tokio::test]
async fn model_of_a_document_given_at_run_time_is_generated_in_a_simulator() {
    let cli = with_documents();
    let generate = |prompt: &'static str, more: &[&'static str]| {
        let common = ["generate", "acme/newest", "--prompt", prompt, "-o", "a.mp4"];
        [&common, &["--speed", "2000", "--simulate"][..], more].concat()
    };
    let ran = cli.run(&generate("A kite", &[])).await;
    let advice = "--documents DIR reads the documents that are published, and --unchecked";
    assert!(ran.code == 2 && ran.error().contains(advice), "{ran:?}");
    let too_long = "A kite above a long, long beach";
    let ran = cli
        .run(&generate(too_long, &["--documents", "published"]))
        .await;
    assert!(
        ran.code == 2 && ran.error().contains("at most 20 characters"),
        "{ran:?}"
    );
    let ran = cli
        .run(&generate(
            "A kite",
            &["--documents", "published", "--unchecked"],
        ))
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.stderr.contains("nothing was checked"), "{ran:?}");
    let request = json!({ "model": "acme/newest", "prompt": "A kite" });
    std::fs::write(cli.path("kites.jsonl"), request.to_string()).unwrap();
    let batch = [
        "batch",
        "kites.jsonl",
        "--out",
        "kites",
        "--documents",
        "published",
        "--speed",
        "2000",
        "--simulate",
    ];
    let ran = cli.run(&batch).await;
    assert!(
        ran.code == 0 && cli.path("kites/0001.mp4").exists(),
        "{ran:?}"
    );

    use tokio::io::{AsyncBufReadExt, BufReader};
    let listen = [
        "simulate",
        "--listen",
        "127.0.0.1:0",
        "--documents",
        "published",
    ];
    let mut child = cli.command(&listen).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let client = Cli::at(line.strip_prefix("listening on ").unwrap());
    let create = [
        "generate",
        "acme/newest",
        "--prompt",
        "A kite",
        "--no-wait",
        "--unchecked",
    ];
    let ran = client.run(&create).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stderr
            .contains("warning: no document describes acme/newest"),
        "{ran:?}"
    );
    child.kill().await.unwrap();
}

#[tokio::test]
async fn documents_that_cannot_be_used_are_named() {
    let cli = with_documents();
    std::fs::create_dir(cli.path("empty")).unwrap();
    for (folder, expected) in [
        ("none", "none cannot be read: "),
        (
            "empty",
            "empty contains no document of a video model; name a folder",
        ),
    ] {
        let ran = cli.run(&["models", "--documents", folder]).await;
        assert!(ran.code == 2 && ran.error().contains(expected), "{ran:?}");
    }
    std::fs::write(cli.path("empty/a.json"), r#"{ "openapi": "3.0.0", "#).unwrap();
    let ran = cli.run(&["models", "--documents", "empty"]).await;
    assert!(
        ran.code == 2 && ran.stderr.contains("a.json#: is not JSON"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn documents_beside_others_are_noted_if_they_are_refused_and_other_json_is_ignored() {
    let cli = with_documents();
    let write = |file: &str, text: &str| std::fs::write(cli.path(file), text).unwrap();
    write("published/package.json", r#"{ "name": "docs" }"#);
    write("published/tsconfig.json", "// a comment\n{}");
    let models = ["models", "--documents", "published", "--json"];
    let ran = cli.run(&models).await;
    assert!(ran.code == 0 && ran.stderr.is_empty(), "{ran:?}");
    let refused = newest()
        .to_string()
        .replace("acme/newest", "acme/odd")
        .replace(r#""type":"integer""#, r#""type":"decimal""#);
    write("published/acme/odd.json", &refused);
    write("published/cut.json", r#"{ "openapi": "3.0.0", "#);
    let ran = cli.run(&models).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let notes: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(notes.len(), 2, "{ran:?}");
    for (note, file) in notes.iter().zip(["cut.json#", "acme/odd.json#"]) {
        let start = format!("note: cannot be used: {file}");
        assert!(note.starts_with(&start), "{note}");
    }
    assert_eq!(ids(&ran), ["acme/newest"]);
}

#[tokio::test]
async fn facts_beside_the_documents_that_cannot_be_read_are_refused() {
    let cli = with_documents();
    for (file, text) in [
        ("overlay.json", "x"),
        ("overlay.json", "\"x\""),
        ("durations.json", "x"),
        ("vendors.json", "x"),
        ("glossary.json", "x"),
    ] {
        let path = cli.path(&format!("published/{file}"));
        std::fs::write(&path, text).unwrap();
        let ran = cli.run(&["models", "--documents", "published"]).await;
        let expected = format!("published cannot be used:\n  {file}#");
        assert!(
            ran.code == 2 && ran.stderr.contains(&expected) && ran.stdout.is_empty(),
            "{ran:?}"
        );
        std::fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn advice_names_the_documents_that_were_given_and_the_models_of_the_url() {
    let cli = with_documents();
    std::fs::create_dir(cli.path("two words")).unwrap();
    let document = newest().to_string();
    std::fs::write(cli.path("two words/newest.json"), document).unwrap();
    let generate = ["generate", "acme/newer", "--prompt", "A kite"];
    let given = ["--documents", "published"];
    let cases: [(&[&str], &[&str], &[&str]); 7] = [
        (
            &generate,
            &given,
            &["such as acme/newest", "; --unchecked sends the request"],
        ),
        (
            &generate,
            &["--documents", "published", "--legacy"],
            &["no model of this route is known"],
        ),
        (
            &["generate"],
            &given,
            &["`aimlapi-video models --documents published` lists"],
        ),
        (
            &["models", "zzz"],
            &["--documents", "two words"],
            &["`aimlapi-video models --documents 'two words'` lists all 1"],
        ),
        (
            &["schema", "acme/newer"],
            &given,
            &[
                "such as acme/newest",
                "`aimlapi-video models --documents published` lists",
            ],
        ),
        (
            &["schema", "acme/newer"],
            &["--documents", "published", "--legacy"],
            &["no model of this route is known"],
        ),
        (
            &["schema"],
            &given,
            &["`aimlapi-video models --documents published` lists"],
        ),
    ];
    for (command, options, expected) in cases {
        let ran = cli.run(&[command, options].concat()).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        for part in expected {
            assert!(ran.error().contains(part), "{command:?}: {ran:?}");
        }
        for wrong in ["--documents DIR", "feature", "nearest is none"] {
            assert!(!ran.error().contains(wrong), "{ran:?}");
        }
    }
}
