//! `batch --retry-failed`: new creates for the requests whose generations failed, after a confirmation.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, IsTerminal, Write},
    thread,
};

use aimlapi_video::{Journal, JournalEntry, JournalState};
use tokio::sync::oneshot;

use super::requests::Requests;
use crate::{
    args::Batch, failure::Failure, interrupt::Interrupt, output::print_note, places::Places,
};

pub(super) fn is_failed(entry: &JournalEntry) -> bool {
    matches!(entry.state, JournalState::Failed { .. })
}

/// The lines that `--retry-failed` creates again.
pub(super) fn lines(
    batch: &Batch,
    requests: &Requests,
    entries: &BTreeMap<usize, JournalEntry>,
) -> BTreeSet<usize> {
    let lines = requests.lines.iter().copied();
    let failed = lines.filter(|line| entries.get(line).is_some_and(is_failed));
    failed.filter(|_| batch.retry_failed).collect()
}

/// Records in the journal that the lines may be created again, once the user has agreed to their cost.
pub(super) async fn allow(
    batch: &Batch,
    lines: &BTreeSet<usize>,
    places: &Places,
    estimate: &str,
    journal: &Journal,
    interrupt: Interrupt,
) -> Result<(), Failure> {
    if lines.is_empty() {
        print_note("no generation has failed, so there is nothing to create again");
        return Ok(());
    }
    print_note(format!(
        "generations that failed: {}, of {}; to create them again, {estimate}",
        lines.len(),
        places.listed(lines.iter().copied())
    ));
    // A simulator bills no one.
    if !batch.yes && !batch.simulate {
        confirm(interrupt).await?;
    }
    for line in lines {
        let allowed = journal.retry(line - 1).await;
        allowed.map_err(|error| Failure::unusable(&error))?;
    }
    Ok(())
}

/// Notes what to do about lines whose generations failed. The journal may record the videos of some as saved by an earlier run.
pub(super) fn note(lines: &[usize], journal: &Journal, places: &Places) {
    if lines.is_empty() {
        return;
    }
    let entries = journal.entries();
    let is_retried = |line: &usize| entries.get(line).is_some_and(is_failed);
    let (retried, mut saved): (Vec<usize>, Vec<usize>) =
        lines.iter().partition(|line| is_retried(line));
    if !saved.is_empty() {
        saved.sort_unstable();
        print_note(format!(
            "note: the journal records videos as saved that are not there, of {}; `batch` with another --out and journal creates \
             them again, and pays for them (--retry-failed does not)",
            places.listed(saved)
        ));
    }
    if !retried.is_empty() {
        print_note(
            "note: `batch` with --retry-failed creates again, and pays for, what has failed",
        );
    }
}

async fn confirm(mut interrupt: Interrupt) -> Result<(), Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::usage(
            "nothing was created: --retry-failed pays for new generations; add --yes to create them without a question",
        ));
    }
    eprint!("Create them again? [y/N] ");
    let _ = io::stderr().flush();
    let (sender, reply) = oneshot::channel();
    // The runtime would wait for a read in one of its own threads, even after an interrupt.
    thread::spawn(move || {
        let mut line = String::new();
        let _ = io::stdin().read_line(&mut line);
        let _ = sender.send(line);
    });
    tokio::select! {
        () = interrupt.received() => Err(Failure::interrupted("interrupted; nothing was created")),
        line = reply => match line.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::usage("nothing was created, since the question was not answered with y")),
        },
    }
}
