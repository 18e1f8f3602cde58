//! `models` and `schema`.

use serde_json::{Value, json};

use super::{MODEL, support::cli::Cli};

#[tokio::test]
async fn models_and_schema_list_the_models_of_the_build() {
    let cli = Cli::new();
    let ran = cli.run(&["models", "--vendor", "kling"]).await;
    assert!(
        ran.stdout
            .lines()
            .any(|line| line.starts_with(MODEL) && line.contains("300-840 s")),
        "{ran:?}"
    );
    let ran = cli.run(&["models", "--json"]).await;
    assert!(
        ran.json()
            .as_array()
            .unwrap()
            .iter()
            .any(|model| model["id"] == MODEL)
    );
    let ran = cli.run(&["models", "--vendor", "klingon"]).await;
    assert!(ran.code == 2 && ran.error().contains("kling"), "{ran:?}");

    let ran = cli.run(&["schema", MODEL]).await;
    assert!(
        ran.stdout
            .lines()
            .any(|line| line.starts_with("duration ") && line.contains("5, 10")),
        "{ran:?}"
    );
    let ran = cli.run(&["schema", MODEL, "--json"]).await;
    let schema: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(schema["properties"]["duration"]["enum"], json!([5, 10]));
    let ran = cli.run(&["schema", MODEL, "--ledger"]).await;
    assert!(ran.stdout.lines().any(|line| line.contains("cfg_scale")
        && line.contains("maximum")
        && line.contains("type")));
    let ran = cli.run(&["schema", "klingai/v2-master-text-to-vide"]).await;
    let nearest = format!("such as {MODEL}, ");
    assert!(ran.code == 2 && ran.error().contains(&nearest), "{ran:?}");
}

#[tokio::test]
async fn models_are_filtered_by_words_task_vendor_media_and_duration() {
    let cli = Cli::new();
    let all = cli.run(&["models", "--json"]).await.json();
    let all = all.as_array().unwrap();
    let is = |model: &Value, name: &str, text: &str| model[name] == text;
    let takes =
        |model: &Value, kind: &str| model["takes"].as_array().unwrap().contains(&json!(kind));
    let words = |model: &Value| {
        let id = model["id"].as_str().unwrap();
        id.contains("kling") && id.contains("pro")
    };
    type Filter<'a> = &'a dyn Fn(&Value) -> bool;
    let cases: [(&[&str], Filter<'_>); 7] = [
        (&["KLING", "pro"], &words),
        (&["--task", "Image-To-Video"], &|model| {
            is(model, "task", "image-to-video")
        }),
        (&["--vendor", "XAI"], &|model| is(model, "vendor", "xai")),
        (&["--takes", "audio"], &|model| takes(model, "audio")),
        (&["--takes", "Audio", "--takes", "video"], &|model| {
            takes(model, "audio") && takes(model, "video")
        }),
        (&["--max-duration", "3m"], &|model| {
            model["expected_s"][1]
                .as_f64()
                .is_some_and(|max| max <= 180.0)
        }),
        (
            &["pro", "--takes", "image", "--vendor", "kling"],
            &|model| {
                model["id"].as_str().unwrap().contains("pro")
                    && takes(model, "image")
                    && is(model, "vendor", "kling")
            },
        ),
    ];
    for (options, expected) in cases {
        let arguments = [&["models", "--json"], options].concat();
        let found = cli.run(&arguments).await.json();
        let expected: Vec<&Value> = all.iter().filter(|model| expected(model)).collect();
        assert!(
            !expected.is_empty() && expected.len() < all.len(),
            "{options:?}"
        );
        assert_eq!(
            found.as_array().unwrap().iter().collect::<Vec<_>>(),
            expected,
            "{options:?}"
        );
    }
}

#[tokio::test]
async fn filter_that_is_wrong_or_fits_no_model_is_an_error_with_what_to_do() {
    let cli = Cli::new();
    for (options, expected) in [
        (&["--vendor", "klingon"][..], "; expected one of "),
        (&["no-such-model"], "`aimlapi-video models` lists all"),
        (&["--task", "cooking"], "possible values: text-to-video"),
        (
            &["--takes", "smell"],
            "possible values: image, video, audio",
        ),
        (&["--max-duration", "soon"], "expected a time such as 90s"),
    ] {
        let ran = cli.run(&[&["models"], options].concat()).await;
        assert!(ran.code == 2 && ran.stderr.contains(expected), "{ran:?}");
    }
    assert_eq!(
        cli.run(&["models", "no-such-model", "--json"]).await.json(),
        json!([])
    );
}

#[tokio::test]
async fn schema_shows_nested_objects_and_without_a_model_what_to_do() {
    let cli = Cli::new();
    let ran = cli.run(&["schema", MODEL]).await;
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let parent = lines
        .iter()
        .position(|line| line.starts_with("advanced_camera_control "));
    let nested: Vec<&str> = lines[parent.unwrap() + 2].split_whitespace().collect();
    assert!(lines[parent.unwrap() + 2].starts_with("  "), "{ran:?}");
    assert_eq!(
        nested[..4],
        ["movement_value", "yes", "-10", "to"],
        "{ran:?}"
    );
    let ran = cli
        .run(&["schema", "klingai/video-o1-reference-to-video"])
        .await;
    assert!(ran.stdout.contains("\n  frontal_image_url "), "{ran:?}");
    let ran = cli.run(&["schema", "runway/act_two"]).await;
    let lines = ran.stdout.lines().map(|line| {
        let name = line.trim_start().split("  ").next().unwrap_or_default();
        (line.len() - line.trim_start().len(), name)
    });
    let variants: Vec<(usize, &str)> = lines
        .skip_while(|(_, name)| *name != "character")
        .skip(1)
        .take_while(|(indent, _)| *indent > 0)
        .collect();
    assert_eq!(
        variants,
        [
            (2, "character (video)"),
            (4, "type"),
            (4, "url"),
            (2, "character (image)"),
            (4, "type"),
            (4, "url"),
        ],
        "{ran:?}"
    );
    let ran = cli.run(&["schema"]).await;
    let advice = "`aimlapi-video schema MODEL`: `aimlapi-video models` lists them";
    assert!(ran.code == 2 && ran.error().contains(advice), "{ran:?}");
    assert_eq!(cli.run(&["schema", "--ledger"]).await.code, 0);
}
