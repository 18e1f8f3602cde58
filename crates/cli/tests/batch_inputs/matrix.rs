//! `--each`: every request with each of several values.

use std::fs;

use serde_json::{Value, json};

use super::{MODEL, batch, bodies, service, support::cli::Cli, videos};

#[tokio::test]
async fn matrix_multiplies_every_request_and_keeps_their_order() {
    let server = service().await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("p.txt"), "a\n\nb\n").unwrap();
    let words = [
        "--prompts",
        "p.txt",
        "--model",
        MODEL,
        "--each",
        "duration=5,10",
        "--each",
        "advanced_camera_control.movement_value=1..3",
        "--set",
        "advanced_camera_control={\"movement_type\": \"zoom\"}",
    ];
    let ran = batch(&cli, &words).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let told = "12 requests: 2 of p.txt, each with 6 combinations of --each; those of line 3 are numbered 13 to 18";
    assert!(ran.stderr.contains(told), "{ran:?}");
    let names = (1..=6)
        .chain(13..=18)
        .map(|number| format!("{number:04}.mp4"));
    assert_eq!(videos(&cli), names.collect::<Vec<_>>());
    let mut expected = Vec::new();
    for prompt in ["a", "b"] {
        for duration in [5, 10] {
            for value in 1..=3 {
                let camera = json!({ "movement_type": "zoom", "movement_value": value });
                expected.push(json!({ "model": MODEL, "prompt": prompt, "duration": duration, "advanced_camera_control": camera }));
            }
        }
    }
    expected.sort_by_key(Value::to_string);
    assert_eq!(bodies(&server), expected);

    // The same matrix is the same batch, another order is another one, and a new line is added.
    let ran = batch(&cli, &words).await;
    assert!(ran.stderr.contains("saved already: 12"), "{ran:?}");
    let mut swapped = words;
    swapped.swap(5, 7);
    let ran = batch(&cli, &swapped).await;
    assert!(
        ran.code == 2
            && ran
                .error()
                .contains("in these requests: line 1 with advanced_camera_control.movement_value=1, duration=10; "),
        "{ran:?}"
    );
    fs::write(cli.path("p.txt"), "a\n\nb\nc").unwrap();
    let ran = batch(&cli, &words).await;
    assert!(ran.stderr.contains("6 of 6 saved"), "{ran:?}");
    assert_eq!(bodies(&server).len(), 18);
}

#[tokio::test]
async fn messages_about_a_request_of_a_matrix_name_its_line_and_its_values() {
    let server = service().await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("p.txt"), "a\n\nb\n").unwrap();
    let words = [
        "--prompts",
        "p.txt",
        "--model",
        MODEL,
        "--each",
        "duration=5,10",
    ];
    let ran = batch(&cli, &[&words[..], &["--json"]].concat()).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    // The third line has the numbers 5 and 6.
    assert!(
        ran.stderr
            .contains("\nline 3 with duration=10: saved videos/0006.mp4\n"),
        "{ran:?}"
    );
    assert!(!ran.stderr.contains("line 6"), "{ran:?}");
    let objects = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut objects: Vec<Value> = objects.collect();
    objects.sort_by_key(|object| object["number"].as_u64());
    let places = objects
        .iter()
        .map(|object| json!([object["number"], object["line"], object["each"]["duration"]]));
    assert_eq!(
        places.collect::<Value>(),
        json!([[1, 1, "5"], [2, 1, "10"], [5, 3, "5"], [6, 3, "10"]])
    );
    // The journal knows numbers alone, and the history the places.
    for name in ["0006.mp4", "0001.mp4"] {
        fs::remove_file(cli.path("videos").join(name)).unwrap();
    }
    let resume = ["resume", "videos/journal.jsonl", "--speed", "1000"];
    let ran = cli.run(&resume).await;
    assert!(
        ran.stderr
            .contains("\nline 3 with duration=10: saved videos/0006.mp4\n"),
        "{ran:?}"
    );
    fs::remove_file(cli.path("videos/0006.mp4")).unwrap();
    let ran = cli.run(&[&resume[..], &["--no-history"]].concat()).await;
    assert!(
        ran.stderr.contains("\nrequest 6: saved videos/0006.mp4\n"),
        "{ran:?}"
    );
    let entries = cli.run(&["history", "--json"]).await.json();
    let show = ["history", "show", entries[3]["id"].as_str().unwrap()];
    let shown = cli.run(&show).await;
    let place = "batch:   line 3 with duration=10, number 6 in videos/journal.jsonl\n";
    assert!(shown.stdout.contains(place), "{shown:?}");
}

#[tokio::test]
async fn validate_checks_the_requests_that_a_batch_with_a_matrix_makes() {
    let cli = Cli::new();
    fs::write(cli.path("p.txt"), "a\n\nb\n").unwrap();
    let words = ["--prompts", "p.txt", "--model", MODEL];
    let validate = async |each: &[&str]| {
        let words = [&["validate"], &words[..], each].concat();
        cli.run(&words).await
    };
    let ran = validate(&["--each", "duration=5,7"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let verdicts = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let verdicts = verdicts.map(|verdict| {
        let each = &verdict["each"]["duration"];
        json!([verdict["number"], verdict["line"], each, verdict["valid"]])
    });
    let expected = json!([
        [1, 1, "5", true],
        [2, 1, "7", false],
        [5, 3, "5", true],
        [6, 3, "7", false],
    ]);
    assert_eq!(verdicts.collect::<Value>(), expected);
    // The same values are refused as by `batch`.
    for each in [
        "duraton=5",
        "seed",
        "duration=5..1",
        "duration=5,5",
        "duration=1..9999",
    ] {
        let ran = validate(&["--each", each]).await;
        let refused = batch(&cli, &[&words[..], &["--each", each]].concat()).await;
        assert_eq!((ran.code, refused.code), (2, 2), "{ran:?} {refused:?}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let parts = [
            "has no parameter",
            "expected NAME=",
            "is empty",
            "occurs twice",
            "more than",
        ];
        let shared = parts
            .iter()
            .find(|part| refused.stderr.contains(*part))
            .unwrap();
        assert!(said.contains(shared), "{each}: {ran:?}");
    }
    // A line that cannot be read has one verdict.
    fs::write(cli.path("b.jsonl"), "{\n").unwrap();
    let ran = cli
        .run(&["validate", "b.jsonl", "--each", "duration=5,10"])
        .await;
    assert_eq!((ran.code, ran.stdout.lines().count()), (2, 1), "{ran:?}");
    let one = [
        "validate",
        MODEL,
        "--prompt",
        "x",
        "--each",
        "duration=5,10",
    ];
    let ran = cli.run(&one).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.error().contains("repeats the requests of a file"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn wrong_value_of_a_matrix_is_an_error_with_its_combination() {
    let cli = Cli::new();
    fs::write(cli.path("p.txt"), "a\nb\n").unwrap();
    let prompts = ["--prompts", "p.txt", "--model", MODEL, "--each"];
    for (each, error) in [
        ("duration=5..6", "p.txt:1 with duration=6: invalid request"),
        ("model=x", "p.txt:1 with model=x: the model is"),
        ("seed", "--each seed: expected NAME=VALUE,VALUE"),
        (
            "duraton=5,10",
            "has no parameter \"duraton\", so --each would create the same video several times",
        ),
    ] {
        let ran = batch(&cli, &[&prompts[..], &[each]].concat()).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.error().contains(error), "{ran:?}");
    }
}
