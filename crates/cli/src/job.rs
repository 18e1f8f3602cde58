//! What `generate`, `wait` and `resume` share: the wait for a generation and the download of its videos.

use std::{
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use aimlapi_video::{
    Client, ErrorKind, Generation, GenerationHandle, ReservedTarget, Saved, Update, WaitOptions,
};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::{
    args::Waiting,
    cost::Cost,
    failure::{self, Failure},
    history::History,
    interrupt::Interrupt,
    output::{print_note, write_line},
    progress::WaitProgress,
    sidecar::{self, Draft},
    style::{Line, Meaning},
    target::{self, Target},
};

/// Reports a failure with the command that resumes the generation.
pub(crate) fn report(failure: &Failure, waiting: &Waiting, history: &History) -> ExitCode {
    let resume = target::resume_command(failure, waiting);
    if resume.is_some() {
        history.reported();
    }
    failure.report(waiting.json, resume.as_deref())
}

/// The part that `generate` and `wait` share.
pub(crate) struct Job {
    pub(crate) client: Client,
    pub(crate) waiting: Waiting,
    pub(crate) target: Target,
    /// The file, where its name does not depend on the generation.
    pub(crate) reserved: Option<ReservedTarget>,
    pub(crate) speed: f64,
    /// Whether another command created the generation.
    pub(crate) resumes: bool,
    /// What an earlier command knew of the cost.
    pub(crate) created_cost: Cost,
    pub(crate) history: History,
    /// What the sidecar says, if one is to be written or replaced.
    pub(crate) draft: Option<Draft>,
}

impl Job {
    pub(crate) async fn finish(
        mut self,
        handle: GenerationHandle,
        mut progress: WaitProgress,
        mut interrupt: Interrupt,
    ) -> Result<Vec<Saved>, Failure> {
        let started = Instant::now();
        let outcome = tokio::select! {
            biased;
            () = interrupt.received() => {
                Err(Failure::interrupted("interrupted").with_handle(&handle))
            }
            outcome = self.wait_and_save(&handle, &mut progress) => outcome,
        };
        progress.close(outcome.is_ok());
        let (generation, saved) = outcome?;
        let cost = self.cost(Some(&generation), &handle);
        let is_file = !matches!(self.target, Target::StandardOutput(_));
        let files = saved.iter().filter(|_| is_file);
        let files = files.map(|file| (&*file.path, file.sha256.as_deref()));
        self.history.saved(&handle, files, cost);
        match &self.draft {
            Some(draft) => draft.saved(&handle, &saved, cost),
            None => sidecar::complete(&handle, &saved, cost),
        }
        for disagreement in saved.iter().filter_map(|file| file.disagreement.as_ref()) {
            print_note(format!("note: {disagreement}"));
        }
        if !self.waiting.json {
            let lines = lines(&saved, cost, is_file);
            match is_file {
                true => write_result(lines),
                false => print_note(lines),
            }
        }
        if let Some(exec) = &self.waiting.ending.exec {
            let ran = exec
                .run(saved.iter().map(|file| &*file.path), &mut interrupt)
                .await;
            let failed = |failure: Failure| Failure {
                saved: failure::sizes(&saved),
                last_response: Some(Box::new(generation.clone())),
                ..failure.with_handle(&handle)
            };
            ran.map_err(failed)?;
        }
        if self.waiting.json {
            let summary = summary(&handle, &generation, &saved, cost, started.elapsed());
            write_result(summary.to_string());
        }
        Ok(saved)
    }

    fn cost(&self, last: Option<&Generation>, handle: &GenerationHandle) -> Cost {
        Cost::of(last, Some(handle)).max(self.created_cost)
    }

    async fn wait_and_save(
        &mut self,
        handle: &GenerationHandle,
        progress: &mut WaitProgress,
    ) -> Result<(Generation, Vec<Saved>), Failure> {
        let generation = match self.wait(handle, progress).await {
            Ok(generation) => generation,
            Err(failure) => {
                if failure.code == failure::FAILED {
                    let cost = self.cost(failure.last_response.as_deref(), handle);
                    self.history.failed(handle, &failure.message, cost);
                }
                return Err(failure);
            }
        };
        let cost = self.cost(Some(&generation), handle);
        self.history.completed(handle, cost);
        let download = self
            .client
            .download(&generation)
            .overwrite(self.waiting.overwrite)
            .allow_truncated(self.waiting.allow_truncated)
            .sha256(true)
            .on_progress(|received| progress.received(received));
        let saved = match (&self.target, self.reserved.take()) {
            (_, Some(reserved)) => download.to_reserved(reserved).await,
            (Target::Folder(folder), None) => download.to_folder(folder).await,
            (Target::File(path), None) => download.to_file(path).await,
            (Target::StandardOutput(folder), None) => {
                download.to_file(folder.path().join("video")).await
            }
            (Target::Template(template), None) => {
                let path = template.path(handle, Some(&generation));
                download.to_file(path).await
            }
        };
        let saved = saved.map_err(|error| Failure::saving(&error, handle))?;
        if let Target::StandardOutput(_) = self.target {
            // A reader that pauses must not delay an interrupt, and the runtime would wait for its own threads.
            let files = saved.clone();
            let (sender, written) = oneshot::channel();
            thread::spawn(move || sender.send(target::write_out(&files)));
            let written = written.await.unwrap_or_else(|error| Err(error.to_string()));
            written.map_err(|problem| {
                let kind = failure::Kind::Library(ErrorKind::Io);
                Failure::new(failure::NOT_SAVED, kind, problem).with_handle(handle)
            })?;
        }
        Ok((generation, saved))
    }

    async fn wait(
        &self,
        handle: &GenerationHandle,
        progress: &mut WaitProgress,
    ) -> Result<Generation, Failure> {
        let options = WaitOptions::default()
            .deadline(self.waiting.deadline)
            .speed(self.speed);
        let mut updates = self.client.wait(handle).options(options).updates();
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        loop {
            let update = tokio::select! {
                update = updates.next() => update,
                _ = ticks.tick() => {
                    progress.tick();
                    continue;
                }
            };
            match update {
                Some(Ok(Update::Completed(generation))) => return Ok(*generation),
                Some(Ok(Update::Progress(state))) => progress.set_state(&state),
                Some(Ok(Update::PollFailed(failure))) => progress.poll_failed(&failure),
                Some(Ok(_)) => {}
                Some(Err(error)) if self.resumes => return Err(Failure::resuming(&error, handle)),
                Some(Err(error)) => return Err(Failure::waiting(&error, handle)),
                None => {
                    let message = "the wait ended without a result";
                    let ended = Failure::new(
                        failure::UNFINISHED,
                        failure::Kind::Library(ErrorKind::PollingLost),
                        message,
                    );
                    return Err(ended.with_handle(handle));
                }
            }
        }
    }
}

/// A line for each video, and the cost.
fn lines(saved: &[Saved], cost: Cost, is_file: bool) -> Line {
    let line = |file: &Saved| {
        let bytes = file.bytes;
        let (verb, rest) = match is_file {
            true => ("saved", format!(" {} ({bytes} bytes)", file.path.display())),
            false => ("wrote", format!(" {bytes} bytes to standard output")),
        };
        Line::new(Meaning::Success, verb).plain(rest)
    };
    let lines = saved.iter().map(line);
    let lines = lines
        .reduce(|lines, line| lines.plain("\n").and(line))
        .unwrap_or_default();
    match cost.text() {
        Some(cost) => lines.plain(", cost ").with(Meaning::Money, cost),
        None => lines,
    }
}

fn write_result(result: impl Into<Line>) {
    if let Err(error) = write_line(result) {
        print_note(format!(
            "note: every video is saved, but standard output cannot be written: {error}"
        ));
    }
}

fn summary(
    handle: &GenerationHandle,
    generation: &Generation,
    saved: &[Saved],
    cost: Cost,
    elapsed: Duration,
) -> Value {
    let videos: Vec<Value> = generation
        .videos()
        .iter()
        .zip(saved)
        .map(|(video, file)| {
            let mut entry = json!({ "path": file.path, "bytes": file.bytes, "url": video.url });
            if let Some(kind) = &file.content_type {
                entry["content_type"] = kind.as_str().into();
            }
            if let Some(disagreement) = &file.disagreement {
                entry["disagreement"] = disagreement.as_str().into();
            }
            entry
        })
        .collect();
    let mut summary = json!({
        "id": handle.id(),
        "route": handle.route(),
        "state": generation.state(),
        "videos": videos,
        "elapsed_s": elapsed.as_secs_f64(),
    });
    if let Some(model) = handle.model().or(generation.model()) {
        summary["model"] = model.into();
    }
    cost.add_to(&mut summary);
    summary
}
