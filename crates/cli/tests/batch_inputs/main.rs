//! Batches from JSON Lines, arrays, tables and prompts.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod matrix;
mod names;

use aimlapi_video_test_support as support;

use std::fs;

use serde_json::{Value, json};
use support::{
    Server,
    cli::{Cli, Ran},
    http,
};

const MODEL: &str = "klingai/v2-master-text-to-video";

/// A service that completes every generation at once.
async fn service() -> Server {
    Server::start(|index, request| {
        if request.method == "POST" {
            return support::json(
                201,
                json!({ "id": format!("g{index}"), "status": "queued" }),
            );
        }
        let Some((_, id)) = request.target.split_once("generation_id=") else {
            return http(200, &[("content-type", "video/mp4")], support::files::CLIP);
        };
        let url = format!("http://{}/{id}.mp4", request.header("host").unwrap());
        support::json(
            200,
            json!({ "id": id, "status": "completed", "video": { "url": url } }),
        )
    })
    .await
}

/// The bodies of all creates, sorted.
fn bodies(server: &Server) -> Vec<Value> {
    let requests = server.requests();
    let creates = requests.iter().filter(|request| request.method == "POST");
    let mut bodies: Vec<Value> = creates
        .map(|request| serde_json::from_slice(&request.body).unwrap())
        .collect();
    bodies.sort_by_key(Value::to_string);
    bodies
}

async fn batch(cli: &Cli, words: &[&str]) -> Ran {
    let options = ["--out", "videos", "--speed", "1000"];
    cli.run(&[&["batch"], words, &options].concat()).await
}

/// The videos, by their names.
fn videos(cli: &Cli) -> Vec<String> {
    let entries = fs::read_dir(cli.path("videos")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".mp4")).collect();
    names.sort();
    names
}

#[tokio::test]
async fn same_requests_in_every_format_send_the_same_bodies_under_the_numbers_of_their_lines() {
    let camera = json!({ "movement_type": "zoom", "movement_value": -3 });
    let first = json!({ "model": MODEL, "prompt": "A kite, slow", "duration": 10, "advanced_camera_control": camera });
    let second = json!({ "model": MODEL, "prompt": "two\nlines, \"quoted\"", "cfg_scale": 0.5 });
    let header = "model,prompt,duration,advanced_camera_control.movement_type,advanced_camera_control.movement_value,cfg_scale";
    let csv = format!(
        "\u{feff}{header}\r\n\r\n{MODEL},\"A kite, slow\",10,zoom,-3,\r\n,,,,,\r\n{MODEL},\"two\nlines, \"\"quoted\"\"\",,,,0.5\r\n"
    );
    let semicolons = format!(
        "{}\n{MODEL};A kite, slow;10;zoom;-3;\n{MODEL};\"two\nlines, \"\"quoted\"\"\";;;;0.5",
        header.replace(',', ";")
    );
    let array = serde_json::to_string_pretty(&json!([first, second])).unwrap();
    for (file, text, format, expected) in [
        (
            "b.jsonl",
            format!("{first}\n{second}\n"),
            None,
            ["0001.mp4", "0002.mp4"],
        ),
        ("b.json", array.clone(), None, ["0001.mp4", "0002.mp4"]),
        ("b", array.clone(), None, ["0001.mp4", "0002.mp4"]),
        ("b.jsonl", array, Some("json"), ["0001.mp4", "0002.mp4"]),
        ("b.csv", csv.clone(), None, ["0003.mp4", "0005.mp4"]),
        (
            "b.CSV",
            csv.replace("\r\n", "\n"),
            None,
            ["0003.mp4", "0005.mp4"],
        ),
        ("b.tsv", semicolons.clone(), None, ["0002.mp4", "0003.mp4"]),
        (
            "b.csv",
            semicolons.replace("model;prompt;duration", "Model; PROMPT ;Duration"),
            None,
            ["0002.mp4", "0003.mp4"],
        ),
        (
            "b",
            csv.replace("\r\n", "\r"),
            Some("csv"),
            ["0003.mp4", "0005.mp4"],
        ),
    ] {
        let server = service().await;
        let cli = Cli::at(server.url());
        fs::write(cli.path(file), text).unwrap();
        let format = format.map_or(vec![], |format| vec!["--format", format]);
        let words = [&[file][..], &format].concat();
        let ran = batch(&cli, &words).await;
        assert_eq!(ran.code, 0, "{file} {ran:?}");
        let mut sent = [first.clone(), second.clone()];
        sent.sort_by_key(Value::to_string);
        assert_eq!(bodies(&server), sent, "{file}");
        assert_eq!(videos(&cli), expected, "{file}");

        // The same lines are the same requests.
        let ran = batch(&cli, &words).await;
        assert!(
            ran.code == 0 && ran.stderr.contains("saved already: 2"),
            "{ran:?}"
        );
        assert_eq!(bodies(&server).len(), 2);
    }
}

#[tokio::test]
async fn prompts_take_the_model_and_parameters_of_the_options() {
    let server = service().await;
    let cli = Cli::at(server.url());
    let text = "# kites\nA kite climbs \n\n  \\#kite falls\n#\n";
    fs::write(cli.path("kites.txt"), text).unwrap();
    let options = ["--model", MODEL, "--set", "duration=10"];
    let ran = batch(&cli, &[&["--prompts", "kites.txt"], &options[..]].concat()).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let body = |prompt| json!({ "model": MODEL, "prompt": prompt, "duration": 10 });
    assert_eq!(
        bodies(&server),
        [body("#kite falls"), body("A kite climbs")]
    );
    assert_eq!(videos(&cli), ["0002.mp4", "0004.mp4"]);

    let stated = ["kites.txt", "--format", "prompts"];
    let ran = batch(&cli, &[&stated, &options[..]].concat()).await;
    assert!(ran.stderr.contains("saved already: 2"), "{ran:?}");
    let ran = batch(&cli, &stated).await;
    assert!(
        ran.error()
            .contains("kites.txt:2: names no model; add --model MODEL"),
        "{ran:?}"
    );
    // With another parameter, the requests are others.
    let ran = batch(&cli, &["--prompts", "kites.txt", "--model", MODEL]).await;
    assert!(ran.error().contains("in these lines: 2, 4;"), "{ran:?}");
    assert_eq!(bodies(&server).len(), 2);
}

#[tokio::test]
async fn prompt_in_a_file_that_begins_with_an_at_sign_or_a_hyphen_is_a_text() {
    let cli = Cli::new();
    fs::write(cli.path("kite"), "another text").unwrap();
    let body = json!({ "model": MODEL, "prompt": "@kite" });
    let other = json!({ "model": MODEL, "prompt": "-" });
    fs::write(cli.path("b.jsonl"), format!("{body}\n{other}")).unwrap();
    fs::write(
        cli.path("b.csv"),
        format!("model,prompt\n{MODEL},@kite\n{MODEL},-\n"),
    )
    .unwrap();
    fs::write(cli.path("b.txt"), "@kite\n-\n").unwrap();
    fs::write(cli.path("x.txt"), "x").unwrap();
    for words in [
        &["b.jsonl"][..],
        &["b.csv"],
        &["--prompts", "b.txt", "--model", MODEL],
        &["--prompts", "-", "--model", MODEL],
        &[
            "--prompts",
            "x.txt",
            "--model",
            MODEL,
            "--each",
            "prompt=@kite,-",
        ],
    ] {
        let server = service().await;
        let cli = Cli {
            base: Some(server.url()),
            key: Some(support::KEY),
            folder: tempfile::tempdir_in(cli.folder.path()).unwrap(),
            home: tempfile::tempdir().unwrap(),
        };
        for name in ["kite", "b.jsonl", "b.csv", "b.txt", "x.txt"] {
            fs::copy(cli.path("..").join(name), cli.path(name)).unwrap();
        }
        let options = ["batch", "--out", "videos", "--speed", "1000"];
        let ran = cli
            .run_with(&[&options[..], words].concat(), "@kite\n-")
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(bodies(&server), [other.clone(), body.clone()], "{words:?}");
    }
}

#[tokio::test]
async fn wrong_input_is_an_error_with_its_place_before_any_create() {
    let server = service().await;
    let cli = Cli::at(server.url());
    let line = |cells: &str| format!("model,prompt,duration\n{MODEL},a,5\n{MODEL},{cells}\n");
    let body = json!({ "model": MODEL, "prompt": "a" });
    for (file, text, error) in [
        (
            "b.csv",
            line("a,11"),
            "b.csv:3: invalid request for klingai/v2-master-text-to-video: column \"duration\" is 11; allowed: 5, 10",
        ),
        (
            "b.csv",
            line("a,ten"),
            "column \"duration\" is \"ten\"; allowed: 5, 10",
        ),
        (
            "b.csv",
            line("a"),
            "b.csv:3: has 2 cells, and the header has 3",
        ),
        (
            "b.csv",
            line("a, slowly,5"),
            "b.csv:3: has 4 cells, and the header has 3",
        ),
        (
            "b.csv",
            line("\"a,5"),
            "b.csv:3: has a double quote without its partner",
        ),
        (
            "b.csv",
            line("a,5").replace("duration", "prompt"),
            "b.csv:1: two columns are named \"prompt\"",
        ),
        (
            "b.csv",
            line("a,5").replace("duration", " "),
            "b.csv:2: has a cell in column 3, whose header is empty",
        ),
        (
            "b.csv",
            "model,prompt\n\n".to_owned(),
            "b.csv contains no request; write a line for each below",
        ),
        (
            "b.json",
            json!([body, 4]).to_string(),
            "b.json: item 2: invalid request: the body is 4",
        ),
        (
            "b.json",
            "[\n{},\n x]".to_owned(),
            "b.json:3:2: not JSON: expected value",
        ),
        (
            "b.json",
            "[]".to_owned(),
            "b.json contains no request; write an array",
        ),
        (
            "b",
            line("a,5"),
            "b is a CSV table, expected one JSON object per line; `batch` reads it with --format csv",
        ),
    ] {
        fs::write(cli.path(file), &text).unwrap();
        let ran = batch(&cli, &[file]).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.error().contains(error), "{text}: {ran:?}");
    }
    let other = "kling-video/v2.1/standard/image-to-video";
    fs::write(cli.path("cat.png"), "").unwrap();
    let text = format!("model,prompt,image_url\n{other},a,cat.png\n");
    fs::write(cli.path("b.csv"), text).unwrap();
    let ran = batch(&cli, &["b.csv"]).await;
    let error = "; the file cat.png is written as @cat.png";
    assert!(ran.error().ends_with(error), "{ran:?}");
    fs::write(cli.path("b.jsonl"), body.to_string()).unwrap();
    let ran = batch(&cli, &["b.jsonl", "--model", other]).await;
    assert!(
        ran.error().contains("b.jsonl:1: the model is \"klingai/"),
        "{ran:?}"
    );
    let ran = batch(&cli, &["b.jsonl", "--set", "duration"]).await;
    assert!(ran.error().contains("expected --set NAME=VALUE"), "{ran:?}");
    fs::write(cli.path("b.txt"), "# a\n").unwrap();
    let ran = batch(&cli, &["--prompts", "b.txt", "--model", MODEL]).await;
    let error = "b.txt contains no request; write one prompt a line";
    assert!(ran.error().contains(error), "{ran:?}");
    fs::write(cli.path("b.txt"), "a\nb\nc\n").unwrap();
    let ran = batch(&cli, &["--prompts", "b.txt", "--model", other]).await;
    let error = "; --set image_url=VALUE sets it for all (and in 2 more lines)";
    assert!(ran.error().ends_with(error), "{ran:?}");
    let ran = batch(&cli, &["--prompts", "b.txt"]).await;
    assert!(
        ran.error()
            .ends_with("b.txt:1: names no model; add --model MODEL (and in 2 more lines)"),
        "{ran:?}"
    );
    assert!(server.requests().is_empty());
}
