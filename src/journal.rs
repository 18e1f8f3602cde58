//! A batch's record on disk (feature `journal`): what was about to be created, what was created, and how it ended.
//!
//! One JSON object a line, only ever appended. The intent is written and flushed before the request leaves, so whatever
//! kills the process, the next one knows which requests may have been bought. No key, no prompt and no media are in it:
//! a request is known by its line in the batch and the SHA-256 of its body.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fs4::fs_std::FileExt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{Error, ErrorKind, GenerationHandle, Update};

/// The record of one batch. Clones write into the same file, which is locked against other processes.
///
/// Give it to [`GenerateAll::journal`](crate::GenerateAll::journal). Requests are known by their place: the first is line 1.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    file: Mutex<File>,
    jobs: Mutex<BTreeMap<usize, JournalEntry>>,
}

/// What a journal knows of one request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct JournalEntry {
    /// The SHA-256 of the request's body, in hexadecimal.
    pub sha256: String,
    /// The model.
    pub model: String,
    /// How far it came.
    pub state: JournalState,
}

impl JournalEntry {
    /// The generation, where one is known to have been created.
    pub fn handle(&self) -> Option<&GenerationHandle> {
        match &self.state {
            JournalState::Created(handle)
            | JournalState::Failed(handle)
            | JournalState::Completed(handle)
            | JournalState::Saved(handle, _) => Some(handle),
            JournalState::NotCreated | JournalState::Unclear => None,
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
    Created(GenerationHandle),
    /// It ended without a video.
    Failed(GenerationHandle),
    /// It is completed; its videos are not known to be on disk.
    Completed(GenerationHandle),
    /// Its videos are on disk.
    Saved(GenerationHandle, Vec<PathBuf>),
}

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
    Journal {
        version: u32,
    },
    Intent {
        line: usize,
        sha256: String,
        model: String,
    },
    NotCreated {
        line: usize,
        why: String,
    },
    Unclear {
        line: usize,
        why: String,
    },
    Created {
        line: usize,
        handle: GenerationHandle,
    },
    Failed {
        line: usize,
    },
    Completed {
        line: usize,
    },
    Saved {
        line: usize,
        files: Vec<PathBuf>,
    },
}

const VERSION: u32 = 1;

/// No line is longer: what is has not been written here.
const LINE_MOST: usize = 1024 * 1024;

impl Journal {
    /// Opens the journal at `path`, or begins one.
    ///
    /// A last line that was cut off when a process was killed is taken off: what it would have told did not happen, or is
    /// told by the line before it.
    ///
    /// # Errors
    ///
    /// [`Io`](ErrorKind::Io) if the file cannot be opened, is in use by another process, or is no journal, which is then left
    /// as it is.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let io = |error| failed(path, "cannot be used", Some(error));
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(io)?;
        if !file.try_lock_exclusive().map_err(io)? {
            let what = "is in use by another process; wait for it, or end it";
            return Err(failed(path, what, None));
        }
        let (jobs, whole) = read(&mut BufReader::new(&file), path)?;
        // Only what is known to be a journal is touched.
        if whole < file.metadata().map_err(io)?.len() {
            file.set_len(whole).map_err(io)?;
            file.seek(SeekFrom::End(0)).map_err(io)?;
        }
        if whole == 0 {
            begin(&mut file, path).map_err(io)?;
        }
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                file: Mutex::new(file),
                jobs: Mutex::new(jobs),
            }),
        })
    }

    /// What is known of each request, by its line.
    pub fn entries(&self) -> BTreeMap<usize, JournalEntry> {
        self.jobs().clone()
    }

    /// The lines of a batch whose requests are others than when this journal was written, of the requests' bodies in order.
    /// A batch that has only grown differs nowhere.
    pub fn differing<'a>(
        &self,
        bodies: impl IntoIterator<Item = &'a Map<String, Value>>,
    ) -> Vec<usize> {
        let hashes: Vec<String> = bodies.into_iter().map(sha256).collect();
        let jobs = self.jobs();
        let differs = |(line, entry): (&usize, &JournalEntry)| {
            let same = hashes.get(line - 1) == Some(&entry.sha256);
            (!same).then_some(*line)
        };
        jobs.iter().filter_map(differs).collect()
    }

    /// Notes that the videos of a request are on disk.
    ///
    /// # Errors
    ///
    /// [`Io`](ErrorKind::Io) if it cannot be written.
    pub async fn saved(&self, index: usize, files: Vec<PathBuf>) -> Result<(), Error> {
        self.write(Event::Saved {
            line: index + 1,
            files,
        })
        .await
    }

    /// Forgets that a request may have been created, so that it is created by the next run.
    ///
    /// # Errors
    ///
    /// [`Io`](ErrorKind::Io) if it cannot be written.
    pub async fn repeat(&self, index: usize) -> Result<(), Error> {
        self.write(Event::NotCreated {
            line: index + 1,
            why: "to be repeated, as its owner says".into(),
        })
        .await
    }

    /// Creates what is not known to be created, by `create`, which is not begun before the intent is on disk.
    pub(crate) async fn create(
        &self,
        index: usize,
        body: &Map<String, Value>,
        create: impl Future<Output = Result<GenerationHandle, Error>>,
    ) -> Result<GenerationHandle, Error> {
        let (line, sha256) = (index + 1, sha256(body));
        let known = self.jobs().get(&line).cloned();
        if let Some(known) = known {
            if known.sha256 != sha256 {
                let what = format!(
                    "request {line} is another one than in the journal {}; use a journal of its own",
                    self.inner.path.display()
                );
                return Err(Error::new(ErrorKind::Configuration, what));
            }
            match known.state {
                JournalState::NotCreated => {}
                JournalState::Unclear => {
                    let what = format!(
                        "request {line} was being created when a process ended; it may have been accepted and billed, so \
                         look at the account's log before it is repeated"
                    );
                    return Err(Error::new(ErrorKind::AmbiguousCreate, what));
                }
                JournalState::Created(handle)
                | JournalState::Failed(handle)
                | JournalState::Completed(handle)
                | JournalState::Saved(handle, _) => return Ok(handle),
            }
        }
        let model = body.get("model").and_then(Value::as_str);
        self.write(Event::Intent {
            line,
            sha256,
            model: model.unwrap_or_default().to_owned(),
        })
        .await?;
        let created = create.await;
        let event = match &created {
            Ok(handle) => Event::Created {
                line,
                handle: handle.clone(),
            },
            // The service's words may hold what was sent, so the kind alone is kept.
            Err(error) => {
                let status = error.service().map(|service| service.status.to_string());
                let why = format!("{:?} {}", error.kind(), status.unwrap_or_default());
                let why = why.trim_end().to_owned();
                match error.kind() {
                    ErrorKind::AmbiguousCreate => Event::Unclear { line, why },
                    _ => Event::NotCreated { line, why },
                }
            }
        };
        let written = self.write(event).await;
        match (created, written) {
            (Ok(handle), Err(error)) => Err(error.about(handle)),
            (created, _) => created,
        }
    }

    /// Notes that a generation ended without a video.
    ///
    /// # Errors
    ///
    /// [`Io`](ErrorKind::Io) if it cannot be written.
    pub async fn failed(&self, index: usize) -> Result<(), Error> {
        self.write(Event::Failed { line: index + 1 }).await
    }

    /// Notes how a generation ended, if `update` says that it did.
    pub(crate) async fn ended(
        &self,
        index: usize,
        update: &Result<Update, Error>,
    ) -> Result<(), Error> {
        let line = index + 1;
        let event = match update {
            Ok(Update::Completed(_)) => Event::Completed { line },
            Err(error) if error.kind() == ErrorKind::GenerationFailed => Event::Failed { line },
            _ => return Ok(()),
        };
        let handle = self
            .jobs()
            .get(&line)
            .and_then(JournalEntry::handle)
            .cloned();
        let written = self.write(event).await;
        written.map_err(|error| match handle {
            Some(handle) => error.about(handle),
            None => error,
        })
    }

    /// Appends a line, and returns when it is on disk. Once begun, it is written even if nobody waits for it.
    async fn write(&self, event: Event) -> Result<(), Error> {
        let inner = Arc::clone(&self.inner);
        let written = tokio::task::spawn_blocking(move || inner.append(&event)).await;
        written
            .map_err(io::Error::other)
            .and_then(|written| written)
            .map_err(|error| {
                let what = format!(
                    "the journal {} cannot be written",
                    self.inner.path.display()
                );
                Error::new(ErrorKind::Io, what).with_source(error)
            })
    }

    fn jobs(&self) -> MutexGuard<'_, BTreeMap<usize, JournalEntry>> {
        self.inner
            .jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn append(&self, event: &Event) -> io::Result<()> {
        let mut text = serde_json::to_vec(event)?;
        text.push(b'\n');
        if text.len() > LINE_MOST {
            let what = format!("a line of {} bytes is too long for it", text.len());
            return Err(io::Error::other(what));
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&text)?;
        file.sync_data()?;
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        apply(&mut jobs, event);
        Ok(())
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}

fn first_line() -> Vec<u8> {
    format!("{{\"event\":\"journal\",\"version\":{VERSION}}}\n").into_bytes()
}

/// Writes the first line, and sees to it that the file's name is on disk, too.
fn begin(file: &mut File, path: &Path) -> io::Result<()> {
    file.write_all(&first_line())?;
    file.sync_all()?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // Not every system can open a folder; where it can, this keeps a crash from losing the file.
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// What the journal tells, and how many bytes of it are whole lines.
fn read(
    file: &mut impl BufRead,
    path: &Path,
) -> Result<(BTreeMap<usize, JournalEntry>, u64), Error> {
    let (mut jobs, mut whole) = (BTreeMap::new(), 0);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let most = LINE_MOST as u64 + 1;
        let length = file
            .take(most)
            .read_until(b'\n', &mut line)
            .map_err(|error| failed(path, "cannot be read", Some(error)))?;
        let other = |what: String| {
            let what = format!("is no journal of this version: its line {number} is {what}");
            Err(failed(path, &what, None))
        };
        if !line.ends_with(b"\n") {
            return match &*line {
                line if line.len() > LINE_MOST => other(format!("longer than {LINE_MOST} bytes")),
                // Cut off when it was begun; any other text is somebody's file.
                line if number == 1 && !first_line().starts_with(line) => {
                    other("not whole, and no beginning of one".into())
                }
                _ => Ok((jobs, whole)),
            };
        }
        whole += length as u64;
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice(&line) {
            Err(error) => return other(error.to_string()),
            Ok(Event::Journal { version }) if version != VERSION => {
                let what = format!("is of version {version}, and {VERSION} is read");
                return Err(failed(path, &what, None));
            }
            Ok(event) => apply(&mut jobs, &event),
        }
    }
    Ok((jobs, whole))
}

fn failed(path: &Path, what: &str, source: Option<io::Error>) -> Error {
    let what = format!("the journal {} {what}", path.display());
    let error = Error::new(ErrorKind::Io, what);
    match source {
        Some(source) => error.with_source(source),
        None => error,
    }
}

fn apply(jobs: &mut BTreeMap<usize, JournalEntry>, event: &Event) {
    let (line, next) = match event {
        Event::Journal { .. } => return,
        Event::Intent {
            line,
            sha256,
            model,
        } => {
            let entry = JournalEntry {
                sha256: sha256.clone(),
                model: model.clone(),
                state: JournalState::Unclear,
            };
            jobs.insert(*line, entry);
            return;
        }
        Event::NotCreated { line, .. } => (line, JournalState::NotCreated),
        Event::Unclear { line, .. } => (line, JournalState::Unclear),
        Event::Created { line, handle } => (line, JournalState::Created(handle.clone())),
        Event::Failed { line } | Event::Completed { line } | Event::Saved { line, .. } => {
            (line, JournalState::Unclear)
        }
    };
    let Some(entry) = jobs.get_mut(line) else {
        return;
    };
    entry.state = match (event, entry.handle().cloned()) {
        (Event::Failed { .. }, Some(handle)) => JournalState::Failed(handle),
        (Event::Completed { .. }, Some(handle)) => JournalState::Completed(handle),
        (Event::Saved { files, .. }, Some(handle)) => JournalState::Saved(handle, files.clone()),
        _ => next,
    };
}

/// The hash of a body, whatever the order of its properties.
fn sha256(body: &Map<String, Value>) -> String {
    let mut hash = Sha256::new();
    feed_object(body, &mut hash);
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn feed(value: &Value, hash: &mut Sha256) {
    match value {
        Value::Object(map) => feed_object(map, hash),
        Value::Array(items) => {
            hash.update(b"[");
            for item in items {
                feed(item, hash);
                hash.update(b",");
            }
            hash.update(b"]");
        }
        scalar => hash.update(scalar.to_string()),
    }
}

fn feed_object(map: &Map<String, Value>, hash: &mut Sha256) {
    let sorted: BTreeMap<&String, &Value> = map.iter().collect();
    hash.update(b"{");
    for (name, value) in sorted {
        feed(&name.as_str().into(), hash);
        hash.update(b":");
        feed(value, hash);
        hash.update(b",");
    }
    hash.update(b"}");
}
