//! `batch`: many jobs from a file, with a journal that survives a kill; [`resume`] finishes them.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use aimlapi_video::{
    BatchEvent, GenerationHandle, Journal, JournalEntry, JournalState, WaitOptions,
};
use futures_util::stream::FuturesUnordered;

use crate::{
    args::{Batch, Jobs, speed_of},
    documents::Catalogue,
    failure::Failure,
    gallery::{LivePage, Running},
    generate::OPEN_CREATE_NOTE,
    history::{Entry, Except, History, State},
    interrupt::Interrupt,
    output::print_note,
    progress::{self, BatchProgress},
    spending::{Prices, Spending},
};

mod adopted;
mod checks;
mod dry_run;
mod exec;
mod feed;
mod names;
mod out;
mod records;
mod requests;
mod resume;
mod retry;
mod run;

use checks::Checked;
use exec::ExecQueue;
use feed::{Feed, Ledger, absolute};
use out::Out;
use records::Records;
use requests::Requests;
pub(crate) use resume::resume;
use run::Run;

/// The names of the journals of a batch: against the service, and against a simulator.
pub(crate) const JOURNALS: [&str; 2] = ["journal.jsonl", "journal.simulated.jsonl"];

/// `batch`
pub(crate) async fn batch(batch: Batch) -> ExitCode {
    let _bell = progress::begin(batch.jobs.json, &batch.jobs.ending);
    let history = History::open(&batch.jobs.history, batch.simulate);
    match run_batch(&batch, history).await {
        Ok(code) => code,
        Err(failure) => failure.report(batch.jobs.json, None),
    }
}

async fn run_batch(batch: &Batch, history: History) -> Result<ExitCode, Failure> {
    let catalogue = Catalogue::read(&batch.documents)?;
    let requests = Requests::read(batch, &catalogue)?;
    // Before, a signal has to end a read of standard input, which blocks.
    let interrupt = Interrupt::listen();
    let journal = batch.journal.clone();
    // A run against the service must not take a simulator's generations for its own.
    let name = JOURNALS[usize::from(batch.simulate)];
    let path = journal.unwrap_or_else(|| batch.out.join(name));
    let speed = speed_of(batch.jobs.speed, batch.simulate);
    let known = history.own_entries();
    let Checked {
        out,
        journal,
        entries,
        saved,
        retried,
        client,
        simulator: _simulator,
    } = Checked::new(batch, &requests, &path, &catalogue, speed, &known).await?;
    note_saved(saved.len());
    let prices = Prices::of(&known);
    let (Some(journal), false) = (journal, batch.dry_run) else {
        return Ok(dry_run::print(
            batch, &requests, &entries, &prices, &catalogue,
        ));
    };
    if batch.retry_failed {
        let estimate = dry_run::estimate_of(&retried, &requests, &prices, &catalogue);
        let places = &requests.places;
        retry::allow(
            batch,
            &retried,
            places,
            &estimate,
            &journal,
            interrupt.clone(),
        )
        .await?;
    }
    let entries = journal.entries();
    if batch.repeat_unclear {
        for (line, _) in entries.iter().filter(|(_, entry)| is_unclear(entry)) {
            journal
                .repeat(line - 1)
                .map_err(|error| Failure::unusable(&error))?;
        }
    }
    let place = absolute(&path);
    history.note_unfinished(&known, &Except::Journal(&place, &entries));
    reconcile(&history, &known, &entries, &out, &place);
    let to_do = requests.lines.len() - saved.len();
    let progress = BatchProgress::start(to_do, requests.places.clone(), speed);
    let lines_without_request = requests.lines_without_request();
    let spending = Spending::new(batch.spend.max_usd, prices);
    let ledger = Ledger::new(history, spending);
    let running = Running {
        total: requests.lines.len(),
        ended: saved.len(),
    };
    let page = batch
        .gallery
        .then(|| LivePage::new(&batch.out, running, known.clone()));
    let has_sidecars = batch.sidecar || batch.gallery;
    let records = Records::new(&requests, &catalogue, page, has_sidecars, &out);
    let feed = Feed::new(
        requests,
        &saved,
        &entries,
        batch,
        &path,
        &catalogue,
        ledger.clone(),
    );
    let mut all = client
        .generate_all(feed)
        .options(options(&batch.jobs, speed))
        .max_creates(batch.creates.into())
        .reserve_indices(lines_without_request)
        .reserve_indices(saved)
        .journal(journal.clone());
    let mut run = Run {
        progress,
        client,
        journal,
        out,
        ledger: ledger.clone(),
        records,
        place,
        known,
        json: batch.jobs.json,
        allow_truncated: batch.jobs.allow_truncated,
        exit_code: 0,
        saving: FuturesUnordered::new(),
        to_save: VecDeque::new(),
        exec: batch.jobs.ending.exec.as_ref().map(ExecQueue::new),
        executing: FuturesUnordered::new(),
        is_resumable: false,
        failed: Vec::new(),
        simulates: batch.simulate,
    };
    let ended = run.drive(&mut all, interrupt.clone()).await;
    if let Some(stopped) = ledger.stopped() {
        run.not_created(&stopped);
    }
    if !ended {
        // A create in flight may be accepted and billed, so its response is waited for.
        all.stop();
        if all.is_creating() {
            run.progress.print(OPEN_CREATE_NOTE);
        }
        let open_creates = async {
            while all.is_creating()
                && let Some((index, job)) = all.next().await
            {
                match job {
                    BatchEvent::Created(handle) => {
                        ledger.record(index, Ok(&handle));
                        let created = format!("created {}", handle.id());
                        run.progress.print_of(index + 1, created);
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
            run.progress.print(UNCLEAR_CREATE_NOTE);
        } else {
            ledger.withdraw();
        }
    }
    Ok(run.finish(ended, &path).into())
}

/// How long an interrupted batch waits for the responses to its creates.
const CREATE_GRACE_PERIOD: Duration = Duration::from_secs(5);

const UNCLEAR_CREATE_NOTE: &str = "note: a create has no response yet; the journal records it as unclear, and no later run repeats it unasked";

/// The remedy for a journal of another service.
const OTHER_SERVICE_REMEDY: &str = "name another journal, or set AIML_API_BASE to that service";

fn open(path: &Path) -> Result<Journal, Failure> {
    Journal::open(path).map_err(|error| Failure::unusable(&error))
}

fn note_saved(jobs: usize) {
    if jobs > 0 {
        print_note(format!("saved already: {jobs}"));
    }
}

/// Ends the entries of generations whose videos the journal records as saved: a process that was killed may have recorded them
/// there alone.
fn reconcile(
    history: &History,
    known: &[Entry],
    entries: &BTreeMap<usize, JournalEntry>,
    out: &Out,
    journal: &Path,
) {
    settle(history, known, entries, journal);
    let unfinished = known
        .iter()
        .filter(|entry| entry.state() == State::Unfinished);
    for entry in unfinished {
        let recorded = entries
            .values()
            .find(|recorded| recorded.handle() == entry.handle.as_ref());
        let saved = recorded.filter(|recorded| out.has(recorded));
        if let (Some(handle), Some(saved)) = (&entry.handle, saved) {
            history.adopt(known, handle, None);
            let files = out.files(saved);
            let files = files.iter().map(|file| (file.as_ref(), None));
            history.saved(handle, files, entry.cost);
        }
    }
}

/// Ends the creates whose process was killed before its journal recorded that the request is sent.
fn settle(
    history: &History,
    known: &[Entry],
    entries: &BTreeMap<usize, JournalEntry>,
    journal: &Path,
) {
    let is_unsent = |entry: &&Entry| {
        let batch = entry.intent.batch.as_ref();
        let batch = batch.filter(|batch| batch.journal == *journal);
        let is_sent = |line| {
            let recorded: Option<&JournalEntry> = entries.get(line);
            recorded.is_some_and(|recorded| recorded.state != JournalState::NotCreated)
        };
        entry.state() == State::Ambiguous
            && batch.is_some_and(|batch| !is_sent(&batch.line))
            && has_replaced(journal, entry) == Some(false)
    };
    let stopped = Failure::interrupted("interrupted before it was sent");
    for entry in known.iter().filter(is_unsent) {
        history.record_create(Some(&entry.id), Err(&stopped));
    }
}

/// Whether the journal is newer than the create of an entry, so that it has replaced the one of that create; `None` on a file
/// system without times of creation.
fn has_replaced(journal: &Path, entry: &Entry) -> Option<bool> {
    let created = journal.metadata().and_then(|data| data.created());
    created.ok().map(|created| created > entry.at)
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
