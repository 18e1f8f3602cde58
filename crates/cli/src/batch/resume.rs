//! `resume`: finishes what earlier commands created, and creates nothing.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    process::ExitCode,
};

use aimlapi_video::{
    BatchEvent, ClientBuilder, Error, ErrorKind, GenerationHandle, Journal, JournalEntry,
    JournalState, Update,
};
use futures_util::{
    StreamExt,
    stream::{BoxStream, FuturesUnordered},
};

use super::{
    OTHER_SERVICE_REMEDY, adopted,
    checks::{check_origin, check_overwrites},
    exec::ExecQueue,
    feed::{Ledger, absolute},
    is_unclear, note_saved, open, options,
    out::{Out, check_folder, folder_of, numbered},
    reconcile,
    records::Records,
    run::{Run, worse},
    settle,
};
use crate::{
    args::{Jobs, Resume, Waiting, speed_of},
    failure::{self, Failure},
    history::{Batch, Entry, Except, History, State, batch_command},
    interrupt::Interrupt,
    output::print_note,
    places::Places,
    progress::{self, BatchProgress},
    spending::{Prices, Spending},
    target::free_output,
    wait,
};

/// `resume`
pub(crate) async fn resume(resume: Resume) -> ExitCode {
    let _bell = progress::begin(resume.jobs.json, &resume.jobs.ending);
    let history = History::open(&resume.jobs.history, false);
    let (interrupt, jobs) = (Interrupt::listen(), &resume.jobs);
    let finished = match &resume.journal {
        Some(journal) => {
            finish_named(journal, resume.out.as_deref(), jobs, &history, interrupt).await
        }
        None => finish_all(jobs, &history, interrupt).await,
    };
    match finished {
        Ok(code) => code.into(),
        Err(failure) => failure.report(jobs.json, None),
    }
}

/// Finishes the batch that the command line names.
async fn finish_named(
    path: &Path,
    out: Option<&Path>,
    jobs: &Jobs,
    history: &History,
    interrupt: Interrupt,
) -> Result<u8, Failure> {
    if !path.is_file() {
        let message = format!(
            "journal {} not found; a batch writes journal.jsonl into its --out folder",
            path.display()
        );
        return Err(Failure::usage(message));
    }
    let journal = open(path)?;
    let known = history.own_entries();
    history.note_unfinished(
        &known,
        &Except::Journal(&absolute(path), &journal.entries()),
    );
    finish_batch(journal, path, out, jobs, history, known, interrupt).await
}

/// Finishes everything that the history of this key and base URL lists as unfinished: the batches, then the others.
async fn finish_all(jobs: &Jobs, history: &History, interrupt: Interrupt) -> Result<u8, Failure> {
    let client = ClientBuilder::from_env().build();
    client.map_err(|error| Failure::creating(&error))?;
    let entries = history.required_own_entries()?;
    let of = |state| entries.iter().filter(move |entry| entry.state() == state);
    note_ambiguous(of(State::Ambiguous), &entries, history);
    let mut of_journals: BTreeMap<&Path, Vec<(&Entry, &GenerationHandle)>> = BTreeMap::new();
    let mut singles = Vec::new();
    for entry in of(State::Unfinished) {
        match (&entry.intent.batch, &entry.handle) {
            (Some(batch), Some(handle)) if batch.journal.is_file() => {
                let entries = of_journals.entry(&batch.journal).or_default();
                entries.push((entry, handle));
            }
            (_, Some(handle)) => singles.push((entry, handle)),
            (_, None) => {}
        }
    }
    let mut batches = Vec::new();
    for (path, mut created) in of_journals {
        let out = created[0].0.intent.batch.as_ref().map(|batch| &*batch.out);
        let journal = match open(path) {
            Ok(journal) => {
                let attached = adopted::attach(&journal, path, &entries).await;
                attached.map(|()| journal)
            }
            Err(failure) => Err(failure),
        };
        if let Ok(journal) = &journal {
            let recorded = journal.entries();
            let (own, replaced) = created
                .into_iter()
                .partition(|(entry, _)| entry.is_in(&recorded));
            singles.extend::<Vec<_>>(replaced);
            created = own;
        }
        if !created.is_empty() {
            batches.push((path, out, journal));
        }
    }
    if batches.is_empty() && singles.is_empty() {
        let is_other =
            |entry: &&Entry| entry.state() == State::Unfinished && !history.is_own(entry);
        print_note(match history.entries().iter().filter(is_other).count() {
            0 => "nothing is unfinished".into(),
            others => {
                format!("nothing is unfinished of this key and base URL; {others} of another")
            }
        });
    }
    let mut exit_code = 0;
    for (path, out, journal) in batches {
        let finished = match journal {
            Ok(journal) => {
                let (known, interrupt) = (entries.clone(), interrupt.clone());
                finish_batch(journal, path, out, jobs, history, known, interrupt).await
            }
            Err(failure) => Err(failure),
        };
        let code = finished.unwrap_or_else(|failure| {
            failure.report(jobs.json, None);
            failure.code
        });
        if code == failure::INTERRUPTED {
            return Ok(code);
        }
        exit_code = worse(exit_code, code);
    }
    for (entry, handle) in singles {
        let waiting = waiting(entry, jobs);
        let (handle, interrupt) = (handle.clone(), interrupt.clone());
        let code = wait::resume(handle, &waiting, history, &entries, interrupt).await;
        if code == failure::INTERRUPTED {
            return Ok(code);
        }
        exit_code = worse(exit_code, code);
    }
    Ok(exit_code)
}

/// Notes the creates whose response was lost: those of a batch together, with the command that lists them.
fn note_ambiguous<'a>(
    ambiguous: impl Iterator<Item = &'a Entry>,
    known: &[Entry],
    history: &History,
) {
    let of_batch = |entry: &&Entry| {
        let batch = entry.intent.batch.as_ref();
        batch.is_some_and(|batch| batch.journal.is_file())
    };
    let (of_batches, singles): (Vec<&Entry>, Vec<&Entry>) = ambiguous.partition(of_batch);
    history.note_ambiguous(singles.into_iter());
    let batches = of_batches.into_iter();
    let batches: BTreeMap<&Path, &Batch> = batches
        .filter_map(|entry| entry.intent.batch.as_ref())
        .map(|batch| (&*batch.journal, batch))
        .collect();
    for (path, batch) in batches {
        // A batch that runs holds its journal, and reports its creates itself.
        let Ok(journal) = open(path) else {
            continue;
        };
        let recorded = journal.entries();
        settle(history, known, &recorded, path);
        let unclear = recorded.values().filter(|entry| is_unclear(entry)).count();
        if unclear > 0 {
            print_note(format!(
                "note: {unclear} creates of a batch got no response, so they may have been accepted and billed; listed by: {}",
                batch_command(batch)
            ));
        }
    }
}

/// The options of the wait for one generation.
fn waiting(entry: &Entry, jobs: &Jobs) -> Waiting {
    Waiting {
        output: entry.output().map(|output| free_output(&output)),
        overwrite: false,
        allow_truncated: jobs.allow_truncated,
        json: jobs.json,
        deadline: jobs.deadline,
        speed: jobs.speed,
        ending: jobs.ending.clone(),
    }
}

/// Finishes the generations of a batch. `known` are the entries of the history.
async fn finish_batch(
    journal: Journal,
    path: &Path,
    out: Option<&Path>,
    jobs: &Jobs,
    history: &History,
    known: Vec<Entry>,
    interrupt: Interrupt,
) -> Result<u8, Failure> {
    let folder = out.unwrap_or_else(|| folder_of(path));
    let speed = speed_of(jobs.speed, false);
    let options = options(jobs, speed);
    let client = ClientBuilder::from_env()
        .wait_options(options.clone())
        .build()
        .map_err(|error| Failure::creating(&error))?;
    let place = absolute(path);
    let places = Places::recorded(&known, &place);
    check_origin(
        &journal,
        path,
        &client,
        &places,
        OTHER_SERVICE_REMEDY,
        |_| false,
    )?;
    check_folder(folder, false)?;
    let out = Out::new(folder, path, names(&journal.entries()));
    adopted::adopt(&journal, &place, &known, &out).await?;
    let entries = journal.entries();
    let open: Vec<(usize, GenerationHandle)> = entries
        .iter()
        .filter(|(_, entry)| !out.has(entry))
        .filter_map(|(line, entry)| Some((line - 1, entry.handle()?.clone())))
        .collect();
    let lines = open.iter().map(|(index, _)| index + 1);
    check_overwrites(lines, &entries, &out).map_err(Failure::usage)?;
    let count = |is: fn(&JournalEntry) -> bool| entries.values().filter(|entry| is(entry)).count();
    let (unclear, not_created) = (count(is_unclear), count(is_not_created));
    note_saved(entries.len() - open.len() - unclear - not_created);
    if not_created > 0 {
        print_note(format!(
            "not created: {not_created}; run the batch again to create the rest"
        ));
    }
    let ledger = Ledger::new(history.clone(), Spending::new(None, Prices::default()));
    reconcile(history, &known, &entries, &out, &place);
    for (index, handle) in &open {
        let cost = history.adopt(&known, handle, Some((&place, index + 1)));
        ledger.created(*index, cost);
    }
    let records = Records::of_open(&open, &out, &known);
    let mut run = Run {
        progress: BatchProgress::start(open.len() + unclear, places, speed),
        client: client.clone(),
        journal,
        out,
        ledger,
        records,
        place,
        known,
        json: jobs.json,
        allow_truncated: jobs.allow_truncated,
        exit_code: 0,
        saving: FuturesUnordered::new(),
        to_save: VecDeque::new(),
        exec: jobs.ending.exec.as_ref().map(ExecQueue::new),
        executing: FuturesUnordered::new(),
        is_resumable: false,
        failed: Vec::new(),
        simulates: false,
    };
    for (line, _) in entries.iter().filter(|(_, entry)| is_unclear(entry)) {
        let advice = adopted::advice(None, &run.place, *line, &run.known);
        let message =
            format!("the create may have been accepted; look at the account's log{advice}");
        run.ended(
            line - 1,
            None,
            Failure::new(
                failure::AMBIGUOUS,
                failure::Kind::Library(ErrorKind::AmbiguousCreate),
                message,
            ),
        );
    }
    let waits = open.into_iter().map(move |(index, handle)| {
        let updates = client.wait(&handle).options(options.clone()).updates();
        updates.map(move |update| (index, event(update)))
    });
    let waits = futures_util::stream::iter(waits).flatten_unordered(WAITS_AT_ONCE);
    let mut all: BoxStream<'_, (usize, BatchEvent)> = waits.boxed();
    let ended = run.drive(&mut all, interrupt).await;
    Ok(run.finish(ended, path))
}

/// The names by `--name` of the files whose download has begun.
fn names(entries: &BTreeMap<usize, JournalEntry>) -> BTreeMap<usize, String> {
    let name = |(line, entry): (&usize, &JournalEntry)| {
        let name = entry.saving.as_ref()?.file_name()?.to_str()?;
        (name != numbered(*line)).then(|| (*line, name.to_owned()))
    };
    entries.iter().filter_map(name).collect()
}

fn event(update: Result<Update, Error>) -> BatchEvent {
    match update {
        Ok(Update::Completed(generation)) => BatchEvent::Ended(Ok(*generation)),
        Ok(update) => BatchEvent::Update(update),
        Err(error) => BatchEvent::Ended(Err(error)),
    }
}

/// More waits at once take memory without a benefit.
const WAITS_AT_ONCE: usize = 256;

fn is_not_created(entry: &JournalEntry) -> bool {
    entry.state == JournalState::NotCreated
}
