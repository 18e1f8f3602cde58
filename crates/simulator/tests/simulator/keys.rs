//! Tests of the state that is kept for each API key, of resets, and of seeded ids and times.

use std::time::Duration;

use aimlapi_video_simulator::Simulator;
use serde_json::{Value, json};

use crate::{Caller, manual_clock, proxy::PATH, text};

/// A simulator with a manual clock, and callers with two keys.
async fn two_callers() -> (Simulator, Caller, Caller) {
    let simulator = manual_clock().await;
    let [one, two] = ["key-number-1", "key-number-2"].map(|key| Caller::with_key(&simulator, key));
    (simulator, one, two)
}

#[tokio::test]
async fn generation_is_found_by_the_key_of_its_create_alone() {
    let (simulator, one, two) = two_callers().await;
    let id = one.create_one().await;
    assert_eq!(two.poll(&id).await.0, 404);
    assert_eq!(one.poll(&id).await.0, 200);
    assert_eq!(simulator.for_key(&one.key).tasks().len(), 1);
    assert_eq!(simulator.for_key(&two.key).tasks().len(), 0);
    assert_eq!(simulator.tasks().len(), 1);
}

#[tokio::test]
async fn rules_of_one_key_do_not_apply_to_another_and_rules_of_all_keys_apply_to_each() {
    let (simulator, one, two) = two_callers().await;
    let named = |name: &str| json!({ "next": [{ "name": name, "create": { "status": 503 } }] });
    one.play(named("one")).await;
    simulator.play(serde_json::from_value(named("all")).unwrap());
    let statuses = async |caller: &Caller| {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(caller.create(&text(json!({}))).await.0);
        }
        statuses
    };
    assert_eq!(statuses(&one).await, [503, 503, 200]);
    // This key had no request when the rules were added.
    assert_eq!(statuses(&two).await, [503, 200, 200]);
    simulator.assert_rule("one", 1);
    simulator.assert_rule("all", 2);
    simulator.for_key(&two.key).assert_rule("all", 1);
    let names = |rules: Value| -> Vec<Value> {
        let rules = rules.as_array().unwrap();
        rules.iter().map(|rule| rule["name"].clone()).collect()
    };
    assert_eq!(names(json!(simulator.for_key(&two.key).rules())), ["all"]);
    let all = json!(simulator.rules());
    assert_eq!(all[0]["requests"], json!([2, 4]));
    assert_eq!(names(all), ["all", "one"]);
}

#[tokio::test]
async fn scenario_is_removed_for_one_key_or_for_all() {
    let (simulator, one, two) = two_callers().await;
    let rules = json!({ "next": [{ "times": "always", "create": { "status": 503 } }] });
    simulator.play(serde_json::from_value(rules).unwrap());
    assert_eq!(two.create(&text(json!({}))).await.0, 503);
    one.send("DELETE", "/_simulator/scenario", None).await;
    assert_eq!(one.create(&text(json!({}))).await.0, 200);
    assert_eq!(two.create(&text(json!({}))).await.0, 503);
    let url = format!("{}/_simulator/scenario", one.url);
    one.http.delete(url).send().await.unwrap();
    assert_eq!(two.create(&text(json!({}))).await.0, 200);
}

#[tokio::test]
async fn clock_credits_rate_limit_and_slots_are_those_of_a_key() {
    let builder = Simulator::builder().manual_clock().slots(1).rate_limit(3);
    let simulator = builder.credits(600_000.0).start().await.unwrap();
    let [one, two] = ["key-number-1", "key-number-2"].map(|key| Caller::with_key(&simulator, key));
    let rules = json!({ "next": [{ "seconds": 100, "queued_seconds": 0 }] });
    simulator.play(serde_json::from_value(rules).unwrap());
    let (first, second) = (one.create_one().await, two.create_one().await);
    let advance = json!({ "advance_seconds": 100 });
    let (_, clock) = one.send("POST", "/_simulator/clock", Some(&advance)).await;
    assert_eq!(clock["now_seconds"], 100.0);
    assert_eq!(one.status(&first).await, "completed");
    assert_eq!(two.status(&second).await, "generating");
    assert_eq!(two.poll(&second).await.0, 200);
    assert_eq!(two.poll(&second).await.0, 429);
    assert_eq!(one.poll(&first).await.0, 200);
    assert_eq!(one.create(&text(json!({}))).await.0, 403);
    assert_eq!(simulator.for_key(&one.key).credits_left(), Some(100_000.0));
    assert_eq!(simulator.for_key("another").credits_left(), Some(600_000.0));
    simulator.advance(Duration::from_secs(100));
    assert_eq!(two.status(&second).await, "completed");
}

#[tokio::test]
async fn file_of_a_generation_is_served_by_the_clock_of_its_key() {
    let (simulator, one, two) = two_callers().await;
    let id = one.create_one().await;
    two.create_one().await;
    simulator
        .for_key(&one.key)
        .advance(Duration::from_secs(10_000));
    let url = one.poll(&id).await.1["video"]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    simulator
        .for_key(&two.key)
        .advance(Duration::from_secs(25 * 3600));
    assert_eq!(two.send("GET", &url, None).await.0, 200);
    simulator
        .for_key(&one.key)
        .advance(Duration::from_secs(25 * 3600));
    assert_eq!(two.send("GET", &url, None).await.0, 403);
    assert_eq!(simulator.for_key(&one.key).tasks()[0].downloads, 1);
}

#[tokio::test]
async fn reset_with_a_key_resets_that_key_alone_with_its_clock_and_rules() {
    let (simulator, one, two) = two_callers().await;
    for caller in [&one, &two] {
        caller
            .play(json!({ "next": [{ "times": "always" }] }))
            .await;
        caller.create_one().await;
        let advance = json!({ "advance_seconds": 50 });
        caller
            .send("POST", "/_simulator/clock", Some(&advance))
            .await;
    }
    assert_eq!(one.send("POST", "/_simulator/reset", None).await.0, 204);
    let state = async |caller: &Caller| {
        let view = simulator.for_key(&caller.key);
        let (_, clock) = caller.send("GET", "/_simulator/clock", None).await;
        let counts = [
            view.tasks().len(),
            view.requests().len(),
            view.rules().len(),
        ];
        (counts, clock["now_seconds"].as_f64().unwrap())
    };
    assert_eq!(state(&one).await, ([0, 0, 0], 0.0));
    assert_eq!(state(&two).await, ([1, 1, 1], 50.0));
    let url = format!("{}/_simulator/reset", one.url);
    one.http.post(url).send().await.unwrap();
    assert_eq!(state(&two).await, ([0, 0, 0], 0.0));
}

/// What two keys observe of a simulator, without headers that differ in every response.
async fn observed(simulator: &Simulator) -> Vec<Value> {
    let mut observed = Vec::new();
    for key in ["key-number-1", "key-number-2"] {
        let caller = Caller::with_key(simulator, key);
        for duration in [5, 10] {
            let body = caller
                .create(&text(json!({ "duration": duration })))
                .await
                .1;
            let id = body["id"].as_str().unwrap().to_owned();
            observed.push(body);
            observed.push(json!(simulator.tasks()));
            simulator.for_key(key).advance(Duration::from_secs(10_000));
            observed.push(caller.poll(&id).await.1);
        }
    }
    observed
}

#[tokio::test]
async fn ids_times_and_urls_repeat_with_a_seed_in_every_run_and_after_a_reset() {
    let start = async |seed: u64| {
        let builder = Simulator::builder().manual_clock().seed(seed);
        builder.start().await.unwrap()
    };
    let without_port = |simulator: &Simulator, observed: Vec<Value>| {
        json!(observed).to_string().replace(&simulator.url(), "")
    };
    let simulator = start(7).await;
    let first = without_port(&simulator, observed(&simulator).await);
    simulator.reset();
    let again = without_port(&simulator, observed(&simulator).await);
    assert_eq!(first, again);
    for key in ["key-number-1", "key-number-2"] {
        simulator.for_key(key).reset();
    }
    let next = start(7).await;
    assert_eq!(first, without_port(&next, observed(&next).await));
    let other = start(8).await;
    assert_ne!(first, without_port(&other, observed(&other).await));
    let tasks = simulator.tasks();
    assert!(tasks.is_empty(), "{tasks:?}");
}

/// The ids of responses to a create, a poll and errors.
async fn response_ids(simulator: &Simulator) -> Vec<String> {
    let mut ids = Vec::new();
    for key in ["key-number-1", "key-number-2"] {
        let caller = Caller::with_key(simulator, key);
        let body = text(json!({}));
        let created = caller.response("POST", PATH, Some(&body)).await.unwrap();
        ids.push(
            created.headers()["x-inference-id"]
                .to_str()
                .unwrap()
                .to_owned(),
        );
        for (path, expected) in [
            (PATH, 400),
            ("/nowhere", 404),
            ("/_simulator/tasks?a=1", 400),
        ] {
            let (status, error) = caller.send("GET", path, None).await;
            assert_eq!(status, expected, "{error}");
            ids.push(error["requestId"].as_str().unwrap().to_owned());
        }
    }
    ids
}

#[tokio::test]
async fn ids_of_responses_repeat_with_a_seed_and_differ_from_each_other() {
    let start = async |seed: u64| Simulator::builder().seed(seed).start().await.unwrap();
    let simulator = start(7).await;
    let first = response_ids(&simulator).await;
    let different: std::collections::BTreeSet<_> = first.iter().collect();
    assert_eq!(different.len(), 8, "{first:?}");
    simulator.reset();
    assert_eq!(response_ids(&simulator).await, first);
    assert_eq!(response_ids(&start(7).await).await, first);
    assert_ne!(response_ids(&start(8).await).await, first);
    let random = manual_clock().await;
    let one = response_ids(&random).await;
    random.reset();
    assert_ne!(response_ids(&random).await, one);
}

#[tokio::test]
async fn seeded_ids_differ_between_keys_and_between_creates() {
    let simulator = Simulator::builder().seed(1).start().await.unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for key in ["key-number-1", "key-number-2"] {
        let caller = Caller::with_key(&simulator, key);
        for _ in 0..3 {
            ids.insert(caller.create_one().await);
        }
    }
    assert_eq!(ids.len(), 6);
}

#[tokio::test]
async fn ids_are_random_without_a_seed() {
    let (one, two) = (manual_clock().await, manual_clock().await);
    assert_ne!(
        Caller::of(&one).create_one().await,
        Caller::of(&two).create_one().await
    );
}

#[tokio::test]
async fn key_is_in_no_debug_output() {
    let key = "key-number-1";
    let builder = Simulator::builder().api_key(key);
    assert!(!format!("{builder:?}").contains(key));
    let simulator = builder.start().await.unwrap();
    let caller = Caller::with_key(&simulator, key);
    caller
        .play(json!({ "next": [{ "when": { "key": key }, "times": "always" }] }))
        .await;
    caller.create(&text(json!({ "prompt": key }))).await;
    let shown = format!("{simulator:?} {:?}", simulator.for_key(key));
    assert!(!shown.contains(key), "{shown}");
    let others = Caller::with_key(&simulator, "key-number-2");
    assert_eq!(others.create(&text(json!({}))).await.0, 401);
}
