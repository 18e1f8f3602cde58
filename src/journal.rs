//! The journal of a batch: a file that records the intent, the handle and the end of each create,
//! so that a batch can continue after a crash without paying twice.
//!
//! The file has one JSON object per line and is only appended to. The intent is written and synced before the request
//! is sent, so after any kind of crash the next process knows which requests may have been billed. The file contains no
//! key, no prompt and no media: a request is identified by its line in the batch and the SHA-256 of its body.
//!
//! [`event`] defines the lines and applies them to the entries, [`file`](mod@file) reads and appends the file,
//! [`claim`] guards one create, and [`hash`] computes the SHA-256.

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

use claim::Hold;
pub(crate) use claim::{Claim, ClaimOutcome};
use event::{Event, apply};
use file::Tail;
use hash::sha256;

/// The journal of one batch on disk. Clones write to the same file, which is locked against other processes.
///
/// Pass the journal to [`GenerateAll::journal`](crate::GenerateAll::journal). A request is identified by its position:
/// the first request has line 1 in the journal, and `index` 0 in the arguments of methods.
///
/// ```no_run
/// use aimlapi_video::{Client, GenerationRequest, BatchEvent, Journal, JournalState};
///
/// # async fn run(client: Client, requests: Vec<GenerationRequest>) -> Result<(), Box<dyn std::error::Error>> {
/// let journal = Journal::open("batch.jsonl")?;
/// // The videos that an earlier run saved are not saved again.
/// let saved = journal.entries().into_iter();
/// let saved = saved.filter(|(_, entry)| matches!(entry.state, JournalState::Saved { .. }));
/// let saved = saved.map(|(line, _)| line - 1);
/// let mut events = client.generate_all(requests).journal(journal.clone()).skip_indices(saved);
/// while let Some((index, event)) = events.next().await {
///     if let BatchEvent::Ended(Ok(generation)) = event {
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
    requests: Mutex<Requests>,
}

#[derive(Default)]
struct Requests {
    entries: BTreeMap<usize, JournalEntry>,
    /// The lines of the requests that are being created, or attached to a generation.
    claimed: BTreeSet<usize>,
    /// The lines of the unclear requests that the caller allows to be created again.
    repeated: BTreeSet<usize>,
}

/// The journal's record of one request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct JournalEntry {
    /// The SHA-256 of the request's body, in hexadecimal.
    pub sha256: String,
    /// The model of the request.
    pub model: String,
    /// The time of the last intent to send the request.
    pub sent_at: Option<SystemTime>,
    /// The `X-Client-Request-Id` of the last attempt, for a search in the account's log.
    pub request_id: Option<String>,
    /// The origin of the base URL of the last attempt.
    pub origin: Option<String>,
    /// The file that the request's video was last to be saved to, as passed to [`Journal::saving`].
    pub saving: Option<PathBuf>,
    /// The state of the request.
    pub state: JournalState,
}

impl JournalEntry {
    /// Returns the handle of the generation, if the journal records that it was created.
    pub fn handle(&self) -> Option<&GenerationHandle> {
        match &self.state {
            JournalState::Created { handle }
            | JournalState::Failed { handle }
            | JournalState::Completed { handle }
            | JournalState::Saved { handle, .. } => Some(handle),
            JournalState::NotCreated | JournalState::Unclear => None,
        }
    }

    /// The origin of the service that created the request, or that may have created it.
    fn service_origin(&self) -> Option<&str> {
        let created = self.handle().and_then(GenerationHandle::origin);
        match self.state {
            JournalState::NotCreated => None,
            _ => created.or(self.origin.as_deref()),
        }
    }
}

/// The state of a request in a journal.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum JournalState {
    /// The request created no generation: the service refused the request, or was not reached. After [`Journal::retry`], its
    /// generation failed, and the request may be sent again.
    NotCreated,
    /// The request was about to be sent, or its response was lost: the service may have accepted and billed it.
    Unclear,
    /// The generation was created, and its end is not recorded yet.
    #[non_exhaustive]
    Created {
        /// The handle of the generation.
        handle: GenerationHandle,
    },
    /// The generation ended without a video.
    #[non_exhaustive]
    Failed {
        /// The handle of the generation.
        handle: GenerationHandle,
    },
    /// The generation is completed; the journal does not record that its videos are on disk.
    #[non_exhaustive]
    Completed {
        /// The handle of the generation.
        handle: GenerationHandle,
    },
    /// The videos of the generation are on disk.
    #[non_exhaustive]
    Saved {
        /// The handle of the generation.
        handle: GenerationHandle,
        /// The files, as passed to [`Journal::saved`].
        files: Vec<PathBuf>,
    },
}

impl Journal {
    /// Opens the journal at `path`, or creates one. The call reads the whole file and blocks until it is read.
    ///
    /// An incomplete last line, as a killed process leaves, is removed: the event that it would have recorded did not
    /// happen, or is covered by the line before. A last line that lacks only its line break is kept.
    ///
    /// # Errors
    ///
    /// [`Io`](ErrorKind::Io) if the file cannot be opened, is in use by another process, is on a file system without
    /// locks, or is not a journal. A file that is not a journal is left unchanged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let (entries, tail) = file::open(path)?;
        let requests = Requests {
            entries,
            ..Requests::default()
        };
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                tail: Mutex::new(tail),
                requests: Mutex::new(requests),
            }),
        })
    }

    /// Returns the entry of each recorded request, by its line.
    pub fn entries(&self) -> BTreeMap<usize, JournalEntry> {
        self.inner.requests().entries.clone()
    }

    /// Returns the lines whose requests differ from the ones that this journal records. `bodies` are the bodies of the
    /// batch's requests in order; an empty body means a line without a request.
    ///
    /// Requests appended to the batch do not count as different, and a request that created nothing may be changed.
    pub fn differing<'a>(
        &self,
        bodies: impl IntoIterator<Item = &'a Map<String, Value>>,
    ) -> Vec<usize> {
        let hashes: Vec<String> = bodies.into_iter().map(sha256).collect();
        let requests = self.inner.requests();
        let differs = |(line, entry): (&usize, &JournalEntry)| {
            let same = hashes.get(line - 1) == Some(&entry.sha256);
            (!same && entry.state != JournalState::NotCreated).then_some(*line)
        };
        requests.entries.iter().filter_map(differs).collect()
    }

    /// Returns the lines whose generations were created, or may have been created, at another origin than the client's,
    /// such as a simulator.
    pub fn elsewhere(&self, client: &Client) -> Vec<usize> {
        let requests = self.inner.requests();
        let is_elsewhere = |entry: &JournalEntry| {
            let origin = entry.service_origin();
            origin.is_some_and(|origin| origin != client.origin())
        };
        let lines = requests.entries.iter();
        lines
            .filter_map(|(line, entry)| is_elsewhere(entry).then_some(*line))
            .collect()
    }

    /// Allows an [unclear](JournalState::Unclear) request to be created again, once, and only while this journal is
    /// open. The permission is not written to the file.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the request is not [`Unclear`](JournalState::Unclear).
    pub fn repeat(&self, index: usize) -> Result<(), Error> {
        let line = index + 1;
        let what = "is not in the state `Unclear`, so it cannot be repeated";
        let _held = self.hold_if(line, |state| *state == JournalState::Unclear, what)?;
        self.inner.requests().repeated.insert(line);
        Ok(())
    }

    /// Allows a request whose generation [failed](JournalState::Failed) to be created again, as a new generation that may be
    /// billed. The request may differ from the one that failed.
    ///
    /// The permission is written to the file: the request is [`NotCreated`](JournalState::NotCreated) from then on, and the
    /// handle of the failed generation is no longer among the [`entries`](Self::entries).
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the request is not [`Failed`](JournalState::Failed),
    /// [`Io`](ErrorKind::Io) if the journal cannot be written.
    ///
    /// # Cancel safety
    ///
    /// As [`saved`](Self::saved).
    pub async fn retry(&self, index: usize) -> Result<(), Error> {
        let (event, held) = self.retry_of(index)?;
        self.write_holding(event, Some(held)).await
    }

    /// Records the generation of an [unclear](JournalState::Unclear) request: the account's log has shown that the service
    /// accepted the request as this generation. The route of the handle has to be that of the request, or each later batch
    /// refuses the request as another one.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the request is not [`Unclear`](JournalState::Unclear),
    /// [`Io`](ErrorKind::Io) if the journal cannot be written.
    ///
    /// # Cancel safety
    ///
    /// As [`saved`](Self::saved).
    pub async fn attach(&self, index: usize, handle: GenerationHandle) -> Result<(), Error> {
        let line = index + 1;
        let what = "is not in the state `Unclear`, so it has no generation to attach";
        let held = self.hold_if(line, |state| *state == JournalState::Unclear, what)?;
        self.write_holding(Event::Created { line, handle }, Some(held))
            .await
    }

    /// Records that the video of a request is about to be saved to `file`, so that a later run knows that an existing
    /// file of this name belongs to the request.
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
        self.created_state(line)?;
        self.write(Event::Saving { line, file }).await
    }

    /// Records that the videos of a request are on disk.
    ///
    /// # Errors
    ///
    /// [`Io`](ErrorKind::Io) if the journal cannot be written, [`Configuration`](ErrorKind::Configuration) if the
    /// journal records no generation for the request.
    ///
    /// # Cancel safety
    ///
    /// Safe: after the first poll, the entry is written even if the future is dropped.
    pub async fn saved(&self, index: usize, files: Vec<PathBuf>) -> Result<(), Error> {
        let line = index + 1;
        self.created_state(line)?;
        self.write(Event::Saved { line, files }).await
    }

    /// Records that a generation ended without a video. [Batches](crate::GenerateAll) record this themselves. A request whose
    /// videos are [saved](JournalState::Saved) stays so: the service may no longer have the generation.
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
        match self.unless_recorded(line, Event::Failed { line })? {
            Some(event) => self.write(event).await,
            None => Ok(()),
        }
    }

    /// Allows a failed request to be created again as [`retry`](Self::retry) does, for programs without async.
    ///
    /// # Errors
    ///
    /// As [`retry`](Self::retry).
    #[cfg(feature = "blocking")]
    #[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
    pub fn retry_blocking(&self, index: usize) -> Result<(), Error> {
        let (event, _held) = self.retry_of(index)?;
        self.append(&event)
    }

    /// Records the file of a video as [`saving`](Self::saving) does, for programs without async.
    ///
    /// # Errors
    ///
    /// As [`saved`](Self::saved).
    #[cfg(feature = "blocking")]
    #[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
    pub fn saving_blocking(&self, index: usize, file: PathBuf) -> Result<(), Error> {
        let line = index + 1;
        self.created_state(line)?;
        self.append(&Event::Saving { line, file })
    }

    /// Records saved videos as [`saved`](Self::saved) does, for programs without async.
    ///
    /// # Errors
    ///
    /// As [`saved`](Self::saved).
    #[cfg(feature = "blocking")]
    #[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
    pub fn saved_blocking(&self, index: usize, files: Vec<PathBuf>) -> Result<(), Error> {
        let line = index + 1;
        self.created_state(line)?;
        self.append(&Event::Saved { line, files })
    }

    /// Records a failure as [`failed`](Self::failed) does, for programs without async.
    ///
    /// # Errors
    ///
    /// As [`saved`](Self::saved).
    #[cfg(feature = "blocking")]
    #[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
    pub fn failed_blocking(&self, index: usize) -> Result<(), Error> {
        let line = index + 1;
        match self.unless_recorded(line, Event::Failed { line })? {
            Some(event) => self.append(&event),
            None => Ok(()),
        }
    }

    /// Records the end of a generation, if `outcome` is one. An error means that the end is not on disk, but the entry
    /// in memory is up to date.
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
        match self.unless_recorded(line, event)? {
            Some(event) => self.write(event).await,
            None => Ok(()),
        }
    }

    /// The event that allows a failed request to be created again. A second one would forget the generation that was created after
    /// the first, so the request is held until the event is written.
    fn retry_of(&self, index: usize) -> Result<(Event, Hold), Error> {
        let line = index + 1;
        let what = "is not in the state `Failed`, so it cannot be created again";
        let is_failed = |state: &JournalState| matches!(state, JournalState::Failed { .. });
        let held = self.hold_if(line, is_failed, what)?;
        Ok((Event::Retry { line }, held))
    }

    /// Returns the event unless the same end or a saved video is already recorded, which happens when a second run polls the
    /// generation.
    fn unless_recorded(&self, line: usize, event: Event) -> Result<Option<Event>, Error> {
        Ok(match (self.created_state(line)?, &event) {
            (JournalState::Saved { .. }, _)
            | (JournalState::Failed { .. }, Event::Failed { .. })
            | (JournalState::Completed { .. }, Event::Completed { .. }) => None,
            _ => Some(event),
        })
    }

    /// The state of a request with a recorded generation.
    fn created_state(&self, line: usize) -> Result<JournalState, Error> {
        let requests = self.inner.requests();
        let entry = requests.entries.get(&line);
        let created = entry.filter(|entry| entry.handle().is_some());
        created
            .map(|entry| entry.state.clone())
            .ok_or_else(|| self.inner.usage_error(line, "has no recorded generation"))
    }

    /// Appends a line, and returns when the line is on disk. After the first poll, the line is written even if the
    /// future is dropped.
    async fn write(&self, event: Event) -> Result<(), Error> {
        self.write_holding(event, None).await
    }

    /// As [`write`](Self::write), and keeps a request held until the line is written.
    async fn write_holding(&self, event: Event, held: Option<Hold>) -> Result<(), Error> {
        let (journal, line) = (self.clone(), event.line());
        let written = tokio::task::spawn_blocking(move || {
            let written = journal.append(&event);
            drop(held);
            written
        });
        let written = written.await;
        written.unwrap_or_else(|error| Err(self.write_error(line, io::Error::other(error))))
    }

    fn append(&self, event: &Event) -> Result<(), Error> {
        let written = self.inner.append(event);
        written.map_err(|error| self.write_error(event.line(), error))
    }

    fn write_error(&self, line: Option<usize>, error: io::Error) -> Error {
        let what = format!(
            "the journal {} cannot be written",
            self.inner.path.display()
        );
        let error = Error::new(ErrorKind::Io, what).with_source(error);
        let requests = self.inner.requests();
        let entry = line.and_then(|line| requests.entries.get(&line));
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
        // An event that happened is applied even if it cannot be written. An intent is not: its request is not sent
        // then.
        if written.is_ok() || !matches!(event, Event::Intent { .. }) {
            let mut requests = self.requests();
            apply(&mut requests.entries, event);
            if let Event::Intent { line, .. } = event {
                requests.repeated.remove(line);
            }
        }
        written
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usage_error(&self, line: usize, what: &str) -> Error {
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
