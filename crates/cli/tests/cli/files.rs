//! Files of requests: errors of their syntax and layout.

use std::fs;

use serde_json::{Value, json};

use super::{MODEL, encodings::encoded, service, support::cli::Cli};

#[tokio::test]
async fn json_error_has_the_line_and_the_column_of_the_file_once() {
    let cli = Cli::new();
    let good = json!({ "model": MODEL, "prompt": "x" });
    fs::write(
        cli.path("requests.jsonl"),
        format!("{good}\n\n{{\"prompt\": \"é\", x}}\n"),
    )
    .unwrap();
    let ran = cli
        .run(&["batch", "requests.jsonl", "--out", "v", "--simulate"])
        .await;
    assert_eq!(
        ran.error(),
        "error: nothing was created: requests.jsonl:3:17: not JSON: key must be a string"
    );
    let ran = cli.run(&["validate", "requests.jsonl"]).await;
    let verdict: Value = serde_json::from_str(ran.stdout.lines().nth(1).unwrap()).unwrap();
    assert_eq!(
        verdict,
        json!({
            "line": 3,
            "column": 17,
            "model": null,
            "valid": false,
            "violations": [{ "pointer": "", "allowed": "JSON (key must be a string)", "keyword": "type" }],
            "warnings": [],
        })
    );
    fs::write(
        cli.path("body.json"),
        "{\n  \"model\": \"m\",\n  \"prompt\": x\n}",
    )
    .unwrap();
    for arguments in [
        ["generate", "--request", "body.json"],
        ["generate", "--request", "-"],
    ] {
        let ran = cli
            .run_with(&arguments, "{\n  \"model\": \"m\",\n  \"prompt\": x\n}")
            .await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert_eq!(ran.error().matches(":3:13: ").count(), 1, "{ran:?}");
        assert!(!ran.error().contains("line"), "{ran:?}");
    }
    let ran = cli.run_with(&["wait", "-"], "{\"id\": 1}").await;
    assert!(ran.error().contains("standard input:1:8: "), "{ran:?}");
}

#[tokio::test]
async fn requests_in_another_layout_are_an_error_with_a_conversion() {
    let server = service().await;
    let cli = Cli::at(server.url());
    let one = json!({ "model": MODEL, "prompt": "A kite" });
    for (text, parts) in [
        (
            format!("[{one}, {one}]"),
            [
                "a JSON array",
                "`jq -c '.[]' < kites.jsonl > kites-lines.jsonl`",
            ],
        ),
        (
            format!("{:#}", json!([one, one])),
            [
                "a JSON array",
                "`jq -c '.[]' < kites.jsonl > kites-lines.jsonl`",
            ],
        ),
        (
            format!("{one:#}\n{one:#}\n"),
            [
                "over several lines",
                "`jq -c . < kites.jsonl > kites-lines.jsonl`",
            ],
        ),
        (
            format!("{one}{one}\n"),
            ["several objects in one line", "jq -c ."],
        ),
        (
            format!("{one},\n{one}\n"),
            ["a comma after each object", "sed"],
        ),
        (
            "model,prompt\nm,A kite\n".to_owned(),
            ["a CSV table", "mlr --icsv --ojsonl"],
        ),
        (
            "model\tprompt\nm\tA kite\n".to_owned(),
            ["a TSV table", "mlr --itsv --ojsonl"],
        ),
        (
            "- model: m\n  prompt: A kite\n".to_owned(),
            ["YAML", "{\"model\": \"MODEL\""],
        ),
        (
            "A kite climbs\nA kite falls\n".to_owned(),
            ["plain text", "jq -Rc"],
        ),
        (
            one.to_string().replace('"', "'"),
            ["Python", "double quotes"],
        ),
    ] {
        for bytes in encoded(&text) {
            fs::write(cli.path("kites.jsonl"), &bytes).unwrap();
            let batch = cli.run(&["batch", "kites.jsonl", "--out", "v"]).await;
            let validate = cli.run(&["validate", "kites.jsonl"]).await;
            let mut all = vec![batch, validate];
            // Without an extension, the beginning of an array shows its format.
            if !text.starts_with('[') {
                all.push(cli.run_bytes(&["validate"], &bytes).await);
            }
            for ran in all {
                assert_eq!(ran.code, 2, "{text} {ran:?}");
                assert!(ran.stdout.is_empty(), "{ran:?}");
                assert!(ran.error().contains(parts[0]), "{ran:?}");
            }
            let ran = cli.run(&["validate", "kites.jsonl"]).await;
            assert!(ran.error().contains(parts[1]), "{ran:?}");
        }
    }
    assert!(server.requests().is_empty());
    assert_eq!(cli.files(), ["kites.jsonl"]);
}

#[tokio::test]
async fn validate_reads_every_format_of_a_batch() {
    let cli = Cli::new();
    let bodies = [
        json!({ "model": MODEL, "prompt": "@kite", "duration": 5 }),
        json!({ "model": MODEL, "prompt": "A kite", "duration": 7 }),
    ];
    let csv = format!("model,prompt,duration\n{MODEL},@kite,5\n{MODEL},A kite,7\n{MODEL},x\n");
    let array = json!(bodies).to_string();
    let lines = bodies
        .each_ref()
        .map(|body| body.to_string() + "\n")
        .concat();
    for (file, text) in [("b.csv", &csv), ("b.json", &array), ("b.jsonl", &lines)] {
        fs::write(cli.path(file), text).unwrap();
    }
    fs::write(cli.path("b.txt"), "# kites\n@kite\nA kite\n").unwrap();
    let prompts = [
        "validate",
        "--model",
        MODEL,
        "--set",
        "duration=7",
        "--prompts",
    ];
    let prompts = |file| [&prompts[..], &[file]].concat();
    let seven = json!("5, 10");
    for (words, input, numbers) in [
        (vec!["validate", "b.jsonl"], "", [1, 2]),
        (vec!["validate", "b.json"], "", [1, 2]),
        (vec!["validate", "b.csv"], "", [2, 3]),
        (vec!["validate"], &*array, [1, 2]),
        (vec!["validate", "--format", "csv"], &csv, [2, 3]),
        (prompts("b.txt"), "", [2, 3]),
        (prompts("-"), "@kite\nA kite", [1, 2]),
    ] {
        let ran = cli.run_with(&words, input).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        let verdicts = ran.stdout.lines().map(serde_json::from_str);
        let verdicts: Vec<Value> = verdicts.map(Result::unwrap).collect();
        let lines = verdicts.iter().map(|verdict| verdict["line"].clone());
        assert_eq!(lines.take(2).collect::<Vec<_>>(), numbers, "{words:?}");
        assert_eq!(verdicts[1]["violations"][0]["allowed"], seven, "{words:?}");
        let all_wrong = words.contains(&"--prompts");
        assert_eq!(verdicts[0]["valid"], !all_wrong, "{words:?} {ran:?}");
        if let Some(short) = verdicts.get(2) {
            assert_eq!(
                short["error"],
                "has 2 cells, and the header has 3; put a text with separators in double quotes"
            );
        }
    }
    let ran = cli.run(&["validate", "--prompts", "b.txt"]).await;
    assert!(
        ran.stdout.contains("names no model; add --model MODEL"),
        "{ran:?}"
    );
    for (words, error) in [
        (
            &["validate", "klingai/v3"][..],
            "\"klingai/v3\" is neither a file nor the id of a model",
        ),
        (
            &["validate", "b.csv", "--prompt", "x"],
            "the options of a request need a model",
        ),
        (
            &["validate", "--prompts", "no.txt"],
            "no.txt cannot be read",
        ),
        (&["validate", MODEL, "--model", MODEL], "leave --model off"),
    ] {
        let ran = cli.run(words).await;
        assert!(ran.code == 2 && ran.error().contains(error), "{ran:?}");
    }
}
