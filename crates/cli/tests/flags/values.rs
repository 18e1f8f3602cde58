//! Flags become the properties of a request.

use serde_json::json;

use super::{DATA, MODEL, PNG, generate, sent, service, support::cli::Cli};

#[tokio::test]
async fn flags_set_properties_with_the_types_of_the_document() {
    let server = service().await;
    let cli = Cli::at(server.url());
    for (arguments, expected) in [
        (
            &[
                MODEL,
                "--prompt",
                "x",
                "--duration",
                "10",
                "--aspect-ratio",
                "9:16",
                "--cfg-scale=0.5",
                "--negative-prompt",
                "",
                "--advanced-camera-control.movement-type",
                "pan",
                "--advanced-camera-control.movement-value",
                "-3",
            ][..],
            json!({
                "model": MODEL, "prompt": "x", "duration": 10, "aspect_ratio": "9:16", "cfg_scale": 0.5,
                "negative_prompt": "", "advanced_camera_control": { "movement_type": "pan", "movement_value": -3 },
            }),
        ),
        (
            &[
                MODEL,
                "--prompt",
                "-5 degrees",
                "--negative-prompt",
                "--ar 16:9, -blurry",
            ],
            json!({ "model": MODEL, "prompt": "-5 degrees", "negative_prompt": "--ar 16:9, -blurry" }),
        ),
        // The model may follow its flags.
        (
            &[
                "--duration",
                "5",
                "--set",
                "cfg_scale=1",
                MODEL,
                "--prompt=x",
            ],
            json!({ "model": MODEL, "prompt": "x", "duration": 5, "cfg_scale": 1 }),
        ),
        (
            &[
                "luma/ray-2",
                "--prompt",
                "x",
                "--loop",
                "--keyframes.frame0.type",
                "generation",
                "--keyframes.frame0.id",
                "7",
            ],
            json!({
                "model": "luma/ray-2", "prompt": "x", "loop": true,
                "keyframes": { "frame0": { "type": "generation", "id": "7" } },
            }),
        ),
        (
            &[
                "luma/ray-2",
                "--prompt",
                "x",
                "--loop=false",
                "--keyframes",
                r#"{"frame1":{"type":"generation","id":"7"}}"#,
            ],
            json!({
                "model": "luma/ray-2", "prompt": "x", "loop": false,
                "keyframes": { "frame1": { "type": "generation", "id": "7" } },
            }),
        ),
    ] {
        let ran = generate(&cli, arguments).await;
        assert_eq!((ran.code, sent(&server)), (0, expected), "{ran:?}");
    }
}

#[tokio::test]
async fn flag_for_media_sends_a_file_or_a_url_and_repeats_for_a_list() {
    let server = service().await;
    let cli = Cli::at(server.url());
    std::fs::write(cli.path("cat.png"), PNG).unwrap();
    let effects = "klingai/kling-video-v1.6-pro-effects";
    for image in ["cat.png", "@cat.png", "cat.png;type=image/png"] {
        let arguments = ["klingai/v2-master-image-to-video", "--image-url", image];
        let ran = generate(&cli, &arguments).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(
            sent(&server)["image_url"]
                .as_str()
                .unwrap()
                .starts_with(DATA)
        );
    }
    let url = "https://example.com/a.png";
    let list = format!("[\"{url}\"]");
    for (given, count) in [
        (&["cat.png"][..], None),
        (&["cat.png", url], Some(2)),
        (&[&list], Some(1)),
    ] {
        let flags: Vec<&str> = given
            .iter()
            .flat_map(|image| ["--image-url", image])
            .collect();
        let ran = generate(
            &cli,
            &[&[effects, "--effect-scene", "hug"], &flags[..]].concat(),
        )
        .await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let sent = &sent(&server)["image_url"];
        assert_eq!(sent.as_array().map(Vec::len), count, "{sent}");
        assert_eq!(sent.is_string(), count.is_none(), "{sent}");
    }
}

#[tokio::test]
async fn text_of_a_flag_is_read_from_a_file_or_from_standard_input() {
    let server = service().await;
    let cli = Cli::at(server.url());
    std::fs::write(cli.path("no.txt"), "Fog\n").unwrap();
    std::fs::write(
        cli.path("camera.json"),
        r#"{"movement_type": "pan", "movement_value": 1}"#,
    )
    .unwrap();
    let arguments = [
        "generate",
        MODEL,
        "--no-wait",
        "--prompt",
        "-",
        "--negative-prompt",
        "@no.txt",
        "--advanced-camera-control",
        "@camera.json",
    ];
    let ran = cli.run_with(&arguments, "Rain\n").await;
    let expected = json!({
        "model": MODEL, "prompt": "Rain", "negative_prompt": "Fog",
        "advanced_camera_control": { "movement_type": "pan", "movement_value": 1 },
    });
    assert_eq!((ran.code, sent(&server)), (0, expected), "{ran:?}");
    let ran = generate(&cli, &[MODEL, "--prompt", "-", "--negative-prompt", "-"]).await;
    let message = "--prompt - and --negative-prompt - both read standard input";
    assert!(ran.code == 2 && ran.error().contains(message), "{ran:?}");
}

#[tokio::test]
async fn flags_override_the_request_of_a_file_that_names_the_model() {
    let server = service().await;
    let cli = Cli::at(server.url());
    let body = json!({
        "model": MODEL, "prompt": "x", "duration": 5,
        "advanced_camera_control": { "movement_type": "pan", "movement_value": 1 },
    });
    std::fs::write(cli.path("body.json"), body.to_string()).unwrap();
    let arguments = [
        "--request",
        "body.json",
        "--duration",
        "10",
        "--advanced-camera-control.movement-value",
        "2",
    ];
    let ran = generate(&cli, &arguments).await;
    let mut expected = body;
    expected["duration"] = 10.into();
    expected["advanced_camera_control"]["movement_value"] = 2.into();
    assert_eq!((ran.code, sent(&server)), (0, expected), "{ran:?}");
}
