//! Handles, and jobs with several generations.

use aimlapi_video_worker::job::{Action, Effect, End, Fact, JobState, Timestamp, Verdict};
use serde_json::json;

use crate::{applied, at, claim, claimed, created, decision, lost, object, saved, unclear};

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
fn saved_objects_are_in_the_generation() {
    let job = applied(claimed("a"), &[created("a", "g"), saved("g")]);
    assert_eq!(
        job.generations()[0].end,
        Some(End::Saved(vec![object("g")]))
    );
}

#[test]
fn late_poll_does_not_turn_the_schedule_back() {
    let polled = |polls| {
        let schedule = json!({ "polls": polls, "next_poll": 1000 * (10 + polls) });
        let schedule = serde_json::from_value(schedule).unwrap();
        Fact::Polled {
            handle: "g".into(),
            schedule,
        }
    };
    let mut job = applied(claimed("a"), &[created("a", "g")]);
    for (polls, next) in [(2, 12), (1, 12), (3, 13)] {
        let action = job.apply(polled(polls), at(9)).action;
        assert_eq!(
            action,
            Action::Poll {
                handle: "g".into(),
                at: at(next)
            }
        );
    }
}

#[test]
fn failed_save_is_tried_again_later() {
    let completed = Fact::Completed { handle: "g".into() };
    let mut job = applied(claimed("a"), &[created("a", "g"), completed]);
    let failed = Fact::SaveFailed {
        handle: "g".into(),
        not_before: at(30),
    };
    assert_eq!(
        job.apply(failed, at(9)).action,
        Action::Save {
            handle: "g".into(),
            not_before: at(30)
        }
    );
}
