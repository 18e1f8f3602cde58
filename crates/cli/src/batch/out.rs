//! The folder for the videos of a batch.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use aimlapi_video::{Download, JournalEntry, JournalState};

use crate::failure::{Failure, error_line};

/// The folder for the videos, and the files that are in it.
pub(super) struct Out {
    pub(super) folder: PathBuf,
    /// The folder of the journal. The journal names files relative to it, so that both folders can be moved together.
    journal: PathBuf,
    /// An existing file of each job that has one.
    existing: BTreeMap<usize, PathBuf>,
    /// The names that `--name` gives to files, by line.
    names: BTreeMap<usize, String>,
}

impl Out {
    /// A line without a name of its own has its number.
    pub(super) fn new(folder: &Path, journal: &Path, names: BTreeMap<usize, String>) -> Self {
        Self {
            folder: folder.to_owned(),
            journal: canonical(folder_of(journal)),
            existing: existing(folder, &names),
            names,
        }
    }

    pub(super) fn path(&self, line: usize) -> PathBuf {
        let name = self.names.get(&line).cloned();
        self.folder.join(name.unwrap_or_else(|| numbered(line)))
    }

    /// The path of a file as the journal records it.
    pub(super) fn recorded(&self, file: &Path) -> PathBuf {
        let folder = canonical(file.parent().unwrap_or(&self.folder));
        let file = folder.join(file.file_name().unwrap_or_default());
        match file.strip_prefix(&self.journal) {
            Ok(near) => near.to_owned(),
            Err(_) => file,
        }
    }

    /// An existing file with the name of a video of job `line`, unless that job has written it.
    pub(super) fn foreign(&self, line: usize, entry: Option<&JournalEntry>) -> Option<&Path> {
        let existing = self.existing.get(&line)?;
        let own = entry.and_then(|entry| entry.saving.as_ref());
        (own != Some(&self.recorded(&self.path(line)))).then_some(existing)
    }

    /// Whether all videos of a job still exist where they were saved.
    pub(super) fn has(&self, entry: &JournalEntry) -> bool {
        let files = self.files(entry);
        !files.is_empty() && files.iter().all(|file| file.is_file())
    }

    /// Where the videos of a job were saved.
    pub(super) fn files(&self, entry: &JournalEntry) -> Vec<PathBuf> {
        match &entry.state {
            JournalState::Saved { files, .. } => {
                files.iter().map(|file| self.journal.join(file)).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Makes the folder, and checks that videos can be written there, before a generation is billed. A dry run makes no folder: it
/// checks the one in which the missing folders would be made.
pub(super) fn check_folder(folder: &Path, is_dry: bool) -> Result<(), Failure> {
    let unusable = |error: String| Failure::usage(format!("{error}; name another folder by --out"));
    if folder.exists() && !folder.is_dir() {
        return Err(unusable(format!("{} is not a folder", folder.display())));
    }
    let existing = folder.ancestors().find(|folder| folder.exists());
    let checked = match is_dry {
        true => existing.unwrap_or(Path::new(".")),
        false => folder,
    };
    Download::check_folder(checked).map_err(|error| unusable(error_line(&error)))
}

/// The name of a job's video without `--name`.
pub(super) fn numbered(line: usize) -> String {
    format!("{line:04}.mp4")
}

/// The folder of a journal.
pub(super) fn folder_of(journal: &Path) -> &Path {
    let folder = journal
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// The folder without symbolic links in its path.
pub(super) fn canonical(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

fn existing(folder: &Path, names: &BTreeMap<usize, String>) -> BTreeMap<usize, PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let numbered = paths.filter_map(|path| Some((line_of(&path)?, path)));
    let numbered = numbered.filter(|(line, _)| !names.contains_key(line));
    let named = names.iter().map(|(line, name)| (*line, folder.join(name)));
    let named = named.filter(|(_, path)| path.exists());
    numbered.chain(named).collect()
}

/// The line of the job whose file has this name: `0007.mp4`, or `0007-2.mp4` for a further video.
fn line_of(path: &Path) -> Option<usize> {
    let is_video = path.extension()?.eq_ignore_ascii_case("mp4");
    let stem = path.file_stem()?.to_str()?;
    let (first, further) = stem.split_once('-').unwrap_or((stem, "2"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let line = first.parse().ok()?;
    (is_video && is_number(further) && format!("{line:04}") == first).then_some(line)
}
