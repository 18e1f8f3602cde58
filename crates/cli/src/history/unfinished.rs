//! The note about generations that an earlier command left unfinished, once for each of them.

use std::{collections::BTreeMap, path::Path};

use aimlapi_video::JournalEntry;

use super::{Batch, Entry, Event, History, State};
use crate::{
    failure::{resume_command, shell_path},
    output::print_note,
};

/// What the command itself is about to finish.
pub(crate) enum Except<'a> {
    Nothing,
    Generation(&'a str),
    /// The generations that the journal at the path records.
    Journal(&'a Path, &'a BTreeMap<usize, JournalEntry>),
}

/// More lines than this would hide what the command itself prints.
const MAX_LINES: usize = 5;

impl History {
    /// Notes each generation of this key and base URL that is unfinished, with the command that finishes it.
    pub(crate) fn note_unfinished(&self, known: &[Entry], except: &Except<'_>) {
        let entries = known.iter();
        let entries: Vec<&Entry> = entries
            .filter(|entry| is_forgotten(entry) && !except.has(entry))
            .collect();
        if entries.is_empty() {
            return;
        }
        let mut notes: Vec<String> = Vec::new();
        let mut batches: BTreeMap<&Path, (&Batch, usize)> = BTreeMap::new();
        for entry in &entries {
            match &entry.intent.batch {
                Some(batch) if entry.handle.is_some() => {
                    batches.entry(&batch.journal).or_insert((batch, 0)).1 += 1
                }
                _ => notes.push(note(entry)),
            }
        }
        notes.extend(batches.into_values().map(|(batch, count)| {
            let command = batch_command(batch);
            format!("note: a batch left {count} unfinished; finish with: {command}")
        }));
        let hidden = notes.len().saturating_sub(MAX_LINES);
        notes.iter().take(MAX_LINES).for_each(print_note);
        if hidden > 0 {
            print_note(format!(
                "note: {hidden} more are unfinished; `aimlapi-video history` lists them, and `aimlapi-video resume` finishes all"
            ));
        }
        let mut inner = self.lock();
        for entry in &entries {
            inner.append(&entry.id, Event::Noted);
        }
    }

    /// Notes the creates whose response was lost, once for each of them.
    pub(crate) fn note_ambiguous<'a>(&self, entries: impl Iterator<Item = &'a Entry>) {
        for entry in entries.filter(|entry| !entry.is_noted) {
            print_note(note(entry));
            self.lock().append(&entry.id, Event::Noted);
        }
    }
}

impl Except<'_> {
    fn has(&self, entry: &Entry) -> bool {
        match self {
            Self::Nothing => false,
            Self::Generation(id) => entry.handle.as_ref().is_some_and(|own| own.id() == *id),
            Self::Journal(path, recorded) => {
                let batch = entry.intent.batch.as_ref();
                batch.is_some_and(|batch| batch.journal == *path)
                    && (entry.handle.is_none() || entry.is_in(recorded))
            }
        }
    }
}

fn is_forgotten(entry: &Entry) -> bool {
    let is_open = matches!(entry.state(), State::Unfinished | State::Ambiguous);
    // With --no-wait, another command waits; a lost response is news all the same.
    let is_elsewhere = entry.intent.no_wait && entry.state() == State::Unfinished;
    is_open && !is_elsewhere && !entry.is_noted
}

/// The command that finishes the generations of a batch.
pub(crate) fn batch_command(batch: &Batch) -> String {
    let path = |path: &Path| shell_path(&path.display().to_string());
    let (journal, out) = (path(&batch.journal), path(&batch.out));
    format!("aimlapi-video resume {journal} --out {out}")
}

fn note(entry: &Entry) -> String {
    let what = format!("{} ({} ago)", entry.intent.model, age(entry));
    match &entry.handle {
        Some(handle) => {
            let command = resume_command(handle, entry.intent.output.as_deref(), false);
            format!("note: {what} is unfinished; finish with: {command}")
        }
        None => format!("note: {what}: {}", advice(entry)),
    }
}

/// What to do about a create whose response was lost.
pub(crate) fn advice(entry: &Entry) -> String {
    format!(
        "the create got no response, so it may have been accepted and billed; look at the account's log before you repeat it, \
         and wait for an id that it lists by `aimlapi-video wait ID --entry {0}` (`aimlapi-video history show {0}` has the request)",
        entry.id
    )
}

/// The age in its largest unit.
pub(crate) fn age(entry: &Entry) -> String {
    let seconds = entry.age().as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = units.into_iter().find(|(unit, _)| seconds >= *unit);
    unit.map_or_else(
        || format!("{seconds}s"),
        |(unit, name)| format!("{}{name}", seconds / unit),
    )
}
