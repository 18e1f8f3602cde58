//! Input of the command line: texts in several encodings, prompts, media, and files of requests.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::fs;

use serde_json::{Value, json};

use support::{Server, cli::Cli, http};

const MODEL: &str = "klingai/v2-master-text-to-video";
const IMAGE: &str = "klingai/v2-master-image-to-video";
const LEGACY: &str = "kling-video/v2.1/standard/image-to-video";
const CREATED: &str = r#"{"id":"g1","status":"queued"}"#;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x09\0\0\0\x10\x08\x06\0\0\0";
const MP4: &[u8] = b"\0\0\0\x1cftypisom\0\0\x02\0isomiso2avc1";

/// A text in each supported encoding.
fn encoded(text: &str) -> [Vec<u8>; 5] {
    // Windows PowerShell 5.1 ends lines so, too.
    let units = |text: &str| {
        text.replace('\n', "\r\n")
            .encode_utf16()
            .collect::<Vec<u16>>()
    };
    let marked = format!("\u{FEFF}{text}");
    [
        text.into(),
        marked.clone().into(),
        text.replace('\n', "\r\n").into(),
        units(&marked)
            .into_iter()
            .flat_map(u16::to_le_bytes)
            .collect(),
        units(&marked)
            .into_iter()
            .flat_map(u16::to_be_bytes)
            .collect(),
    ]
}

async fn service() -> Server {
    Server::always(http(200, &[("content-type", "application/json")], CREATED)).await
}

/// The bodies of the creates that a server has received.
fn bodies(server: &Server) -> Vec<Value> {
    let requests = server.requests().into_iter();
    let bodies = requests.map(|request| serde_json::from_slice(&request.body).unwrap());
    bodies.collect()
}

#[tokio::test]
async fn request_is_read_in_every_encoding_from_a_file_and_standard_input() {
    let server = service().await;
    let cli = Cli::at(server.url());
    let request = json!({ "model": MODEL, "prompt": "Ein Café 猫 🎬" });
    for bytes in encoded(&format!("{request:#}\n")) {
        fs::write(cli.path("body.json"), &bytes).unwrap();
        let ran = cli
            .run(&["generate", "--request", "body.json", "--no-wait"])
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let ran = cli
            .run_bytes(&["generate", "--request", "-", "--no-wait"], &bytes)
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    assert_eq!(bodies(&server), vec![request; 10]);
}

#[tokio::test]
async fn handle_is_read_in_every_encoding_from_a_file_and_standard_input() {
    let server = Server::always(http(
        200,
        &[("content-type", "application/json")],
        r#"{"id":"g1","status":"failed"}"#,
    ))
    .await;
    let cli = Cli::at(server.url());
    let handle = json!({ "id": "g1", "route": "universal", "model": MODEL });
    for bytes in encoded(&format!("{handle}\n")) {
        fs::write(cli.path("handle.json"), &bytes).unwrap();
        for arguments in [["status", "handle.json"], ["status", "-"]] {
            let ran = cli.run_bytes(&arguments, &bytes).await;
            assert_eq!(ran.code, 0, "{ran:?}");
        }
        for arguments in [["wait", "handle.json"], ["wait", "-"]] {
            let ran = cli.run_bytes(&arguments, &bytes).await;
            assert_eq!(ran.code, 3, "{ran:?}");
        }
    }
}

#[tokio::test]
async fn batch_is_read_in_every_encoding() {
    let cli = Cli::new();
    let lines = format!(
        "{}\n\n{}\n",
        json!({ "model": MODEL, "prompt": "猫" }),
        json!({ "model": MODEL, "prompt": "y" })
    );
    for bytes in encoded(&lines) {
        fs::write(cli.path("b.jsonl"), &bytes).unwrap();
        for ran in [
            cli.run(&["validate", "b.jsonl"]).await,
            cli.run_bytes(&["validate"], &bytes).await,
        ] {
            assert_eq!(ran.code, 0, "{ran:?}");
            let numbers = ran
                .stdout
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap()["line"].clone());
            assert_eq!(numbers.collect::<Vec<Value>>(), [1, 3], "{ran:?}");
        }
    }
    fs::write(cli.path("b.jsonl"), &encoded(&lines)[3]).unwrap();
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
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        cli.path("v/0001.mp4").is_file() && cli.path("v/0003.mp4").is_file(),
        "{ran:?}"
    );
}

#[tokio::test]
async fn unsupported_encoding_is_an_error_before_anything_is_sent() {
    let server = service().await;
    let cli = Cli::at(server.url());
    let latin = b"{\"model\": \"m\",\n\"prompt\": \"caf\xE9 d\xE9j\xE0\"}";
    let units: Vec<u8> = "{\"id\": 1}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for (bytes, parts) in [
        (&latin[..], ["line 2", "windows-1252"]),
        (&units, ["UTF-16LE without a byte order mark", "line 1"]),
        (b"\xFF\xFE\0\0{\0\0\0", ["UTF-32LE", "iconv"]),
        (b"\x1F\x8B\x08\0\0\0\0\0\0\x03\xAB\xAE", ["gzip", "unpack"]),
        (b"\xFF\xFE{\0}", ["odd number of bytes", "line 1"]),
    ] {
        fs::write(cli.path("a.json"), bytes).unwrap();
        for arguments in [
            &["generate", "--request", "a.json"][..],
            &["generate", "--request", "-"],
            &["generate", MODEL, "--prompt", "-"],
            &["wait", "a.json"],
            &["wait", "-"],
            &["status", "a.json"],
            &["batch", "a.json", "--out", "v"],
            &["validate", "a.json"],
            &["validate"],
            &[
                "simulate",
                "--listen",
                "127.0.0.1:0",
                "--scenario",
                "a.json",
            ],
        ] {
            let ran = cli.run_bytes(arguments, bytes).await;
            assert_eq!(ran.code, 2, "{arguments:?} {ran:?}");
            for part in parts {
                assert!(ran.error().contains(part), "{arguments:?} {ran:?}");
            }
        }
    }
    assert!(server.requests().is_empty());
    assert_eq!(cli.files(), ["a.json"]);
}

#[tokio::test]
async fn json_error_has_the_line_and_the_column_of_the_file_once() {
    let cli = Cli::new();
    let good = json!({ "model": MODEL, "prompt": "x" });
    fs::write(
        cli.path("requests.jsonl"),
        format!("{good}\n\n{{\"prompt\": \"é\", x}}\n"),
    )
    .unwrap();
    let ran = cli
        .run(&["batch", "requests.jsonl", "--out", "v", "--simulate"])
        .await;
    assert_eq!(
        ran.error(),
        "error: nothing was created: requests.jsonl:3:17: not JSON: key must be a string"
    );
    let ran = cli.run(&["validate", "requests.jsonl"]).await;
    let verdict: Value = serde_json::from_str(ran.stdout.lines().nth(1).unwrap()).unwrap();
    assert_eq!(
        verdict,
        json!({
            "line": 3,
            "column": 17,
            "model": null,
            "valid": false,
            "violations": [{ "pointer": "", "allowed": "JSON (key must be a string)", "keyword": "type" }],
            "warnings": [],
        })
    );
    fs::write(
        cli.path("body.json"),
        "{\n  \"model\": \"m\",\n  \"prompt\": x\n}",
    )
    .unwrap();
    for arguments in [
        ["generate", "--request", "body.json"],
        ["generate", "--request", "-"],
    ] {
        let ran = cli
            .run_with(&arguments, "{\n  \"model\": \"m\",\n  \"prompt\": x\n}")
            .await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert_eq!(ran.error().matches(":3:13: ").count(), 1, "{ran:?}");
        assert!(!ran.error().contains("line"), "{ran:?}");
    }
    let ran = cli.run_with(&["wait", "-"], "{\"id\": 1}").await;
    assert!(ran.error().contains("standard input:1:8: "), "{ran:?}");
}

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

#[tokio::test]
async fn unusable_media_are_an_error_in_options_and_a_warning_in_a_request() {
    let server = service().await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("clip.mp4"), MP4).unwrap();
    fs::write(cli.path("a.png"), PNG).unwrap();
    for (value, part) in [
        ("@clip.mp4", "video/mp4"),
        ("blob:https://example.com/1", "blob:"),
        ("file:///a.png", "a file of this machine"),
        ("about:blank", "about:"),
        ("chrome-extension://x/a.png", "chrome-extension:"),
        ("data:image/png;base64,", "no data"),
        (
            "data:image/png;base64,data:image/png;base64,iVBORw0KGgo=",
            "twice",
        ),
        ("c:/a.png", "a file of this machine"),
    ] {
        let set = format!("image_url={value}");
        let ran = cli
            .run(&["generate", IMAGE, "--set", &set, "--no-wait"])
            .await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(
            ran.error().contains("nothing was created: /image_url: "),
            "{ran:?}"
        );
        assert!(ran.error().contains(part), "{ran:?}");
        let ran = cli
            .run(&[
                "generate",
                IMAGE,
                "--image",
                value.trim_start_matches('@'),
                "--no-wait",
            ])
            .await;
        assert_eq!(ran.code, 2, "{ran:?}");
    }
    // The legacy bodies allow any text.
    for value in [
        "a.png",
        "www.example.com/a.png",
        r"C:\a.png",
        "https://example.com/a b.png",
        "",
    ] {
        let set = format!("image_url={value}");
        let ran = cli
            .run(&["generate", LEGACY, "--legacy", "--set", &set, "--no-wait"])
            .await;
        assert_eq!(ran.code, 2, "{value} {ran:?}");
    }
    assert!(server.requests().is_empty());

    let body = json!({ "model": IMAGE, "image_url": "blob:1" });
    let ran = cli
        .run_with(
            &["generate", "--request", "-", "--no-wait"],
            &body.to_string(),
        )
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stderr.contains("warning: /image_url: a `blob:` URL"),
        "{ran:?}"
    );
    for link in [
        "http://localhost/a.png",
        "https://10.0.0.1/a.png",
        "ftp://example.com/a.png",
    ] {
        for arguments in [["--image", link], ["--set", &format!("image_url={link}")]] {
            let ran = cli
                .run(&[&["generate", IMAGE, "--no-wait"], &arguments[..]].concat())
                .await;
            assert_eq!(ran.code, 0, "{ran:?}");
            assert!(ran.stderr.contains("warning: /image_url: "), "{ran:?}");
        }
    }
}

#[tokio::test]
async fn type_of_a_file_can_be_stated() {
    let server = service().await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("picture.bin"), [0, 1, 2, 3]).unwrap();
    fs::write(cli.path("a;type=image"), PNG).unwrap();
    fs::create_dir(cli.path("b;type=image")).unwrap();
    fs::write(cli.path("b;type=image/png"), PNG).unwrap();
    for (image, sent) in [
        (
            "picture.bin;type=image/png",
            "data:image/png;base64,AAECAw==",
        ),
        (
            "picture.bin;type=Image/X-New",
            "data:image/x-new;base64,AAECAw==",
        ),
        // A file of that whole name takes precedence.
        ("a;type=image", "data:image/png;base64,iVBOR"),
        ("b;type=image/png", "data:image/png;base64,iVBOR"),
        (
            "b;type=image/png;type=image/gif",
            "data:image/gif;base64,iVBOR",
        ),
    ] {
        let before = bodies(&server).len();
        for arguments in [
            ["--image", image],
            ["--set", &format!("image_url=@{image}")],
        ] {
            let ran = cli
                .run(&[&["generate", IMAGE, "--no-wait"], &arguments[..]].concat())
                .await;
            assert_eq!(ran.code, 0, "{ran:?}");
        }
        for body in &bodies(&server)[before..] {
            assert!(
                body["image_url"].as_str().unwrap().starts_with(sent),
                "{body}"
            );
        }
    }
    let before = server.requests().len();
    for (image, part) in [
        (
            "picture.bin",
            "state its media type, such as video/mp4, as in picture.bin;type=video/mp4",
        ),
        ("picture.bin;type=text/plain", "image/…, video/… or audio/…"),
        ("picture.bin;type=png", "image/…, video/… or audio/…"),
        (
            "picture.bin;type=video/mp4",
            "is video/mp4, expected an image",
        ),
        ("none.bin;type=image/png", "none.bin cannot be read"),
        ("www.example.com/a.png", "https://www.example.com/a.png"),
    ] {
        let ran = cli
            .run(&["generate", IMAGE, "--no-wait", "--image", image])
            .await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.error().contains(part), "{ran:?}");
    }
    assert_eq!(server.requests().len(), before);
}

#[tokio::test]
async fn requests_in_another_layout_are_an_error_with_a_conversion() {
    let server = service().await;
    let cli = Cli::at(server.url());
    let one = json!({ "model": MODEL, "prompt": "A kite" });
    for (text, parts) in [
        (
            format!("[{one}, {one}]"),
            ["a JSON array", "`jq -c '.[]' < kites.txt > kites.jsonl`"],
        ),
        (
            format!("{:#}", json!([one, one])),
            ["a JSON array", "`jq -c '.[]' < kites.txt > kites.jsonl`"],
        ),
        (
            format!("{one:#}\n{one:#}\n"),
            ["over several lines", "`jq -c . < kites.txt > kites.jsonl`"],
        ),
        (
            format!("{one}{one}\n"),
            ["several objects in one line", "jq -c ."],
        ),
        (
            format!("{one},\n{one}\n"),
            ["a comma after each object", "sed"],
        ),
        (
            "model,prompt\nm,A kite\n".to_owned(),
            ["a CSV table", "mlr --icsv --ojsonl"],
        ),
        (
            "model\tprompt\nm\tA kite\n".to_owned(),
            ["a TSV table", "mlr --itsv --ojsonl"],
        ),
        (
            "- model: m\n  prompt: A kite\n".to_owned(),
            ["YAML", "{\"model\": \"MODEL\""],
        ),
        (
            "A kite climbs\nA kite falls\n".to_owned(),
            ["plain text", "jq -Rc"],
        ),
        (
            one.to_string().replace('"', "'"),
            ["Python", "double quotes"],
        ),
    ] {
        for bytes in encoded(&text) {
            fs::write(cli.path("kites.txt"), &bytes).unwrap();
            let batch = cli.run(&["batch", "kites.txt", "--out", "v"]).await;
            let validate = cli.run(&["validate", "kites.txt"]).await;
            for ran in [batch, validate, cli.run_bytes(&["validate"], &bytes).await] {
                assert_eq!(ran.code, 2, "{text} {ran:?}");
                assert!(ran.stdout.is_empty(), "{ran:?}");
                assert!(ran.error().contains(parts[0]), "{ran:?}");
            }
            let ran = cli.run(&["validate", "kites.txt"]).await;
            assert!(ran.error().contains(parts[1]), "{ran:?}");
        }
    }
    assert!(server.requests().is_empty());
    assert_eq!(cli.files(), ["kites.txt"]);
}
