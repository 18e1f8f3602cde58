//! `specs drift` on recordings of a simulator whose responses a scenario alters.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::Command,
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use aimlapi_video_simulator::{Proxy, RecordedExchange, Simulator};
use proptest::{prelude::*, test_runner::TestCaseResult};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    runtime::Runtime,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

const MODEL: &str = "klingai/v2-master-text-to-video";
const PATH: &str = "/v2/video/generations";
const PROMPT: &str = "Rain on a tin roof";
const KEY: &str = "key-0123456789";

/// A change of the responses by a rule of a scenario.
struct Alteration {
    rule: fn() -> Value,
    /// The difference that is reported: method, status, kind, name, received.
    reported: (&'static str, u64, &'static str, &'static str, &'static str),
}

const ALTERATIONS: &[Alteration] = &[
    Alteration {
        rule: || json!({ "polls": [{ "json": { "id": "1", "status": "queued", "eta": 12 } }] }),
        reported: ("GET", 200, "undeclared_property", "eta", "number"),
    },
    Alteration {
        rule: || {
            let video = json!({ "url": "https://a.test/1.mp4", "layers": [{ "depth": 1 }] });
            json!({ "polls": [{ "json": { "id": "1", "status": "queued", "video": video } }] })
        },
        reported: ("GET", 200, "undeclared_property", "video.layers", "array"),
    },
    Alteration {
        rule: || json!({ "polls": [{ "json": { "id": "1", "status": "queued", "video": "none" } }] }),
        reported: ("GET", 200, "other_type", "video", "string"),
    },
    Alteration {
        rule: || json!({ "polls": [{ "json": { "id": null, "status": "queued" } }] }),
        reported: ("GET", 200, "other_type", "id", "null"),
    },
    Alteration {
        rule: || json!({ "polls": [{ "json": { "id": "1", "status": "paused" } }] }),
        reported: ("GET", 200, "other_value", "status", "\"paused\""),
    },
    Alteration {
        rule: || json!({ "polls": [{ "json": { "status": "queued" } }] }),
        reported: ("GET", 200, "missing_property", "id", ""),
    },
    Alteration {
        rule: || json!({ "polls": [{ "json": ["queued"] }] }),
        reported: ("GET", 200, "other_type", "", "array"),
    },
    Alteration {
        rule: || json!({ "polls": [{ "status": 418, "headers": { "x-reason": "tea" } }] }),
        reported: ("GET", 418, "undeclared_status", "", ""),
    },
    Alteration {
        rule: || json!({ "polls": [{ "text": "busy" }] }),
        reported: ("GET", 200, "undeclared_media_type", "text/plain", ""),
    },
    Alteration {
        rule: || json!({ "polls": [{ "headers": { "x-queue-position": "3" } }] }),
        reported: ("GET", 200, "undeclared_header", "x-queue-position", ""),
    },
    Alteration {
        rule: || json!({ "create": { "headers": { "x-region": "eu" } } }),
        reported: ("POST", 200, "undeclared_header", "x-region", ""),
    },
    Alteration {
        rule: || json!({ "create": { "status": 503 } }),
        reported: ("POST", 503, "undeclared_status", "", ""),
    },
];

/// The rule of a generation that takes longer than its document states, which is 360 seconds at most.
fn slow() -> Value {
    json!({ "seconds": 900 })
}

fn failed() -> Value {
    json!({ "end": { "fail": { "name": "moderation", "message": "refused" } } })
}

/// Records a generation for each rule, on a clock that the test moves.
async fn record(rules: &[Value]) -> String {
    let scenario = json!({ "next": rules }).to_string().parse().unwrap();
    let simulator = Simulator::builder()
        .manual_clock()
        .spread(0.0)
        .scenario(scenario);
    let simulator = simulator.start().await.unwrap();
    let (sender, mut exchanges) = unbounded_channel();
    let proxy = Proxy::builder(simulator.url()).on_exchange(move |exchange| {
        let _ = sender.send(exchange);
    });
    let proxy = proxy.start().await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}{PATH}", proxy.url());
    let (mut lines, mut now) = (String::new(), 0);
    for _ in rules {
        let body = json!({ "model": MODEL, "prompt": PROMPT, "duration": 5 });
        let create = http.post(&url).bearer_auth(KEY).json(&body);
        let created: Value = create.send().await.unwrap().json().await.unwrap();
        lines += &line(&mut exchanges, now).await;
        let Some(id) = created["id"].as_str() else {
            continue;
        };
        // A generation takes 300 to 360 seconds; a slow one, 900.
        for seconds in [0, 290, 71, 540] {
            simulator.advance(Duration::from_secs(seconds));
            now += seconds;
            let fetch = http
                .get(&url)
                .query(&[("generation_id", id)])
                .bearer_auth(KEY);
            let fetched = fetch.send().await.unwrap().text().await.unwrap();
            lines += &line(&mut exchanges, now).await;
            if ["completed", "error"]
                .iter()
                .any(|end| fetched.contains(end))
            {
                break;
            }
        }
    }
    lines
}

/// The line of an exchange, with the time of the simulator's clock.
async fn line(exchanges: &mut UnboundedReceiver<RecordedExchange>, now: u64) -> String {
    let mut exchange = exchanges.recv().await.unwrap();
    exchange.at = SystemTime::UNIX_EPOCH + Duration::from_secs(now);
    exchange.seconds = 0.0;
    serde_json::to_string(&exchange).unwrap() + "\n"
}

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

fn drift(folder: &Path, more: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_aimlapi-video"))
        .args([
            "specs",
            "drift",
            "recording.jsonl",
            "--documents",
            "documents",
        ])
        .args(more)
        .current_dir(folder)
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn report(folder: &Path) -> Value {
    let ran = drift(folder, &["--json"]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    assert!(!ran.stdout.contains(PROMPT) && !ran.stdout.contains(KEY));
    serde_json::from_str(&ran.stdout).unwrap()
}

/// A folder with a recording, and with the vendored documents of the model, where an overlay and durations are added.
fn folder(recording: &str, drafts: &[&Value]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let documents = folder.path().join("documents");
    fs::create_dir_all(documents.join("kling")).unwrap();
    let vendored = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi");
    let files = [
        "kling/v2-master-text-to-video.json",
        "kling/v2-master-image-to-video.json",
        "universal-video-fetch.json",
        "overlay.json",
        "durations.json",
    ];
    for file in files {
        let text = fs::read_to_string(Path::new(vendored).join(file)).unwrap();
        let mut value: Value = serde_json::from_str(&text).unwrap();
        for name in ["actions", "durations"] {
            for draft in drafts {
                if let Some(entries) = value[name].as_array_mut() {
                    entries.extend(draft[name].as_array().unwrap().iter().cloned());
                }
            }
        }
        fs::write(documents.join(file), value.to_string()).unwrap();
    }
    fs::write(folder.path().join("recording.jsonl"), recording).unwrap();
    folder
}

type Reported = BTreeSet<(String, u64, String, String, String)>;

fn reported(report: &Value) -> Reported {
    let differences = report["differences"].as_array().unwrap().iter();
    differences
        .map(|difference| {
            assert_eq!(
                (&difference["model"], &difference["path"]),
                (&json!(MODEL), &json!(PATH))
            );
            let text = |name: &str| difference[name].as_str().unwrap().to_owned();
            let status = difference["status"].as_u64().unwrap();
            (
                text("method"),
                status,
                text("difference"),
                text("name"),
                text("received"),
            )
        })
        .collect()
}

/// The draft for a simulator whose responses are not altered: it has headers and a property that the documents lack.
static UNALTERED: LazyLock<Value> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let recording = runtime.block_on(record(&[json!({}), failed()]));
    let folder = folder(&recording, &[]);
    let report = report(folder.path());
    let names = reported(&report)
        .into_iter()
        .map(|(method, _, kind, name, _)| format!("{method} {kind} {name}"));
    let names: Vec<String> = names.collect();
    assert_eq!(
        names,
        [
            "GET undeclared_header x-aimlapi-credits-used",
            "GET undeclared_header x-aimlapi-usd-spent",
            "GET undeclared_header x-inference-id",
            "GET undeclared_property meta.usage.usd_spent",
            "POST undeclared_header x-aimlapi-credits-used",
            "POST undeclared_header x-aimlapi-usd-spent",
            "POST undeclared_header x-inference-id",
        ]
    );
    report["draft"].clone()
});

/// Records the alterations, and expects that they are reported, and nothing else; and nothing after the draft is applied.
fn check(alterations: &[&Alteration], is_slow: bool) -> TestCaseResult {
    let altered = alterations.iter().map(|alteration| (alteration.rule)());
    let mut rules: Vec<Value> = [json!({}), failed()].into_iter().chain(altered).collect();
    rules.extend(is_slow.then(slow));
    let recording = Runtime::new().unwrap().block_on(record(&rules));
    let before = folder(&recording, &[&UNALTERED]);
    let found = report(before.path());
    let expected = alterations.iter().map(|alteration| {
        let (method, status, kind, name, received) = alteration.reported;
        (
            method.to_owned(),
            status,
            kind.to_owned(),
            name.to_owned(),
            received.to_owned(),
        )
    });
    prop_assert_eq!(reported(&found), expected.collect::<Reported>());
    prop_assert_eq!(&found["never_received"], &json!([]));
    prop_assert_eq!(&found["not_compared"], &json!([]));
    let durations = &found["durations"][0];
    let verdict = if is_slow { "outside" } else { "within" };
    prop_assert_eq!(&durations["verdict"], verdict);
    prop_assert_eq!(&durations["stated"], &json!({ "min": 300.0, "max": 360.0 }));
    prop_assert_eq!(
        found["ok"].as_bool(),
        Some(alterations.is_empty() && !is_slow)
    );

    let after = folder(&recording, &[&UNALTERED, &found["draft"]]);
    let again = report(after.path());
    prop_assert_eq!(
        &again["ok"],
        &json!(true),
        "{:#}\n{}",
        again,
        found["draft"]
    );
    prop_assert_eq!(&again["draft"], &json!({ "actions": [], "durations": [] }));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(20),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_alterations_are_reported_and_nothing_else(
        alterations in prop::sample::subsequence((0..ALTERATIONS.len()).collect::<Vec<_>>(), 0..=ALTERATIONS.len()).prop_shuffle(),
        is_slow: bool,
    ) {
        let alterations: Vec<&Alteration> = alterations.iter().map(|index| &ALTERATIONS[*index]).collect();
        check(&alterations, is_slow)?;
    }
}

#[test]
fn each_alteration_alone_is_reported() {
    for alteration in ALTERATIONS {
        check(&[alteration], false).unwrap();
    }
    check(&[], true).unwrap();
}

#[test]
fn documents_with_all_drafts_are_accepted_by_specs_check() {
    let rules = ALTERATIONS.iter().map(|alteration| (alteration.rule)());
    let rules: Vec<Value> = rules.chain([slow()]).collect();
    let recording = Runtime::new().unwrap().block_on(record(&rules));
    let before = folder(&recording, &[]);
    let after = folder(&recording, &[&report(before.path())["draft"]]);
    let documents = after.path().join("documents");
    let check = Command::new(env!("CARGO_BIN_EXE_aimlapi-video"))
        .args(["specs", "check"])
        .arg(documents)
        .output();
    let check = check.unwrap();
    let printed = String::from_utf8(check.stdout).unwrap();
    assert!(check.status.success(), "{printed}");
    assert!(printed.contains("0 refused"), "{printed}");
}

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
