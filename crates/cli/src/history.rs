//! The history: every create of the command line, written down before it is sent, and what happened to it.
//!
//! Each process appends to a file of its own, and reading merges all files. Nothing in the history is ever a reason to fail:
//! a folder that cannot be written is a warning, and a line that cannot be read is skipped.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use aimlapi_video::{ErrorKind, GenerationHandle, GenerationRequest, Model, Role};

use crate::{
    args::HistoryOption,
    cost::Cost,
    failure::{self, Failure},
    output::print_note,
};

mod account;
mod entry;
mod event;
mod folder;
mod redact;
#[cfg(test)]
mod tests;
mod unfinished;

use account::Account;
pub(crate) use entry::{Entry, State, prompt_of};
use event::Line;
pub(crate) use event::{Batch, Event, Intent};
use folder::{Contents, OwnFile};
pub(crate) use redact::text as redacted_text;
pub(crate) use unfinished::{Except, advice, after_look, age, batch_command};

/// The history of this process. Clones write to the same file.
#[derive(Clone)]
pub(crate) struct History(Arc<Mutex<Inner>>);

struct Inner {
    /// `None` without a history.
    folder: Option<PathBuf>,
    account: Option<Account>,
    file: Option<OwnFile>,
    count: usize,
    /// Lines whose write failed; the next one is written after them.
    unwritten: Vec<Line>,
    has_warned: bool,
    /// The generations that this command waits for, with their entries.
    generations: Vec<(GenerationHandle, String)>,
}

impl History {
    /// The history; one that records nothing after `--no-history`, and with `--simulate`.
    pub(crate) fn open(option: &HistoryOption, simulate: bool) -> Self {
        let folder = match option.no_history || simulate {
            true => None,
            false => folder::path()
                .inspect_err(|error| print_note(warning("has no folder", error)))
                .ok(),
        };
        Self(Arc::new(Mutex::new(Inner {
            folder,
            account: Account::from_env(),
            file: None,
            count: 0,
            unwritten: Vec::new(),
            has_warned: false,
            generations: Vec::new(),
        })))
    }

    /// All entries that can be read.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.contents().entries
    }

    /// The entries of this key and base URL that can be read.
    pub(crate) fn own_entries(&self) -> Vec<Entry> {
        self.own(self.entries())
    }

    /// All entries, for a command that is about nothing else, after a note about lines that cannot be read. A kill leaves such
    /// a line for ever, so other commands are silent about it.
    pub(crate) fn required_entries(&self) -> Result<Vec<Entry>, Failure> {
        let Contents { entries, damaged } = self.required_contents()?;
        if let Some(first) = damaged.first() {
            let more = match damaged.len() - 1 {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            print_note(format!(
                "note: skipped a damaged line of the history: {first}{more}"
            ));
        }
        Ok(entries)
    }

    /// The entries of this key and base URL, for a command that cannot do without them.
    pub(crate) fn required_own_entries(&self) -> Result<Vec<Entry>, Failure> {
        Ok(self.own(self.required_contents()?.entries))
    }

    fn own(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        entries.retain(|entry| self.is_own(entry));
        entries
    }

    /// Whether the entry is of this key and base URL.
    pub(crate) fn is_own(&self, entry: &Entry) -> bool {
        let inner = self.lock();
        let account = inner.account.as_ref();
        account.is_some_and(|own| own.has(&entry.intent.account))
    }

    fn contents(&self) -> Contents {
        self.read().unwrap_or_else(|error| {
            self.lock().warn("cannot be read", &error);
            Contents::default()
        })
    }

    fn required_contents(&self) -> Result<Contents, Failure> {
        self.read().map_err(|error| {
            let kind = failure::Kind::Library(ErrorKind::Io);
            let message = format!(
                "the history cannot be read: {error}; set AIMLAPI_VIDEO_HOME to a folder that can be read"
            );
            Failure::new(failure::USAGE, kind, message)
        })
    }

    fn read(&self) -> std::io::Result<Contents> {
        let folder = self.lock().folder.clone();
        folder.map_or_else(|| Ok(Contents::default()), |folder| folder::read(&folder))
    }

    /// The record of a create; `None` without a history or a key.
    pub(crate) fn intent(&self, create: Create<'_>) -> Option<Box<Intent>> {
        let inner = self.lock();
        inner.folder.as_ref()?;
        let account = inner.account.as_ref()?.identity();
        Some(Box::new(create.intent(account)))
    }

    /// Writes down a create before it is sent; returns the id of its entry.
    pub(crate) fn intend(&self, intent: Box<Intent>) -> Option<String> {
        let mut inner = self.lock();
        let number = inner.count + 1;
        let entry = format!("{}-{number}", inner.file()?.name);
        inner.count = number;
        inner.append(&entry, Event::Intent(intent));
        Some(entry)
    }

    /// Records the generation of an entry.
    pub(crate) fn created(&self, entry: Option<&String>, handle: &GenerationHandle) {
        let Some(entry) = entry else {
            return;
        };
        let mut inner = self.lock();
        let created = Event::Created {
            handle: handle.clone(),
            cost: Cost::of(None, Some(handle)),
        };
        inner.append(entry, created);
        inner.generations.push((handle.clone(), entry.clone()));
    }

    /// Records the generation of an entry, for a later `adopt`. The entry keeps it for ever.
    pub(crate) fn attach(&self, entry: &Entry, handle: &GenerationHandle) {
        let handle = handle.clone();
        self.lock().append(
            &entry.id,
            Event::Created {
                handle,
                cost: Cost::default(),
            },
        );
    }

    /// Records the outcome of a create.
    pub(crate) fn record_create(
        &self,
        entry: Option<&String>,
        outcome: Result<&GenerationHandle, &Failure>,
    ) {
        let failure = match outcome {
            Ok(handle) => return self.created(entry, handle),
            Err(failure) => failure,
        };
        if let Some(handle) = &failure.handle {
            return self.created(entry, handle);
        }
        let why = shortened(&redact::text(&failure.message));
        let Some(entry) = entry else {
            return;
        };
        let mut inner = self.lock();
        if failure.is_ambiguous() {
            inner.append(entry, Event::Unclear { why });
            // The failure itself says what to do.
            inner.append(entry, Event::Noted);
        } else {
            inner.append(entry, Event::NotCreated { why });
        }
    }

    /// Finds the entry of a generation that another process created, and records that this one waits for it. The entry of a
    /// batch may lack the generation, if that process was killed right after the create. Returns the cost that is known so far.
    pub(crate) fn adopt(
        &self,
        entries: &[Entry],
        handle: &GenerationHandle,
        place: Option<(&Path, usize)>,
    ) -> Cost {
        let is_same = |entry: &&Entry| entry.is_of(handle);
        let is_there = |entry: &&Entry| {
            let batch = entry.intent.batch.as_ref();
            let own = batch.map(|batch| (&*batch.journal, batch.line));
            entry.handle.is_none() && place.is_some() && own == place
        };
        let found = entries.iter().rev().find(is_same);
        let found = found.or_else(|| entries.iter().rev().find(is_there));
        if let Some(entry) = found {
            self.created(Some(&entry.id), entry.handle.as_ref().unwrap_or(handle));
        }
        found.map(|entry| entry.cost).unwrap_or_default()
    }

    pub(crate) fn completed(&self, handle: &GenerationHandle, cost: Cost) {
        self.end(handle, Event::Completed { cost });
    }

    pub(crate) fn failed(&self, handle: &GenerationHandle, why: &str, cost: Cost) {
        let why = shortened(&redact::text(why));
        self.end(handle, Event::Failed { why, cost });
    }

    /// Records the end that a poll has shown of a generation for which no command waits: why it failed, unless it completed.
    pub(crate) fn observed(&self, entry: &Entry, why: Option<&str>, cost: Cost) {
        let event = match why.map(redact::text) {
            Some(why) => Event::Failed {
                why: shortened(&why),
                cost,
            },
            None => Event::Completed { cost },
        };
        self.lock().append(&entry.id, event);
    }

    /// Records the files of a generation, each with its SHA-256 if that is known.
    pub(crate) fn saved<'a>(
        &self,
        handle: &GenerationHandle,
        files: impl Iterator<Item = (&'a Path, Option<&'a str>)>,
        cost: Cost,
    ) {
        let absolute = |file: &Path| std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let files = files.map(|(file, sha256)| (absolute(file), sha256.map(str::to_owned)));
        let (files, sha256): (Vec<PathBuf>, Vec<Option<String>>) = files.unzip();
        let sha256 = sha256
            .into_iter()
            .collect::<Option<_>>()
            .unwrap_or_default();
        // The sizes are all there, or a later `wait` cannot recognise the files.
        let bytes = files.iter().map(|file| Some(file.metadata().ok()?.len()));
        let bytes = bytes.collect::<Option<_>>().unwrap_or_default();
        let saved = Event::Saved {
            files,
            bytes,
            sha256,
            cost,
        };
        self.end(handle, saved);
    }

    /// Records that the user knows how to finish the generations that this command leaves unfinished.
    pub(crate) fn reported(&self) {
        let mut inner = self.lock();
        for (_, entry) in std::mem::take(&mut inner.generations) {
            inner.append(&entry, Event::Noted);
        }
    }

    fn end(&self, handle: &GenerationHandle, event: Event) {
        let mut inner = self.lock();
        let is_it = |(known, _): &(GenerationHandle, String)| known.id() == handle.id();
        let Some(place) = inner.generations.iter().position(is_it) else {
            return;
        };
        let entry = match event {
            Event::Completed { .. } => inner.generations[place].1.clone(),
            _ => inner.generations.swap_remove(place).1,
        };
        inner.append(&entry, event);
    }

    /// Removes the entries that are older than `age`, and returns them.
    pub(crate) fn prune(&self, age: Duration) -> std::io::Result<Vec<Entry>> {
        let oldest = SystemTime::now().checked_sub(age);
        match (&self.lock().folder, oldest) {
            (Some(folder), Some(oldest)) => folder::prune(folder, oldest),
            _ => Ok(Vec::new()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn append(&mut self, entry: &str, event: Event) {
        if self.file().is_none() {
            return;
        }
        self.unwritten.push(Line {
            entry: entry.to_owned(),
            at: SystemTime::now(),
            event,
        });
        // A full disk may have space again.
        let mut lines = std::mem::take(&mut self.unwritten).into_iter();
        while let (Some(file), Some(line)) = (&mut self.file, lines.as_slice().first()) {
            if let Err(error) = file.append(line) {
                self.warn("cannot be written", &error);
                break;
            }
            lines.next();
        }
        self.unwritten = lines.collect();
    }

    /// The file of this process; `None` without a history.
    fn file(&mut self) -> Option<&mut OwnFile> {
        let folder = self.folder.clone()?;
        if self.file.is_none() {
            match OwnFile::create(&folder) {
                Ok(file) => self.file = Some(file),
                Err(error) => {
                    let what = format!("cannot be written in {}", folder.display());
                    self.warn(&what, &error);
                    self.folder = None;
                }
            }
        }
        self.file.as_mut()
    }

    /// Warns once.
    fn warn(&mut self, what: &str, error: &std::io::Error) {
        if !std::mem::replace(&mut self.has_warned, true) {
            print_note(warning(what, error));
        }
    }
}

fn warning(what: &str, error: &std::io::Error) -> String {
    format!(
        "warning: the history {what}: {error}; set AIMLAPI_VIDEO_HOME to a folder that can be written, or give --no-history"
    )
}

/// The first characters of a message of the service.
fn shortened(text: &str) -> String {
    text.chars().take(500).collect()
}

/// A create that is about to be sent.
pub(crate) struct Create<'a> {
    pub(crate) request: &'a GenerationRequest,
    /// The model's document, if it has one.
    pub(crate) model: Option<&'a Model>,
    pub(crate) no_wait: bool,
    pub(crate) output: Option<String>,
    pub(crate) batch: Option<Batch>,
}

impl Create<'_> {
    fn intent(self, account: String) -> Intent {
        Intent {
            model: self.request.model().to_owned(),
            route: Some(self.request.route()),
            account,
            request: redacted(self.request, self.model),
            length: length(self.request, self.model),
            no_wait: self.no_wait,
            output: self.output,
            batch: self.batch,
        }
    }
}

/// The body of a request without media and signatures.
pub(crate) fn redacted(request: &GenerationRequest, model: Option<&Model>) -> serde_json::Value {
    redact::request(request.body(), model)
}

/// The clip's length in seconds, if the request or the model's document states one.
pub(crate) fn length(request: &GenerationRequest, model: Option<&Model>) -> Option<u64> {
    let property = model?.property(Role::Duration)?;
    let value = request.body().get(&property.name);
    let value = value.or(property.default.as_ref())?;
    // The service may take 10.0 and "10" too.
    let number = match value.as_str() {
        Some(text) => text.trim().parse().ok()?,
        None => value.as_f64()?,
    };
    (number >= 0.0 && number.fract() == 0.0).then_some(number as u64)
}
