//! The options, the reports and the exit codes of `proxy`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::process::Stdio;

use serde_json::{Value, json};
use support::{KEY, Server, cli::Cli};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

const MODEL: &str = "klingai/v2-master-text-to-video";

/// Starts a command that listens on a free port, and returns its URL.
async fn start(cli: &Cli, command: &str, arguments: &[&str]) -> (Child, String) {
    let mut all = vec![command, "--listen", "127.0.0.1:0"];
    all.extend(arguments);
    listening(&mut cli.command(&all)).await
}

/// Starts a command, and returns the URL that it listens on.
async fn listening(command: &mut Command) -> (Child, String) {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    (
        child,
        line.strip_prefix("listening on ").unwrap().to_owned(),
    )
}

/// Stops a command as a script does, and returns its exit code and what it printed on standard error.
async fn stop(mut child: Child) -> (i32, String) {
    let id = child.id().unwrap().to_string();
    let kill = Command::new("kill").arg(id).stdin(Stdio::null()).status();
    assert!(kill.await.unwrap().success());
    let mut printed = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut printed).await.unwrap();
    (child.wait().await.unwrap().code().unwrap(), printed)
}

async fn create(url: &str, more: Value) -> u16 {
    let mut body = json!({ "model": MODEL, "prompt": "Rain" });
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http
        .post(format!("{url}/v2/video/generations"))
        .bearer_auth(KEY);
    let response = request.json(&body).send().await.unwrap();
    let status = response.status().as_u16();
    response.bytes().await.unwrap();
    status
}

#[tokio::test]
async fn deviations_are_in_the_report_and_in_the_exit_code() {
    let cli = Cli::new();
    let (_simulator, upstream) = start(&cli, "simulate", &[]).await;
    let report = [
        "--upstream",
        &upstream,
        "--fail",
        "--report",
        "report.jsonl",
    ];
    let (proxy, url) = start(&cli, "proxy", &report).await;
    assert_eq!(create(&url, json!({})).await, 200);
    let (code, printed) = stop(proxy).await;
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("exchanges: 1; deviations: 0"), "{printed}");
    assert_eq!(
        std::fs::read_to_string(cli.path("report.jsonl")).unwrap(),
        ""
    );

    let (proxy, url) = start(&cli, "proxy", &report).await;
    // The simulator takes the number in text, which the document does not allow.
    assert_eq!(
        create(&url, json!({ "cfg_scale": "0.5", "negative_prompt": KEY })).await,
        200
    );
    let (code, printed) = stop(proxy).await;
    assert_eq!(code, 2, "{printed}");
    let line = "deviation: 1 POST /v2/video/generations 200: request body /cfg_scale: expected number; received \"0.5\"";
    assert!(printed.contains(line), "{printed}");
    let report = std::fs::read_to_string(cli.path("report.jsonl")).unwrap();
    let lines: Vec<Value> = report
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["pointer"], "/cfg_scale");
    assert!(
        !report.contains(KEY) && !printed.contains(KEY),
        "{report}{printed}"
    );
}

#[tokio::test]
async fn response_is_read_by_the_library_too() {
    let cli = Cli::new();
    let body = json!({ "id": "1", "status": "completed" }).to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length";
    let answer = format!("{head}: {}\r\n\r\n{body}", body.len());
    let upstream = Server::always(answer.into()).await;
    let (proxy, url) = start(&cli, "proxy", &["--upstream", &upstream.url()]).await;
    assert_eq!(create(&url, json!({})).await, 200);
    let (code, printed) = stop(proxy).await;
    assert_eq!(code, 0, "{printed}");
    assert!(
        printed.contains("reading body /video: expected a video"),
        "{printed}"
    );
}

#[tokio::test]
async fn upstream_that_is_down_is_in_the_exit_code_and_guard_does_not_ask_it() {
    let cli = Cli::new();
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", port.local_addr().unwrap());
    drop(port);
    let arguments = ["--upstream", &upstream, "--fail", "--guard"];
    let (proxy, url) = start(&cli, "proxy", &arguments).await;
    assert_eq!(create(&url, json!({})).await, 502);
    let (code, printed) = stop(proxy).await;
    assert_eq!(code, 5, "{printed}");
    assert!(
        printed.contains("upstream body: expected a response; received \"no connection"),
        "{printed}"
    );
    let (proxy, url) = start(&cli, "proxy", &arguments).await;
    assert_eq!(create(&url, json!({ "duration": 7 })).await, 400);
    let (code, printed) = stop(proxy).await;
    assert_eq!(code, 2, "{printed}");
    assert!(printed.contains("refused requests: 1"), "{printed}");
}

#[tokio::test]
async fn deviation_of_a_request_without_a_response_is_counted_when_the_proxy_stops() {
    let cli = Cli::new();
    let (received, mut requests) = tokio::sync::mpsc::unbounded_channel();
    let upstream = Server::start(move |_, _| {
        received.send(()).unwrap();
        support::SILENCE.to_vec()
    })
    .await;
    let arguments = [
        "--upstream",
        &upstream.url(),
        "--fail",
        "--report",
        "report",
    ];
    let (proxy, url) = start(&cli, "proxy", &arguments).await;
    let creating = tokio::spawn(async move {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = http.post(format!("{url}/v2/video/generations"));
        let body = json!({ "model": MODEL, "prompt": "Rain", "duration": 7 });
        request.bearer_auth(KEY).json(&body).send().await.is_err()
    });
    requests.recv().await.unwrap();
    let (code, printed) = stop(proxy).await;
    assert_eq!(code, 2, "{printed}");
    assert!(
        printed.contains("exchanges: 1; deviations: 1;"),
        "{printed}"
    );
    let report = std::fs::read_to_string(cli.path("report")).unwrap();
    assert_eq!(report.matches("\"/duration\"").count(), 1, "{report}");
    assert!(creating.await.unwrap());
}

#[tokio::test]
async fn upstream_is_reached_by_the_proxy_of_the_environment() {
    let cli = Cli::new();
    let upstream =
        Server::start(|_, _| support::json(200, json!({ "id": "1", "status": "queued" }))).await;
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let arguments = [
        "proxy",
        "--listen",
        "127.0.0.1:0",
        "--upstream",
        &upstream.url(),
    ];
    let start = |proxy: String| {
        let mut command = cli.command(&arguments);
        command
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            .env("http_proxy", proxy);
        command
    };
    let address = other.local_addr().unwrap();
    let (_proxy, url) = listening(&mut start(format!("http://user:pass@{address}"))).await;
    let tunnel = async {
        let (mut stream, _) = other.accept().await.unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap().into());
        }
        let target = head.split(' ').nth(1).unwrap().to_owned();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut to = TcpStream::connect(target).await.unwrap();
        // The upstream closes its connection after the response.
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut to).await;
        head
    };
    let (head, status) = tokio::join!(tunnel, create(&url, json!({})));
    assert_eq!(status, 200);
    assert!(head.starts_with("CONNECT 127.0.0.1:"), "{head}");
    assert!(
        head.to_lowercase().contains("proxy-authorization: basic "),
        "{head}"
    );
    let sent = &upstream.requests()[0];
    assert!(sent.header("proxy-authorization").is_none(), "{sent:?}");

    let output = start("socks5://127.0.0.1:9".into()).output().await.unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(
        printed.contains("a proxy with the scheme socks5; expected http"),
        "{printed}"
    );
    assert_eq!(output.status.code(), Some(2));
}

#[tokio::test]
async fn recording_is_replayed_by_simulate() {
    let cli = Cli::new();
    let (_simulator, upstream) = start(&cli, "simulate", &[]).await;
    let arguments = ["--upstream", &upstream, "--record", "recording.jsonl"];
    for prompt in ["Snow", "Hail"] {
        let (proxy, url) = start(&cli, "proxy", &arguments).await;
        assert_eq!(create(&url, json!({ "prompt": prompt })).await, 200);
        assert_eq!(stop(proxy).await.0, 0);
    }
    let recorded = std::fs::read_to_string(cli.path("recording.jsonl")).unwrap();
    assert_eq!(recorded.lines().count(), 2);
    assert!(!recorded.contains(KEY), "{recorded}");
    let replay = ["--replay", "recording.jsonl", "--replay-only"];
    let (_replay, url) = start(&cli, "simulate", &replay).await;
    assert_eq!(create(&url, json!({ "prompt": "Hail" })).await, 200);
    assert_eq!(create(&url, json!({ "prompt": "Fog" })).await, 404);

    std::fs::write(cli.path("broken.jsonl"), "{}").unwrap();
    let ran = cli.run(&["simulate", "--replay", "broken.jsonl"]).await;
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .contains("broken.jsonl: line 1: expected an exchange"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn wrong_options_are_errors_of_usage() {
    let cli = Cli::new();
    let (_other, url) = start(&cli, "simulate", &[]).await;
    let address = url.strip_prefix("http://").unwrap();
    for (arguments, expected) in [
        (
            &["--upstream", "nowhere"][..],
            "expected a base URL such as https://api.aimlapi.com",
        ),
        (
            &["--report", "missing/report.jsonl"],
            "missing/report.jsonl cannot be written",
        ),
        (&["--listen", address], "cannot listen on 127.0.0.1:"),
    ] {
        let mut all = vec!["proxy"];
        all.extend(arguments);
        let ran = cli.run(&all).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains(expected), "{ran:?}");
    }
}
