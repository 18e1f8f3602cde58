//! Generations that succeed: what is sent, saved and printed.

use std::path::Path;

use aimlapi_video_simulator::Simulator;
use serde_json::{Value, json};

use super::{
    MODEL, PNG,
    support::{self, Server, cli::Cli},
};

fn is_mp4(path: &Path) -> bool {
    &std::fs::read(path).unwrap()[4..8] == b"ftyp"
}

#[tokio::test]
async fn command_of_the_readme_saves_a_video() {
    let cli = Cli::new();
    let prompt = "A paper boat sails down a rain gutter at dusk";
    let ran = cli
        .run(&[
            "generate",
            MODEL,
            "--simulate",
            "--prompt",
            prompt,
            "--speed",
            "1000",
            "-o",
            "boat.mp4",
        ])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.starts_with("saved boat.mp4 ("), "{ran:?}");
    assert!(ran.stderr.contains("queued "), "{ran:?}");
    assert!(is_mp4(&cli.path("boat.mp4")));
    assert_eq!(cli.files(), ["boat.mp4"]);
    let readme = include_str!("../../../../README.md").replace("\\\n  ", "");
    assert!(readme.contains(&format!(
        "cargo run -- generate {MODEL} --prompt \"{prompt}\" --simulate -o boat.mp4"
    )));
}

#[tokio::test]
async fn json_output_is_one_object_with_every_video() {
    let simulator = Simulator::builder()
        .speed(2000.0)
        .videos(2)
        .start()
        .await
        .unwrap();
    let cli = Cli::at(simulator.url());
    let ran = cli
        .run(&[
            "generate", MODEL, "--prompt", "x", "--speed", "2000", "--json", "-o", "a.mp4",
        ])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let object = ran.json();
    assert_eq!(
        (&object["state"], &object["model"], &object["route"]),
        (&json!("completed"), &json!(MODEL), &json!("universal"))
    );
    let videos = object["videos"].as_array().unwrap();
    assert_eq!(
        (&videos[0]["path"], &videos[1]["path"]),
        (&json!("a.mp4"), &json!("a-2.mp4"))
    );
    assert!(
        videos
            .iter()
            .all(|video| video["url"].is_string() && video["bytes"].as_u64() > Some(1000))
    );
    assert_eq!(cli.files(), ["a-2.mp4", "a.mp4"]);
}

#[tokio::test]
async fn video_without_an_output_is_named_after_the_generation() {
    let cli = Cli::new();
    let ran = cli
        .run(&[
            "generate",
            MODEL,
            "--prompt",
            "x",
            "--simulate",
            "--speed",
            "2000",
            "--json",
        ])
        .await;
    let name = ran.json()["videos"][0]["path"].as_str().unwrap().to_owned();
    let id = ran.json()["id"].as_str().unwrap().to_owned();
    // The id ends with the model, which is not repeated in the name.
    let id = id.strip_suffix(&format!(":{MODEL}")).unwrap();
    assert_eq!(name, format!("{}-{id}.mp4", MODEL.replace('/', "-")));
    assert_eq!(cli.files(), [name]);
}

#[tokio::test]
async fn every_flag_reaches_the_body() {
    let server = Server::always(support::json(201, json!({ "id": "g", "status": "queued" }))).await;
    let cli = Cli::at(server.url());
    std::fs::write(cli.path("a.png"), PNG).unwrap();
    let request = json!({ "model": "klingai/v2-master-image-to-video", "negative_prompt": "@rain", "duration": 5 });
    std::fs::write(cli.path("body.json"), request.to_string()).unwrap();
    let ran = cli
        .run(&[
            "generate", "--request", "body.json", "--prompt", "p", "--image", "a.png", "--set", "duration=10", "--set",
            "cfg_scale=0.5", "--set", "static_mask=@a.png", "--set", "provider=123", "--set", "camera_control={\"type\":\"simple\"}",
            "--set", "dynamic_masks+={\"mask\":\"m\",\"trajectories\":[{\"x\":1,\"y\":2},{\"x\":3,\"y\":4}]}", "--no-wait",
        ])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let body: Value = serde_json::from_slice(&server.requests()[0].body).unwrap();
    let inline = body["image_url"].as_str().unwrap();
    assert!(inline.starts_with("data:image/png;base64,"), "{inline}");
    assert_eq!(
        body,
        json!({
            "model": "klingai/v2-master-image-to-video", "prompt": "p", "negative_prompt": "@rain", "duration": 10, "cfg_scale": 0.5,
            "image_url": inline, "static_mask": inline, "provider": "123", "camera_control": { "type": "simple" },
            "dynamic_masks": [{ "mask": "m", "trajectories": [{ "x": 1, "y": 2 }, { "x": 3, "y": 4 }] }],
        })
    );
}

#[tokio::test]
async fn file_is_sent_inline_where_a_legacy_body_states_no_format() {
    let server = Server::always(support::json(201, json!({ "id": "g", "status": "queued" }))).await;
    let cli = Cli::at(server.url());
    std::fs::write(cli.path("a.png"), PNG).unwrap();
    let ran = cli
        .run(&[
            "generate",
            "kling-video/v2.1/standard/image-to-video",
            "--legacy",
            "--image",
            "a.png",
            "--set",
            "tail_image_url=@a.png",
            "--no-wait",
        ])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let request = &server.requests()[0];
    assert_eq!(request.target, "/v2/generate/video/kling/generation");
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert!(
        body["tail_image_url"]
            .as_str()
            .unwrap()
            .starts_with("data:image/png;base64,")
    );
    let handle = ran.json();
    assert_eq!(
        (&handle["id"], &handle["route"], &handle["origin"]),
        (&json!("g"), &json!("legacy-kling"), &json!(server.url()))
    );
}

#[tokio::test]
async fn no_wait_prints_a_handle_that_wait_reads_from_a_file_and_standard_input() {
    let simulator = Simulator::builder().speed(2000.0).start().await.unwrap();
    let cli = Cli::at(simulator.url());
    let created = cli
        .run(&["generate", MODEL, "--legacy", "--prompt", "x", "--no-wait"])
        .await;
    assert_eq!(created.code, 0, "{created:?}");
    std::fs::write(cli.path("handle.json"), &created.stdout).unwrap();
    for (from, input, file) in [
        ("handle.json", "", "a.mp4"),
        ("-", created.stdout.as_str(), "b.mp4"),
    ] {
        let ran = cli
            .run_with(&["wait", from, "--speed", "2000", "-o", file], input)
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(is_mp4(&cli.path(file)));
    }
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let ran = cli
        .run(&["wait", &id, "--legacy", "--speed", "2000", "-o", "c.mp4"])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = cli.run(&["status", &id, "--legacy"]).await;
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!((ran.code, lines[0]), (0, "completed"));
    assert!(
        lines[1].starts_with(&format!("{}/_simulator/files/", simulator.url())),
        "{ran:?}"
    );
    let ran = cli.run(&["status", &id, "--legacy", "--json"]).await;
    assert_eq!(ran.json()["status"], "completed");
}

#[tokio::test]
async fn mistyped_parameter_is_warned_of_before_the_create() {
    let cli = Cli::new();
    let ran = cli
        .run(&[
            "generate",
            MODEL,
            "--prompt",
            "x",
            "--set",
            "durration=5",
            "--simulate",
            "--speed",
            "2000",
            "-o",
            "a.mp4",
        ])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stderr.contains(
            "/durration: the document has no property `durration`; the most similar one is `duration`"
        ),
        "{ran:?}"
    );
}
