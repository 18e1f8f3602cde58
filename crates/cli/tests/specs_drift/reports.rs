//! Tests of the forms of the report, of its exit code, and of recordings that cannot be read.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};

use crate::{MODEL, PATH, PROMPT, drift, folder, report};

/// A line of a recording, `at` seconds after its start.
fn exchange(at: u64, request: Value, status: u16, body: Value) -> String {
    let mut request = request;
    request["path"] = PATH.into();
    let response = json!({ "status": status, "headers": {}, "body": body });
    let at = humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(at));
    let line = json!({ "number": 1, "at": at.to_string(), "seconds": 0.5, "request": request, "response": response });
    format!("{line}\n")
}

fn create(at: u64, model: &str, status: u16, body: Value) -> String {
    let request = json!({ "method": "POST", "body": { "model": model, "prompt": PROMPT } });
    exchange(at, request, status, body)
}

fn fetch(at: u64, id: &str, body: Value) -> String {
    exchange(
        at,
        json!({ "method": "GET", "generation_id": id }),
        200,
        body,
    )
}

/// Two generations whose creates are recorded, one whose create is not, and a model without a document.
fn small_recording() -> String {
    [
        create(0, MODEL, 200, json!({ "id": "1", "status": "queued" })),
        create(1, "acme/new", 200, json!({ "id": "2" })),
        fetch(2, "9", json!({ "id": "9", "status": format!("{PROMPT}, and all the colours of a long, long evening by the sea") })),
        fetch(900, "1", json!({ "id": "1", "status": "generating" })),
        fetch(910, "1", json!({ "id": "1", "status": "completed", "prompt": PROMPT, "video": { "url": "https://a.test/1.mp4" } })),
    ]
    .concat()
}

#[test]
fn text_lists_each_model_and_the_drafts() {
    let folder = folder(&small_recording(), &[]);
    let ran = drift(folder.path(), &[]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    let (report, drafts) = ran.stdout.split_once("draft of `actions`").unwrap();
    let expected = "\
5 responses of 2 generations; differences: 2; unstated durations: 1; never received: 10
generations whose create is not recorded, on /v2/video/generations
  difference      GET 200: `status`: expected one of \"queued\", \"generating\", \"completed\", \"error\"; received a long text (1 response)
";
    assert!(report.starts_with(expected), "{report}");
    let expected = "\
klingai/v2-master-text-to-video on /v2/video/generations
  difference      GET 200: property `prompt` is not declared; received string (1 response)
  duration        1 generation: 899 to 911 s; stated: 300 to 840 s
  never received  property `error`
  never received  property `meta`
  never received  `status`: \"error\"
other responses
  not compared    `acme/new` on /v2/video/generations (1 response)
";
    assert!(report.ends_with(expected), "{report}");
    assert!(drafts.contains("\"kind\": \"recorded\""), "{drafts}");
    assert!(!ran.stdout.contains(PROMPT), "{}", ran.stdout);
}

#[test]
fn markdown_has_a_heading_for_each_model_and_each_draft() {
    let folder = folder(&small_recording(), &[]);
    let ran = drift(folder.path(), &["--markdown"]);
    let headings = ran.stdout.lines().filter(|line| line.starts_with('#'));
    assert_eq!(
        headings.collect::<Vec<_>>(),
        [
            "### generations whose create is not recorded, on `/v2/video/generations`",
            "### `klingai/v2-master-text-to-video` on `/v2/video/generations`",
            "### other responses",
            "### draft of `actions` in overlay.json",
            "### draft of `durations` in durations.json",
        ]
    );
    assert!(
        ran.stdout
            .contains("- not compared: `acme/new` on /v2/video/generations (1 response)\n")
    );
    assert!(!ran.stdout.contains(PROMPT), "{}", ran.stdout);
}

#[test]
fn name_of_a_model_adds_no_line_and_ends_no_code_span() {
    let model = "acme/``\r\n### forged\n  difference";
    let recording = [
        create(0, model, 200, json!({ "id": "1", "status": "queued" })),
        fetch(1, "1", json!({ "id": "1", "status": "queued", "cost": 1 })),
    ];
    let folder = folder(&recording.concat(), &[]);
    let text = drift(folder.path(), &[]).stdout;
    let title = "acme/``  ### forged   difference on /v2/video/generations";
    assert!(text.lines().any(|line| line == title), "{text}");
    let markdown = drift(folder.path(), &["--markdown"]).stdout;
    let span = "``` acme/``  ### forged   difference ```";
    for line in [
        format!("### {span} on `/v2/video/generations`"),
        format!("- not compared: {span} on /v2/video/generations (1 response)"),
    ] {
        assert!(markdown.lines().any(|other| *other == line), "{markdown}");
    }
    for line in text.lines().chain(markdown.lines()) {
        assert!(!line.starts_with("### forged"), "{line}");
    }
}

#[test]
fn difference_is_in_the_exit_code_only_if_that_is_requested() {
    let different = folder(&small_recording(), &[]);
    assert_eq!(drift(different.path(), &["--fail"]).code, 2);
    assert_eq!(drift(different.path(), &[]).code, 0);
    let same = create(0, MODEL, 200, json!({ "id": "1", "status": "queued" }));
    let same = folder(&same, &[]);
    assert_eq!(drift(same.path(), &["--fail"]).code, 0);
}

#[test]
fn duration_of_a_model_without_stated_ones_is_drafted() {
    let recording = [
        create(
            0,
            "klingai/v2-master-image-to-video",
            200,
            json!({ "id": "1", "status": "queued" }),
        ),
        fetch(7, "1", json!({ "id": "1", "status": "completed" })),
    ];
    let folder = folder(&recording.concat(), &[]);
    fs::write(
        folder.path().join("documents/durations.json"),
        r#"{"durations":[]}"#,
    )
    .unwrap();
    let report = report(folder.path());
    assert_eq!(report["durations"][0]["verdict"], "not_stated");
    let draft = json!([{ "model": "klingai/v2-master-image-to-video", "length": 5, "min": 0, "max": 8, "kind": "recorded" }]);
    assert_eq!(report["draft"]["durations"], draft);
    let fast = drift(folder.path(), &["--json", "--speed", "60"]);
    let fast: Value = serde_json::from_str(&fast.stdout).unwrap();
    assert_eq!(fast["draft"]["durations"][0]["max"], 450);
}

#[test]
fn malformed_line_is_an_error_that_names_the_file_and_the_line() {
    let good = small_recording();
    let number = good.lines().count() + 1;
    for bad in [
        "{",
        "7",
        r#"{"number":1}"#,
        &good.replace("\"status\":200", "\"status\":\"200\""),
    ] {
        let folder = folder(&format!("{good}{bad}\n"), &[]);
        for more in [&[][..], &["--json"], &["--markdown"]] {
            let ran = drift(folder.path(), more);
            let place = format!("recording.jsonl: line {number}: ");
            assert_eq!(ran.code, 2, "{bad}");
            if more == ["--json"] {
                let failure: Value = serde_json::from_str(&ran.stdout).unwrap();
                let error = &failure["error"];
                assert_eq!(error["exit_code"], 2, "{error}");
                assert!(
                    error["message"].as_str().unwrap().contains(&place),
                    "{error}"
                );
            } else {
                assert_eq!(ran.stdout, "", "{bad}");
            }
            assert!(ran.stderr.contains(&place), "{bad}: {}", ran.stderr);
            assert!(!ran.stderr.contains(PROMPT), "{}", ran.stderr);
        }
    }
    let folder = folder(&good, &[]);
    fs::write(folder.path().join("recording.jsonl"), b"\n\xff\xfe\xfa").unwrap();
    let ran = drift(folder.path(), &[]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .contains("recording.jsonl is not UTF-8: byte 1 of line 2"),
        "{}",
        ran.stderr
    );
    let ran = drift(folder.path(), &["absent.jsonl"]);
    assert_eq!(ran.code, 2);
}
