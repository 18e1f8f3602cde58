//! How long generations take, and how they queue.

use std::time::Duration;

use aimlapi_video::{Role, models};
use aimlapi_video_simulator::Simulator;
use serde_json::json;

use crate::{Caller, MODEL, standing, text};

const HOUR: Duration = Duration::from_secs(3600);

/// Seconds to the end of each of these many generations, as they stand after their creates.
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
async fn durations_lie_where_the_pages_state_them() {
    let model = models().iter().find(|model| model.id == MODEL).unwrap();
    assert!(model.property(Role::Duration).is_some());
    for length in [5, 10] {
        let stated = model.expected(Some(length)).unwrap();
        let [least, most] = [stated.start(), stated.end()].map(Duration::as_secs_f64);
        for took in durations(1, 0.0, length, 50).await {
            assert!(
                (least - 0.001..=most + 0.001).contains(&took),
                "{took} of {stated:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_spread_reaches_beyond_what_is_stated_and_no_further_than_three_deviations() {
    let model = models().iter().find(|model| model.id == MODEL).unwrap();
    let stated = model.expected(Some(5)).unwrap();
    let [least, most] = [stated.start(), stated.end()].map(Duration::as_secs_f64);
    let seen = durations(1, 0.3, 5, 200).await;
    assert!(seen.iter().any(|took| *took < least) && seen.iter().any(|took| *took > most));
    let far = (3.0_f64 * 0.3).exp();
    assert!(
        seen.iter()
            .all(|took| (least / far..=most * far).contains(took))
    );
}

#[tokio::test]
async fn a_seed_gives_the_same_durations_again_and_another_gives_others() {
    let first = durations(7, 0.15, 5, 5).await;
    assert_eq!(first, durations(7, 0.15, 5, 5).await);
    assert_ne!(first, durations(8, 0.15, 5, 5).await);
    assert!(first.windows(2).all(|pair| pair[0] != pair[1]));
}

#[tokio::test]
async fn time_that_stands_goes_on_when_it_is_moved_from_any_language() {
    let simulator = standing().await;
    let caller = Caller::of(&simulator);
    caller
        .play(json!({ "next": [{ "seconds": 100, "queued_seconds": 40 }] }))
        .await;
    let id = caller.made().await;
    let mut seen = Vec::new();
    for by in [0.0, 39.5, 0.5, 59.5, 0.5] {
        let body = json!({ "advance_seconds": by });
        let (status, _) = caller.send("POST", "/_simulator/clock", Some(&body)).await;
        assert_eq!(status, 200);
        seen.push(caller.status(&id).await);
    }
    assert_eq!(
        seen,
        ["queued", "queued", "generating", "generating", "completed"]
    );
    let (_, clock) = caller.send("GET", "/_simulator/clock", None).await;
    assert_eq!(clock["now_seconds"], 100.0);
    for wrong in [
        json!({}),
        json!({ "advance_seconds": -1 }),
        json!({ "advance_seconds": 1, "x": 1 }),
    ] {
        assert_eq!(
            caller
                .send("POST", "/_simulator/clock", Some(&wrong))
                .await
                .0,
            400,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn with_one_slot_the_second_generates_when_the_first_has_ended() {
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
        ids.push(caller.made().await);
    }
    let mut seen = Vec::new();
    for _ in 0..4 {
        for id in &ids {
            seen.push(caller.status(id).await);
        }
        simulator.advance(Duration::from_secs(100));
    }
    let expected = [
        ["generating", "queued", "queued"],
        ["completed", "generating", "queued"],
        ["completed", "completed", "generating"],
        ["completed", "completed", "completed"],
    ];
    assert_eq!(seen, expected.concat());
}

#[tokio::test]
async fn one_that_stalls_keeps_its_slot_until_a_reset() {
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
    let (stalled, behind) = (caller.made().await, caller.made().await);
    simulator.advance(HOUR * 24);
    assert_eq!(caller.status(&stalled).await, "generating");
    assert_eq!(caller.status(&behind).await, "queued");
    simulator.reset();
    let id = caller.made().await;
    simulator.advance(HOUR);
    assert_eq!(caller.status(&id).await, "completed");
}
