//! The rules of the state machine, one by one.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_worker::job::{Claim, Decision, Fact, Job, SavedObject, Timestamp, Verdict};

mod claims;
mod decisions;
mod generations;
mod versions;

pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1000 * seconds)
}

pub(crate) fn claim(id: &str) -> Fact {
    Fact::Claimed {
        claim: Claim::new(id, "worker", at(60)),
    }
}

pub(crate) fn claimed(id: &str) -> Job {
    applied(Job::new("job", "00"), &[claim(id)])
}

pub(crate) fn unclear(claim: &str) -> Fact {
    Fact::unclear(claim.into(), "no evidence")
}

pub(crate) fn created(claim: &str, id: &str) -> Fact {
    Fact::Created {
        claim: claim.into(),
        handle: id.into(),
        first_poll: at(7),
    }
}

pub(crate) fn lost(id: &str) -> Fact {
    Fact::Lost {
        handle: id.into(),
        reason: "404".into(),
    }
}

pub(crate) fn saved(id: &str) -> Fact {
    Fact::Saved {
        handle: id.into(),
        objects: vec![object(id)],
    }
}

pub(crate) fn object(id: &str) -> SavedObject {
    SavedObject {
        key: format!("job/{id}.mp4"),
        sha256: "00".into(),
        bytes: 1,
    }
}

pub(crate) fn decision(verdict: Verdict, revision: u64) -> Fact {
    let decision = Decision {
        verdict,
        by: "Ada".into(),
        why: "checked".into(),
        revision,
    };
    Fact::Decided { decision }
}

pub(crate) fn applied(mut job: Job, facts: &[Fact]) -> Job {
    for fact in facts {
        let _ = job.apply(fact.clone(), at(8));
    }
    job
}
