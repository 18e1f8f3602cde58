//! Tests of durations, of the manual clock, and of the queue for slots.

use std::time::Duration;

use aimlapi_video::contract::{Role, models};
use aimlapi_video_simulator::Simulator;
use serde_json::json;

use crate::{Caller, MODEL, manual_clock, text};

const HOUR: Duration = Duration::from_secs(3600);

/// Creates `count` generations and returns the seconds until the end of each.
async fn durations(seed: u64, spread: f64, length: u64, count: usize) -> Vec<f64> {
    let builder = Simulator::builder().manual_clock();
    let simulator = builder.seed(seed).spread(spread).start().await.unwrap();
    let caller = Caller::of(&simulator);
    for _ in 0..count {
        caller.create(&text(json!({ "duration": length }))).await;
    }
    let left = simulator.tasks().into_iter().map(|task| task.left.unwrap());
    left.map(|left| left.as_secs_f64()).collect()
}

#[tokio::test]
async fn durations_without_spread_are_within_the_stated_range() {
    let model = models().iter().find(|model| model.id == MODEL).unwrap();
    assert!(model.property(Role::Duration).is_some());
    for length in [5, 10] {
        let stated = model.expected(Some(length)).unwrap();
        let [min, max] = [stated.start(), stated.end()].map(Duration::as_secs_f64);
        for took in durations(1, 0.0, length, 50).await {
            assert!(
                (min - 0.001..=max + 0.001).contains(&took),
                "{took} of {stated:?}"
            );
        }
    }
}

#[tokio::test]
async fn durations_with_spread_exceed_the_stated_range_by_at_most_three_deviations() {
    let model = models().iter().find(|model| model.id == MODEL).unwrap();
    let stated = model.expected(Some(5)).unwrap();
    let [min, max] = [stated.start(), stated.end()].map(Duration::as_secs_f64);
    let observed = durations(1, 0.3, 5, 200).await;
    assert!(observed.iter().any(|took| *took < min) && observed.iter().any(|took| *took > max));
    let far = (3.0_f64 * 0.3).exp();
    assert!(
        observed
            .iter()
            .all(|took| (min / far..=max * far).contains(took))
    );
}

#[tokio::test]
async fn durations_repeat_with_the_same_seed_and_differ_with_another() {
    let first = durations(7, 0.15, 5, 5).await;
    assert_eq!(first, durations(7, 0.15, 5, 5).await);
    assert_ne!(first, durations(8, 0.15, 5, 5).await);
    assert!(first.windows(2).all(|pair| pair[0] != pair[1]));
}

#[tokio::test]
async fn manual_clock_moves_by_http_requests_and_refuses_invalid_ones() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    caller
        .play(json!({ "next": [{ "seconds": 100, "queued_seconds": 40 }] }))
        .await;
    let id = caller.create_one().await;
    let mut observed = Vec::new();
    for by in [0.0, 39.5, 0.5, 59.5, 0.5] {
        let body = json!({ "advance_seconds": by });
        let (status, _) = caller.send("POST", "/_simulator/clock", Some(&body)).await;
        assert_eq!(status, 200);
        observed.push(caller.status(&id).await);
    }
    assert_eq!(
        observed,
        ["queued", "queued", "generating", "generating", "completed"]
    );
    let (_, clock) = caller.send("GET", "/_simulator/clock", None).await;
    assert_eq!(clock["now_seconds"], 100.0);
    for invalid in [
        json!({}),
        json!({ "advance_seconds": -1 }),
        json!({ "advance_seconds": 1, "x": 1 }),
    ] {
        assert_eq!(
            caller
                .send("POST", "/_simulator/clock", Some(&invalid))
                .await
                .0,
            400,
            "{invalid}"
        );
    }
}

#[tokio::test]
async fn second_generation_starts_when_the_only_slot_is_free() {
    let simulator = Simulator::builder()
        .manual_clock()
        .slots(1)
        .start()
        .await
        .unwrap();
    let caller = Caller::of(&simulator);
    let rule = json!({ "next": [{ "times": 3, "seconds": 100, "queued_seconds": 0 }] });
    caller.play(rule).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(caller.create_one().await);
    }
    let mut observed = Vec::new();
    for _ in 0..4 {
        for id in &ids {
            observed.push(caller.status(id).await);
        }
        simulator.advance(Duration::from_secs(100));
    }
    let expected = [
        ["generating", "queued", "queued"],
        ["completed", "generating", "queued"],
        ["completed", "completed", "generating"],
        ["completed", "completed", "completed"],
    ];
    assert_eq!(observed, expected.concat());
}

#[tokio::test]
async fn stalled_generation_keeps_its_slot_until_a_reset() {
    let simulator = Simulator::builder()
        .manual_clock()
        .slots(1)
        .start()
        .await
        .unwrap();
    let caller = Caller::of(&simulator);
    caller
        .play(json!({ "next": [{ "end": { "stall": "generating" } }] }))
        .await;
    let (stalled, behind) = (caller.create_one().await, caller.create_one().await);
    simulator.advance(HOUR * 24);
    assert_eq!(caller.status(&stalled).await, "generating");
    assert_eq!(caller.status(&behind).await, "queued");
    simulator.reset();
    let id = caller.create_one().await;
    simulator.advance(HOUR);
    assert_eq!(caller.status(&id).await, "completed");
}
