//! The folder that the videos of a batch go to.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use aimlapi_video::{Download, JournalEntry, JournalState};

use crate::failure::{Failure, line};

/// The folder that the videos go to.
pub(super) struct Out {
    pub(super) folder: PathBuf,
    /// The folder of the journal, in which files are named as seen from there: both may be moved together.
    journal: PathBuf,
    /// A file of each job for which there is one.
    taken: BTreeMap<usize, PathBuf>,
}

impl Out {
    /// Sees to it that videos can be written there, before anything is paid for.
    pub(super) fn prepare(folder: &Path, journal: &Path) -> Result<Self, Failure> {
        let unusable =
            |what: String| Failure::usage(format!("{what}; name another folder by --out"));
        if folder.exists() && !folder.is_dir() {
            return Err(unusable(format!("{} is no folder", folder.display())));
        }
        Download::check_folder(folder).map_err(|error| unusable(line(&error)))?;
        Ok(Self {
            folder: folder.to_owned(),
            journal: real(folder_of(journal)),
            taken: taken(folder),
        })
    }

    pub(super) fn path(&self, line: usize) -> PathBuf {
        self.folder.join(format!("{line:04}.mp4"))
    }

    /// The file as the journal names it.
    pub(super) fn recorded(&self, file: &Path) -> PathBuf {
        let folder = real(file.parent().unwrap_or(&self.folder));
        let file = folder.join(file.file_name().unwrap_or_default());
        match file.strip_prefix(&self.journal) {
            Ok(near) => near.to_owned(),
            Err(_) => file,
        }
    }

    /// A file that stands where a video of job `line` is to go, be it the first or a further one, and that the job has not
    /// written.
    pub(super) fn foreign(&self, line: usize, entry: Option<&JournalEntry>) -> Option<&Path> {
        let taken = self.taken.get(&line)?;
        let own = entry.and_then(|entry| entry.saving.as_ref());
        (own != Some(&self.recorded(&self.path(line)))).then_some(taken)
    }

    /// Whether all videos of a job are where they were saved.
    pub(super) fn has(&self, entry: &JournalEntry) -> bool {
        match &entry.state {
            JournalState::Saved { files, .. } => {
                !files.is_empty() && files.iter().all(|file| self.journal.join(file).is_file())
            }
            _ => false,
        }
    }
}

/// The folder that a journal is in.
pub(super) fn folder_of(journal: &Path) -> &Path {
    let folder = journal
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// The folder's one name, whatever links lead there.
fn real(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

fn taken(folder: &Path) -> BTreeMap<usize, PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter_map(|path| Some((job(&path)?, path))).collect()
}

/// The job whose file has such a name: `0007.mp4`, or `0007-2.mp4` for a further video.
fn job(path: &Path) -> Option<usize> {
    let is_video = path.extension()?.eq_ignore_ascii_case("mp4");
    let stem = path.file_stem()?.to_str()?;
    let (first, further) = stem.split_once('-').unwrap_or((stem, "2"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let line = first.parse().ok()?;
    (is_video && is_number(further) && format!("{line:04}") == first).then_some(line)
}
