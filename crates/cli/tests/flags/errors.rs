//! Wrong flags and wrong values: nothing is created.

use serde_json::{Value, json};

use super::{MODEL, generate, service, support::cli::Cli};

#[tokio::test]
async fn wrong_values_are_reported_together_by_the_names_of_their_flags() {
    let server = service().await;
    let cli = Cli::at(server.url());
    let arguments = [
        MODEL,
        "--duration",
        "7",
        "--cfg-scale",
        "high",
        "--set",
        "aspect_ratio=9:15",
        "--advanced-camera-control.movement-type",
        "up",
    ];
    let ran = generate(&cli, &arguments).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    for part in [
        "--duration is 7; allowed: 5, 10",
        "--cfg-scale is \"high\"; allowed: 0 to 1",
        "; /aspect_ratio is \"9:15\"; allowed: ",
        "--advanced-camera-control.movement-type is \"up\"; allowed: \"horizontal\"",
        "--advanced-camera-control.movement-value is missing; it takes -10 to 10",
        "--prompt is missing; it takes a string",
    ] {
        assert!(ran.error().contains(part), "{part}: {ran:?}");
    }
    let ran = cli.run(&[&["validate"], &arguments[..]].concat()).await;
    let verdict = ran.json();
    let flag = |pointer: &str| {
        let violations = verdict["violations"].as_array().unwrap();
        let found = violations
            .iter()
            .find(|violation| violation["pointer"] == pointer);
        found.unwrap()["flag"].clone()
    };
    assert_eq!((ran.code, &verdict["valid"]), (2, &json!(false)), "{ran:?}");
    assert_eq!(flag("/duration"), "--duration");
    assert_eq!(flag("/prompt"), "--prompt");
    assert_eq!(flag("/aspect_ratio"), Value::Null);

    // Files that cannot be read are reported together, too.
    let image = "klingai/video-v3-pro-image-to-video";
    let ran = generate(
        &cli,
        &[image, "--image-url", "a.png", "--tail-image-url", "b.png"],
    )
    .await;
    assert!(
        ran.error().contains("a.png") && ran.error().contains("b.png"),
        "{ran:?}"
    );
    std::fs::write(
        cli.path("clip.mp4"),
        b"\0\0\0\x1cftypisom\0\0\x02\0isomiso2avc1",
    )
    .unwrap();
    for (value, part) in [
        ("blob:1", "nothing was created: --image-url: "),
        ("clip.mp4", "clip.mp4 is video/mp4, expected an image"),
        ("-", "- cannot be read"),
    ] {
        let ran = generate(&cli, &[image, "--image-url", value]).await;
        assert!(
            ran.code == 2 && ran.error().contains(part),
            "{part}: {ran:?}"
        );
    }
    let list = "alibaba/wan-2-6-r2v";
    let urls = [
        "--video-urls",
        "https://example.com/a.mp4",
        "--video-urls",
        "https:// b",
    ];
    let ran = generate(&cli, &[&[list, "--prompt", "x"], &urls[..]].concat()).await;
    assert!(
        ran.code == 2 && ran.error().contains("/video_urls/1"),
        "{ran:?}"
    );
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn unknown_flag_is_an_error_that_names_the_nearest_or_what_is_missing() {
    let cli = Cli::new();
    for (arguments, part) in [
        (
            &[MODEL, "--prompt", "x", "--duratoin", "5"][..],
            "similar argument exists: '--duration'",
        ),
        (
            &[MODEL, "--promt", "x"],
            "similar argument exists: '--prompt'",
        ),
        (
            &[MODEL, "--prompt", "--duration", "5"],
            "note: for a value that looks like a flag, write --prompt=VALUE",
        ),
        (
            &[MODEL, "--prompt", "--duratoin", "5"],
            "similar argument exists: '--duration'",
        ),
        (&[MODEL, "A kite climbs"], "the prompt follows --prompt"),
        (
            &[MODEL, "--prompt", "x", "--duration", "-5"],
            "--duration is -5; allowed: 5, 10",
        ),
        (
            &[MODEL, "--over-write"],
            "similar argument exists: '--overwrite'",
        ),
        (
            &["--prompt", "x", "--duration", "5"],
            "note: to set a model's parameters by its flags, name MODEL",
        ),
        (
            &["klingai/v2-master-text-to-vido", "--duration", "5"],
            "such as klingai/v2-master-text-to-video",
        ),
        (
            &["acme/new", "--unchecked", "--duration", "5"],
            "acme/new, so it has no flags of its own; set its parameters by --set",
        ),
        (
            &[MODEL, "--duration", "5", "--duration", "10"],
            "'--duration <N>' cannot be used multiple times",
        ),
    ] {
        let ran = generate(&cli, arguments).await;
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{ran:?}");
        assert!(
            ran.stderr.starts_with("error: ") && ran.stderr.contains(part),
            "{part}: {ran:?}"
        );
    }
    for model in [MODEL, "acme/new"] {
        let ran = generate(&cli, &[model, "--duratoin", "5", "--json"]).await;
        let error = &ran.json()["error"];
        assert_eq!((ran.code, &error["kind"]), (2, &json!("usage")), "{ran:?}");
    }
    let ran = cli
        .run(&["validate", "missing.jsonl", "--prompt", "x"])
        .await;
    assert!(
        ran.code == 2
            && ran
                .error()
                .contains("\"missing.jsonl\" is not the id of one"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn two_options_for_one_parameter_are_an_error_that_names_both() {
    let server = service().await;
    let cli = Cli::at(server.url());
    std::fs::write(cli.path("a.png"), super::PNG).unwrap();
    let image = "klingai/v2-master-image-to-video";
    let camera = "--advanced-camera-control";
    for (arguments, options) in [
        (
            &[MODEL, "--duration", "5", "--set", "duration=10"][..],
            "--set duration= and --duration",
        ),
        (
            &[MODEL, "--prompt", "x", "--set", "prompt=y"],
            "--prompt and --set prompt=",
        ),
        (
            &[image, "--image", "a.png", "--image-url", "a.png"],
            "--image and --image-url",
        ),
        (
            &[
                MODEL,
                camera,
                "{}",
                "--advanced-camera-control.movement-value",
                "1",
            ],
            "--advanced-camera-control and --advanced-camera-control.movement-value",
        ),
        (
            &[
                MODEL,
                "--set",
                "advanced_camera_control={}",
                "--advanced-camera-control.movement-value",
                "1",
            ],
            "--set advanced_camera_control= and --advanced-camera-control.movement-value",
        ),
    ] {
        let ran = generate(&cli, arguments).await;
        let message = format!("error: {options} set the same parameter; leave one of them off");
        assert!(ran.code == 2 && ran.error() == message, "{ran:?}");
    }
    assert!(server.requests().is_empty());
    // As before, a later --set overrides an earlier one.
    let sets = ["--set", "duration=5", "--set", "duration=10"];
    let ran = generate(&cli, &[&[MODEL, "--prompt", "x"], &sets[..]].concat()).await;
    assert_eq!(
        (ran.code, &super::sent(&server)["duration"]),
        (0, &json!(10)),
        "{ran:?}"
    );
}

#[tokio::test]
async fn unknown_flag_is_reported_with_the_nearest_one_in_json_too() {
    let ran = Cli::new().run(&["models", "--jsn", "--json"]).await;
    let unknown = Cli::new()
        .run(&["validate", MODEL, "--duratio", "5", "--json"])
        .await;
    let amount = generate(&Cli::new(), &[MODEL, "--max-usd", "-1"]).await;
    assert!(amount.error().contains("expected an amount"), "{amount:?}");
    assert_eq!((ran.code, unknown.code), (2, 2), "{ran:?}");
    assert!(ran.stdout.contains("did you mean --json?"), "{ran:?}");
    assert!(
        unknown.stdout.contains("did you mean --duration?"),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn misspelled_model_behind_its_flag_is_reported_as_unknown() {
    let model = MODEL.replace("master", "mastr");
    let ran = generate(&Cli::new(), &["--duration", "5", &model]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.error().contains(&model) && ran.error().contains(MODEL),
        "{ran:?}"
    );
}
