//! The rules of the state machine, one by one.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::time::Duration;

use aimlapi_video::GenerationHandle;
use aimlapi_video_worker::job::{
    Action, Claim, ClaimOutcome, Claimant, Decision, Effect, End, Fact, Job, JobState, SavedObject,
    Timestamp, Verdict,
};
use serde_json::{Value, json};

#[test]
fn claim_is_granted_to_one_worker() {
    let mut job = Job::new("job", "00");
    let mut claimants = ["one", "two"].map(Claimant::new);
    let [one, two] = claimants
        .each_mut()
        .map(|claimant| claimant.request(at(60)));
    let applied = job.apply(one.fact(), at(0));
    let action = Action::Create {
        claim: one.claim().id.clone(),
        until: at(60),
    };
    assert_eq!((applied.effect, applied.action), (Effect::Changed, action));
    let effect = job.apply(two.fact(), at(0)).effect;
    let reason = "the job is Claimed, and only a planned job can be claimed";
    assert_eq!(effect, Effect::NotApplicable(reason.into()));
    assert!(two.acknowledged(job.claim()).is_err());
    assert!(one.acknowledged(job.claim()).is_ok());
}

#[test]
fn permit_is_not_spent_after_its_lease() {
    let mut job = Job::new("job", "00");
    let request = Claimant::new("one").request(at(60));
    let _ = job.apply(request.fact(), at(0));
    let permit = request.acknowledged(job.claim()).unwrap();
    let fact = permit.spend(at(60)).unwrap_err();
    // The job was parked in the meantime. Since nothing was sent, it is planned again.
    let _ = job.apply(Fact::unclear("one/1".into(), "the lease has ended"), at(60));
    assert_eq!(job.phase().state(), JobState::Ambiguous);
    let applied = job.apply(fact, at(61));
    assert_eq!(applied.action, Action::Claim { not_before: at(60) });
}

#[test]
fn claim_that_bought_nothing_is_not_granted_again() {
    let mut job = claimed("a");
    let applied = job.apply(Fact::not_bought("a".into(), at(5), "429"), at(1));
    assert_eq!(applied.action, Action::Claim { not_before: at(5) });
    assert_eq!(job.pause(), Duration::from_secs(2));
    let mut apply = |id: &str, now| job.apply(claim(id), at(now)).effect;
    assert_eq!(
        apply("b", 4),
        Effect::NotApplicable("the job is not to be claimed yet".into())
    );
    assert_eq!(
        apply("a", 5),
        Effect::NotApplicable("the claim a has ended".into())
    );
    assert_eq!(
        apply("b", 60),
        Effect::NotApplicable("the lease has ended".into())
    );
    assert_eq!(apply("b", 5), Effect::Changed);
}

#[test]
fn late_handle_is_taken_up_in_every_state_without_a_generation() {
    let refused = Fact::Refused {
        claim: "a".into(),
        reason: "Refused 400".into(),
    };
    let states: [(&[Fact], JobState); 5] = [
        (&[], JobState::Claimed),
        (&[unclear("a")], JobState::Ambiguous),
        (
            &[unclear("a"), decision(Verdict::Repeat, 2)],
            JobState::Planned,
        ),
        (
            &[unclear("a"), decision(Verdict::GiveUp, 2)],
            JobState::Failed,
        ),
        (&[refused], JobState::Refused),
    ];
    for (facts, state) in states {
        let mut job = applied(claimed("a"), facts);
        assert_eq!(job.phase().state(), state);
        let applied = job.apply(created("a", "g"), at(99));
        assert_eq!(
            applied.action,
            Action::Poll {
                handle: "g".into(),
                at: at(7)
            },
            "{state:?}"
        );
        assert_eq!(job.open_claims().count(), 0);
    }
}

#[test]
fn handle_before_a_repetition_leaves_the_second_claim_open_until_its_handle_arrives() {
    let facts = [
        unclear("a"),
        decision(Verdict::Repeat, 2),
        claim("b"),
        created("a", "g"),
    ];
    let mut job = applied(claimed("a"), &facts);
    assert_eq!(job.handle(), Some(&"g".into()));
    let open: Vec<&str> = job.open_claims().map(|open| open.id.as_str()).collect();
    assert_eq!(open, ["b"]);
    let effect = job.apply(created("b", "h"), at(99)).effect;
    assert_eq!(effect, Effect::Recorded);
    assert_eq!((job.open_claims().count(), job.generations().len()), (0, 2));
}

#[test]
fn further_generation_takes_the_place_of_one_that_ends_without_a_video() {
    let two = applied(claimed("a"), &[created("a", "g"), created("b", "h")]);
    let failed = Fact::GenerationFailed {
        handle: "g".into(),
        reason: "failed".into(),
    };
    let lost = Fact::Lost {
        handle: "h".into(),
        reason: "404".into(),
    };
    let mut job = two.clone();
    let next = job.apply(failed.clone(), at(9)).action;
    assert_eq!(
        next,
        Action::Poll {
            handle: "h".into(),
            at: Timestamp::default()
        }
    );
    assert_eq!(job.apply(lost.clone(), at(9)).action, Action::Ask);

    // The further one ends first.
    let mut job = applied(two, &[lost]);
    assert_eq!(job.handle(), Some(&"g".into()));
    assert_eq!(job.apply(failed, at(9)).action, Action::Nothing);
    assert_eq!(job.phase().state(), JobState::Failed);
}

#[test]
fn handle_of_a_generation_that_has_ended_ends_the_wait_for_its_create() {
    let reason = "failed".to_owned();
    let failed = Fact::GenerationFailed {
        handle: "g".into(),
        reason,
    };
    for (fact, state) in [(failed, JobState::Failed), (lost("g"), JobState::Lost)] {
        let job = applied(claimed("a"), &[fact, created("a", "g")]);
        assert_eq!(job.phase().state(), state);
    }
}

#[test]
fn adopted_generation_is_saved_beside_the_first_one() {
    let job = applied(
        claimed("a"),
        &[created("a", "g"), saved("g"), created("b", "h")],
    );
    assert_eq!(job.phase().state(), JobState::Saved);
    let adopt = decision(Verdict::Adopt("h".into()), job.revision());
    let mut job = applied(job, &[adopt]);
    assert_eq!(job.handle(), Some(&"h".into()));
    // Whatever becomes of the second one, the first one stays saved.
    let failed = Fact::GenerationFailed {
        handle: "h".into(),
        reason: "failed".into(),
    };
    assert_eq!(job.apply(failed, at(9)).action, Action::Nothing);
    assert_eq!(
        (job.phase().state(), job.handle()),
        (JobState::Saved, Some(&"g".into()))
    );
}

#[test]
fn lost_generation_that_is_completed_after_all_is_saved() {
    let lost = Fact::Lost {
        handle: "g".into(),
        reason: "404".into(),
    };
    let mut job = applied(claimed("a"), &[created("a", "g"), lost]);
    assert_eq!(job.phase().state(), JobState::Lost);
    let completed = Fact::Completed { handle: "g".into() };
    assert!(matches!(
        job.apply(completed, at(9)).action,
        Action::Save { .. }
    ));
}

#[test]
fn decision_applies_once_to_the_job_that_the_person_saw() {
    let first = decision(Verdict::Repeat, 2);
    let facts = [unclear("a"), first.clone(), claim("b"), unclear("b")];
    let mut job = applied(claimed("a"), &facts);
    assert_eq!(job.apply(first, at(9)).effect, Effect::Known);
    let other = job.apply(decision(Verdict::GiveUp, 2), at(9)).effect;
    let reason = "the job has changed since revision 2; it is Ambiguous at revision 5";
    assert_eq!(other, Effect::NotApplicable(reason.into()));
    assert_eq!(job.phase().state(), JobState::Ambiguous);
}

#[test]
fn decision_without_a_name_or_a_reason_does_not_apply() {
    let mut job = applied(claimed("a"), &[unclear("a")]);
    for (by, why) in [("", "lost"), ("Ada", " ")] {
        let decision = Decision {
            verdict: Verdict::Repeat,
            by: by.into(),
            why: why.into(),
            revision: 2,
        };
        let effect = job.apply(Fact::Decided { decision }, at(9)).effect;
        let reason = "a decision needs the name of a person and a reason";
        assert_eq!(effect, Effect::NotApplicable(reason.into()));
    }
}

#[test]
fn job_with_a_create_in_flight_is_not_given_up() {
    let mut job = claimed("a");
    let effect = job.apply(decision(Verdict::GiveUp, 1), at(1)).effect;
    let reason = "the job is Claimed, which does not allow GiveUp";
    assert_eq!(effect, Effect::NotApplicable(reason.into()));
}

#[test]
fn adopted_generation_settles_its_claim_only_if_one_claim_is_open() {
    let one = applied(
        claimed("a"),
        &[unclear("a"), decision(Verdict::Adopt("g".into()), 2)],
    );
    assert_eq!(one.open_claims().count(), 0);
    let facts = [
        unclear("a"),
        decision(Verdict::Repeat, 2),
        claim("b"),
        unclear("b"),
    ];
    let two = applied(claimed("a"), &facts);
    let two = applied(two, &[decision(Verdict::Adopt("g".into()), 5)]);
    assert_eq!(
        (two.phase().state(), two.open_claims().count()),
        (JobState::Waiting, 2)
    );
}

#[test]
fn adopted_id_and_late_handle_are_one_generation() {
    let full = json!({ "id": "g", "model": "m", "origin": "https://api.aimlapi.com" });
    let full: GenerationHandle = serde_json::from_value(full).unwrap();
    let adopt = decision(Verdict::Adopt("g".into()), 2);
    let late = Fact::Created {
        claim: "a".into(),
        handle: full.clone(),
        first_poll: at(7),
    };
    let job = applied(claimed("a"), &[unclear("a"), adopt, late]);
    assert_eq!((job.generations().len(), job.handle()), (1, Some(&full)));
}

#[test]
fn create_of_a_claim_that_the_store_has_lost_parks_the_job() {
    let mut job = Job::new("job", "00");
    assert_eq!(job.apply(unclear("a"), at(9)).action, Action::Ask);
}

#[test]
fn contradictory_facts_are_recorded() {
    let mut job = applied(
        claimed("a"),
        &[
            Fact::not_bought("a".into(), at(5), "429"),
            created("a", "g"),
        ],
    );
    let _ = job.apply(Fact::not_bought("a".into(), at(5), "429"), at(9));
    let what: Vec<&str> = job
        .anomalies()
        .iter()
        .map(|anomaly| anomaly.what.as_str())
        .collect();
    let expected = [
        r#"the claim a ended as NotBought("429"), then created a generation"#,
        r#"the claim a ended as Bought, then as NotBought("429")"#,
    ];
    assert_eq!(what, expected);
    assert_eq!(job.claims()[0].outcome, ClaimOutcome::Bought);
}

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

#[test]
fn saved_objects_are_in_the_generation() {
    let job = applied(claimed("a"), &[created("a", "g"), saved("g")]);
    assert_eq!(
        job.generations()[0].end,
        Some(End::Saved(vec![object("g")]))
    );
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1000 * seconds)
}

fn claim(id: &str) -> Fact {
    Fact::Claimed {
        claim: Claim::new(id, "worker", at(60)),
    }
}

fn claimed(id: &str) -> Job {
    applied(Job::new("job", "00"), &[claim(id)])
}

fn unclear(claim: &str) -> Fact {
    Fact::unclear(claim.into(), "no evidence")
}

fn created(claim: &str, id: &str) -> Fact {
    Fact::Created {
        claim: claim.into(),
        handle: id.into(),
        first_poll: at(7),
    }
}

fn lost(id: &str) -> Fact {
    Fact::Lost {
        handle: id.into(),
        reason: "404".into(),
    }
}

fn saved(id: &str) -> Fact {
    Fact::Saved {
        handle: id.into(),
        objects: vec![object(id)],
    }
}

fn object(id: &str) -> SavedObject {
    SavedObject {
        key: format!("job/{id}.mp4"),
        sha256: "00".into(),
        bytes: 1,
    }
}

fn decision(verdict: Verdict, revision: u64) -> Fact {
    let decision = Decision {
        verdict,
        by: "Ada".into(),
        why: "checked".into(),
        revision,
    };
    Fact::Decided { decision }
}

fn applied(mut job: Job, facts: &[Fact]) -> Job {
    for fact in facts {
        let _ = job.apply(fact.clone(), at(8));
    }
    job
}
