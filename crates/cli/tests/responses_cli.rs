//! The output for failed generations and for responses without a video.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use serde_json::{Value, json};
use support::{Server, cli::Cli};

#[tokio::test]
async fn failed_wait_prints_the_reason_and_the_whole_response() {
    let body = json!({ "id": "g1", "status": "failed", "failure_reason": "the prompt was refused", "extra": { "n": 1 } });
    let server = Server::always(support::json(200, body.clone())).await;
    let cli = Cli::at(server.url());
    let ran = cli.run(&["wait", "g1", "-o", "v.mp4", "--json"]).await;
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(printed["answer"], body);
    let message = printed["error"]["message"].as_str().unwrap();
    assert!(message.ends_with("(failed): the prompt was refused"));
    assert!(ran.stderr.contains("the prompt was refused"));
    assert!(printed.get("resume").is_none() && !ran.stderr.contains("resume with"));
}

#[tokio::test]
async fn completed_generation_with_an_error_and_no_video_advises_no_further_wait() {
    let error = json!({ "name": "x", "message": "the output was blocked" });
    let body = json!({ "id": "g1", "status": "completed", "video": null, "error": error });
    let server = Server::always(support::json(200, body)).await;
    let cli = Cli::at(server.url());
    let ran = cli
        .run(&["wait", "g1", "-o", "v.mp4", "--speed", "1000"])
        .await;
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("x: the output was blocked"));
    assert!(!ran.stderr.contains("resume with"), "{}", ran.stderr);
    let status = cli.run(&["status", "g1"]).await;
    assert_eq!(status.stdout, "completed\nx: the output was blocked\n");
}

#[tokio::test]
async fn status_of_a_failure_without_a_reason_prints_the_response() {
    let body = json!({ "id": "g1", "status": "failed", "stage": 7 });
    let server = Server::always(support::json(200, body)).await;
    let status = Cli::at(server.url()).run(&["status", "g1"]).await;
    assert!(status.stdout.starts_with("failed\nthe response began: {"));
    assert!(
        status.stdout.contains(r#""stage":7"#),
        "{status:?}",
        status = status.stdout
    );
}

#[tokio::test]
async fn control_characters_of_a_response_are_printed_escaped() {
    let body =
        json!({ "id": "g1", "status": "failed", "failure_reason": "no\u{1b}[2J\u{9b}31m\u{7}" });
    let server = Server::always(support::json(200, body)).await;
    let cli = Cli::at(server.url());
    for arguments in [
        &["status", "g1"][..],
        &["wait", "g1", "-o", "v.mp4"],
        &["wait", "g1", "-o", "v.mp4", "--json"],
        &["status", "g1", "--json"],
    ] {
        let ran = cli.run(arguments).await;
        let text = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\n'),
            "{ran:?}"
        );
        assert!(text.contains(r"no\u001b[2J\u009b31m\u0007"), "{ran:?}");
    }
}
