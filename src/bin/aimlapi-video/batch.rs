//! `batch` and `resume`: many jobs from a file, with a record that survives a kill.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    pin::Pin,
    process::ExitCode,
    time::Duration,
};

use aimlapi_video::{
    Client, ClientBuilder, Error, ErrorKind, Generation, GenerationHandle, GenerationRequest, Job,
    Journal, JournalEntry, JournalState, LegacyKlingRequest, Saved, Update, WaitOptions,
    simulator::Simulator,
};
use futures_util::{
    StreamExt,
    stream::{BoxStream, FuturesUnordered},
};
use serde_json::{Map, Value, json};

use crate::{
    args::{Batch, Jobs, Resume},
    board::Board,
    failure::{self, Failure, line},
    interrupt::Interrupt,
    output::{answer, note},
};

/// `batch`
pub(crate) async fn batch(batch: Batch) -> ExitCode {
    match run_batch(&batch).await {
        Ok(code) => code,
        Err(failure) => failure.report(batch.jobs.json, None),
    }
}

async fn run_batch(batch: &Batch) -> Result<ExitCode, Failure> {
    let interrupt = Interrupt::listen();
    let requests = Requests::read(batch)?;
    fs::create_dir_all(&batch.out).map_err(|error| {
        Failure::usage(format!("{} cannot be made: {error}", batch.out.display()))
    })?;
    let journal = batch.journal.clone();
    let path = journal.unwrap_or_else(|| batch.out.join("journal.jsonl"));
    let journal = open(&path)?;
    check(&requests, &journal, &path, batch)?;
    let entries = journal.entries();
    let out = Out(batch.out.clone());
    let saved: BTreeSet<usize> = entries
        .iter()
        .filter(|(_, entry)| out.has(entry))
        .map(|(line, _)| line - 1)
        .collect();
    if !saved.is_empty() {
        note(format!("{} are saved already", saved.len()));
    }
    if batch.repeat_unclear {
        for (line, _) in entries.iter().filter(|(_, entry)| is_unclear(entry)) {
            journal
                .repeat(line - 1)
                .await
                .map_err(|error| Failure::usage(self::line(&error)))?;
        }
    }
    let speed = speed(&batch.jobs, batch.simulate);
    let simulator = match batch.simulate {
        true => Some(
            Simulator::builder()
                .speed(speed)
                .start()
                .await
                .map_err(|error| Failure::usage(format!("the simulator cannot start: {error}")))?,
        ),
        false => None,
    };
    let client = match &simulator {
        Some(simulator) => Client::builder()
            .base_url(simulator.url())
            .api_key("simulated"),
        None => ClientBuilder::from_env(),
    };
    let client = client
        .wait_options(options(&batch.jobs, speed))
        .build()
        .map_err(|error| Failure::creating(&error))?;
    let board = Board::start(requests.len() - saved.len());
    let all = match requests {
        Requests::Universal(requests) => client.generate_all(requests),
        Requests::LegacyKling(requests) => client.generate_all_legacy_kling(requests),
    };
    let mut all = all
        .options(options(&batch.jobs, speed))
        .creates_at_once(batch.creates)
        .except(saved)
        .journal(journal.clone());
    let mut run = Run {
        board,
        client,
        journal,
        out,
        json: batch.jobs.json,
        worst: 0,
        saving: FuturesUnordered::new(),
    };
    let ended = run.drive(&mut all, interrupt.clone()).await;
    if !ended {
        // What is on its way may have been bought: its answer is worth a moment.
        all.stop();
        let last_words = async {
            while all.is_creating()
                && let Some((index, job)) = all.next().await
            {
                if let Job::Created(handle) = job {
                    run.board
                        .note(&format!("line {}: created {}", index + 1, handle.id()));
                }
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(5), last_words).await;
    }
    Ok(run.finish(ended, &path))
}

/// `resume`
pub(crate) async fn resume(resume: Resume) -> ExitCode {
    match run_resume(&resume).await {
        Ok(code) => code,
        Err(failure) => failure.report(resume.jobs.json, None),
    }
}

async fn run_resume(resume: &Resume) -> Result<ExitCode, Failure> {
    let interrupt = Interrupt::listen();
    if !resume.journal.is_file() {
        let what = format!("there is no journal {}", resume.journal.display());
        return Err(Failure::usage(what));
    }
    let journal = open(&resume.journal)?;
    let folder = resume.journal.parent().unwrap_or(Path::new(""));
    let out = Out(resume.out.clone().unwrap_or_else(|| folder.to_owned()));
    let entries = journal.entries();
    let options = options(&resume.jobs, speed(&resume.jobs, false));
    let client = ClientBuilder::from_env()
        .wait_options(options.clone())
        .build()
        .map_err(|error| Failure::creating(&error))?;
    let open: Vec<(usize, GenerationHandle)> = entries
        .iter()
        .filter(|(_, entry)| !out.has(entry))
        .filter_map(|(line, entry)| Some((line - 1, entry.handle()?.clone())))
        .collect();
    let mut run = Run {
        board: Board::start(open.len()),
        client: client.clone(),
        journal,
        out,
        json: resume.jobs.json,
        worst: 0,
        saving: FuturesUnordered::new(),
    };
    for (line, _) in entries.iter().filter(|(_, entry)| is_unclear(entry)) {
        let what = "it is unknown whether it was created; look at the account's log";
        run.ended(line - 1, None, Failure::new(failure::AMBIGUOUS, what));
    }
    let waits = open.into_iter().map(move |(index, handle)| {
        let updates = client.wait(&handle).options(options.clone()).updates();
        updates.map(move |update| (index, job(update)))
    });
    let mut all: BoxStream<'_, (usize, Job)> = futures_util::stream::select_all(waits).boxed();
    let ended = run.drive(&mut all, interrupt).await;
    Ok(run.finish(ended, &resume.journal))
}

fn job(update: Result<Update, Error>) -> Job {
    match update {
        Ok(Update::Completed(generation)) => Job::Ended(Ok(*generation)),
        Ok(update) => Job::Update(update),
        Err(error) => Job::Ended(Err(error)),
    }
}

/// What the commands do with jobs as they go on.
struct Run {
    board: Board,
    client: Client,
    journal: Journal,
    out: Out,
    json: bool,
    /// The exit code so far.
    worst: u8,
    saving: FuturesUnordered<Pin<Box<dyn Future<Output = SavedJob>>>>,
}

type SavedJob = (usize, Generation, Result<Vec<Saved>, Error>);

impl Run {
    /// Takes every job to its end; `false` if it was interrupted.
    async fn drive(
        &mut self,
        jobs: &mut (impl futures_util::Stream<Item = (usize, Job)> + Unpin),
        mut interrupt: Interrupt,
    ) -> bool {
        let mut all_ended = false;
        while !all_ended || !self.saving.is_empty() {
            tokio::select! {
                biased;
                () = interrupt.heard() => return false,
                Some((index, generation, saved)) = self.saving.next() => {
                    self.saved(index, &generation, saved).await;
                }
                job = jobs.next(), if !all_ended => match job {
                    Some((index, job)) => self.happened(index, job).await,
                    None => all_ended = true,
                },
            }
        }
        true
    }

    async fn happened(&mut self, index: usize, job: Job) {
        let line = index + 1;
        match job {
            Job::Created(handle) => self.board.at(line, &format!("created {}", handle.id())),
            Job::Update(Update::Progress(progress)) => self.board.at(line, &progress.to_string()),
            Job::Update(Update::Hiccup(hiccup)) => {
                let what = format!("a poll failed, trying on: {}", self::line(&hiccup.error));
                self.board.at(line, &what);
            }
            Job::Ended(Ok(generation)) => {
                self.board.at(line, "downloading");
                let (client, path) = (self.client.clone(), self.out.path(line));
                self.saving.push(Box::pin(async move {
                    let saved = client
                        .download(&generation)
                        .overwrite(true)
                        .to_file(path)
                        .await;
                    (index, generation, saved)
                }));
            }
            Job::Ended(Err(error)) => {
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

    async fn saved(
        &mut self,
        index: usize,
        generation: &Generation,
        saved: Result<Vec<Saved>, Error>,
    ) {
        let (line, handle) = (index + 1, generation.handle().cloned());
        let saved = match saved {
            Ok(saved) => saved,
            Err(error) => {
                return self.ended(
                    index,
                    handle,
                    Failure::new(failure::UNSAVED, self::line(&error)),
                );
            }
        };
        let names = saved.iter().filter_map(|file| file.path.file_name());
        if let Err(error) = self
            .journal
            .saved(index, names.map(Into::into).collect())
            .await
        {
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
        if let Some(handle) = handle {
            object["handle"] = serde_json::to_value(handle).unwrap_or_default();
        }
        self.answer(object, &files.join("\n"));
    }

    fn ended(&mut self, index: usize, handle: Option<GenerationHandle>, failure: Failure) {
        let line = index + 1;
        self.worst = worse(self.worst, failure.code);
        self.board.end(line, false, &failure.message);
        let error = json!({ "message": failure.message, "exit_code": failure.code });
        let mut object = json!({ "line": line, "state": "error", "error": error });
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

    fn finish(mut self, ended: bool, journal: &Path) -> ExitCode {
        self.board.close();
        if !ended || [failure::UNSEEN, failure::UNSAVED].contains(&self.worst) {
            let out = failure::quoted(&self.out.0.display().to_string());
            let journal = failure::quoted(&journal.display().to_string());
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

/// The folder that the videos go to.
struct Out(PathBuf);

impl Out {
    fn path(&self, line: usize) -> PathBuf {
        self.0.join(format!("{line:04}.mp4"))
    }

    /// Whether all videos of a job are there.
    fn has(&self, entry: &JournalEntry) -> bool {
        match &entry.state {
            JournalState::Saved(_, files) => files.iter().all(|file| self.0.join(file).is_file()),
            _ => false,
        }
    }
}

/// The requests of a batch file.
enum Requests {
    Universal(Vec<GenerationRequest>),
    LegacyKling(Vec<LegacyKlingRequest>),
}

impl Requests {
    /// Reads all of them before anything is paid for; every line that is no request is told.
    fn read(batch: &Batch) -> Result<Self, Failure> {
        let file = batch.file.display();
        let text = fs::read_to_string(&batch.file)
            .map_err(|error| Failure::usage(format!("{file} cannot be read: {error}")))?;
        let lines: Vec<&str> = text.trim_end().lines().collect();
        if lines.is_empty() {
            return Err(Failure::usage(format!("{file} holds no request")));
        }
        if batch.legacy {
            let read = LegacyKlingRequest::from_json;
            return each(&lines, read, LegacyKlingRequest::warnings).map(Self::LegacyKling);
        }
        each(
            &lines,
            GenerationRequest::from_json,
            GenerationRequest::warnings,
        )
        .map(Self::Universal)
    }

    fn len(&self) -> usize {
        match self {
            Self::Universal(requests) => requests.len(),
            Self::LegacyKling(requests) => requests.len(),
        }
    }

    fn bodies(&self) -> Vec<&Map<String, Value>> {
        match self {
            Self::Universal(requests) => requests.iter().map(GenerationRequest::body).collect(),
            Self::LegacyKling(requests) => requests.iter().map(LegacyKlingRequest::body).collect(),
        }
    }
}

fn each<T>(
    lines: &[&str],
    read: impl Fn(Value) -> Result<T, Error>,
    warnings: impl Fn(&T) -> Vec<aimlapi_video::Warning>,
) -> Result<Vec<T>, Failure> {
    let mut requests = Vec::new();
    let mut wrong = Vec::new();
    for (index, text) in lines.iter().enumerate() {
        let number = index + 1;
        let request = serde_json::from_str(text)
            .map_err(|error| format!("is no JSON: {error}"))
            .and_then(|body| read(body).map_err(|error| line(&error)));
        match request {
            Ok(request) => {
                for warning in warnings(&request) {
                    note(format!(
                        "warning: line {number}: {warning}; it is sent as it stands"
                    ));
                }
                requests.push(request);
            }
            Err(what) => wrong.push(format!("line {number}: {what}")),
        }
    }
    if wrong.is_empty() {
        return Ok(requests);
    }
    Err(Failure::usage(format!(
        "nothing was created: {}",
        wrong.join("; ")
    )))
}

/// Refuses a batch that is not the journal's, and one that would write over files that are not its own.
fn check(
    requests: &Requests,
    journal: &Journal,
    path: &Path,
    batch: &Batch,
) -> Result<(), Failure> {
    let differing = journal.differing(requests.bodies());
    if !differing.is_empty() {
        let lines: Vec<String> = differing.iter().map(ToString::to_string).collect();
        return Err(Failure::usage(format!(
            "nothing was created: {} is another batch than the one of {}; these lines differ: {}; put the old lines back, or \
             name another journal",
            batch.file.display(),
            path.display(),
            lines.join(", ")
        )));
    }
    let entries = journal.entries();
    let out = Out(batch.out.clone());
    let foreign = (1..=requests.len())
        .filter(|line| !entries.contains_key(line))
        .map(|line| out.path(line))
        .find(|path| path.exists());
    match foreign {
        Some(path) => Err(Failure::usage(format!(
            "nothing was created: {} is there already, and not of this batch; move it, or name another folder",
            path.display()
        ))),
        None => Ok(()),
    }
}

fn open(path: &Path) -> Result<Journal, Failure> {
    Journal::open(path).map_err(|error| Failure::usage(line(&error)))
}

fn is_unclear(entry: &JournalEntry) -> bool {
    entry.state == JournalState::Unclear
}

fn speed(jobs: &Jobs, simulate: bool) -> f64 {
    jobs.speed.unwrap_or(if simulate { 60.0 } else { 1.0 })
}

fn options(jobs: &Jobs, speed: f64) -> WaitOptions {
    WaitOptions::default().deadline(jobs.deadline).speed(speed)
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
