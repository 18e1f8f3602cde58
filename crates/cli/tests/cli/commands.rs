//! `validate`, `simulate`, and the environment variables.

use serde_json::{Value, json};

use super::{
    MODEL, PNG,
    support::{self, Server, cli::Cli},
};

#[tokio::test]
async fn environment_variables_are_read_in_order() {
    let server = Server::always(support::json(200, json!({ "id": "g", "status": "queued" }))).await;
    let cli = Cli::new();
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("AIMLAPI_API_KEY", "second")], "Bearer second"),
        (
            &[("AIML_API_KEY", "first"), ("AIMLAPI_API_KEY", "second")],
            "Bearer first",
        ),
        (
            &[("AIML_API_KEY", " "), ("AIMLAPI_API_KEY", "second")],
            "Bearer second",
        ),
    ];
    for (variables, expected) in cases {
        let mut command = cli.command(&["status", "g"]);
        command
            .envs(variables.iter().copied())
            .env("AIMLAPI_API_BASE", server.url());
        assert!(command.status().await.unwrap().success(), "{variables:?}");
        let request = server.requests().pop().unwrap();
        assert_eq!(request.header("authorization"), Some(*expected));
    }
    let mut command = cli.command(&["status", "g"]);
    command
        .env("AIML_API_KEY", "k")
        .env("AIML_API_BASE", server.url())
        .env("AIMLAPI_API_BASE", "nonsense");
    assert!(command.status().await.unwrap().success());
}

#[tokio::test]
async fn validate_applies_the_limit_of_media_to_the_requests_of_a_file() {
    let cli = Cli::new();
    std::fs::write(cli.path("large.png"), [PNG, &[0; 2 * 1024 * 1024]].concat()).unwrap();
    let line = json!({ "model": "klingai/v2-master-image-to-video", "prompt": "x" });
    let media = ["validate", "--set", "image_url=@large.png", "--max-media"];
    for (limit, code) in [("1", 2), ("3", 0)] {
        let limited = [&media[..], &[limit]].concat();
        let ran = cli.run_with(&limited, &line.to_string()).await;
        let is_refused = ran.stdout.contains("limit of 1048576 bytes");
        assert_eq!((ran.code, is_refused), (code, code == 2), "{ran:?}");
    }
}

#[tokio::test]
async fn validate_prints_a_verdict_per_line() {
    let cli = Cli::new();
    let lines = [
        json!({ "model": MODEL, "prompt": "x" }).to_string(),
        json!({ "model": MODEL, "prompt": "x", "cfg_scale": 1.5, "duration": "5" }).to_string(),
        String::new(),
        "{".to_owned(),
        json!({ "model": MODEL, "prompt": "x", "newer": 1 }).to_string(),
    ];
    let ran = cli.run_with(&["validate"], &lines.join("\n")).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let verdicts: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        verdicts[0],
        json!({ "line": 1, "model": MODEL, "valid": true, "violations": [], "warnings": [] })
    );
    let violations = json!([
        { "pointer": "/cfg_scale", "given": 1.5, "allowed": "0 to 1", "keyword": "maximum" },
        { "pointer": "/duration", "given": "5", "allowed": "5, 10", "keyword": "type" },
    ]);
    assert_eq!(verdicts[1]["violations"], violations);
    assert_eq!(
        (&verdicts[2]["line"], &verdicts[2]["valid"]),
        (&json!(4), &json!(false))
    );
    assert_eq!(verdicts[3]["warnings"][0]["pointer"], "/newer");

    std::fs::write(cli.path("requests.jsonl"), lines[1].replace("1.5", "1")).unwrap();
    assert_eq!(cli.run(&["validate", "requests.jsonl"]).await.code, 2);
    assert_eq!(
        cli.run(&["validate", "requests.jsonl", "--coerce"])
            .await
            .code,
        0
    );
    assert_eq!(cli.run(&["validate", "none.jsonl"]).await.code, 2);
}

#[tokio::test]
async fn simulate_serves_until_an_interrupt() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let cli = Cli::new();
    let mut child = cli
        .command(&["simulate", "--listen", "127.0.0.1:0", "--speed", "1000"])
        .spawn()
        .unwrap();
    let line = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .next_line()
        .await
        .unwrap()
        .unwrap();
    let url = line.strip_prefix("listening on ").unwrap();
    let client = Cli::at(url);
    let ran = client
        .run(&[
            "generate", MODEL, "--prompt", "x", "--speed", "1000", "-o", "a.mp4",
        ])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    child.kill().await.unwrap();
}
