//! Jobs taken to their ends: what is told of each, and its videos saved.

use std::{
    collections::VecDeque,
    io::{IsTerminal, stderr, stdout},
    path::Path,
    pin::Pin,
    process::ExitCode,
    time::Duration,
};

use aimlapi_video::{
    BatchEvent, Client, Error, ErrorKind, Generation, GenerationHandle, Journal, Saved, Update,
};
use futures_util::{StreamExt, stream::FuturesUnordered};
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use super::out::Out;
use crate::{
    board::Board,
    failure::{self, Failure, line, unsaved},
    interrupt::Interrupt,
    output::{answer, note},
};

/// What the commands do with jobs as they go on.
pub(super) struct Run {
    pub(super) board: Board,
    pub(super) client: Client,
    pub(super) journal: Journal,
    pub(super) out: Out,
    pub(super) json: bool,
    pub(super) allow_truncated: bool,
    /// The exit code so far.
    pub(super) worst: u8,
    pub(super) is_resumable: bool,
    /// Whether the service ends with this command.
    pub(super) simulates: bool,
    /// Completed, and waiting for the downloads before them.
    pub(super) to_save: VecDeque<(usize, Generation)>,
    pub(super) saving: FuturesUnordered<Pin<Box<dyn Future<Output = SavedJob>>>>,
}

/// Between two drawings.
const STEP: Duration = Duration::from_millis(200);

/// More downloads at once make none faster.
const DOWNLOADS_AT_ONCE: usize = 8;

/// A job whose download has ended.
pub(super) struct SavedJob {
    index: usize,
    generation: Generation,
    /// Whether the journal knew of it before.
    noted: Result<(), Error>,
    saved: Result<Vec<Saved>, Error>,
}

impl Run {
    /// Takes every job to its end; `false` if it was interrupted.
    pub(super) async fn drive(
        &mut self,
        jobs: &mut (impl futures_util::Stream<Item = (usize, BatchEvent)> + Unpin),
        mut interrupt: Interrupt,
    ) -> bool {
        let mut all_ended = false;
        let mut ticks = tokio::time::interval(STEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !all_ended || !self.saving.is_empty() {
            tokio::select! {
                biased;
                () = interrupt.heard() => return false,
                _ = ticks.tick() => self.board.tick(),
                Some(job) = self.saving.next() => {
                    self.saved(job).await;
                    self.save_more();
                }
                job = jobs.next(), if !all_ended => match job {
                    Some((index, job)) => self.happened(index, job).await,
                    None => all_ended = true,
                },
            }
        }
        true
    }

    pub(super) async fn happened(&mut self, index: usize, job: BatchEvent) {
        let line = index + 1;
        match job {
            BatchEvent::Created(handle) => self.board.at(line, &format!("created {}", handle.id())),
            BatchEvent::Resumed(handle) => {
                self.board.at(line, &format!("waiting for {}", handle.id()))
            }
            BatchEvent::Unrecorded(error) => {
                let id = error.handle().map(|handle| format!(" ({})", handle.id()));
                let what = format!(
                    "line {line}{}: {}",
                    id.unwrap_or_default(),
                    self::line(&error)
                );
                self.board.note(&what);
            }
            BatchEvent::Update(Update::Progress(progress)) => self.board.progress(line, &progress),
            BatchEvent::Update(Update::Hiccup(hiccup)) => {
                self.board.hiccup(line, &self::line(&hiccup.error));
            }
            BatchEvent::Ended(Ok(generation)) => {
                self.to_save.push_back((index, generation));
                self.save_more();
            }
            BatchEvent::Ended(Err(error)) => {
                let handle = error.handle().cloned();
                if error.kind() == ErrorKind::GenerationFailed
                    && let Err(error) = self.journal.failed(index).await
                {
                    self.board
                        .note(&format!("line {line}: {}", self::line(&error)));
                }
                let failure = match &handle {
                    Some(handle) => Failure::waiting(&error, handle),
                    None => Failure::creating(&error),
                };
                self.ended(index, handle, failure);
            }
            _ => {}
        }
    }

    fn save_more(&mut self) {
        while self.saving.len() < DOWNLOADS_AT_ONCE
            && let Some((index, generation)) = self.to_save.pop_front()
        {
            let meter = self.board.downloads(index + 1);
            let (client, path) = (self.client.clone(), self.out.path(index + 1));
            let (journal, name) = (self.journal.clone(), self.out.recorded(&path));
            let allow_truncated = self.allow_truncated;
            self.saving.push(Box::pin(async move {
                // Else a kill before the last note would leave a file that is nobody's.
                let noted = journal.saving(index, name).await;
                let saved = client
                    .download(&generation)
                    .overwrite(true)
                    .allow_truncated(allow_truncated)
                    .on_progress(|received| {
                        meter.received(received);
                    })
                    .to_file(path)
                    .await;
                SavedJob {
                    index,
                    generation,
                    noted,
                    saved,
                }
            }));
        }
    }

    async fn saved(&mut self, job: SavedJob) {
        let (index, line) = (job.index, job.index + 1);
        let handle = job.generation.handle().cloned();
        let saved = match job.saved {
            Ok(saved) => saved,
            Err(error) => {
                let failure = Failure::new(failure::UNSAVED, unsaved(&error));
                return self.ended(index, handle, failure);
            }
        };
        let names = saved.iter().map(|file| self.out.recorded(&file.path));
        let names = names.collect();
        if let Err(error) = job.noted.and(self.journal.saved(index, names).await) {
            self.board
                .note(&format!("line {line}: {}", self::line(&error)));
        }
        let files: Vec<String> = saved
            .iter()
            .map(|file| file.path.display().to_string())
            .collect();
        self.board
            .end(line, true, &format!("saved {}", files.join(", ")));
        let mut object = json!({ "line": line, "state": "saved", "files": files });
        let notes = saved.iter().filter_map(|file| file.disagreement.as_ref());
        let notes: Vec<&str> = notes.map(String::as_str).collect();
        if !notes.is_empty() {
            let notes = notes.join("; ");
            self.board.note(&format!("line {line}: note: {notes}"));
            object["disagreement"] = notes.into();
        }
        if let Some(handle) = handle {
            object["handle"] = serde_json::to_value(handle).unwrap_or_default();
        }
        // On a terminal the line above has said it.
        if self.json || !(stdout().is_terminal() && stderr().is_terminal()) {
            self.answer(object, &files.join("\n"));
        }
    }

    pub(super) fn ended(
        &mut self,
        index: usize,
        handle: Option<GenerationHandle>,
        failure: Failure,
    ) {
        let line = index + 1;
        self.worst = worse(self.worst, failure.code);
        self.is_resumable |= [failure::UNSEEN, failure::UNSAVED].contains(&failure.code);
        let id = handle.as_ref().map(GenerationHandle::id);
        let said = match id.filter(|id| !failure.message.contains(id)) {
            Some(id) => format!("{} (generation {id})", failure.message),
            None => failure.message.clone(),
        };
        self.board.end(line, false, &said);
        let error = json!({ "message": failure.message, "exit_code": failure.code });
        let mut object = json!({ "line": line, "state": "error", "error": error });
        if let Some(answer) = failure.answer() {
            object["answer"] = answer;
        }
        if let Some(handle) = handle {
            object["handle"] = serde_json::to_value(handle).unwrap_or_default();
        }
        if self.json {
            self.answer(object, "");
        }
    }

    fn answer(&self, object: Value, text: &str) {
        let text = if self.json {
            object.to_string()
        } else {
            text.to_owned()
        };
        if let Err(error) = self.board.suspend(|| answer(&text)) {
            self.board
                .note(&format!("note: standard output cannot be written: {error}"));
        }
    }

    pub(super) fn finish(mut self, ended: bool, journal: &Path) -> ExitCode {
        self.board.close();
        let goes_on = !ended || self.is_resumable;
        if goes_on && self.simulates {
            note(format!(
                "note: the generations ended with the embedded simulator; to begin anew, delete {}",
                journal.display()
            ));
        } else if goes_on {
            let out = failure::path_word(&self.out.folder.display().to_string());
            let journal = failure::path_word(&journal.display().to_string());
            note(format!(
                "resume with: aimlapi-video resume {journal} --out {out}"
            ));
        }
        ExitCode::from(if ended {
            self.worst
        } else {
            failure::INTERRUPTED
        })
    }
}

/// The code that asks most of whoever sees it.
fn worse(one: u8, other: u8) -> u8 {
    let order = [
        failure::AMBIGUOUS,
        failure::UNSEEN,
        failure::UNSAVED,
        failure::FAILED,
        failure::SERVICE,
        failure::USAGE,
    ];
    let found = order.into_iter().find(|code| [one, other].contains(code));
    found.unwrap_or(one.max(other))
}
