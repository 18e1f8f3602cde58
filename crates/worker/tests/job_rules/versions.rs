//! States and facts of newer versions, and damaged states.

use aimlapi_video_worker::job::{Action, Effect, Fact, Job, Verdict};
use serde_json::{Value, json};

use crate::{applied, at, claimed, created, decision, unclear};

#[test]
fn fields_of_a_newer_version_are_kept() {
    let mut stored = json!(applied(claimed("a"), &[created("a", "g")]));
    for pointer in ["", "/claims/0", "/generations/0"] {
        let object = stored
            .pointer_mut(pointer)
            .unwrap()
            .as_object_mut()
            .unwrap();
        object.insert("newer".into(), json!({ "n": 1 }));
    }
    let job: Job = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(json!(job), stored);
}

#[test]
fn job_of_a_newer_version_keeps_handles_and_facts_until_that_version_reads_it() {
    let newer: [fn(&mut Value); 2] = [
        |job| job["version"] = json!(2),
        |job| job["phase"] = json!({ "state": "reviewing", "handle": { "id": "x" } }),
    ];
    for change in newer {
        let job = claimed("a");
        let mut stored = json!(job);
        change(&mut stored);
        let mut read: Job = serde_json::from_value(stored.clone()).unwrap();
        for _ in 0..2 {
            let applied = read.apply(created("a", "g"), at(9));
            assert_eq!(applied.action, Action::Nothing);
        }
        let mut written = json!(read);
        assert_eq!(
            (&written["phase"], &written["version"]),
            (&stored["phase"], &stored["version"])
        );
        assert_eq!(read.generations().len(), 1);

        // The version that knows the state applies the fact that was kept.
        (written["phase"], written["version"]) = (json!(job)["phase"].clone(), json!(1));
        let mut read: Job = serde_json::from_value(written).unwrap();
        let _ = read.apply(unclear("a"), at(9));
        assert_eq!(read.handle(), Some(&"g".into()));
    }
}

#[test]
fn fact_of_a_newer_version_is_kept() {
    let newer = json!({ "fact": "reviewed", "handle": { "id": "g" } });
    let fact: Fact = serde_json::from_value(newer.clone()).unwrap();
    let mut job = claimed("a");
    assert_eq!(job.apply(fact, at(9)).effect, Effect::Recorded);
    assert_eq!(json!(job)["unread"], json!([newer]));
}

#[test]
fn damaged_state_asks_a_person() {
    let mut stored = json!(applied(claimed("a"), &[created("a", "g")]));
    stored["phase"]["generation"] = json!(9);
    let mut job: Job = serde_json::from_value(stored).unwrap();
    assert_eq!((job.action(), job.handle()), (Action::Ask, None));
    let adopt = decision(Verdict::Adopt("g".into()), job.revision());
    assert!(matches!(
        job.apply(adopt, at(9)).action,
        Action::Poll { .. }
    ));
}
