//! Drives the jobs of a batch: prints what happens to each, and saves its videos.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    pin::Pin,
    time::Duration,
};

use aimlapi_video::{
    BatchEvent, Client, Error, ErrorKind, Generation, GenerationHandle, Journal, Saved, Update,
};
use futures_util::{StreamExt, stream::FuturesUnordered};
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use super::{
    adopted,
    exec::{ExecQueue, Executed, SavedFiles},
    feed::{Ledger, Stopped},
    out::Out,
    records::Records,
    retry,
};
use crate::{
    cost::Cost,
    failure::{self, Failure, download_error_line, error_line},
    history::Entry,
    interrupt::Interrupt,
    output::{print_note, write_line},
    progress::BatchProgress,
    spending::End,
    style::{Line, Meaning},
};

/// The jobs of one `batch` or `resume`.
pub(super) struct Run {
    pub(super) progress: BatchProgress,
    pub(super) client: Client,
    pub(super) journal: Journal,
    pub(super) out: Out,
    pub(super) ledger: Ledger,
    pub(super) records: Records,
    /// The journal's absolute path, as the history records it.
    pub(super) place: PathBuf,
    /// The entries of earlier processes.
    pub(super) known: Vec<Entry>,
    pub(super) json: bool,
    pub(super) allow_truncated: bool,
    /// The exit code of the worst outcome so far.
    pub(super) exit_code: u8,
    pub(super) is_resumable: bool,
    /// The lines whose generations failed.
    pub(super) failed: Vec<usize>,
    /// Whether the service ends with this command.
    pub(super) simulates: bool,
    /// Completed generations whose downloads have not begun.
    pub(super) to_save: VecDeque<(usize, Generation)>,
    pub(super) saving: FuturesUnordered<Pin<Box<dyn Future<Output = SavedJob>>>>,
    /// `--exec`
    pub(super) exec: Option<ExecQueue>,
    pub(super) executing: FuturesUnordered<Pin<Box<dyn Future<Output = Executed>>>>,
}

/// The interval between two drawings.
const TICK: Duration = Duration::from_millis(200);

/// The bandwidth is shared: more downloads at once end no sooner.
const DOWNLOADS_AT_ONCE: usize = 8;

/// A job whose download has ended.
pub(super) struct SavedJob {
    index: usize,
    generation: Generation,
    /// Whether the journal recorded the file before the download.
    recorded: Result<(), Error>,
    saved: Result<Vec<Saved>, Error>,
}

impl Run {
    /// Runs until every job has ended; `false` if it was interrupted.
    pub(super) async fn drive(
        &mut self,
        jobs: &mut (impl futures_util::Stream<Item = (usize, BatchEvent)> + Unpin),
        mut interrupt: Interrupt,
    ) -> bool {
        let mut all_ended = false;
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !all_ended || !self.saving.is_empty() || !self.executing.is_empty() {
            tokio::select! {
                biased;
                () = interrupt.received() => {
                    self.is_resumable |= !all_ended || !self.saving.is_empty();
                    return false;
                }
                _ = ticks.tick() => {
                    self.progress.tick();
                    self.records.tick();
                }
                Some(job) = self.saving.next() => {
                    self.saved(job).await;
                    self.save_more();
                }
                Some(job) = self.executing.next() => self.executed(job),
                job = jobs.next(), if !all_ended => match job {
                    Some((index, job)) => self.handle(index, job).await,
                    None => all_ended = true,
                },
            }
        }
        true
    }

    pub(super) async fn handle(&mut self, index: usize, event: BatchEvent) {
        let line = index + 1;
        match event {
            BatchEvent::Created(handle) => {
                self.ledger.record(index, Ok(&handle));
                self.ledger.created(index, Cost::of(None, Some(&handle)));
                self.progress.set_generation(line, "created", &handle);
            }
            BatchEvent::Resumed(handle) => {
                let place = Some((&*self.place, line));
                let cost = self.ledger.history.adopt(&self.known, &handle, place);
                self.ledger.created(index, cost);
                self.progress.set_generation(line, "waiting for", &handle);
            }
            BatchEvent::Unrecorded(error) => {
                let id = error
                    .handle()
                    .map(|handle| format!(" (generation {})", handle.id()));
                let text = format!("{}{}", error_line(&error), id.unwrap_or_default());
                self.progress.print_of(line, text);
            }
            BatchEvent::Update(Update::Progress(progress)) => {
                self.progress.set_state(line, &progress)
            }
            BatchEvent::Update(Update::PollFailed(failure)) => {
                self.progress.poll_failed(line, &failure);
            }
            BatchEvent::Ended(Ok(generation)) => {
                let cost = self
                    .ledger
                    .cost(index, Some(&generation), generation.handle());
                self.ledger.end(index, &End::Completed, cost);
                self.progress.add_cost(Some(cost));
                if let Some(handle) = generation.handle() {
                    self.ledger.history.completed(handle, cost);
                }
                self.to_save.push_back((index, generation));
                self.save_more();
            }
            BatchEvent::Ended(Err(error)) => {
                let handle = error.handle().cloned();
                if error.kind() == ErrorKind::GenerationFailed
                    && let Err(error) = self.journal.failed(index).await
                {
                    self.progress.print_of(line, error_line(&error));
                }
                let mut failure = match &handle {
                    Some(handle) => Failure::waiting(&error, handle),
                    None => Failure::creating(&error),
                };
                let cost = self
                    .ledger
                    .cost(index, error.last_answer(), handle.as_ref());
                let has_failed = failure.code == failure::FAILED;
                match &handle {
                    Some(handle) if has_failed => {
                        self.ledger.history.failed(handle, &failure.message, cost);
                    }
                    Some(_) => {}
                    None => {
                        let entry = self.ledger.record(index, Err(&failure));
                        if failure.is_ambiguous() {
                            failure.message +=
                                &adopted::advice(entry, &self.place, line, &self.known);
                        }
                    }
                }
                let end = match &handle {
                    Some(_) if !has_failed => End::Open,
                    None if failure.is_ambiguous() => End::Open,
                    _ => End::Failed,
                };
                self.ledger.end(index, &end, cost);
                let may_cost = cost.is_known() || matches!(end, End::Open);
                self.progress.add_cost(may_cost.then_some(cost));
                self.ended(index, handle, failure);
            }
            _ => {}
        }
    }

    fn save_more(&mut self) {
        while self.saving.len() < DOWNLOADS_AT_ONCE
            && let Some((index, generation)) = self.to_save.pop_front()
        {
            let progress = self.progress.start_download(index + 1);
            let (client, path) = (self.client.clone(), self.out.path(index + 1));
            let (journal, name) = (self.journal.clone(), self.out.recorded(&path));
            let allow_truncated = self.allow_truncated;
            self.saving.push(Box::pin(async move {
                // Recorded first: after a kill, the next run recognises the file as the job's own.
                let recorded = journal.saving(index, name).await;
                let saved = client
                    .download(&generation)
                    .overwrite(true)
                    .allow_truncated(allow_truncated)
                    .sha256(true)
                    .on_progress(|received| {
                        progress.record(received);
                    })
                    .to_file(path)
                    .await;
                SavedJob {
                    index,
                    generation,
                    recorded,
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
                let message = download_error_line(&error);
                let failure = Failure::of(&error, failure::NOT_SAVED, message);
                return self.ended(index, handle, failure);
            }
        };
        let cost = self
            .ledger
            .cost(index, Some(&job.generation), handle.as_ref());
        if let Some(handle) = &handle {
            let files = saved
                .iter()
                .map(|file| (&*file.path, file.sha256.as_deref()));
            self.ledger.history.saved(handle, files, cost);
            self.records.saved(index, handle, &saved, cost);
        }
        let names = saved.iter().map(|file| self.out.recorded(&file.path));
        let names = names.collect();
        if let Err(error) = job.recorded.and(self.journal.saved(index, names).await) {
            self.progress.print_of(line, error_line(&error));
        }
        let files: Vec<String> = saved
            .iter()
            .map(|file| file.path.display().to_string())
            .collect();
        let outcome = format!("saved {}", files.join(", "));
        self.progress.end(line, true, outcome.into());
        let mut object = self.progress.places().object(line, "saved");
        object["files"] = json!(files);
        cost.add_to(&mut object);
        let notes = saved.iter().filter_map(|file| file.disagreement.as_ref());
        let notes: Vec<&str> = notes.map(String::as_str).collect();
        if !notes.is_empty() {
            let notes = notes.join("; ");
            self.progress.print_of(line, format!("note: {notes}"));
            object["disagreement"] = notes.into();
        }
        if let Some(handle) = handle {
            object["handle"] = serde_json::to_value(handle).unwrap_or_default();
        }
        let saved = SavedFiles {
            line,
            files,
            object,
        };
        match &mut self.exec {
            Some(exec) => self.executing.push(exec.start(saved, &mut self.progress)),
            None => self.print_saved(saved),
        }
    }

    pub(super) fn ended(
        &mut self,
        index: usize,
        handle: Option<GenerationHandle>,
        failure: Failure,
    ) {
        let line = index + 1;
        let path = self.out.path(line);
        self.records.ended(index, &path, handle.as_ref(), &failure);
        self.exit_code = worse(self.exit_code, failure.code);
        if failure.code == failure::FAILED {
            self.failed.push(line);
        }
        self.is_resumable |= [failure::UNFINISHED, failure::NOT_SAVED].contains(&failure.code);
        let id = handle.as_ref().map(GenerationHandle::id);
        let outcome = match id.filter(|id| !failure.message.contains(id)) {
            Some(id) => format!("{} (generation {id})", failure.message),
            None => failure.message.clone(),
        };
        self.progress
            .end(line, false, Line::new(Meaning::Error, outcome));
        let mut object = self.progress.places().object(line, "error");
        object["error"] = failure.error_json();
        failure.cost(handle.as_ref()).add_to(&mut object);
        if let Some(response) = failure.response() {
            object["answer"] = response;
        }
        if let Some(handle) = handle {
            object["handle"] = serde_json::to_value(handle).unwrap_or_default();
        }
        if self.json {
            self.print_result(object, "");
        }
    }

    /// Reports the requests that were not created because of `--max-usd`.
    pub(super) fn not_created(&mut self, stopped: &Stopped) {
        let places = self.progress.places().clone();
        let count = stopped.lines.len();
        let message = format!("not created: {}", stopped.why);
        let are = if count == 1 { "is" } else { "are" };
        self.progress.print(format!(
            "{} {are} {message}; the same command with a higher --max-usd creates the rest",
            places.counted(count)
        ));
        let failure = Failure::new(failure::USAGE, failure::Kind::MaxUsd, message);
        self.exit_code = worse(self.exit_code, failure.code);
        if stopped.is_resumable {
            self.is_resumable = true;
            self.exit_code = worse(self.exit_code, failure::UNFINISHED);
        }
        if self.json {
            for line in &stopped.lines {
                let mut object = places.object(*line, "error");
                object["error"] = failure.error_json();
                self.print_result(object, "");
            }
        }
    }

    pub(super) fn print_result(&self, object: Value, text: &str) {
        let text = if self.json {
            object.to_string()
        } else {
            text.to_owned()
        };
        if let Err(error) = self.progress.suspend(|| write_line(&text)) {
            self.progress
                .print(format!("note: standard output cannot be written: {error}"));
        }
    }

    pub(super) fn finish(mut self, ended: bool, journal: &Path) -> u8 {
        self.progress.close();
        if !ended {
            print_note("error: interrupted");
        }
        self.interrupt_exec();
        self.records.finish();
        if self.is_resumable && self.simulates {
            print_note(format!(
                "note: the generations ended with the embedded simulator; to start again, delete {}",
                journal.display()
            ));
        } else if self.is_resumable {
            let out = failure::shell_path(&self.out.folder.display().to_string());
            let journal = failure::shell_path(&journal.display().to_string());
            print_note(format!(
                "resume with: aimlapi-video resume {journal} --out {out}"
            ));
            self.ledger.history.reported();
        }
        if ended {
            retry::note(&self.failed, &self.journal, self.progress.places());
        }
        match ended {
            true => self.exit_code,
            false => failure::INTERRUPTED,
        }
    }
}

/// The exit code that takes precedence.
pub(super) fn worse(one: u8, other: u8) -> u8 {
    let order = [
        failure::AMBIGUOUS,
        failure::UNFINISHED,
        failure::NOT_SAVED,
        failure::FAILED,
        failure::SERVICE,
        failure::USAGE,
        failure::EXEC_FAILED,
    ];
    let found = order.into_iter().find(|code| [one, other].contains(code));
    found.unwrap_or(one.max(other))
}
