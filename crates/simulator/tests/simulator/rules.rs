//! Tests of the conditions of rules, of their counts, and of the errors of invalid conditions.

use aimlapi_video_simulator::Scenario;
use serde_json::{Value, json};

use crate::{Caller, MODEL, manual_clock, support::KEY, text};

const IMAGE_MODEL: &str = "klingai/v2-master-image-to-video";

/// Creates a generation for each body under a rule with this condition, and returns whether the rule applied to it.
async fn applies(when: Value, bodies: &[Value]) -> Vec<bool> {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    let rule = json!({ "when": when, "times": "always", "create": { "status": 503 } });
    let (status, body) = caller.play(json!({ "next": [rule] })).await;
    assert_eq!(status, 200, "{body}");
    let mut applied = Vec::new();
    for body in bodies {
        applied.push(caller.create(body).await.0 == 503);
    }
    applied
}

#[tokio::test]
async fn rule_applies_to_creates_whose_body_meets_every_condition() {
    let bodies = [
        text(json!({ "prompt": "a lantern", "duration": 5 })),
        text(json!({ "prompt": "A Lantern", "duration": 10 })),
        text(json!({ "prompt": "rain" })),
    ];
    for (when, expected) in [
        (json!({}), [true, true, true]),
        (
            json!({ "body": { "/prompt": { "equals": "rain" } } }),
            [false, false, true],
        ),
        (
            json!({ "body": { "/prompt": { "matches": "lantern" } } }),
            [true, false, false],
        ),
        (
            json!({ "body": { "/prompt": { "matches": "(?i)^a lantern$" } } }),
            [true, true, false],
        ),
        (
            json!({ "body": { "/duration": { "equals": 5.0 } } }),
            [true, false, false],
        ),
        (
            json!({ "body": { "/duration": { "exists": true } } }),
            [true, true, false],
        ),
        (
            json!({ "body": { "/duration": { "exists": false } } }),
            [false, false, true],
        ),
        (
            json!({ "body": { "/duration": { "matches": "5" } } }),
            [false; 3],
        ),
        (
            json!({ "body": { "/duration": { "equals": null } } }),
            [false; 3],
        ),
        (
            json!({ "body": { "/a~1b/0": { "exists": true } } }),
            [false; 3],
        ),
        (
            json!({ "body": { "/prompt": { "matches": "(?i)lantern" }, "/duration": { "equals": 10 } } }),
            [false, true, false],
        ),
    ] {
        assert_eq!(applies(when.clone(), &bodies).await, expected, "{when}");
    }
}

#[tokio::test]
async fn rule_applies_to_creates_of_its_model_and_of_its_key() {
    let image =
        json!({ "model": IMAGE_MODEL, "image_url": "https://example.com/a.png", "prompt": "x" });
    let bodies = [text(json!({})), image];
    assert_eq!(
        applies(json!({ "model": MODEL }), &bodies).await,
        [true, false]
    );
    assert_eq!(applies(json!({ "key": KEY }), &bodies).await, [true, true]);
    assert_eq!(
        applies(json!({ "key": "another" }), &bodies).await,
        [false, false]
    );
}

#[tokio::test]
async fn rule_applies_to_creates_with_its_header() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    let create = async |headers: &[(&str, &str)]| {
        let request = caller
            .http
            .post(format!("{}/v2/video/generations", simulator.url()));
        let request = request.bearer_auth(KEY).json(&text(json!({})));
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        request.send().await.unwrap().status().as_u16()
    };
    caller
        .play(json!({ "next": [
            { "when": { "headers": { "X-Test": { "equals": "a, b" } } }, "times": 2, "create": { "status": 501 } },
            { "when": { "headers": { "x-test": { "exists": false } } }, "create": { "status": 502 } },
        ] }))
        .await;
    assert_eq!(create(&[("x-test", "a")]).await, 200);
    assert_eq!(create(&[("x-test", "a, b")]).await, 501);
    assert_eq!(create(&[("x-test", "a"), ("x-test", "b")]).await, 501);
    assert_eq!(create(&[("x-test", "a, b")]).await, 200);
    assert_eq!(create(&[]).await, 502);
}

#[tokio::test]
async fn rule_applies_to_every_third_create_as_often_as_it_states() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    let rule = json!({ "when": { "every": 3 }, "times": 2, "create": { "status": 503 } });
    caller.play(json!({ "next": [rule] })).await;
    let mut statuses = Vec::new();
    for _ in 0..9 {
        statuses.push(caller.create(&text(json!({}))).await.0);
    }
    assert_eq!(statuses, [200, 200, 503, 200, 200, 503, 200, 200, 200]);
}

#[tokio::test]
async fn rules_list_the_creates_that_they_applied_to_after_they_are_used_up() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    let long = json!({ "name": "long", "when": { "body": { "/duration": { "equals": 10 } } }, "times": "always" });
    caller
        .play(json!({ "next": [{ "name": "first" }, long, {}] }))
        .await;
    let first = caller.create_one().await;
    caller.poll(&first).await;
    caller.create(&text(json!({ "duration": 10 }))).await;
    caller.create(&text(json!({ "duration": 10 }))).await;
    let (status, rules) = caller.send("GET", "/_simulator/rules", None).await;
    assert_eq!(status, 200);
    let values = |field: &str| -> Vec<Value> {
        let rules = rules.as_array().unwrap();
        rules.iter().map(|rule| rule[field].clone()).collect()
    };
    assert_eq!(values("name"), [json!("first"), json!("long"), json!(null)]);
    assert_eq!(values("applied"), [1, 2, 0]);
    assert_eq!(values("left"), [json!(0), json!(null), json!(1)]);
    assert_eq!(values("requests"), [json!([1]), json!([3, 4]), json!([])]);
    assert_eq!(rules[1]["rule"], long);
    simulator.assert_rule("first", 1);
    simulator.assert_rule("long", 2);
    let (_, left) = caller.send("GET", "/_simulator/scenario", None).await;
    assert_eq!(left["next"].as_array().unwrap().len(), 2);
}

#[tokio::test]
#[should_panic(
    expected = "the rule \"rain\" applied to 0 creates; expected 1; the rules: [(Some(\"rain\"), 0)]"
)]
async fn assertion_on_a_rule_fails_with_the_counts_of_all_rules() {
    let simulator = manual_clock().await;
    simulator.play(r#"{ "next": [{ "name": "rain" }] }"#.parse().unwrap());
    simulator.assert_rule("rain", 1);
}

#[tokio::test]
#[should_panic(expected = "no rule has the name \"rain\"")]
async fn assertion_on_a_rule_that_does_not_exist_fails() {
    manual_clock().await.assert_rule("rain", 0);
}

#[test]
fn key_of_a_condition_is_kept_as_its_hash() {
    let scenario = json!({ "next": [{ "when": { "key": KEY } }] });
    let read = Scenario::from_json(scenario).unwrap();
    let shown = serde_json::to_value(&read).unwrap();
    assert!(!format!("{shown}{read:?}").contains(KEY));
    let hash = shown["next"][0]["when"]["key"].as_str().unwrap();
    assert!(hash.starts_with("sha256:"), "{hash}");
    assert_eq!(Scenario::from_json(shown).unwrap(), read);
}

#[test]
fn invalid_condition_is_refused_with_the_path_of_its_field() {
    for (rule, expected) in [
        (json!({ "name": " " }), "name: expected text; received none"),
        (
            json!({ "when": [] }),
            "when: expected an object; received []",
        ),
        (
            json!({ "when": { "every": 0 } }),
            "when.every: expected 1 or more; received 0",
        ),
        (
            json!({ "when": { "modle": MODEL } }),
            "when.modle: unknown field `modle`",
        ),
        (
            json!({ "when": { "model": null } }),
            "when.model: expected a value; received null",
        ),
        (
            json!({ "when": { "body": 5 } }),
            "when.body: expected an object; received 5",
        ),
        (
            json!({ "when": { "body": { "/a": "b" } } }),
            "when.body./a: expected an object; received \"b\"",
        ),
        (
            json!({ "when": { "body": { "/a": {} } } }),
            "when.body./a: expected `equals`, `matches` or `exists`",
        ),
        (
            json!({ "when": { "body": { "a": { "exists": true } } } }),
            "when.body.a: expected a JSON pointer such as /prompt",
        ),
        (
            json!({ "when": { "body": { "/a~2": { "exists": true } } } }),
            "when.body./a~2: expected a JSON pointer such as /prompt",
        ),
        (
            json!({ "when": { "body": { "/a": { "matches": "(" } } } }),
            "when.body./a.matches: expected a regular expression; received \"(\" (unclosed group)",
        ),
        (
            json!({ "when": { "body": { "/a": { "equals": 1, "exists": false } } } }),
            "when.body./a: exists: expected true beside `equals` or `matches`",
        ),
        (
            json!({ "when": { "headers": { "x a": { "exists": true } } } }),
            "when.headers.x a: expected a name of letters, digits and hyphens; received \"x a\"",
        ),
        (
            json!({ "when": { "headers": { "x-a": { "equals": 5 } } } }),
            "when.headers.x-a: equals: expected text; received 5",
        ),
        (
            json!({ "when": { "headers": { "Authorization": { "equals": "a" } } } }),
            "when.headers.Authorization: its value is secret; `key` is the condition on the request's key",
        ),
        (
            json!({ "when": { "key": 5 } }),
            "when.key: expected a key, or its hash",
        ),
    ] {
        let error = Scenario::from_json(json!({ "next": [{}, rule.clone()] })).unwrap_err();
        let expected = format!("next[1].{expected}");
        assert!(error.to_string().starts_with(&expected), "{rule}: {error}");
    }
    let twice = json!({ "next": [{ "name": "a" }, { "name": "a" }] });
    let error = Scenario::from_json(twice).unwrap_err();
    assert_eq!(
        error.to_string(),
        "next[1].name: expected a name of its own; \"a\" is taken"
    );
}
