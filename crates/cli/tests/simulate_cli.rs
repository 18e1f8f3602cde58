//! The options and the output of `simulate`.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use serde_json::{Value, json};
use support::{KEY, cli::Cli};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::Child,
};

const MODEL: &str = "klingai/v2-master-text-to-video";

/// Starts a simulator with these arguments and returns its URL.
async fn simulate(cli: &Cli, arguments: &[&str]) -> (Child, String) {
    let mut all = vec!["simulate", "--listen", "127.0.0.1:0"];
    all.extend(arguments);
    let mut child = cli.command(&all).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let url = line.strip_prefix("listening on ").unwrap().to_owned();
    (child, url)
}

async fn send(method: &str, url: String, body: Value) -> (u16, Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.request(method.parse().unwrap(), url);
    let request = request.bearer_auth(KEY).body(body.to_string());
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let bytes = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[tokio::test]
async fn every_setting_reaches_the_simulator() {
    let cli = Cli::new();
    let scenario =
        json!({ "next": [{ "create": { "status": 503 } }, { "seconds": 100, "times": 2 }] });
    std::fs::write(cli.path("scenario.json"), scenario.to_string()).unwrap();
    let (mut child, url) = simulate(
        &cli,
        &[
            "--manual-clock",
            "--strict",
            "--slots",
            "1",
            "--rate-limit",
            "7",
            "--credits",
            "1000000",
            "--key",
            KEY,
            "--url-lifetime",
            "10s",
            "--shapes",
            "list,bare",
            "--scenario",
            "scenario.json",
            "--max-tasks",
            "2",
            "--max-requests",
            "1",
            "--seed",
            "3",
            "--spread",
            "0",
        ],
    )
    .await;
    let create = |duration: Value| {
        let body = json!({ "model": MODEL, "prompt": "x", "duration": duration });
        send("POST", format!("{url}/v2/video/generations"), body)
    };
    let own = |method: &'static str, path: &str, body: Value| {
        send(method, format!("{url}/_simulator/{path}"), body)
    };
    // --strict and --scenario.
    assert_eq!(create(json!("5")).await.0, 400);
    assert_eq!(create(json!(5)).await.0, 503);
    let (_, first) = create(json!(5)).await;
    let (_, second) = create(json!(5)).await;
    // The shapes are used in turn, and their ids differ.
    assert!(first["id"].as_str().unwrap().contains(MODEL));
    assert_eq!(second["id"].as_str().unwrap().len(), 21);
    assert_eq!(create(json!(5)).await.0, 403);
    own("POST", "clock", json!({ "advance_seconds": 50 })).await;
    let (_, tasks) = own("GET", "tasks", Value::Null).await;
    assert_eq!(
        [&tasks[0]["status"], &tasks[1]["status"]],
        ["generating", "queued"]
    );
    own("POST", "clock", json!({ "advance_seconds": 50 })).await;
    let fetch = format!(
        "{url}/v2/video/generations?generation_id={}",
        first["id"].as_str().unwrap()
    );
    let (_, ended) = send("GET", fetch.clone(), Value::Null).await;
    let link = ended["video"][0]["url"].as_str().unwrap().to_owned();
    assert_eq!(send("GET", link.clone(), Value::Null).await.0, 200);
    own("POST", "clock", json!({ "advance_seconds": 10 })).await;
    assert_eq!(send("GET", link, Value::Null).await.0, 403);
    let (_, overview) = own("GET", "", Value::Null).await;
    assert_eq!(overview["requests"].as_array().unwrap().len(), 1);
    assert_eq!(overview["credits_left"], 0.0);
    assert_eq!(overview["strict"], true);
    // Seven requests of a minute, though the clock was moved: what was saved up is gone first.
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(send("GET", fetch.clone(), Value::Null).await.0);
    }
    assert_eq!(statuses.last(), Some(&429));
    child.kill().await.unwrap();
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .await
        .unwrap();
    for part in [
        "time is stopped",
        "only the given key",
        "state is in memory",
        "/_simulator/",
    ] {
        assert!(stderr.contains(part), "{stderr}");
    }
    assert!(!stderr.contains(KEY), "{stderr}");
}

/// Runs a local server with `--json` by a shell, which exits when its standard input ends.
#[cfg(unix)]
#[tokio::test]
async fn local_server_prints_one_line_of_json_and_exits_with_its_parent() {
    use std::{process::Stdio, time::Duration};

    use tokio::process::Command;

    let cli = Cli::new();
    for (command, option, origin) in [
        ("simulate", "--cors", Some("*")),
        ("proxy", "--guard", None),
    ] {
        let server = cli.command(&[
            command,
            option,
            "--listen",
            "127.0.0.1:0",
            "--json",
            "--exit-with-parent",
        ]);
        let server = server.as_std();
        let mut shell = Command::new("sh");
        shell
            .args(["-c", "\"$@\" & read line", "sh"])
            .arg(server.get_program())
            .args(server.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut shell = shell.spawn().unwrap();
        let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let url = ready["url"].as_str().unwrap().to_owned();
        assert_eq!(
            url,
            format!("http://127.0.0.1:{}", ready["port"].as_u64().unwrap())
        );
        assert_eq!(ready["address"], "127.0.0.1");
        assert_eq!(ready["version"], env!("CARGO_PKG_VERSION"));
        assert!(ready["pid"].is_u64());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let overview = http.get(format!("{url}/_simulator/")).send().await.unwrap();
        let allowed = overview.headers().get("access-control-allow-origin");
        assert_eq!(allowed.map(|origin| origin.to_str().unwrap()), origin);

        drop(shell.stdin.take());
        shell.wait().await.unwrap();
        // The server holds the other end of the pipe until it exits.
        let limit = Duration::from_secs(30);
        let end = tokio::time::timeout(limit, lines.next_line()).await;
        assert_eq!(end.unwrap().unwrap(), None);
        assert!(http.get(url).send().await.unwrap_err().is_connect());
    }
}

/// Runs a simulator by a shell that has exited, and whose output no one reads, before the simulator starts.
#[cfg(unix)]
#[tokio::test]
async fn simulator_whose_parent_has_exited_before_it_starts_exits() {
    use std::{process::Stdio, time::Duration};

    use tokio::process::Command;

    let cli = Cli::new();
    let simulate = cli.command(&["simulate", "--listen", "127.0.0.1:0", "--exit-with-parent"]);
    let simulate = simulate.as_std();
    let mut shell = Command::new("sh");
    // A process in the background has no standard input but the one that it is given.
    shell
        .args(["-c", "(read line; exec \"$@\") <&0 &", "sh"])
        .arg(simulate.get_program())
        .args(simulate.get_args())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut shell = shell.spawn().unwrap();
    let start = shell.stdin.take();
    let mut stderr = shell.stderr.take().unwrap();
    drop(shell.stdout.take());
    shell.wait().await.unwrap();
    drop(start);
    // The simulator holds the other end of the pipe until it exits.
    let mut text = String::new();
    let end = tokio::time::timeout(Duration::from_secs(30), stderr.read_to_string(&mut text));
    assert!(end.await.is_ok(), "the simulator still runs");
}

#[tokio::test]
async fn wrong_setting_is_an_error_before_the_simulator_listens() {
    let cli = Cli::new();
    std::fs::write(cli.path("wrong.json"), r#"{ "next": [{ "tims": 2 }] }"#).unwrap();
    for (arguments, expected) in [
        (["--scenario", "wrong.json"], "wrong.json: next[0]"),
        (["--scenario", "absent.json"], "absent.json"),
        (["--shapes", "round"], "expected one of documented, "),
        (["--spread", "3"], "expected a number from 0 to 2"),
        (["--slots", "0"], "a whole number from 1 to 4294967295"),
    ] {
        let ran = cli.run(&["simulate", arguments[0], arguments[1]]).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains(expected), "{ran:?}");
    }
}
