//! `batch` and `resume`: many jobs from a file, with a record that survives a kill.

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
    board::Board,
    failure::{self, Failure, line},
    interrupt::Interrupt,
    output::note,
    service::service,
};

mod out;
mod requests;
mod run;

use out::{Out, folder_of};
use requests::{Requests, check, check_place, refuse_foreign};
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
    let requests = Requests::read(batch)?;
    let journal = batch.journal.clone();
    // What a simulator made is nobody's, and no real run is to rely on it.
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
    let (_simulator, client) = service(batch.simulate, speed).await?;
    let client = client
        .wait_options(options(&batch.jobs, speed))
        .build()
        .map_err(|error| Failure::creating(&error))?;
    let remedy = match batch.simulate {
        true => "delete it, or name another journal, since each simulator ends with its command",
        false => ELSEWHERE,
    };
    check_place(&journal, &path, &client, remedy, |line| {
        batch.simulate && saved.contains(&(line - 1)) && is_simulated(&entries[&line])
    })?;
    if batch.repeat_unclear {
        for (line, _) in entries.iter().filter(|(_, entry)| is_unclear(entry)) {
            journal
                .repeat(line - 1)
                .map_err(|error| Failure::usage(self::line(&error)))?;
        }
    }
    let board = Board::start(requests.lines.len() - saved.len(), speed);
    let vacant = requests.vacant();
    let mut all = client
        .generate_all(requests.requests)
        .options(options(&batch.jobs, speed))
        .max_creates(batch.creates.into())
        .reserve_indices(vacant)
        .skip_indices(saved)
        .journal(journal.clone());
    let mut run = Run {
        board,
        client,
        journal,
        out,
        json: batch.jobs.json,
        allow_truncated: batch.jobs.allow_truncated,
        worst: 0,
        saving: FuturesUnordered::new(),
        to_save: VecDeque::new(),
        is_resumable: false,
        simulates: batch.simulate,
    };
    let ended = run.drive(&mut all, interrupt.clone()).await;
    if !ended {
        // What is on its way may have been bought: its answer is worth a moment.
        all.stop();
        let last_words = async {
            while all.is_creating()
                && let Some((index, job)) = all.next().await
            {
                match job {
                    BatchEvent::Created(handle) => {
                        let what = format!("line {}: created {}", index + 1, handle.id());
                        run.board.note(&what);
                    }
                    BatchEvent::Unrecorded(_) | BatchEvent::Ended(Err(_)) => {
                        run.happened(index, job).await
                    }
                    _ => {}
                }
            }
        };
        if tokio::time::timeout(LAST_WORDS, last_words).await.is_err() {
            run.board.note(UNHEARD);
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
        let what = format!(
            "there is no journal {}; a batch writes journal.jsonl into its --out folder",
            resume.journal.display()
        );
        return Err(Failure::usage(what));
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
    check_place(&journal, &resume.journal, &client, ELSEWHERE, |_| false)?;
    let out = Out::prepare(folder, &resume.journal)?;
    let open: Vec<(usize, GenerationHandle)> = entries
        .iter()
        .filter(|(_, entry)| !out.has(entry))
        .filter_map(|(line, entry)| Some((line - 1, entry.handle()?.clone())))
        .collect();
    let lines = open.iter().map(|(index, _)| index + 1);
    refuse_foreign(lines, &journal, &out).map_err(Failure::usage)?;
    let count = |is: fn(&JournalEntry) -> bool| entries.values().filter(|entry| is(entry)).count();
    let (unclear, not_created) = (count(is_unclear), count(is_not_created));
    note_saved(entries.len() - open.len() - unclear - not_created);
    if not_created > 0 {
        let were = if not_created == 1 { "was" } else { "were" };
        note(format!(
            "{not_created} {were} not created; run the batch again for that"
        ));
    }
    let mut run = Run {
        board: Board::start(open.len() + unclear, speed),
        client: client.clone(),
        journal,
        out,
        json: resume.jobs.json,
        allow_truncated: resume.jobs.allow_truncated,
        worst: 0,
        saving: FuturesUnordered::new(),
        to_save: VecDeque::new(),
        is_resumable: false,
        simulates: false,
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

/// How long a batch that is interrupted waits for the answers to its creates.
const LAST_WORDS: Duration = Duration::from_secs(5);

const UNHEARD: &str = "note: a create is still unanswered; the journal has it as unclear, and it is not repeated by itself";

/// More waits at once take memory and gain nothing.
const WAITS_AT_ONCE: usize = 256;

/// What to do about a journal of another service.
const ELSEWHERE: &str = "name another journal, or set AIML_API_BASE to that service";

fn open(path: &Path) -> Result<Journal, Failure> {
    Journal::open(path).map_err(|error| Failure::usage(line(&error)))
}

fn note_saved(jobs: usize) {
    let are = if jobs == 1 { "is" } else { "are" };
    if jobs > 0 {
        note(format!("{jobs} {are} saved already"));
    }
}

fn is_not_created(entry: &JournalEntry) -> bool {
    entry.state == JournalState::NotCreated
}

fn is_unclear(entry: &JournalEntry) -> bool {
    entry.state == JournalState::Unclear
}

/// Whether it was made by a simulator of the same kind, whose address is another each time.
fn is_simulated(entry: &JournalEntry) -> bool {
    let origin = entry.handle().and_then(GenerationHandle::origin);
    origin.is_some_and(|origin| origin.starts_with("http://127.0.0.1:"))
}

fn options(jobs: &Jobs, speed: f64) -> WaitOptions {
    WaitOptions::default().deadline(jobs.deadline).speed(speed)
}
