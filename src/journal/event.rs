//! The events that a journal's lines record, and how an event changes the entry of its request.

use std::{collections::BTreeMap, path::PathBuf, time::SystemTime};

use serde::{Deserialize, Serialize};

use super::{JournalEntry, JournalState};
use crate::GenerationHandle;

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    Journal {
        version: u32,
    },
    Intent {
        line: usize,
        sha256: String,
        model: String,
        /// The time of the intent, in RFC 3339.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<String>,
        /// The `X-Client-Request-Id` of the request that is sent next.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_id: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<String>,
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
    /// A request whose generation failed may be created again.
    Retry {
        line: usize,
    },
    Completed {
        line: usize,
    },
    Saving {
        line: usize,
        file: PathBuf,
    },
    Saved {
        line: usize,
        files: Vec<PathBuf>,
    },
}

impl Event {
    /// The line of the event's request; `None` for the first line of a journal.
    pub(super) fn line(&self) -> Option<usize> {
        match self {
            Self::Journal { .. } => None,
            Self::Intent { line, .. }
            | Self::NotCreated { line, .. }
            | Self::Unclear { line, .. }
            | Self::Created { line, .. }
            | Self::Failed { line }
            | Self::Retry { line }
            | Self::Completed { line }
            | Self::Saving { line, .. }
            | Self::Saved { line, .. } => Some(*line),
        }
    }
}

/// The current time in the format of [`Event::Intent`].
pub(super) fn now() -> Option<String> {
    let now = SystemTime::now();
    // A clock before 1970 is wrong, and its time cannot be formatted.
    (now >= SystemTime::UNIX_EPOCH).then(|| humantime::format_rfc3339_millis(now).to_string())
}

/// Applies an event to the entries, which are keyed by line.
pub(super) fn apply(entries: &mut BTreeMap<usize, JournalEntry>, event: &Event) {
    if let Event::Intent {
        line,
        sha256,
        model,
        at,
        request_id,
        origin,
    } = event
    {
        // A recorded generation is never replaced.
        if entries
            .get(line)
            .is_some_and(|entry| entry.handle().is_some())
        {
            return;
        }
        let entry = JournalEntry {
            sha256: sha256.clone(),
            model: model.clone(),
            sent_at: at
                .as_deref()
                .and_then(|at| humantime::parse_rfc3339(at).ok()),
            request_id: request_id.clone(),
            origin: origin.clone(),
            saving: None,
            state: JournalState::Unclear,
        };
        entries.insert(*line, entry);
        return;
    }
    let Some(entry) = event.line().and_then(|line| entries.get_mut(&line)) else {
        return;
    };
    if let Event::Saving { file, .. } = event {
        entry.saving = Some(file.clone());
        return;
    }
    if let Event::Retry { .. } = event {
        // Earlier versions let a saved request fail, and a new create that followed must not be hidden by its video.
        if let JournalState::Failed { .. } | JournalState::Saved { .. } = entry.state {
            entry.state = JournalState::NotCreated;
            entry.saving = None;
        }
        return;
    }
    if let (JournalState::Saved { .. }, Event::Failed { .. } | Event::Completed { .. }) =
        (&entry.state, event)
    {
        // A later run may have polled the generation again, and the service keeps it for a limited time.
        return;
    }
    entry.state = match (event, entry.handle().cloned()) {
        (Event::Created { handle, .. }, _) => JournalState::Created {
            handle: handle.clone(),
        },
        (Event::Failed { .. }, Some(handle)) => JournalState::Failed { handle },
        (Event::Completed { .. }, Some(handle)) => JournalState::Completed { handle },
        (Event::Saved { files, .. }, Some(handle)) => JournalState::Saved {
            handle,
            files: files.clone(),
        },
        // A recorded generation is never replaced.
        (_, Some(_)) => return,
        (Event::NotCreated { .. }, None) => JournalState::NotCreated,
        (_, None) => JournalState::Unclear,
    };
}
