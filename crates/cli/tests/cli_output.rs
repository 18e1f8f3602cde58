//! Output paths with placeholders (`-o`), and the list of requests (`-v`).
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use aimlapi_video_simulator::Simulator;
use serde_json::json;
use support::{KEY, Server, cli::Cli, http};

const MODEL: &str = "klingai/v2-master-text-to-video";

const FILM: &[u8] = support::files::CLIP;

/// A service of one generation, whose video is on the host `files`.
async fn service(id: &'static str, files: String) -> Server {
    Server::start(move |_, request| {
        let state = match &*request.method {
            "POST" => json!({ "id": id, "status": "queued" }),
            _ => json!({ "id": id, "status": "completed", "video": { "url": files } }),
        };
        let body = state.to_string();
        // A malicious gateway may echo the key.
        let headers = [
            ("x-request-id", format!("r-1 {KEY}")),
            ("x-inference-id", "i-1".into()),
        ];
        let headers = headers
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        http(200, &headers[..], body)
    })
    .await
}

const LINK: &str = "v.mp4?X-Amz-Signature=secret-4712&token=secret-4713";

#[tokio::test]
async fn placeholders_of_the_output_become_model_and_id() {
    let files = Server::always(http(200, &[("content-type", "video/mp4")], FILM)).await;
    let service = service("a:b/../c", format!("{}/{LINK}", files.url())).await;
    let cli = Cli::at(service.url());
    std::fs::create_dir(cli.path("out")).unwrap();
    let generate = ["generate", MODEL, "--prompt", "x", "--speed", "1000", "-o"];
    let run = async |template: &str| cli.run(&[&generate[..], &[template]].concat()).await;
    let ran = run("out/{model}-{id}.mp4").await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let name = ran
        .stdout
        .strip_prefix("saved out/klingai-v2-master-text-to-video-a-b")
        .unwrap();
    let name = name.split(' ').next().unwrap();
    assert!(
        name.ends_with(".mp4") && !name.contains([':', '/']),
        "{ran:?}"
    );
    let ran = run("{{{model}}}.mp4").await;
    assert!(
        ran.stdout
            .starts_with("saved {klingai-v2-master-text-to-video}.mp4 ("),
        "{ran:?}"
    );
    let ran = cli
        .run(&["wait", "a:b/../c", "--speed", "1000", "-o", "{{w}}.mp4"])
        .await;
    assert!(ran.stdout.starts_with("saved {w}.mp4 ("), "{ran:?}");
}

#[tokio::test]
async fn wrong_output_template_is_an_error_before_any_create() {
    let server = Server::always(http(500, &[], "")).await;
    let cli = Cli::at(server.url());
    std::fs::write(cli.path("{a}.mp4"), "mine").unwrap();
    for (template, error) in [
        (
            "{modle}.mp4",
            "{modle} is not a placeholder; use {model}, {id}, {prompt}",
        ),
        ("a{.mp4", "write {{ or }}"),
        ("{id}/a.mp4", "not in its folder"),
        ("{{a}}.mp4/such/{id}.mp4", "{a}.mp4/such"),
        ("{{a}}.mp4", "already exists"),
    ] {
        for more in [&[][..], &["--no-wait"]] {
            let generate = ["generate", MODEL, "--prompt", "x", "-o", template];
            // With --no-wait only the syntax is checked.
            if !more.is_empty() && ["{a}.mp4/such", "already exists"].contains(&error) {
                continue;
            }
            let ran = cli.run(&[&generate[..], more].concat()).await;
            assert_eq!(ran.code, 2, "{ran:?}");
            assert!(ran.error().contains(error), "{ran:?}");
        }
        let ran = cli.run(&["wait", "g", "-o", template]).await;
        assert_eq!(ran.code, 2, "{ran:?}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn printed_resume_command_names_the_same_file() {
    let service = service("g", "https://127.0.0.1:9/gone".into()).await;
    let cli = Cli::at(service.url());
    for (template, expected) in [
        (
            "{model}-{id}.mp4",
            "-o klingai-v2-master-text-to-video-g.mp4 g",
        ),
        ("{{{id}}}.mp4", "-o '{{g}}.mp4' g"),
    ] {
        let generate = [
            "generate", MODEL, "--prompt", "x", "--speed", "100000", "-o", template,
        ];
        let ran = cli.run(&generate).await;
        assert_eq!(ran.code, 7, "{ran:?}");
        let resume = format!("resume with: aimlapi-video wait {expected}");
        assert!(ran.stderr.lines().any(|line| line == resume), "{ran:?}");
    }
    // A handle made from an id has the model that the history has, or none.
    let wait = ["wait", "g", "-o", "{model}.mp4", "--speed", "100000"];
    for (options, output) in [
        (&[][..], "klingai-v2-master-text-to-video.mp4"),
        (&["--no-history"], "'{model}.mp4'"),
    ] {
        let ran = cli.run(&[&wait[..], options].concat()).await;
        let resume = format!("aimlapi-video wait -o {output} g");
        assert!(ran.stderr.contains(&resume), "{ran:?}");
    }
}

#[tokio::test]
async fn verbose_prints_each_request_without_secrets() {
    let files = Server::always(http(200, &[("content-type", "video/mp4")], FILM)).await;
    // A redirect is a request of its own.
    let to = format!("{}/{LINK}", files.url());
    let redirect = Server::always(http(302, &[("location", &to)], "")).await;
    let service = service("g", format!("{}/{LINK}", redirect.url())).await;
    let cli = Cli::at(service.url());
    let body = json!({ "model": MODEL, "prompt": "a secret prompt" }).to_string();
    std::fs::write(cli.path("b.jsonl"), body + "\n").unwrap();
    let generate = [
        "generate",
        MODEL,
        "--prompt",
        "a secret prompt",
        "-v",
        "--speed",
        "1000",
        "-o",
        "a.mp4",
    ];
    let batch = [
        "--verbose",
        "batch",
        "b.jsonl",
        "--out",
        "o",
        "--speed",
        "1000",
    ];
    for arguments in [&generate[..], &batch] {
        let ran = cli.run(arguments).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let requests: Vec<&str> = ran
            .stderr
            .lines()
            .filter(|line| line.starts_with("POST ") || line.starts_with("GET "))
            .collect();
        let (api, from, to) = (service.url(), redirect.url(), files.url());
        let expected = [
            format!("POST {api}/v2/video/generations: 200 after "),
            format!("GET {api}/v2/video/generations?…: 200 after "),
            format!("GET {from}/v.mp4?…: 302 after "),
            format!("GET {to}/v.mp4?…: 200 after "),
        ];
        assert_eq!(requests.len(), expected.len(), "{ran:?}");
        for (line, expected) in requests.iter().zip(&expected) {
            assert!(line.starts_with(expected), "{line}");
            // The id contains the key, so it is not printed.
            assert!(
                line.ends_with('s') && !line.contains("X-Request-Id"),
                "{line}"
            );
        }
        for secret in [KEY, "secret", "Bearer", "Signature", "\x1b"] {
            assert!(!ran.stderr.contains(secret), "{secret} in {ran:?}");
        }
    }
    assert!(
        files
            .requests()
            .iter()
            .all(|request| request.header("authorization").is_none())
    );
}

#[tokio::test]
async fn verbose_prints_the_id_of_a_response_and_a_missing_response() {
    let answer = http(401, &[("x-request-id", "req-17")], "{}");
    let server = Server::always(answer).await;
    let ran = Cli::at(server.url()).run(&["status", "g", "-v"]).await;
    assert_eq!(ran.code, 5, "{ran:?}");
    let line = ran.stderr.lines().next().unwrap();
    assert!(
        line.contains(": 401 after ") && line.ends_with("s, X-Request-Id req-17"),
        "{line}"
    );
    let cli = Cli::at(server.url());
    drop(server);
    let ran = cli.run(&["status", "g", "-v"]).await;
    assert!(
        ran.stderr.contains(": no response (no connection) after "),
        "{ran:?}"
    );
    assert!(
        ran.error()
            .ends_with("check the network, the proxy and AIML_API_BASE"),
        "{ran:?}"
    );
    let ran = cli.run(&["status", "g"]).await;
    assert!(!ran.stderr.contains("after"), "{ran:?}");
}

#[tokio::test]
async fn verbose_works_with_the_simulator_too() {
    let simulator = Simulator::builder().speed(2000.0).start().await.unwrap();
    let cli = Cli::at(simulator.url());
    let arguments = [
        "generate", MODEL, "--prompt", "x", "-v", "--speed", "2000", "-o", "a.mp4",
    ];
    let ran = cli.run(&arguments).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains(&format!(
        "POST {}/v2/video/generations: 200 after",
        simulator.url()
    )));
    assert!(
        ran.stderr
            .contains(&format!("GET {}/_simulator/files/", simulator.url()))
    );
    assert!(!ran.stderr.contains("X-Amz-Signature"), "{ran:?}");
}
