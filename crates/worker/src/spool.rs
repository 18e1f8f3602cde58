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

    /// Appends a line, and returns when the line is on disk; a report may reach the disk later, since an outcome that is delivered again
    /// changes nothing. A long file is emptied once all its claims are reported.
    ///
    /// # Errors
    ///
    /// If the line cannot be written or synced.
    pub fn append(&self, line: &Line) -> io::Result<()> {
        // Each line also begins with a line break, so that it is not joined to one that could not be written completely.
        let text = format!("\n{}\n", serde_json::to_string(line)?);
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.file.write_all(text.as_bytes())?;
        if !matches!(line, Line::Reported { .. }) {
            tail.file.sync_data()?;
        }
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
mod tests;
