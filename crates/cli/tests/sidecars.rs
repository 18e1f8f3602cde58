//! `--sidecar`: the JSON file beside a video.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use hmac_sha256::Hash;
use serde_json::{Value, json};
use support::cli::Cli;

const MODEL: &str = "klingai/v2-master-text-to-video";
const GENERATE: &[&str] = &[
    "generate",
    MODEL,
    "--prompt",
    "Rain on a <b>roof</b>",
    "--set",
    "duration=10",
    "--simulate",
    "--speed",
    "1000",
    "-o",
    "rain.mp4",
    "--sidecar",
];

fn read(cli: &Cli, name: &str) -> Value {
    serde_json::from_slice(&fs::read(cli.path(name)).unwrap()).unwrap()
}

#[tokio::test]
async fn sidecar_of_a_video_has_its_request_cost_and_checksum() {
    let cli = Cli::new();
    let ran = cli.run(GENERATE).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let sidecar = read(&cli, "rain.json");
    let video = fs::read(cli.path("rain.mp4")).unwrap();
    let hash = Hash::hash(&video);
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let request = json!({ "model": MODEL, "prompt": "Rain on a <b>roof</b>", "duration": 10 });
    for (name, expected) in [
        ("aimlapi_video_sidecar", json!(1)),
        ("state", json!("saved")),
        ("model", json!(MODEL)),
        ("request", request),
        ("length", json!(10)),
        ("file", json!("rain.mp4")),
        ("bytes", json!(video.len())),
        ("sha256", json!(hash)),
    ] {
        assert_eq!(sidecar[name], expected, "{name}");
    }
    assert!(sidecar["usd_spent"].as_f64() > Some(0.0), "{sidecar}");
    assert!(sidecar["credits_used"].as_f64() > Some(0.0), "{sidecar}");
    let times = ["created_at", "ended_at"].map(|name| sidecar[name].as_str().unwrap().to_owned());
    assert!(times[0] <= times[1], "{times:?}");
}

#[tokio::test]
async fn new_video_replaces_the_sidecar_of_a_failed_generation() {
    let server = support::paid::service().await;
    let cli = Cli::at(server.url());
    let write = |prompts: &[&str]| {
        let line = |prompt: &&str| json!({ "model": MODEL, "prompt": prompt }).to_string() + "\n";
        let text: String = prompts.iter().map(line).collect();
        fs::write(cli.path("b.jsonl"), text).unwrap();
    };
    let run = ["batch", "b.jsonl", "--out", "out", "--speed", "1000"];
    write(&["fail-1", "b"]);
    assert_eq!(cli.run(&[&run[..], &["--sidecar"]].concat()).await.code, 3);
    assert_eq!(read(&cli, "out/0001.json")["state"], "failed");
    write(&["a", "b"]);
    let retry = [&run[..], &["--retry-failed", "--yes"]].concat();
    assert_eq!(cli.run(&retry).await.code, 0);
    let is_of = |name: &str, id: &str| {
        let sidecar = read(&cli, name);
        sidecar["state"] == "saved" && sidecar["id"] == id && sidecar["request"]["prompt"] == id
    };
    assert!(is_of("out/0001.json", "a"));

    let generate = |prompt| {
        let run = ["generate", MODEL, "--speed", "1000", "--prompt", prompt];
        [&run[..], &["-o", "g.mp4"]].concat()
    };
    let failed = [&generate("fail-2")[..], &["--sidecar"]].concat();
    assert_eq!(cli.run(&failed).await.code, 3);
    assert_eq!(cli.run(&generate("g")).await.code, 0);
    assert!(is_of("g.json", "g"));
    let created = [&generate("w")[..], &["--no-wait"]].concat();
    assert_eq!(cli.run(&created).await.code, 0);
    let wait = ["wait", "w", "-o", "g.mp4", "--overwrite", "--speed", "1000"];
    assert_eq!(cli.run(&wait).await.code, 0);
    assert!(is_of("g.json", "w"));
}

#[tokio::test]
async fn file_that_is_not_a_sidecar_is_kept_and_nothing_is_created() {
    let cli = Cli::new();
    let body = json!({ "model": MODEL, "prompt": "Rain" }).to_string();
    fs::write(cli.path("rain.json"), &body).unwrap();
    let ran = cli.run(GENERATE).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let expected = "rain.json exists and is not a sidecar; name another video by -o";
    assert!(ran.error().ends_with(expected), "{ran:?}");
    assert_eq!(cli.files(), ["rain.json"]);
    assert_eq!(fs::read_to_string(cli.path("rain.json")).unwrap(), body);
}

#[tokio::test]
async fn sidecar_of_a_video_on_standard_output_is_refused() {
    let cli = Cli::new();
    let arguments = [
        "generate",
        MODEL,
        "--prompt",
        "Rain",
        "--simulate",
        "-o",
        "-",
        "--sidecar",
    ];
    let ran = cli.run(&arguments).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.error().contains("-o - saves no file"), "{ran:?}");
}

#[tokio::test]
async fn sidecar_of_a_batch_names_media_by_their_checksum_and_states_why_a_video_is_missing() {
    let server = support::Server::start(|_, request| {
        if request.method == "POST" {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            return match body["prompt"].as_str() {
                Some("refused") => support::json(400, json!({ "message": "not this scene" })),
                _ => support::json(201, json!({ "id": "g1", "status": "queued" })),
            };
        }
        if !request.target.contains("generation_id=") {
            return support::http(200, &[("content-type", "video/mp4")], support::files::CLIP);
        }
        let url = format!("http://{}/v.mp4", request.header("host").unwrap());
        support::json(
            200,
            json!({ "id": "g1", "status": "completed", "video": { "url": url } }),
        )
    })
    .await;
    let cli = Cli::at(server.url());
    let model = "kling-video/v2.1/standard/image-to-video";
    let image = "data:image/png;base64,aGVsbG8=";
    let lines = [
        json!({ "model": model, "prompt": "shown", "image_url": image }),
        json!({ "model": MODEL, "prompt": "refused" }),
    ];
    fs::write(
        cli.path("b.jsonl"),
        lines.map(|line| line.to_string()).join("\n"),
    )
    .unwrap();
    fs::create_dir(cli.path("videos")).unwrap();
    fs::write(cli.path("videos/0002.json"), "{}").unwrap();
    let batch = [
        "batch",
        "b.jsonl",
        "--out",
        "videos",
        "--speed",
        "1000",
        "--sidecar",
    ];
    let ran = cli.run(&batch).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let saved = read(&cli, "videos/0001.json");
    assert_eq!(
        (&saved["state"], &saved["id"]),
        (&json!("saved"), &json!("g1"))
    );
    assert_eq!(saved["request"]["image_url"]["bytes"], 5);
    assert!(!saved.to_string().contains("aGVsbG8"), "{saved}");
    let warning = "0002.json exists and is not a sidecar; no sidecar";
    assert!(ran.stderr.contains(warning), "{ran:?}");
    fs::remove_file(cli.path("videos/0002.json")).unwrap();
    cli.run(&batch).await;
    let failed = read(&cli, "videos/0002.json");
    assert_eq!(failed["state"], "failed");
    let error = failed["error"].as_str().unwrap();
    assert!(error.contains("not this scene"), "{error}");
    assert_eq!(
        (&failed["file"], &failed["id"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn generation_without_a_video_has_a_sidecar_with_the_reason() {
    let server = support::Server::start(|_, request| {
        let refused =
            request.method == "POST" && String::from_utf8_lossy(&request.body).contains("refused");
        match refused {
            true => support::json(400, json!({ "message": "not this scene" })),
            false => support::paid::respond(request, json!({ "usage": { "usd_spent": 0.25 } })),
        }
    })
    .await;
    let cli = Cli::at(server.url());
    let generate = async |prompt, output| {
        let words = [
            "generate",
            MODEL,
            "--speed",
            "1000",
            "--sidecar",
            "--overwrite",
        ];
        let words = [&words[..], &["--prompt", prompt, "-o", output]].concat();
        cli.run(&words).await
    };
    for (prompt, output, name, id, error) in [
        ("fail1", "a.mp4", "a.json", json!("fail1"), "no"),
        (
            "fail2",
            "out/{id}.mp4",
            "out/fail2.json",
            json!("fail2"),
            "no",
        ),
        (
            "fail3",
            "out/",
            "out/klingai-v2-master-text-to-video-fail3.json",
            json!("fail3"),
            "no",
        ),
        ("refused", "b.mp4", "b.json", Value::Null, "not this scene"),
    ] {
        assert_ne!(generate(prompt, output).await.code, 0);
        let sidecar = read(&cli, name);
        assert_eq!((&sidecar["state"], &sidecar["id"]), (&json!("failed"), &id));
        assert_eq!(sidecar["request"]["prompt"], prompt);
        assert!(
            sidecar["error"].as_str().unwrap().contains(error),
            "{sidecar}"
        );
    }
    // A video that exists keeps its sidecar.
    assert_eq!(generate("g1", "a.mp4").await.code, 0);
    assert_eq!(generate("fail4", "a.mp4").await.code, 3);
    assert_eq!(read(&cli, "a.json")["id"], "g1");
}

#[tokio::test]
async fn sidecar_of_an_unfinished_generation_is_completed_by_wait() {
    let is_released = Arc::new(AtomicBool::new(false));
    let released = Arc::clone(&is_released);
    let server = support::Server::start(move |_, request| {
        let is_poll = request.target.contains("generation_id=");
        match is_poll && !released.load(Ordering::SeqCst) {
            true => support::json(200, json!({ "id": "g1", "status": "generating" })),
            false => support::paid::respond(request, json!({})),
        }
    })
    .await;
    let cli = Cli::at(server.url());
    let words = [
        "generate",
        MODEL,
        "--prompt",
        "g1",
        "--sidecar",
        "-o",
        "a.mp4",
    ];
    let ran = cli
        .run(&[&words[..], &["--deadline", "1ms"]].concat())
        .await;
    assert_eq!(ran.code, 4, "{ran:?}");
    let sidecar = read(&cli, "a.json");
    assert_eq!(
        (&sidecar["state"], &sidecar["id"]),
        (&json!("unfinished"), &json!("g1"))
    );
    is_released.store(true, Ordering::SeqCst);
    assert_eq!(cli.run(&["wait", "g1", "-o", "a.mp4"]).await.code, 0);
    let sidecar = read(&cli, "a.json");
    let hash = Hash::hash(&fs::read(cli.path("a.mp4")).unwrap());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        (&sidecar["state"], &sidecar["sha256"]),
        (&json!("saved"), &json!(hash))
    );
    assert_eq!(sidecar["error"], Value::Null);
}

/// A service whose generations stay unfinished until they are released. The id of each is its prompt.
async fn held(released: &Arc<AtomicBool>) -> support::Server {
    let released = Arc::clone(released);
    support::Server::start(move |_, request| {
        let is_poll = request.target.contains("generation_id=");
        match is_poll && !released.load(Ordering::SeqCst) {
            true => support::json(200, json!({ "id": "g", "status": "generating" })),
            false => support::paid::respond(request, json!({ "usage": { "usd_spent": 0.25 } })),
        }
    })
    .await
}

#[tokio::test]
async fn sidecar_of_an_unfinished_generation_that_failed_says_so_after_wait() {
    let released = Arc::new(AtomicBool::new(false));
    let server = held(&released).await;
    let cli = Cli::at(server.url());
    let generate = ["generate", MODEL, "--prompt", "fail", "--sidecar"];
    let generate = [&generate[..], &["--deadline", "1ms", "-o", "a.mp4"]].concat();
    assert_eq!(cli.run(&generate).await.code, 4);
    let unfinished = read(&cli, "a.json");
    // A service that is away says nothing about the generation.
    let away = Cli {
        base: Some("http://127.0.0.1:1".into()),
        ..cli
    };
    let wait = ["wait", "fail", "--speed", "1000", "-o", "a.mp4"];
    assert_eq!(away.run(&wait).await.code, 5);
    assert_eq!(read(&away, "a.json"), unfinished);
    let cli = Cli {
        base: Some(server.url()),
        ..away
    };
    released.store(true, Ordering::SeqCst);
    let ran = cli.run(&["wait", "fail", "--speed", "1000"]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    let failed = read(&cli, "a.json");
    assert_eq!(failed["state"], "failed", "{failed}");
    assert!(failed["error"].as_str().unwrap().contains("no"), "{failed}");
    for name in ["created_at", "request", "id"] {
        assert_eq!(failed[name], unfinished[name], "{name}");
    }
}

#[tokio::test]
async fn sidecar_of_an_unfinished_generation_follows_its_video() {
    let released = Arc::new(AtomicBool::new(false));
    let server = held(&released).await;
    let cli = Cli::at(server.url());
    let generate = ["generate", MODEL, "--prompt", "g", "--sidecar"];
    let generate = [&generate[..], &["--deadline", "1ms", "-o", "a.mp4"]].concat();
    assert_eq!(cli.run(&generate).await.code, 4);
    released.store(true, Ordering::SeqCst);
    let wait = ["wait", "g", "--speed", "1000", "-o", "b.mp4"];
    assert_eq!(cli.run(&wait).await.code, 0);
    assert_eq!(cli.files(), ["b.json", "b.mp4"]);
    let saved = read(&cli, "b.json");
    assert_eq!(
        (&saved["state"], &saved["file"]),
        (&json!("saved"), &json!("b.mp4"))
    );
    assert_eq!(saved["request"]["prompt"], "g");
}

#[tokio::test]
async fn sidecars_of_a_batch_say_how_its_generations_ended_after_resume() {
    for resume in [&["resume", "o/journal.jsonl"][..], &["resume"]] {
        let released = Arc::new(AtomicBool::new(false));
        let server = held(&released).await;
        let cli = Cli::at(server.url());
        let line = |prompt| json!({ "model": MODEL, "prompt": prompt }).to_string() + "\n";
        fs::write(cli.path("b.jsonl"), ["fail", "g"].map(line).concat()).unwrap();
        let batch = ["batch", "b.jsonl", "--out", "o", "--sidecar"];
        let ran = cli
            .run(&[&batch[..], &["--deadline", "1ms"]].concat())
            .await;
        assert_eq!(ran.code, 4, "{ran:?}");
        let states =
            || ["o/0001.json", "o/0002.json"].map(|name| read(&cli, name)["state"].clone());
        assert_eq!(states(), ["unfinished", "unfinished"]);
        released.store(true, Ordering::SeqCst);
        let ran = cli.run(&[resume, &["--speed", "1000"]].concat()).await;
        assert_eq!(ran.code, 3, "{ran:?}");
        assert_eq!(states(), ["failed", "saved"]);
        assert_eq!(read(&cli, "o/0001.json")["id"], "fail");
    }
}

/// A service that answers each create of `lost` with an error after which it may have been accepted, and completes all others.
async fn losing() -> support::Server {
    support::Server::start(|_, request| {
        let is_lost = String::from_utf8_lossy(&request.body).contains("lost");
        match is_lost {
            true => support::http(502, &[], ""),
            false => support::paid::respond(request, json!({})),
        }
    })
    .await
}

/// A lost create with a sidecar beside `a.mp4`; returns its entry.
async fn lose(cli: &Cli) -> String {
    let generate = ["generate", MODEL, "--prompt", "lost", "--sidecar", "-o"];
    let ran = cli.run(&[&generate[..], &["a.mp4"]].concat()).await;
    assert_eq!(ran.code, 6, "{ran:?}");
    let sidecar = read(cli, "a.json");
    assert_eq!(
        (&sidecar["state"], &sidecar["id"]),
        (&json!("unfinished"), &Value::Null)
    );
    let entries = cli.run(&["history", "--json"]).await.json();
    let mut entries = entries.as_array().unwrap().iter();
    let lost = entries.find(|entry| entry["state"] == "ambiguous").unwrap();
    lost["entry"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn sidecar_of_a_lost_create_follows_its_video_alone() {
    let server = losing().await;
    let cli = Cli::at(server.url());
    // Another generation, whose video belongs in the same place.
    let other = ["generate", MODEL, "--prompt", "g", "-o", "a.mp4"];
    let ran = cli.run(&[&other[..], &["--no-wait"]].concat()).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let entry = lose(&cli).await;
    let lost = read(&cli, "a.json");
    let wait = ["wait", "g", "--speed", "1000", "-o", "b.mp4"];
    assert_eq!(cli.run(&wait).await.code, 0);
    assert_eq!(cli.files(), ["a.json", "b.mp4"]);
    assert_eq!(read(&cli, "a.json"), lost);

    let wait = ["wait", "g1", "--entry", &entry, "--speed", "1000", "-o"];
    assert_eq!(cli.run(&[&wait[..], &["c.mp4"]].concat()).await.code, 0);
    assert_eq!(cli.files(), ["b.mp4", "c.json", "c.mp4"]);
    assert_eq!(read(&cli, "c.json")["request"], lost["request"]);
}

#[tokio::test]
async fn sidecar_stays_where_it_is_if_none_can_be_written_beside_the_video() {
    let server = losing().await;
    let cli = Cli::at(server.url());
    let entry = lose(&cli).await;
    fs::write(cli.path("b.json"), "mine").unwrap();
    let wait = ["wait", "g1", "--entry", &entry, "--speed", "1000", "-o"];
    let ran = cli.run(&[&wait[..], &["b.mp4"]].concat()).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(cli.files(), ["a.json", "b.json", "b.mp4"]);
}
