//! The checks of a batch before anything is created and billed. A dry run makes the same ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use aimlapi_video::{Client, ErrorKind, GenerationHandle, Journal, JournalEntry};
use aimlapi_video_simulator::Simulator;
use serde_json::Map;
use tempfile::NamedTempFile;

use super::{
    OTHER_SERVICE_REMEDY, absolute, adopted, is_simulated, names, open, options,
    out::{Out, check_folder, folder_of},
    requests::Requests,
    retry::{self, is_failed},
};
use crate::{
    args::Batch, documents::Catalogue, failure::Failure, gallery, history::Entry,
    output::print_note, places::Places, service::service,
};

/// A batch that may begin.
pub(super) struct Checked {
    pub(super) out: Out,
    /// `None` if a dry run finds no journal, since it makes no file.
    pub(super) journal: Option<Journal>,
    pub(super) entries: BTreeMap<usize, JournalEntry>,
    /// The indices of the requests whose videos are saved.
    pub(super) saved: BTreeSet<usize>,
    /// The lines that `--retry-failed` creates again. They may have been corrected.
    pub(super) retried: BTreeSet<usize>,
    pub(super) client: Client,
    /// The simulator has to live as long as the client.
    pub(super) simulator: Option<Simulator>,
}

impl Checked {
    /// Checks the names, the folder, the journal at `path`, the files that exist, and the service. `known` are the entries of
    /// the history.
    pub(super) async fn new(
        batch: &Batch,
        requests: &Requests,
        path: &Path,
        catalogue: &Catalogue,
        speed: f64,
        known: &[Entry],
    ) -> Result<Self, Failure> {
        let names = names::of(batch, requests, catalogue)?;
        check_folder(&batch.out, batch.dry_run)?;
        let out = Out::new(&batch.out, path, names);
        if batch.gallery {
            gallery::check(&batch.out)?;
        }
        let journal = journal(batch, path)?;
        if let Some(journal) = &journal {
            // A dry run has a copy of the journal.
            adopted::adopt(journal, &absolute(path), known, &out).await?;
        }
        let entries = journal.as_ref().map(Journal::entries).unwrap_or_default();
        let saved: BTreeSet<usize> = entries
            .iter()
            .filter(|(_, entry)| out.has(entry))
            .map(|(line, _)| line - 1)
            .collect();
        let retried = retry::lines(batch, requests, &entries);
        if let Some(journal) = &journal {
            check_requests(batch, requests, journal, path, &retried)?;
        }
        let lines = requests.lines.iter().copied();
        let to_save = lines.filter(|line| !saved.contains(&(line - 1)));
        check_overwrites(to_save, &entries, &out)
            .map_err(|error| Failure::usage(format!("nothing was created: {error}")))?;
        let (simulator, client) = client(batch, catalogue, speed).await?;
        let remedy = match batch.simulate {
            true => {
                "delete it, or name another journal, since each simulator ends with its command"
            }
            false => OTHER_SERVICE_REMEDY,
        };
        if let Some(journal) = &journal {
            check_origin(journal, path, &client, &requests.places, remedy, |line| {
                let is_over = saved.contains(&(line - 1)) || retried.contains(&line);
                batch.simulate && is_over && is_simulated(&entries[&line])
            })?;
        }
        Ok(Self {
            out,
            journal,
            entries,
            saved,
            retried,
            client,
            simulator,
        })
    }
}

fn journal(batch: &Batch, path: &Path) -> Result<Option<Journal>, Failure> {
    if !batch.dry_run {
        return open(path).map(Some);
    }
    if path.exists() {
        return open_copy(path).map(Some);
    }
    let folder = folder_of(path);
    if absolute(folder) != absolute(&batch.out) {
        if !folder.is_dir() {
            return Err(Failure::usage(format!(
                "the journal {} cannot be used, since its folder does not exist; create the folder, or name another file",
                path.display()
            )));
        }
        check_folder(folder, true)?;
    }
    Ok(None)
}

/// Opens a copy of a journal, since opening may repair a file.
fn open_copy(path: &Path) -> Result<Journal, Failure> {
    let unusable = |error: io::Error| {
        Failure::usage(format!(
            "the journal {} cannot be used: {error}; name another file",
            path.display()
        ))
    };
    let copy = NamedTempFile::new().map_err(unusable)?;
    // The copy has the permissions, too, so that a journal that is not writable is refused.
    fs::copy(path, copy.path()).map_err(unusable)?;
    open(copy.path()).map_err(|mut failure| {
        let [copy, path] = [copy.path(), path].map(|path| path.display().to_string());
        failure.message = failure.message.replace(&copy, &path);
        failure
    })
}

/// The client. A dry run goes on without a key, which only requests need.
async fn client(
    batch: &Batch,
    catalogue: &Catalogue,
    speed: f64,
) -> Result<(Option<Simulator>, Client), Failure> {
    let (simulator, client) = service(batch.simulate, speed, catalogue).await?;
    let client = client.wait_options(options(&batch.jobs, speed));
    let client = match client.clone().build() {
        Err(error) if batch.dry_run && error.kind() == ErrorKind::MissingKey => {
            print_note(format!("note: the batch needs a key: {error}"));
            client.api_key("dry-run").build()
        }
        client => client,
    };
    let client = client.map_err(|error| Failure::creating(&error))?;
    Ok((simulator, client))
}

/// Fails if the journal belongs to another batch.
fn check_requests(
    batch: &Batch,
    requests: &Requests,
    journal: &Journal,
    path: &Path,
    retried: &BTreeSet<usize>,
) -> Result<(), Failure> {
    let mut differing = journal.differing(requests.bodies_by_line(&Map::new()));
    differing.retain(|line| !retried.contains(line));
    if differing.is_empty() {
        return Ok(());
    }
    let entries = journal.entries();
    let all_failed = differing.iter().all(|line| is_failed(&entries[line]));
    let remedy = match all_failed {
        true => "their generations failed, so --retry-failed creates them as they are now",
        false => {
            "restore the old lines and options, or name another --out, where all lines are created again"
        }
    };
    Err(Failure::usage(format!(
        "nothing was created: {} differs from the batch that {} records, in {}; {remedy}",
        batch.input.path().display(),
        path.display(),
        requests.places.listed(differing)
    )))
}

/// Fails if a job of `lines` would overwrite a file that it has not written.
pub(super) fn check_overwrites(
    lines: impl IntoIterator<Item = usize>,
    entries: &BTreeMap<usize, JournalEntry>,
    out: &Out,
) -> Result<(), String> {
    let mut lines = lines.into_iter();
    let foreign = lines.find_map(|line| out.foreign(line, entries.get(&line)));
    match foreign {
        Some(path) => {
            // Another folder has another journal, by which a batch would pay again.
            let is_paid = |entry: &JournalEntry| entry.handle().is_some() && !out.has(entry);
            let remedy = match entries.values().any(is_paid) {
                true => "move it, and run the same command again",
                false => "move it, or name another folder by --out",
            };
            let path = path.display();
            Err(format!(
                "{path} exists already and is not of this batch; {remedy}"
            ))
        }
        None => Ok(()),
    }
}

/// Fails if lines of the journal, other than the `exempt` ones, belong to another service.
pub(super) fn check_origin(
    journal: &Journal,
    path: &Path,
    client: &Client,
    places: &Places,
    remedy: &str,
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
    let origin = created.or(entry.origin.as_deref()).unwrap_or_default();
    Err(Failure::usage(format!(
        "nothing was created: {} records requests that were created on another service ({origin:?}), {}; {remedy}",
        path.display(),
        places.listed(lines)
    )))
}
