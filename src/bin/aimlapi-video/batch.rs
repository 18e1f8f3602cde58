//! `batch` and `resume`: many jobs from a file, with a record that survives a kill.

use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    path::{Path, PathBuf},
    pin::Pin,
    process::ExitCode,
    time::Duration,
};

use aimlapi_video::{
    Client, ClientBuilder, Download, Error, ErrorKind, Generation, GenerationHandle,
    GenerationRequest, Job, Journal, JournalEntry, JournalState, LegacyKlingRequest, Saved, Update,
    WaitOptions, simulator::Simulator,
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
    let out = Out(batch.out.clone());
    out.prepare()?;
    let journal = batch.journal.clone();
    // What a simulator made is nobody's, and no real run is to rely on it.
    let name = match batch.simulate {
        true => "journal.simulated.jsonl",
        false => "journal.jsonl",
    };
    let path = journal.unwrap_or_else(|| batch.out.join(name));
    let journal = open(&path)?;
    check(&requests, &journal, &path, batch)?;
    let entries = journal.entries();
    let saved: BTreeSet<usize> = entries
        .iter()
        .filter(|(_, entry)| out.has(entry))
        .map(|(line, _)| line - 1)
        .collect();
    if !saved.is_empty() {
        note(format!("{} are saved already", saved.len()));
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
    check_place(&journal, &path, &client, |line| {
        batch.simulate && saved.contains(&(line - 1))
    })?;
    if batch.repeat_unclear {
        for (line, _) in entries.iter().filter(|(_, entry)| is_unclear(entry)) {
            journal
                .repeat(line - 1)
                .map_err(|error| Failure::usage(self::line(&error)))?;
        }
    }
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
        to_save: VecDeque::new(),
        is_resumable: false,
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
    let folder = resume.journal.parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let out = Out(resume.out.clone().unwrap_or_else(|| folder.to_owned()));
    let entries = journal.entries();
    let options = options(&resume.jobs, speed(&resume.jobs, false));
    let client = ClientBuilder::from_env()
        .wait_options(options.clone())
        .build()
        .map_err(|error| Failure::creating(&error))?;
    check_place(&journal, &resume.journal, &client, |_| false)?;
    out.prepare()?;
    let open: Vec<(usize, GenerationHandle)> = entries
        .iter()
        .filter(|(_, entry)| !out.has(entry))
        .filter_map(|(line, entry)| Some((line - 1, entry.handle()?.clone())))
        .collect();
    let unclear = entries.values().filter(|entry| is_unclear(entry)).count();
    let mut run = Run {
        board: Board::start(open.len() + unclear),
        client: client.clone(),
        journal,
        out,
        json: resume.jobs.json,
        worst: 0,
        saving: FuturesUnordered::new(),
        to_save: VecDeque::new(),
        is_resumable: false,
    };
    for (line, _) in entries.iter().filter(|(_, entry)| is_unclear(entry)) {
        let what = "it is unknown whether it was created; look at the account's log";
        run.ended(line - 1, None, Failure::new(failure::AMBIGUOUS, what));
    }
    let waits = open.into_iter().map(move |(index, handle)| {
        let updates = client.wait(&handle).options(options.clone()).updates();
        updates.map(move |update| (index, job(update)))
    });
    let waits = futures_util::stream::iter(waits).flatten_unordered(WAITS_AT_ONCE);
    let mut all: BoxStream<'_, (usize, Job)> = waits.boxed();
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
    is_resumable: bool,
    /// Completed, and waiting for the downloads before them.
    to_save: VecDeque<(usize, Generation)>,
    saving: FuturesUnordered<Pin<Box<dyn Future<Output = SavedJob>>>>,
}

/// More downloads at once make none faster.
const DOWNLOADS_AT_ONCE: usize = 8;

/// More waits at once take memory and gain nothing.
const WAITS_AT_ONCE: usize = 256;

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

    async fn happened(&mut self, index: usize, job: Job) {
        let line = index + 1;
        match job {
            Job::Created(handle) => self.board.at(line, &format!("created {}", handle.id())),
            Job::Resumed(handle) => self.board.at(line, &format!("waiting for {}", handle.id())),
            Job::Unrecorded(error) => {
                let id = error.handle().map(|handle| format!(" ({})", handle.id()));
                let what = format!(
                    "line {line}{}: {}",
                    id.unwrap_or_default(),
                    self::line(&error)
                );
                self.board.note(&what);
            }
            Job::Update(Update::Progress(progress)) => self.board.at(line, &progress.to_string()),
            Job::Update(Update::Hiccup(hiccup)) => {
                let what = format!("a poll failed, trying on: {}", self::line(&hiccup.error));
                self.board.at(line, &what);
            }
            Job::Ended(Ok(generation)) => {
                self.to_save.push_back((index, generation));
                self.save_more();
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

    fn save_more(&mut self) {
        while self.saving.len() < DOWNLOADS_AT_ONCE
            && let Some((index, generation)) = self.to_save.pop_front()
        {
            self.board.at(index + 1, "downloading");
            let (client, path) = (self.client.clone(), self.out.path(index + 1));
            self.saving.push(Box::pin(async move {
                let saved = client
                    .download(&generation)
                    .overwrite(true)
                    .to_file(path)
                    .await;
                (index, generation, saved)
            }));
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
        self.is_resumable |= [failure::UNSEEN, failure::UNSAVED].contains(&failure.code);
        let id = handle.as_ref().map(GenerationHandle::id);
        let said = match id.filter(|id| !failure.message.contains(id)) {
            Some(id) => format!("{} (generation {id})", failure.message),
            None => failure.message.clone(),
        };
        self.board.end(line, false, &said);
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
        if !ended || self.is_resumable {
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

    /// Sees to it that videos can be written there, before anything is paid for.
    fn prepare(&self) -> Result<(), Failure> {
        fs::create_dir_all(&self.0).map_err(|error| {
            Failure::usage(format!("{} cannot be made: {error}", self.0.display()))
        })?;
        Download::check_target(self.path(0), true).map_err(|error| Failure::usage(line(&error)))
    }

    /// A file where a video of job `line` is to go, be it the first or a further one.
    fn taken(&self, line: usize) -> Option<PathBuf> {
        let first = format!("{line:04}");
        let entries = fs::read_dir(&self.0).ok()?;
        let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths.find(|path| {
            let is_video = path.extension().is_some_and(|extension| extension == "mp4");
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let rest = stem.and_then(|stem| stem.strip_prefix(&first));
            let further = |rest: &str| {
                let number = rest.strip_prefix('-').unwrap_or_default();
                !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
            };
            is_video && rest.is_some_and(|rest| rest.is_empty() || further(rest))
        })
    }

    /// Whether all videos of a job are there.
    fn has(&self, entry: &JournalEntry) -> bool {
        match &entry.state {
            JournalState::Saved { files, .. } => {
                !files.is_empty() && files.iter().all(|file| self.0.join(file).is_file())
            }
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
    let has_none = |line: &usize| {
        let entry = entries.get(line);
        entry.is_none_or(|entry| entry.handle().is_none())
    };
    let foreign = (1..=requests.len())
        .filter(has_none)
        .find_map(|line| out.taken(line));
    match foreign {
        Some(path) => Err(Failure::usage(format!(
            "nothing was created: {} is there already, and not of this batch; move it, or name another folder",
            path.display()
        ))),
        None => Ok(()),
    }
}

/// Refuses a journal of another service, but for the lines that are `exempt`.
fn check_place(
    journal: &Journal,
    path: &Path,
    client: &Client,
    exempt: impl Fn(usize) -> bool,
) -> Result<(), Failure> {
    let mut lines = journal.elsewhere(client);
    lines.retain(|line| !exempt(*line));
    let Some(first) = lines.first() else {
        return Ok(());
    };
    let entries = journal.entries();
    let entry = &entries[first];
    let created = entry.handle().and_then(GenerationHandle::origin);
    let place = created.or(entry.origin.as_deref()).unwrap_or_default();
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    Err(Failure::usage(format!(
        "nothing was created: these lines of {} were created on another service ({place:?}): {}; name another journal, or \
         set AIML_API_BASE to that service",
        path.display(),
        lines.join(", ")
    )))
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
