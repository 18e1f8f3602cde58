//! An entry of the history: one create, and what happened to it, merged from the lines of all files.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use aimlapi_video::{GenerationHandle, JournalEntry, Role, Route, contract};
use serde_json::{Value, json};

use super::event::{Event, Intent, Line};
use crate::{cost::Cost, template::escape};

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: String,
    /// The time of the intent.
    pub(crate) at: SystemTime,
    pub(crate) intent: Intent,
    pub(crate) handle: Option<GenerationHandle>,
    pub(crate) cost: Cost,
    pub(crate) files: Vec<PathBuf>,
    /// The size of each file.
    pub(crate) bytes: Vec<u64>,
    /// The SHA-256 of each file; empty if it is unknown.
    pub(crate) sha256: Vec<String>,
    /// Why there is no video.
    pub(crate) why: Option<String>,
    pub(crate) is_noted: bool,
    /// Whether a command that writes about this entry still runs.
    pub(crate) is_live: bool,
    stage: Stage,
}

/// How far an entry got; an earlier stage does not replace a later one, whatever the order of the files.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Stage {
    Sent,
    NotCreated,
    Unclear,
    Created,
    Completed,
    Failed,
    Saved,
}

/// The state of an entry, as users see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The create or the wait runs in another process.
    Running,
    /// The create got no response, so a generation may exist.
    Ambiguous,
    NotCreated,
    /// The generation exists, and no command waits for it.
    Unfinished,
    Failed,
    Saved,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ambiguous => "ambiguous",
            Self::NotCreated => "not created",
            Self::Unfinished => "unfinished",
            Self::Failed => "failed",
            Self::Saved => "saved",
        }
    }
}

impl Entry {
    pub(crate) fn state(&self) -> State {
        match self.stage {
            Stage::NotCreated => State::NotCreated,
            Stage::Failed => State::Failed,
            Stage::Saved => State::Saved,
            Stage::Sent | Stage::Created | Stage::Completed if self.is_live => State::Running,
            Stage::Sent | Stage::Unclear => State::Ambiguous,
            Stage::Created | Stage::Completed => State::Unfinished,
        }
    }

    /// The name by which users refer to the entry.
    pub(crate) fn name(&self) -> &str {
        self.handle.as_ref().map_or(&self.id, GenerationHandle::id)
    }

    /// Whether the generation completed, so that its cost is the price of such a generation.
    pub(crate) fn is_completed(&self) -> bool {
        matches!(self.stage, Stage::Completed | Stage::Saved)
    }

    /// Whether a journal records the generation. Another batch may have replaced the journal that the entry names.
    pub(crate) fn is_in(&self, journal: &BTreeMap<usize, JournalEntry>) -> bool {
        let mut handles = journal.values().filter_map(JournalEntry::handle);
        handles.any(|handle| self.is_of(handle))
    }

    pub(crate) fn is_of(&self, handle: &GenerationHandle) -> bool {
        let own = self.handle.as_ref();
        own.is_some_and(|own| own.id() == handle.id() && own.route() == handle.route())
    }

    /// The cost, once it is known: before the end, a zero is the cost of the responses so far.
    pub(crate) fn known_cost(&self) -> Cost {
        match self.stage < Stage::Completed && self.cost.usd == Some(0.0) {
            true => Cost::default(),
            false => self.cost,
        }
    }

    pub(crate) fn prompt(&self) -> &str {
        let route = self.handle.as_ref().map(GenerationHandle::route);
        prompt_of(
            route.unwrap_or_default(),
            &self.intent.model,
            &self.intent.request,
        )
    }

    /// Where the video is saved, in the form of `-o`. A batch that is not resumed by its journal keeps the names of its videos.
    pub(crate) fn output(&self) -> Option<String> {
        let of_batch = self.intent.batch.as_ref();
        let of_batch =
            of_batch.map(|batch| escape(&batch.out.join(format!("{:04}.mp4", batch.line))));
        self.intent.output.clone().or(of_batch)
    }

    pub(crate) fn age(&self) -> Duration {
        self.at.elapsed().unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        let mut object = json!({
            "entry": self.id,
            "id": self.handle.as_ref().map(GenerationHandle::id),
            "state": self.state().as_str().replace(' ', "_"),
            "model": self.intent.model,
            "at": humantime::format_rfc3339_millis(self.at).to_string(),
            "request": self.intent.request,
            "handle": self.handle,
            "files": self.files,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "usd_spent": null,
            "credits_used": null,
        });
        self.known_cost().add_to(&mut object);
        if let Some(why) = &self.why {
            object["why"] = why.as_str().into();
        }
        if let Some(batch) = &self.intent.batch {
            object["batch"] = json!({ "journal": batch.journal, "line": batch.line });
            if let Some(place) = &batch.place {
                object["batch"]["place"] = place.label().into();
            }
        }
        object
    }

    fn apply(&mut self, event: Event) {
        let (stage, why) = match event {
            Event::Intent(_) => return,
            Event::Noted => {
                self.is_noted = true;
                return;
            }
            Event::NotCreated { why } => (Stage::NotCreated, Some(why)),
            Event::Unclear { why } => (Stage::Unclear, Some(why)),
            Event::Created { handle, cost } => {
                self.handle = Some(handle);
                // A process that waits for it may be killed in its turn.
                self.is_noted = false;
                self.cost = self.cost.max(cost);
                (Stage::Created, None)
            }
            Event::Failed { why, cost } => {
                self.cost = self.cost.max(cost);
                (Stage::Failed, Some(why))
            }
            Event::Completed { cost } => {
                self.cost = self.cost.max(cost);
                (Stage::Completed, None)
            }
            Event::Saved {
                files,
                bytes,
                sha256,
                cost,
            } => {
                (self.files, self.bytes, self.sha256) = (files, bytes, sha256);
                self.cost = self.cost.max(cost);
                (Stage::Saved, None)
            }
        };
        if stage >= self.stage {
            (self.stage, self.why) = (stage, why);
        }
    }
}

/// The prompt of a request.
pub(crate) fn prompt_of<'a>(route: Route, model: &str, request: &'a Value) -> &'a str {
    let model = contract::model(route, model);
    let property = model.and_then(|model| model.property(Role::Prompt));
    let name = property.map_or("prompt", |property| &property.name);
    request[name].as_str().unwrap_or_default()
}

/// Merges the lines of all files, each with whether its process still runs, into entries in the order of their intents.
pub(super) fn merged(lines: Vec<(Line, bool)>) -> Vec<Entry> {
    let mut entries = BTreeMap::new();
    let mut others = Vec::new();
    for (line, is_live) in lines {
        match line.event {
            Event::Intent(intent) => {
                let entry = Entry {
                    id: line.entry.clone(),
                    at: line.at,
                    intent: *intent,
                    handle: None,
                    cost: Cost::default(),
                    files: Vec::new(),
                    bytes: Vec::new(),
                    sha256: Vec::new(),
                    why: None,
                    is_noted: false,
                    is_live,
                    stage: Stage::Sent,
                };
                entries.insert(line.entry, entry);
            }
            event => others.push((line.at, line.entry, event, is_live)),
        }
    }
    others.sort_by_key(|(at, ..)| *at);
    for (_, id, event, is_live) in others {
        if let Some(entry) = entries.get_mut(&id) {
            entry.is_live |= is_live;
            entry.apply(event);
        }
    }
    let mut entries: Vec<Entry> = entries.into_values().collect();
    entries.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
    entries
}
