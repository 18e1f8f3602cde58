//! A batch's record on disk (feature `journal`): what was about to be created, what was created, and how it ended.
//!
//! One JSON object a line, only ever appended. The intent is written and flushed before the request leaves, so whatever
//! kills the process, the next one knows which requests may have been bought. No key, no prompt and no media are in it:
//! a request is known by its line in the batch and the SHA-256 of its body.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use serde_json::{Map, Value};

use crate::{Client, Error, ErrorKind, Generation, GenerationHandle};

mod claim;
mod event;
mod file;
mod hash;

pub(crate) use claim::{Claim, Known};
use event::{Event, apply};
use file::Tail;
use hash::sha256;

/// The record of one batch. Clones write into the same file, which is locked against other processes.
///
/// Give it to [`GenerateAll::journal`](crate::GenerateAll::journal). Requests are known by their place: the first is line 1
/// here, and index 0 where a method asks for an `index`.
///
/// ```no_run
/// use aimlapi_video::{Client, GenerationRequest, BatchEvent, Journal};
///
/// # async fn run(client: Client, requests: Vec<GenerationRequest>) -> Result<(), Box<dyn std::error::Error>> {
/// let journal = Journal::open("batch.jsonl")?;
/// let mut jobs = client.generate_all(requests).journal(journal.clone());
/// while let Some((index, job)) = jobs.next().await {
///     if let BatchEvent::Ended(Ok(generation)) = job {
///         let saved = client.save(&generation, format!("{index}.mp4")).await?;
///         journal.saved(index, saved.into_iter().map(|saved| saved.path).collect()).await?;
///     }
/// }
/// for (line, entry) in journal.entries() {
///     println!("{line}: {:?}", entry.state);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    tail: Mutex<Tail<File>>,
    jobs: Mutex<Jobs>,
}

#[derive(Default)]
struct Jobs {
    entries: BTreeMap<usize, JournalEntry>,
    /// The lines that are being created.
    claimed: BTreeSet<usize>,
    /// The lines that may be created although they may have been.
    repeated: BTreeSet<usize>,
}

/// What a journal knows of one request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct JournalEntry {
    /// The SHA-256 of the request's body, in hexadecimal.
    pub sha256: String,
    /// The model.
    pub model: String,
    /// When it was last sent, or about to be.
    pub sent_at: Option<SystemTime>,
    /// The `X-Client-Request-Id` that it was last sent with, to be looked for in the account's log.
    pub request_id: Option<String>,
    /// The origin of the base URL that it was last sent to.
    pub origin: Option<String>,
    /// The file that its video was last to be saved as, as whoever [saves](Journal::saving) it named it.
    pub saving: Option<PathBuf>,
    /// How far it came.
    pub state: JournalState,
}

impl JournalEntry {
    /// The generation, where one is known to have been created.
    pub fn handle(&self) -> Option<&GenerationHandle> {
        match &self.state {
            JournalState::Created { handle }
            | JournalState::Failed { handle }
            | JournalState::Completed { handle }
            | JournalState::Saved { handle, .. } => Some(handle),
            JournalState::NotCreated | JournalState::Unclear => None,
        }
    }

    /// Where it was created, or was to be, as far as it may have been.
    fn place(&self) -> Option<&str> {
        let created = self.handle().and_then(GenerationHandle::origin);
        match self.state {
            JournalState::NotCreated => None,
            _ => created.or(self.origin.as_deref()),
        }
    }
}

/// How far a request came.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum JournalState {
    /// Nothing was created: the service refused, or was not reached.
    NotCreated,
    /// It was about to be created, or the answer was lost: it may have been accepted, and billed.
    Unclear,
    /// It was created, and has not ended yet.
    #[non_exhaustive]
    Created {
        /// The generation.
        handle: GenerationHandle,
    },
    /// It ended without a video.
    #[non_exhaustive]
    Failed {
        /// The generation.
        handle: GenerationHandle,
    },
    /// It is completed; its videos are not known to be on disk.
    #[non_exhaustive]
    Completed {
        /// The generation.
        handle: GenerationHandle,
    },
    /// Its videos are on disk.
    #[non_exhaustive]
    Saved {
        /// The generation.
        handle: GenerationHandle,
        /// The files, as whoever saved them named them.
        files: Vec<PathBuf>,
    },
}

impl Journal {
    /// Opens the journal at `path`, or begins one. It reads the whole file, and blocks for as long.
    ///
    /// A last line that was cut off when a process was killed is taken off: what it would have told did not happen, or is
    /// told by the line before it. One that lacks nothing but its end is kept.
    ///
    /// # Errors
    ///
    /// [`Io`](ErrorKind::Io) if the file cannot be opened, is in use by another process, lies on a file system without locks, or
    /// is no journal, which is then left as it is.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let (entries, tail) = file::open(path)?;
        let jobs = Jobs {
            entries,
            ..Jobs::default()
        };
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                tail: Mutex::new(tail),
                jobs: Mutex::new(jobs),
            }),
        })
    }

    /// What is known of each request, by its line.
    pub fn entries(&self) -> BTreeMap<usize, JournalEntry> {
        self.inner.jobs().entries.clone()
    }

    /// The lines of a batch whose requests are others than when this journal was written, of the requests' bodies in order.
    /// A batch that has only grown differs nowhere, and a request that was refused may be corrected. An empty body stands
    /// for a line without a request.
    pub fn differing<'a>(
        &self,
        bodies: impl IntoIterator<Item = &'a Map<String, Value>>,
    ) -> Vec<usize> {
        let hashes: Vec<String> = bodies.into_iter().map(sha256).collect();
        let jobs = self.inner.jobs();
        let differs = |(line, entry): (&usize, &JournalEntry)| {
            let same = hashes.get(line - 1) == Some(&entry.sha256);
            (!same && entry.state != JournalState::NotCreated).then_some(*line)
        };
        jobs.entries.iter().filter_map(differs).collect()
    }

    /// The lines that were created, or may have been, on another service than the client's, such as a simulator.
    pub fn elsewhere(&self, client: &Client) -> Vec<usize> {
        let jobs = self.inner.jobs();
        let is_elsewhere = |entry: &JournalEntry| {
            let place = entry.place();
            place.is_some_and(|place| place != client.origin())
        };
        let lines = jobs.entries.iter();
        lines
            .filter_map(|(line, entry)| is_elsewhere(entry).then_some(*line))
            .collect()
    }

    /// Lets a request be created that may have been created already: once, and as long as this journal is open. Nothing is
    /// written before it is.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if it is not [`Unclear`](JournalState::Unclear).
    pub fn repeat(&self, index: usize) -> Result<(), Error> {
        let line = index + 1;
        let mut jobs = self.inner.jobs();
        let state = jobs.entries.get(&line).map(|entry| &entry.state);
        if state != Some(&JournalState::Unclear) || jobs.claimed.contains(&line) {
            let what = "is not unclear, so it is not to be repeated";
            return Err(self.inner.misused(line, what));
        }
        jobs.repeated.insert(line);
        Ok(())
    }

    /// Notes that the video of a request is about to be saved under this name: if a file of that name is found later, it is
    /// the request's own.
    ///
    /// # Errors
    ///
    /// As [`saved`](Self::saved).
    ///
    /// # Cancel safety
    ///
    /// As [`saved`](Self::saved).
    pub async fn saving(&self, index: usize, file: PathBuf) -> Result<(), Error> {
        let line = index + 1;
        self.of_created(line)?;
        self.write(Event::Saving { line, file }).await
    }

    /// Notes that the videos of a request are on disk.
    ///
    /// # Errors
    ///
    /// [`Io`](ErrorKind::Io) if it cannot be written, [`Configuration`](ErrorKind::Configuration) if the journal knows of no
    /// generation for the request.
    ///
    /// # Cancel safety
    ///
    /// Safe: once begun, it is written even if nobody waits for it.
    pub async fn saved(&self, index: usize, files: Vec<PathBuf>) -> Result<(), Error> {
        let line = index + 1;
        self.of_created(line)?;
        self.write(Event::Saved { line, files }).await
    }

    /// Notes that a generation ended without a video. [Batches](crate::GenerateAll) note it themselves.
    ///
    /// # Errors
    ///
    /// As [`saved`](Self::saved).
    ///
    /// # Cancel safety
    ///
    /// As [`saved`](Self::saved).
    pub async fn failed(&self, index: usize) -> Result<(), Error> {
        let line = index + 1;
        match self.news(line, Event::Failed { line })? {
            Some(event) => self.write(event).await,
            None => Ok(()),
        }
    }

    /// As [`saved`](Self::saved), for programs without async.
    ///
    /// # Errors
    ///
    /// As [`saved`](Self::saved).
    #[cfg(feature = "blocking")]
    #[cfg_attr(docsrs, doc(cfg(all(feature = "blocking", feature = "journal"))))]
    pub fn saved_blocking(&self, index: usize, files: Vec<PathBuf>) -> Result<(), Error> {
        let line = index + 1;
        self.of_created(line)?;
        self.append(&Event::Saved { line, files })
    }

    /// As [`failed`](Self::failed), for programs without async.
    ///
    /// # Errors
    ///
    /// As [`saved`](Self::saved).
    #[cfg(feature = "blocking")]
    #[cfg_attr(docsrs, doc(cfg(all(feature = "blocking", feature = "journal"))))]
    pub fn failed_blocking(&self, index: usize) -> Result<(), Error> {
        let line = index + 1;
        match self.news(line, Event::Failed { line })? {
            Some(event) => self.append(&event),
            None => Ok(()),
        }
    }

    /// Notes how a generation ended, if `outcome` says that it did. An error takes nothing back of that.
    pub(crate) async fn ended(
        &self,
        index: usize,
        outcome: &Result<Generation, Error>,
    ) -> Result<(), Error> {
        let line = index + 1;
        let event = match outcome {
            Ok(_) => Event::Completed { line },
            Err(error) if error.kind() == ErrorKind::GenerationFailed => Event::Failed { line },
            _ => return Ok(()),
        };
        match self.news(line, event)? {
            Some(event) => self.write(event).await,
            None => Ok(()),
        }
    }

    /// The end of a generation, unless it is noted already: a second run sees the same end.
    fn news(&self, line: usize, event: Event) -> Result<Option<Event>, Error> {
        Ok(match (self.of_created(line)?, &event) {
            (JournalState::Failed { .. }, Event::Failed { .. })
            | (JournalState::Completed { .. }, Event::Completed { .. }) => None,
            _ => Some(event),
        })
    }

    /// The state of a request that a generation is known of.
    fn of_created(&self, line: usize) -> Result<JournalState, Error> {
        let jobs = self.inner.jobs();
        let entry = jobs.entries.get(&line);
        let created = entry.filter(|entry| entry.handle().is_some());
        created
            .map(|entry| entry.state.clone())
            .ok_or_else(|| self.inner.misused(line, "has no generation that is known"))
    }

    /// Appends a line, and returns when it is on disk. Once begun, it is written even if nobody waits for it.
    async fn write(&self, event: Event) -> Result<(), Error> {
        let (journal, line) = (self.clone(), event.line());
        let written = tokio::task::spawn_blocking(move || journal.append(&event)).await;
        written.unwrap_or_else(|error| Err(self.unwritten(line, io::Error::other(error))))
    }

    fn append(&self, event: &Event) -> Result<(), Error> {
        let written = self.inner.append(event);
        written.map_err(|error| self.unwritten(event.line(), error))
    }

    fn unwritten(&self, line: Option<usize>, error: io::Error) -> Error {
        let what = format!(
            "the journal {} cannot be written",
            self.inner.path.display()
        );
        let error = Error::new(ErrorKind::Io, what).with_source(error);
        let jobs = self.inner.jobs();
        let entry = line.and_then(|line| jobs.entries.get(&line));
        match entry.and_then(JournalEntry::handle) {
            Some(handle) => error.about(handle.clone()),
            None => error,
        }
    }
}

impl Inner {
    fn append(&self, event: &Event) -> io::Result<()> {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let written = tail.append(event);
        // What happened is known here even if it cannot be written; what was only meant does not happen then.
        if written.is_ok() || !matches!(event, Event::Intent { .. }) {
            let mut jobs = self.jobs();
            apply(&mut jobs.entries, event);
            if let Event::Intent { line, .. } = event {
                jobs.repeated.remove(line);
            }
        }
        written
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn misused(&self, line: usize, what: &str) -> Error {
        let what = format!(
            "request {line} of the journal {} {what}",
            self.path.display()
        );
        Error::new(ErrorKind::Configuration, what)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}
