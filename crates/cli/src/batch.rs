//! `batch` and `resume`: many jobs from a file, with a journal that survives a kill.

use std::{
    collections::{BTreeSet, VecDeque},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use aimlapi_video::{
    BatchEvent, ClientBuilder, Error, GenerationHandle, Journal, JournalEntry, JournalState,
    Update, WaitOptions,
};
use futures_util::{
    StreamExt,
    stream::{BoxStream, FuturesUnordered},
};

use crate::{
    args::{Batch, Jobs, Resume, speed_of},
    documents::Catalogue,
    failure::{self, Failure, error_line},
    interrupt::Interrupt,
    output::print_note,
    progress::BatchProgress,
    service::service,
};

mod out;
mod requests;
mod run;

use out::{Out, folder_of};
use requests::{Requests, check, check_origin, check_overwrites};
use run::Run;

/// `batch`
pub(crate) async fn batch(batch: Batch) -> ExitCode {
    match run_batch(&batch).await {
        Ok(code) => code,
        Err(failure) => failure.report(batch.jobs.json, None),
    }
}

async fn run_batch(batch: &Batch) -> Result<ExitCode, Failure> {
    let interrupt = Interrupt::listen();
    let catalogue = Catalogue::read(&batch.documents)?;
    let requests = Requests::read(batch, &catalogue)?;
    let journal = batch.journal.clone();
    // A run against the service must not take a simulator's generations for its own.
    let name = match batch.simulate {
        true => "journal.simulated.jsonl",
        false => "journal.jsonl",
    };
    let path = journal.unwrap_or_else(|| batch.out.join(name));
    let out = Out::prepare(&batch.out, &path)?;
    let journal = open(&path)?;
    let entries = journal.entries();
    let saved: BTreeSet<usize> = entries
        .iter()
        .filter(|(_, entry)| out.has(entry))
        .map(|(line, _)| line - 1)
        .collect();
    check(&requests, &journal, &path, &out, &saved, batch)?;
    note_saved(saved.len());
    let speed = speed_of(batch.jobs.speed, batch.simulate);
    let (_simulator, client) = service(batch.simulate, speed, &catalogue).await?;
    let client = client
        .wait_options(options(&batch.jobs, speed))
        .build()
        .map_err(|error| Failure::creating(&error))?;
    let remedy = match batch.simulate {
        true => "delete it, or name another journal, since each simulator ends with its command",
        false => OTHER_SERVICE_REMEDY,
    };
    check_origin(&journal, &path, &client, remedy, |line| {
        batch.simulate && saved.contains(&(line - 1)) && is_simulated(&entries[&line])
    })?;
    if batch.repeat_unclear {
        for (line, _) in entries.iter().filter(|(_, entry)| is_unclear(entry)) {
            journal
                .repeat(line - 1)
                .map_err(|error| Failure::usage(error_line(&error)))?;
        }
    }
    let progress = BatchProgress::start(requests.lines.len() - saved.len(), speed);
    let lines_without_request = requests.lines_without_request();
    let mut all = client
        .generate_all(requests.requests)
        .options(options(&batch.jobs, speed))
        .max_creates(batch.creates.into())
        .reserve_indices(lines_without_request)
        .skip_indices(saved)
        .journal(journal.clone());
    let mut run = Run {
        progress,
        client,
        journal,
        out,
        json: batch.jobs.json,
        allow_truncated: batch.jobs.allow_truncated,
        exit_code: 0,
        saving: FuturesUnordered::new(),
        to_save: VecDeque::new(),
        is_resumable: false,
        simulates: batch.simulate,
    };
    let ended = run.drive(&mut all, interrupt.clone()).await;
    if !ended {
        // A create in flight may be accepted and billed, so its response is waited for.
        all.stop();
        let open_creates = async {
            while all.is_creating()
                && let Some((index, job)) = all.next().await
            {
                match job {
                    BatchEvent::Created(handle) => {
                        let created = format!("line {}: created {}", index + 1, handle.id());
                        run.progress.print(&created);
                    }
                    BatchEvent::Unrecorded(_) | BatchEvent::Ended(Err(_)) => {
                        run.handle(index, job).await
                    }
                    _ => {}
                }
            }
        };
        if tokio::time::timeout(CREATE_GRACE_PERIOD, open_creates)
            .await
            .is_err()
        {
            run.progress.print(OPEN_CREATE_NOTE);
        }
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
        let message = format!(
            "journal {} not found; a batch writes journal.jsonl into its --out folder",
            resume.journal.display()
        );
        return Err(Failure::usage(message));
    }
    let journal = open(&resume.journal)?;
    let folder = resume.out.as_deref();
    let folder = folder.unwrap_or_else(|| folder_of(&resume.journal));
    let entries = journal.entries();
    let speed = speed_of(resume.jobs.speed, false);
    let options = options(&resume.jobs, speed);
    let client = ClientBuilder::from_env()
        .wait_options(options.clone())
        .build()
        .map_err(|error| Failure::creating(&error))?;
    check_origin(
        &journal,
        &resume.journal,
        &client,
        OTHER_SERVICE_REMEDY,
        |_| false,
    )?;
    let out = Out::prepare(folder, &resume.journal)?;
    let open: Vec<(usize, GenerationHandle)> = entries
        .iter()
        .filter(|(_, entry)| !out.has(entry))
        .filter_map(|(line, entry)| Some((line - 1, entry.handle()?.clone())))
        .collect();
    let lines = open.iter().map(|(index, _)| index + 1);
    check_overwrites(lines, &journal, &out).map_err(Failure::usage)?;
    let count = |is: fn(&JournalEntry) -> bool| entries.values().filter(|entry| is(entry)).count();
    let (unclear, not_created) = (count(is_unclear), count(is_not_created));
    note_saved(entries.len() - open.len() - unclear - not_created);
    if not_created > 0 {
        print_note(format!(
            "not created: {not_created}; run the batch again to create the rest"
        ));
    }
    let mut run = Run {
        progress: BatchProgress::start(open.len() + unclear, speed),
        client: client.clone(),
        journal,
        out,
        json: resume.jobs.json,
        allow_truncated: resume.jobs.allow_truncated,
        exit_code: 0,
        saving: FuturesUnordered::new(),
        to_save: VecDeque::new(),
        is_resumable: false,
        simulates: false,
    };
    for (line, _) in entries.iter().filter(|(_, entry)| is_unclear(entry)) {
        let message = "the create may have been accepted; look at the account's log";
        run.ended(line - 1, None, Failure::new(failure::AMBIGUOUS, message));
    }
    let waits = open.into_iter().map(move |(index, handle)| {
        let updates = client.wait(&handle).options(options.clone()).updates();
        updates.map(move |update| (index, job(update)))
    });
    let waits = futures_util::stream::iter(waits).flatten_unordered(WAITS_AT_ONCE);
    let mut all: BoxStream<'_, (usize, BatchEvent)> = waits.boxed();
    let ended = run.drive(&mut all, interrupt).await;
    Ok(run.finish(ended, &resume.journal))
}

fn job(update: Result<Update, Error>) -> BatchEvent {
    match update {
        Ok(Update::Completed(generation)) => BatchEvent::Ended(Ok(*generation)),
        Ok(update) => BatchEvent::Update(update),
        Err(error) => BatchEvent::Ended(Err(error)),
    }
}

/// How long an interrupted batch waits for the responses to its creates.
const CREATE_GRACE_PERIOD: Duration = Duration::from_secs(5);

const OPEN_CREATE_NOTE: &str = "note: a create has no response yet; the journal records it as unclear, and no later run repeats it unasked";

/// More waits at once take memory without a benefit.
const WAITS_AT_ONCE: usize = 256;

/// The remedy for a journal of another service.
const OTHER_SERVICE_REMEDY: &str = "name another journal, or set AIML_API_BASE to that service";

fn open(path: &Path) -> Result<Journal, Failure> {
    Journal::open(path).map_err(|error| Failure::usage(error_line(&error)))
}

fn note_saved(jobs: usize) {
    if jobs > 0 {
        print_note(format!("saved already: {jobs}"));
    }
}

fn is_not_created(entry: &JournalEntry) -> bool {
    entry.state == JournalState::NotCreated
}

fn is_unclear(entry: &JournalEntry) -> bool {
    entry.state == JournalState::Unclear
}

/// Whether an embedded simulator created the generation. Its port differs at each start.
fn is_simulated(entry: &JournalEntry) -> bool {
    let origin = entry.handle().and_then(GenerationHandle::origin);
    origin.is_some_and(|origin| origin.starts_with("http://127.0.0.1:"))
}

fn options(jobs: &Jobs, speed: f64) -> WaitOptions {
    WaitOptions::default().deadline(jobs.deadline).speed(speed)
}
