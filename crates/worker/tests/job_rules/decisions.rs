//! Decisions of people.

use aimlapi_video::GenerationHandle;
use aimlapi_video_worker::job::{Action, Decision, Effect, Fact, JobState, Verdict};
use serde_json::json;

use crate::{applied, at, claim, claimed, created, decision, lost, saved, unclear};

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
fn repeat_without_a_name_or_a_reason_does_not_apply() {
    let mut job = applied(claimed("a"), &[unclear("a")]);
    for (by, why) in [("", "lost"), ("Ada", " ")] {
        let decision = Decision {
            verdict: Verdict::Repeat,
            by: by.into(),
            why: why.into(),
            revision: 2,
        };
        let effect = job.apply(Fact::Decided { decision }, at(9)).effect;
        let reason = "a repeat needs the name of a person and a reason";
        assert_eq!(effect, Effect::NotApplicable(reason.into()));
    }
}

#[test]
fn other_decisions_apply_without_a_name_and_a_reason() {
    for (verdict, state) in [
        (Verdict::GiveUp, JobState::Failed),
        (Verdict::Adopt("g".into()), JobState::Waiting),
    ] {
        let mut job = applied(claimed("a"), &[unclear("a")]);
        let decision = Decision {
            verdict,
            by: String::new(),
            why: String::new(),
            revision: 2,
        };
        let effect = job.apply(Fact::Decided { decision }, at(9)).effect;
        assert_eq!((effect, job.phase().state()), (Effect::Changed, state));
        let given_up = (state == JobState::Failed).then_some("given up");
        assert_eq!(job.phase().reason(), given_up);
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
fn generation_of_a_job_that_was_given_up_stays_so_until_it_is_adopted() {
    let give_up = decision(Verdict::GiveUp, 2);
    let mut job = applied(
        claimed("a"),
        &[created("a", "g"), created("b", "h"), give_up],
    );
    assert_eq!(job.phase().reason(), Some("given up by Ada: checked"));
    for fact in [created("a", "g"), Fact::Completed { handle: "h".into() }] {
        assert_eq!(job.apply(fact, at(9)).action, Action::Nothing);
    }
    let adopt = decision(Verdict::Adopt("h".into()), job.revision());
    assert!(matches!(
        job.apply(adopt, at(9)).action,
        Action::Poll { .. }
    ));
}

#[test]
fn job_is_repeated_only_if_it_is_parked_or_has_ended_without_a_video() {
    let refused = Fact::Refused {
        claim: "a".into(),
        reason: "Refused 402".into(),
    };
    let failed = Fact::GenerationFailed {
        handle: "g".into(),
        reason: "failed".into(),
    };
    let cases: [(&[Fact], bool); 8] = [
        (&[], false),
        (&[created("a", "g")], false),
        (
            &[created("a", "g"), Fact::Completed { handle: "g".into() }],
            false,
        ),
        (&[created("a", "g"), saved("g")], false),
        (&[unclear("a")], true),
        (&[refused], true),
        (&[created("a", "g"), failed], true),
        (&[created("a", "g"), lost("g")], true),
    ];
    for (facts, is_allowed) in cases {
        let mut job = applied(claimed("a"), facts);
        let state = job.phase().state();
        let repeated = job.apply(decision(Verdict::Repeat, job.revision()), at(9));
        assert_eq!(repeated.effect == Effect::Changed, is_allowed, "{state:?}");
        assert_eq!(job.decisions().len(), usize::from(is_allowed));
    }
}

#[test]
fn adoption_of_a_saved_generation_makes_it_the_result() {
    let facts = [created("a", "g"), saved("g"), created("b", "h"), saved("h")];
    let job = applied(claimed("a"), &facts);
    let adopt = decision(Verdict::Adopt("h".into()), job.revision());
    let job = applied(job, &[adopt]);
    assert_eq!(
        (job.phase().state(), job.handle()),
        (JobState::Saved, Some(&"h".into()))
    );
}

#[test]
fn stale_adoption_still_records_its_handle() {
    let mut job = applied(claimed("a"), &[created("a", "g")]);
    let effect = job
        .apply(decision(Verdict::Adopt("h".into()), 0), at(9))
        .effect;
    assert!(matches!(effect, Effect::NotApplicable(_)));
    assert_eq!(
        (job.handle(), job.generations().len()),
        (Some(&"g".into()), 2)
    );
}
