//! Spools of living and ended processes.

use aimlapi_video::GenerationHandle;

use super::*;
use crate::job::Timestamp;

fn attempt(claim: &str, run: &str) -> Attempt {
    Attempt {
        claim: claim.into(),
        run: run.into(),
    }
}

fn claim(name: &str) -> Line {
    Line::Claim {
        attempt: attempt(name, "a"),
        job: "boat".into(),
        model: "m".into(),
    }
}

fn created(claim: &str) -> Line {
    Line::Outcome {
        attempt: attempt(claim, "a"),
        fact: Fact::Created {
            claim: claim.into(),
            handle: GenerationHandle::new("a1"),
            first_poll: Timestamp::default(),
        },
    }
}

fn left_by_others(spool: &Spool) -> Vec<Abandoned> {
    let found = spool.abandoned().expect("the folder is read");
    let read = found.into_iter().collect::<io::Result<_>>();
    read.expect("the files are read")
}

#[test]
fn spool_of_a_living_process_is_not_abandoned() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Spool::open(folder.path()).expect("opened");
    first.append(&claim("boat/1")).expect("written");
    let second = Spool::open(folder.path()).expect("opened");
    assert!(left_by_others(&second).is_empty());
}

#[test]
fn spool_of_an_ended_process_is_read_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Spool::open(folder.path()).expect("opened");
    first.append(&claim("boat/1")).expect("written");
    first.append(&created("boat/1")).expect("written");
    drop(first);
    let second = Spool::open(folder.path()).expect("opened");
    let abandoned = left_by_others(&second);
    assert_eq!(abandoned.len(), 1);
    let record = &abandoned[0].records[&attempt("boat/1", "a")];
    assert!(matches!(record.outcome, Some(Fact::Created { .. })));
    assert!(!record.is_reported);
    // The process that holds the file keeps others from it.
    let third = Spool::open(folder.path()).expect("opened");
    assert!(left_by_others(&third).is_empty());
    for held in abandoned {
        held.remove().expect("removed");
    }
    assert!(left_by_others(&second).is_empty());
}

#[test]
fn file_that_cannot_be_read_keeps_no_other_from_being_read() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("a.spool")).expect("created");
    let first = Spool::open(folder.path()).expect("opened");
    first.append(&claim("boat/1")).expect("written");
    fs::create_dir(folder.path().join("z.spool")).expect("created");
    drop(first);
    let second = Spool::open(folder.path()).expect("opened");
    let found = second.abandoned().expect("read");
    assert_eq!(found.iter().filter(|found| found.is_ok()).count(), 1);
    assert_eq!(found.iter().filter(|found| found.is_err()).count(), 2);
}

#[test]
fn incomplete_last_line_leaves_the_claim_without_outcome() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Spool::open(folder.path()).expect("opened");
    first.append(&claim("boat/1")).expect("written");
    let mut text = serde_json::to_vec(&created("boat/1")).expect("written");
    text.truncate(20);
    let mut file = OpenOptions::new().append(true).open(&first.path);
    file.as_mut()
        .expect("opened")
        .write_all(&text)
        .expect("written");
    drop(first);
    let second = Spool::open(folder.path()).expect("opened");
    let abandoned = left_by_others(&second);
    assert_eq!(abandoned[0].records[&attempt("boat/1", "a")].outcome, None);
}

#[test]
fn claim_of_another_run_clears_no_open_claim_with_the_same_id() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Spool::open(folder.path()).expect("opened");
    let other = attempt("boat/1", "b");
    let fact = Fact::unclear("boat/1".into(), "the connection was closed");
    for line in [
        claim("boat/1"),
        created("boat/1"),
        Line::Claim {
            attempt: other.clone(),
            job: "boat".into(),
            model: "m".into(),
        },
        Line::Outcome {
            attempt: other.clone(),
            fact,
        },
        Line::Reported {
            attempt: other.clone(),
        },
    ] {
        first.append(&line).expect("written");
    }
    first.close().expect("closed");
    drop(first);
    let second = Spool::open(folder.path()).expect("opened");
    let abandoned = left_by_others(&second);
    let records = &abandoned[0].records;
    let record = &records[&attempt("boat/1", "a")];
    assert!(matches!(record.outcome, Some(Fact::Created { .. })));
    assert!(!record.is_reported);
    assert!(records[&other].is_reported);
}

#[test]
fn outcome_after_a_reported_one_is_reported_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Spool::open(folder.path()).expect("opened");
    let reported = Line::Reported {
        attempt: attempt("boat/1", "a"),
    };
    for line in [claim("boat/1"), reported, created("boat/1")] {
        first.append(&line).expect("written");
    }
    first.close().expect("closed");
    drop(first);
    let second = Spool::open(folder.path()).expect("opened");
    let abandoned = left_by_others(&second);
    assert!(!abandoned[0].records[&attempt("boat/1", "a")].is_reported);
}

#[test]
fn line_without_a_run_is_read() {
    let line = r#"{ "claim": { "claim": "boat/1", "job": "boat", "model": "m" } }"#;
    let records = read(line.as_bytes());
    assert_eq!(records[&attempt("boat/1", "")].job, "boat");
}

#[test]
fn long_spool_is_emptied_once_its_claims_are_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = Spool::open(folder.path()).expect("opened");
    spool
        .append(&claim(&"long".repeat(300_000)))
        .expect("written");
    spool.append(&claim("boat/1")).expect("written");
    let length = || spool.path.metadata().expect("exists").len();
    for name in ["long".repeat(300_000), "boat/1".into()] {
        assert!(length() > MAX_BYTES);
        let attempt = attempt(&name, "a");
        spool.append(&Line::Reported { attempt }).expect("written");
    }
    assert_eq!(length(), 0);
}

#[test]
fn closed_spool_is_removed_only_if_all_its_claims_were_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = Spool::open(folder.path()).expect("opened");
    spool.append(&claim("boat/1")).expect("written");
    spool.append(&created("boat/1")).expect("written");
    spool.close().expect("closed");
    drop(spool);
    let spool = Spool::open(folder.path()).expect("opened");
    let abandoned = left_by_others(&spool);
    assert_eq!(abandoned.len(), 1);
    drop(abandoned);
    spool.append(&claim("boat/2")).expect("written");
    let reported = Line::Reported {
        attempt: attempt("boat/2", "a"),
    };
    spool.append(&reported).expect("written");
    spool.close().expect("closed");
    drop(spool);
    let spool = Spool::open(folder.path()).expect("opened");
    assert_eq!(left_by_others(&spool).len(), 1);
}
