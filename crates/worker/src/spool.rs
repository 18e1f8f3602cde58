//! The spool: what this machine knows about its creates, on a local disk.
//!
//! Each process appends to a file of its own, which it keeps locked for as long as it lives. A claim is synced before its request is sent,
//! its outcome as soon as the response is read. A later process reads the files that are no longer locked, so that a handle
//! survives its process, whatever the engine knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::job::{ClaimId, Fact};

/// The spool of this process.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    path: PathBuf,
    tail: Mutex<Tail>,
}

#[derive(Debug)]
struct Tail {
    file: File,
    bytes: u64,
    /// The creates that have not been reported.
    open: BTreeSet<Attempt>,
}

/// A create: the ids of claims repeat in other runs of a job's workflow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attempt {
    /// The claim.
    pub claim: ClaimId,
    /// The run of the workflow; empty if it is not known.
    #[serde(default)]
    pub run: String,
}

/// A line of a spool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// A request is about to be sent.
    Claim {
        /// The create.
        #[serde(flatten)]
        attempt: Attempt,
        /// The key of the job.
        job: String,
        /// The model of the request.
        model: String,
    },
    /// The request had this outcome.
    Outcome {
        /// The create.
        #[serde(flatten)]
        attempt: Attempt,
        /// The outcome.
        fact: Fact,
    },
    /// The job has received the outcome.
    Reported {
        /// The create.
        #[serde(flatten)]
        attempt: Attempt,
    },
}

/// What a spool records of one create.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The key of the job.
    pub job: String,
    /// The model of the request.
    pub model: String,
    /// The outcome; `None` if the process ended before.
    pub outcome: Option<Fact>,
    /// Whether the job has received the outcome.
    pub is_reported: bool,
}

/// The spool of a process that has ended.
#[derive(Debug)]
pub struct Abandoned {
    path: PathBuf,
    /// Keeps other processes from reading the same file.
    _locked: File,
    /// The records of its creates.
    pub records: BTreeMap<Attempt, Record>,
}

impl Spool {
    /// Starts the spool of this process in `folder`, which is created if it does not exist.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written, or its file system has no locks.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let name = Uuid::new_v4();
        let new = folder.join(format!("{name}.new"));
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&new)?;
        file.lock()?;
        // Other processes see the file only with its lock.
        let path = folder.join(format!("{name}.{EXTENSION}"));
        fs::rename(&new, &path)?;
        // Windows syncs no folders.
        #[cfg(unix)]
        File::open(folder)?.sync_all()?;
        Ok(Self {
            folder: folder.to_owned(),
            path,
            tail: Mutex::new(Tail {
                file,
                bytes: 0,
                open: BTreeSet::new(),
            }),
        })
    }

    /// Appends a line, and returns when the line is on disk. A long file is emptied once all its claims are reported.
    ///
    /// # Errors
    ///
    /// If the line cannot be written or synced.
    pub fn append(&self, line: &Line) -> io::Result<()> {
        // Each line also begins with a line break, so that it is not joined to one that could not be written completely.
        let text = format!("\n{}\n", serde_json::to_string(line)?);
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.file.write_all(text.as_bytes())?;
        tail.file.sync_data()?;
        tail.bytes += text.len() as u64;
        match line {
            Line::Claim { attempt, .. } | Line::Outcome { attempt, .. } => {
                tail.open.insert(attempt.clone());
            }
            Line::Reported { attempt } => drop(tail.open.remove(attempt)),
        }
        if tail.open.is_empty() && tail.bytes > MAX_BYTES {
            tail.file.set_len(0)?;
            tail.bytes = 0;
        }
        Ok(())
    }

    /// The spools of processes that have ended, each of which this process now holds, or the error of a file that cannot be read.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read.
    pub fn abandoned(&self) -> io::Result<Vec<io::Result<Abandoned>>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let is_spool = path.extension().is_some_and(|found| found == EXTENSION);
            if is_spool && path != self.path {
                let name = path.display().to_string();
                let locked = Abandoned::lock(path).transpose();
                let named = |error| io::Error::other(format!("{name}: {error}"));
                found.extend(locked.map(|locked| locked.map_err(named)));
            }
        }
        Ok(found)
    }

    /// Removes the file of this process, unless a claim has not been reported.
    ///
    /// # Errors
    ///
    /// If the file cannot be removed.
    pub fn close(&self) -> io::Result<()> {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        match tail.open.is_empty() {
            true => fs::remove_file(&self.path),
            false => Ok(()),
        }
    }
}

impl Abandoned {
    fn lock(path: PathBuf) -> io::Result<Option<Self>> {
        let file = match File::open(&path) {
            Ok(file) => file,
            // Another process has just removed the file.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Self {
            records: read(&text),
            path,
            _locked: file,
        }))
    }

    /// Removes the file, after its records have been dealt with.
    ///
    /// # Errors
    ///
    /// If the file cannot be removed.
    pub fn remove(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// Reads the lines of a spool. A line that a killed process has left incomplete is covered by the lines before.
fn read(text: &[u8]) -> BTreeMap<Attempt, Record> {
    let mut records = BTreeMap::new();
    let lines = text
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok());
    for line in lines {
        match line {
            Line::Claim {
                attempt,
                job,
                model,
            } => {
                let record = Record {
                    job,
                    model,
                    outcome: None,
                    is_reported: false,
                };
                records.insert(attempt, record);
            }
            Line::Outcome { attempt, fact } => {
                if let Some(record) = records.get_mut(&attempt) {
                    record.outcome = Some(fact);
                    record.is_reported = false;
                }
            }
            Line::Reported { attempt } => {
                if let Some(record) = records.get_mut(&attempt) {
                    record.is_reported = true;
                }
            }
        }
    }
    records
}

const EXTENSION: &str = "spool";

/// The size from which on a file without open claims is emptied.
const MAX_BYTES: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
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
}
