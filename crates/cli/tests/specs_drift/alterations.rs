//! Tests on recordings of a simulator whose responses a scenario alters.

use std::{
    collections::BTreeSet,
    process::Command,
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use aimlapi_video_simulator::{Proxy, RecordedExchange, Simulator};
use proptest::{prelude::*, test_runner::TestCaseResult};
use serde_json::{Value, json};
use tokio::{
    runtime::Runtime,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

use crate::{KEY, MODEL, PATH, PROMPT, folder, report};

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
