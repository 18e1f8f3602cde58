//! Input in several encodings.

use std::fs;

use serde_json::{Value, json};

use super::{
    MODEL, bodies, service,
    support::{Server, cli::Cli, http},
};

/// A text in each supported encoding.
pub(super) fn encoded(text: &str) -> [Vec<u8>; 5] {
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
