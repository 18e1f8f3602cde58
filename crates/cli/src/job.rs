//! `wait`, and what it shares with `generate` and `resume`: the wait for a generation and the download of its videos.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use aimlapi_video::{
    Client, ClientBuilder, ErrorKind, Generation, GenerationHandle, ReservedTarget, Saved, Update,
    WaitOptions,
};
use serde_json::{Value, json};

use crate::{
    args::{Wait, Waiting, speed_of},
    cost::Cost,
    failure::{self, Failure},
    history::{Entry, Except, History, State},
    interrupt::Interrupt,
    output::{print_note, write_line},
    progress::WaitProgress,
    request::handle,
    sidecar::{self, Draft},
    target::{self, Target},
};

/// `wait`
pub(crate) async fn wait(wait: Wait) -> ExitCode {
    let history = History::open(&wait.history, false);
    let mut waiting = wait.waiting.clone();
    let handle = match &wait.generation {
        Some(generation) => handle(generation, wait.legacy),
        None => last(&history, &mut waiting),
    };
    let handle = match handle {
        Ok(handle) => handle,
        Err(failure) => return failure.report(waiting.json, None),
    };
    if let Some(entry) = &wait.entry
        && let Err(failure) = attach(&history, entry, &handle)
    {
        return failure.report(waiting.json, None);
    }
    let known = history.own_entries();
    history.note_unfinished(&known, &Except::Generation(handle.id()));
    resume(handle, &waiting, &history, &known, Interrupt::listen())
        .await
        .into()
}

/// The handle of the last create; its video is saved where that command would have saved it.
fn last(history: &History, waiting: &mut Waiting) -> Result<GenerationHandle, Failure> {
    let entries = history.required_own_entries()?;
    let mut created = entries.into_iter().rev();
    let Some((handle, entry)) = created.find_map(|entry| Some((entry.handle.clone()?, entry)))
    else {
        return Err(Failure::usage(
            "the history has no generation of this key and base URL; name one by its id",
        ));
    };
    if waiting.output.is_none() {
        waiting.output = entry.output().map(Into::into);
    }
    Ok(handle)
}

/// Records that an ambiguous entry's create was accepted.
fn attach(history: &History, name: &str, handle: &GenerationHandle) -> Result<(), Failure> {
    let entries = history.own_entries();
    let is_named = |entry: &&Entry| entry.id == name && entry.state() == State::Ambiguous;
    let entry = entries.iter().find(is_named).ok_or_else(|| {
        Failure::usage(format!(
            "--entry {name}: the history of this key and base URL has no ambiguous entry of this name; \
             `aimlapi-video history --json` lists the entries"
        ))
    })?;
    if let Some(other) = entries.iter().find(|entry| entry.is_of(handle)) {
        return Err(Failure::usage(format!(
            "--entry {name}: generation {} belongs to entry {}; wait without --entry",
            handle.id(),
            other.id
        )));
    }
    history.attach(entry, handle);
    Ok(())
}

/// Waits for an existing generation and saves its video. `known` are the entries of the history.
pub(crate) async fn resume(
    handle: GenerationHandle,
    waiting: &Waiting,
    history: &History,
    known: &[Entry],
    interrupt: Interrupt,
) -> u8 {
    match run_resume(handle, waiting, history, known, interrupt).await {
        Ok(()) => 0,
        Err(failure) => {
            report(&failure, waiting, history);
            failure.code
        }
    }
}

async fn run_resume(
    handle: GenerationHandle,
    waiting: &Waiting,
    history: &History,
    known: &[Entry],
    interrupt: Interrupt,
) -> Result<(), Failure> {
    let target = Target::read(waiting)?;
    let reserved = target.reserve_for_handle(waiting, &handle)?;
    let speed = speed_of(waiting.speed, false);
    let client = ClientBuilder::from_env()
        .wait_options(WaitOptions::default().speed(speed))
        .build()
        .map_err(|error| Failure::creating(&error))?;
    let created_cost = history.adopt(known, &handle, None);
    let progress = WaitProgress::start(&format!("waiting for {}", handle.id()), speed);
    Job {
        client,
        waiting: waiting.clone(),
        target,
        reserved,
        speed,
        resumes: true,
        created_cost,
        history: history.clone(),
        draft: None,
    }
    .finish(handle, progress, interrupt)
    .await?;
    Ok(())
}

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
    /// What `--sidecar` writes.
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
        progress.close();
        let (generation, saved) = outcome?;
        let cost = self.cost(Some(&generation), &handle);
        let is_file = !matches!(self.target, Target::StandardOutput(_));
        let paths = saved.iter().filter(|_| is_file).map(|file| &*file.path);
        self.history.saved(&handle, paths, cost);
        match &self.draft {
            Some(draft) => draft.saved(&handle, &saved, cost),
            None => sidecar::complete(&handle, &saved, cost),
        }
        for disagreement in saved.iter().filter_map(|file| file.disagreement.as_ref()) {
            print_note(format!("note: {disagreement}"));
        }
        let lines = if self.waiting.json {
            summary(&handle, &generation, &saved, cost, started.elapsed()).to_string()
        } else {
            let line = |file: &Saved| match is_file {
                true => format!("saved {} ({} bytes)", file.path.display(), file.bytes),
                false => format!("wrote {} bytes to standard output", file.bytes),
            };
            let cost = cost.text().map(|cost| format!(", cost {cost}"));
            let lines: Vec<String> = saved.iter().map(line).collect();
            lines.join("\n") + &cost.unwrap_or_default()
        };
        if !is_file {
            print_note(lines);
        } else if let Err(error) = write_line(lines) {
            print_note(format!(
                "note: every video is saved, but standard output cannot be written: {error}"
            ));
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
            // A reader that pauses must not delay an interrupt.
            let files = saved.clone();
            let written = tokio::task::spawn_blocking(move || target::write_out(&files)).await;
            let written = written.unwrap_or_else(|error| Err(error.to_string()));
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
