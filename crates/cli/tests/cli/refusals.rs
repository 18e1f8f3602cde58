//! Input and responses that leave no generation: their exit codes.

use serde_json::json;

use super::{
    MODEL, PNG,
    support::{self, Server, cli::Cli, http},
};

#[tokio::test]
async fn bad_input_exits_with_2_and_one_line_and_creates_nothing() {
    let server = Server::always(http(500, &[], "")).await;
    let cli = Cli::at(server.url());
    std::fs::write(cli.path("text.png"), "no picture").unwrap();
    std::fs::write(cli.path("sound.png"), b"ID3\x04\0\0\0\0\0\0").unwrap();
    std::fs::write(cli.path("large.png"), [PNG, &[0; 2 * 1024 * 1024]].concat()).unwrap();
    std::fs::write(cli.path("mine.mp4"), "mine").unwrap();
    std::fs::write(cli.path("broken.json"), "{").unwrap();
    let before = cli.files();
    let image = "klingai/v2-master-image-to-video";
    let cases: &[(&[&str], &[&str])] = &[
        (
            &["klingai/v2-master-text-to-vide", "--prompt", "x"],
            &["/model", "klingai/v2-master-text-to-video"],
        ),
        (
            &["--prompt", "x"],
            &["model is missing", "aimlapi-video models"],
        ),
        (&[MODEL], &["--prompt is missing"]),
        (
            &[MODEL, "--prompt", "x", "--set", "duration=7"],
            &["/duration is 7", "5, 10"],
        ),
        (
            &[MODEL, "--prompt", "x", "--set", "duration=long"],
            &["/duration is \"long\"", "5, 10"],
        ),
        (
            &[MODEL, "--prompt", "x", "--set", "cfg_scale=1.5"],
            &["/cfg_scale is 1.5", "0 to 1"],
        ),
        (
            &[MODEL, "--prompt", "x", "--set", "cfg_scale"],
            &["NAME=VALUE"],
        ),
        (
            &[MODEL, "--prompt", "x", "--image", "a.png"],
            &["no parameter for the opening image"],
        ),
        (
            &[image, "--image", "none.png"],
            &["none.png", "cannot be read"],
        ),
        (
            &[image, "--image", "text.png"],
            &["text.png", "is not an image"],
        ),
        (&[image, "--image", "sound.png"], &["sound.png", "audio/"]),
        (
            &[image, "--image", "large.png", "--max-media", "1"],
            &["large.png", "limit of 1048576 bytes"],
        ),
        (
            &[MODEL, "--prompt", "x", "-o", "mine.mp4/such/folder.mp4"],
            &["mine.mp4/such/folder.mp4", "cannot be written"],
        ),
        (
            &[MODEL, "--prompt", "x", "-o", ""],
            &["a value is required"],
        ),
        (
            &[MODEL, "--prompt", "x", "-o", "mine.mp4"],
            &["mine.mp4 already exists", "--overwrite"],
        ),
        (&["--request", "none.json"], &["none.json cannot be read"]),
        (
            &["--request", "broken.json"],
            &["broken.json:1:1: not JSON"],
        ),
        (&["--request", "-"], &["standard input:1:1: not JSON"]),
        (
            &[MODEL, "--legacy", "--prompt", "x", "--set", "duration=7"],
            &["/duration is 7"],
        ),
        (
            &[
                "kling-video/v2.1/pro/image-to-video",
                "--legacy",
                "--image",
                "https://a.example/b",
            ],
            &["/model"],
        ),
    ];
    for (arguments, expected) in cases {
        let ran = cli.run(&[&["generate"], *arguments].concat()).await;
        assert_eq!(ran.code, 2, "{arguments:?} {ran:?}");
        for part in *expected {
            assert!(ran.error().contains(part), "{arguments:?} {ran:?}");
        }
        assert!(ran.stdout.is_empty(), "{ran:?}");
    }
    for base in ["nonsense", "http://a.example", "ftp://a.example"] {
        let wrong = Cli::at(base);
        let ran = wrong.run(&["generate", MODEL, "--prompt", "x"]).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.error().contains(base), "{ran:?}");
    }
    let keyless = Cli {
        key: None,
        ..Cli::at(server.url())
    };
    let ran = keyless.run(&["generate", MODEL, "--prompt", "x"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.error().contains("AIML_API_KEY") && ran.error().contains("--simulate"),
        "{ran:?}"
    );
    assert!(server.requests().is_empty());
    assert_eq!(cli.files(), before);
    assert_eq!(std::fs::read(cli.path("mine.mp4")).unwrap(), b"mine");
}

#[tokio::test]
async fn failure_without_a_generation_has_its_own_exit_codes() {
    let cases = [
        (
            http(401, &[], r#"{"message":"who?"}"#),
            5,
            "the key was refused",
        ),
        (http(403, &[], "{}"), 5, "no credits"),
        // A longer pause than this is an error at once.
        (
            http(429, &[("retry-after", "3600")], "{}"),
            5,
            "too many requests",
        ),
        (
            http(400, &[], r#"{"message":"prompt: expected poetry"}"#),
            2,
            "expected poetry",
        ),
        (http(500, &[], ""), 6, "may have been accepted and billed"),
        (
            http(200, &[("content-type", "text/html")], "<html>"),
            6,
            "not JSON (text/html",
        ),
        (Vec::new(), 6, "response was lost"),
    ];
    for (answer, code, expected) in cases {
        let server = Server::always(answer).await;
        let cli = Cli::at(server.url());
        let ran = cli
            .run(&["generate", MODEL, "--prompt", "x", "-o", "a.mp4", "--json"])
            .await;
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.error().contains(expected), "{ran:?}");
        assert_eq!(ran.json()["error"]["exit_code"], code);
        assert_eq!(server.requests().len(), 1);
        assert_eq!(cli.files(), [""; 0]);
    }
    let server = Server::always(Vec::new()).await;
    let cli = Cli::at(server.url());
    drop(server);
    let ran = cli.run(&["generate", MODEL, "--prompt", "x"]).await;
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(
        ran.error().contains("was not reached; nothing was created"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn unusable_handle_exits_with_2() {
    let server = Server::always(http(500, &[], "")).await;
    let cli = Cli::at(server.url());
    std::fs::write(cli.path("broken.json"), "{").unwrap();
    std::fs::write(
        cli.path("other.json"),
        r#"{"id":"g","origin":"https://api.aimlapi.com"}"#,
    )
    .unwrap();
    for (given, expected) in [
        ("none.json", "cannot be read"),
        ("broken.json", "expected a handle"),
        ("other.json", "created on"),
    ] {
        let ran = cli.run(&["wait", given]).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.error().contains(expected), "{ran:?}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn response_without_an_id_is_printed() {
    let server = Server::always(support::json(201, json!({ "task_id": "t-1" }))).await;
    let ran = Cli::at(server.url())
        .run(&["generate", MODEL, "--prompt", "x", "--json"])
        .await;
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(
        ran.stderr
            .contains(r#"the response began: {"task_id":"t-1"}"#),
        "{ran:?}"
    );
    assert_eq!(ran.json()["answer"], r#"{"task_id":"t-1"}"#);
    let sent = server.requests()[0]
        .header("x-client-request-id")
        .unwrap()
        .to_owned();
    assert!(ran.error().contains(&sent), "{ran:?}");
}
