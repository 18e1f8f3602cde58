//! Claims and permits.

use std::time::Duration;

use aimlapi_video_worker::job::{Action, ClaimOutcome, Claimant, Effect, Fact, Job, JobState};

use crate::{applied, at, claim, claimed, created, unclear};

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
fn claim_is_used_if_any_fact_says_so() {
    let unused = Fact::unused("a".into(), at(5), "the store is away");
    let voided = Fact::not_bought(
        "a".into(),
        at(5),
        "the create ended before it took its claim",
    );
    for (facts, is_unused) in [
        (vec![unused.clone(), unused.clone()], true),
        (vec![unused.clone(), voided.clone()], false),
        (vec![voided.clone(), unused.clone()], false),
        (vec![unused, voided.clone(), voided], false),
    ] {
        let job = applied(claimed("a"), &facts);
        assert_eq!(job.claims()[0].is_unused, is_unused, "{facts:?}");
    }
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
fn withdrawn_claim_or_permit_releases_the_job() {
    let mut claimant = Claimant::new("one");
    let request = claimant.request(at(60));
    let mut job = applied(Job::new("job", "00"), &[request.fact()]);
    assert_eq!(
        job.apply(request.withdraw(at(9)), at(9)).action,
        Action::Claim { not_before: at(9) }
    );
    let request = claimant.request(at(60));
    let _ = job.apply(request.fact(), at(9));
    let permit = request.acknowledged(job.claim()).unwrap();
    assert_eq!(
        job.apply(permit.withdraw(at(10)), at(10)).action,
        Action::Claim { not_before: at(10) }
    );
}

#[test]
fn pause_doubles_up_to_about_four_minutes() {
    let mut job = Job::new("job", "00");
    let expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, 256];
    let pauses = expected.map(|_| {
        let pause = job.pause().as_secs();
        let id = format!("claim-{}", job.claims().len());
        let _ = job.apply(Fact::not_bought((&*id).into(), at(0), "429"), at(0));
        pause
    });
    assert_eq!(pauses, expected);
}

#[test]
fn same_contradiction_is_recorded_once_and_fifty_at_most() {
    let mut job = applied(claimed("a"), &[created("a", "g")]);
    for number in 0..60 {
        let fact = Fact::not_bought("a".into(), at(0), format!("reason {number}"));
        let _ = job.apply(fact.clone(), at(0));
        let _ = job.apply(fact, at(1));
    }
    assert_eq!(job.anomalies().len(), 50);
    assert!(job.anomalies()[49].what.contains("reason 49"));
}
