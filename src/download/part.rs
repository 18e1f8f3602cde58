//! A file on its way: `NAME.part` beside the target, and `NAME.part.json` that tells what it is a part of.
//!
//! The part takes the target's name when it is whole and on disk. One that is not whole is kept where its rest can be
//! asked for: the next download of the same video to the same target goes on from there, in this process or in another.
//! The part is locked, so that two downloads never write the same one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use fs4::fs_std::FileExt;
use serde::{Deserialize, Serialize};
use tempfile::TempPath;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{name::beside, sink::Sink, version::Version};
use crate::{Error, ErrorKind};

/// The part of one video.
pub(super) struct Part {
    path: PathBuf,
    file: Arc<File>,
    note: Note,
    /// Bytes accepted, whether or not they are written yet.
    length: u64,
    /// Waits to be written together.
    batch: Vec<Bytes>,
    batched: usize,
    writing: Option<JoinHandle<io::Result<()>>>,
    /// Whether the part is this download's work: what an earlier one left stays until something better arrives.
    touched: bool,
    discarded: bool,
    /// Whether it is kept even if it cannot be continued.
    kept: bool,
    finished: bool,
}

/// What is written beside a part.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Note {
    /// Which video.
    video: String,
    #[serde(flatten)]
    version: Version,
}

/// Pieces are small; the disk is asked once for this many bytes.
const BATCH: usize = 512 * 1024;

/// A download that was dropped may still be writing its last piece.
const LOCK_ATTEMPTS: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

impl Part {
    /// Opens the part of `target` for this process alone. It holds nothing, unless an earlier download of the same
    /// `video` left what can be continued.
    pub(super) async fn open(target: &Path, video: String) -> Result<Self, Error> {
        let path = beside(target, ".part");
        let failed = |error| io_error(&path, "cannot be written", error);
        let mut attempts = 0;
        let file = loop {
            let file = open(&path).map_err(failed)?;
            let is_locked = file.try_lock_exclusive().map_err(failed)?;
            // Another process may have given the part its final name between the opening and the lock.
            if is_locked && is_at(&file, &path).map_err(failed)? {
                break file;
            }
            attempts += 1;
            if attempts > LOCK_ATTEMPTS {
                return Err(Error::new(ErrorKind::Io, in_use(&path)));
            }
            tokio::time::sleep(LOCK_PAUSE).await;
        };
        let there = file.metadata().map_err(failed)?.len();
        let found = read_note(&path);
        if there > 0 && matches!(found, Found::Nothing) {
            return Err(Error::new(ErrorKind::Io, foreign(&path)));
        }
        let mut note = Note {
            video,
            ..Note::default()
        };
        let mut length = 0;
        if let Found::Note(earlier) = found
            && earlier.video == note.video
        {
            let noted = fs::metadata(beside(&path, ".json")).and_then(|note| note.modified());
            let version = earlier.version.noted(noted.ok());
            if version.can_resume() {
                (note.version, length) = (version, there);
            }
        }
        (&file).seek(SeekFrom::Start(length)).map_err(failed)?;
        Ok(Self {
            path,
            file: Arc::new(file),
            note,
            length,
            batch: Vec::new(),
            batched: 0,
            writing: None,
            touched: false,
            discarded: false,
            kept: false,
            finished: false,
        })
    }

    /// Whether a part could be opened for `target`, as far as can be told without writing one.
    pub(super) fn check(target: &Path) -> Result<(), Error> {
        let path = beside(target, ".part");
        let failed = |error| io_error(&path, "cannot be written", error);
        if fs::symlink_metadata(&path).is_err() {
            return probe(folder(target))
                .map_err(|error| io_error(target, "cannot be written", error));
        }
        let file = open(&path).map_err(failed)?;
        if !file.try_lock_exclusive().map_err(failed)? {
            return Err(Error::new(ErrorKind::Io, in_use(&path)));
        }
        let there = file.metadata().map_err(failed)?.len();
        if there > 0 && matches!(read_note(&path), Found::Nothing) {
            return Err(Error::new(ErrorKind::Io, foreign(&path)));
        }
        Ok(())
    }

    /// What an earlier download left: its length, and what it is a part of.
    pub(super) fn left(&self) -> (u64, Version) {
        (self.length, self.note.version.clone())
    }

    /// Reads what is here from the start on.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        mut into: T,
        mut take: impl FnMut(&mut T, &[u8]) + Send + 'static,
    ) -> Result<T, Error> {
        let (file, length) = (Arc::clone(&self.file), self.length);
        let read = move || {
            (&*file).seek(SeekFrom::Start(0))?;
            let mut piece = vec![0; 256 * 1024];
            loop {
                let count = (&*file).read(&mut piece)?;
                if count == 0 {
                    break;
                }
                take(&mut into, &piece[..count]);
            }
            (&*file).seek(SeekFrom::Start(length))?;
            Ok(into)
        };
        blocking(read)
            .await
            .map_err(|error| io_error(&self.path, "cannot be read", error))
    }

    /// Gives the part the name of `target`, whole and on disk.
    pub(super) async fn finish(mut self, target: &Path, overwrite: bool) -> Result<(), Error> {
        self.settle().await?;
        let file = Arc::clone(&self.file);
        let synced = blocking(move || file.sync_all()).await;
        synced.map_err(|error| io_error(&self.path, "cannot be written", error))?;
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => Error::new(ErrorKind::Io, exists(target)),
            _ => io_error(target, "cannot be written", error),
        };
        if overwrite {
            fs::rename(&self.path, target).map_err(failed)?;
        } else {
            let part = TempPath::try_from_path(&self.path).map_err(failed)?;
            part.persist_noclobber(target).map_err(|error| {
                // Without a look at whether it was asked for, the part would go with the error.
                let _ = error.path.keep();
                failed(error.error)
            })?;
        }
        self.finished = true;
        // The note goes last: a part without one would be taken for somebody else's.
        let _ = fs::remove_file(beside(&self.path, ".json"));
        // Some systems cannot; the file is there all the same.
        #[cfg(unix)]
        let _ = File::open(folder(target)).and_then(|folder| folder.sync_all());
        Ok(())
    }

    /// Writes what is waiting, after what is being written.
    async fn push(&mut self) -> Result<(), Error> {
        self.written().await?;
        if self.batch.is_empty() {
            return Ok(());
        }
        let (file, batch) = (Arc::clone(&self.file), std::mem::take(&mut self.batch));
        self.batched = 0;
        self.writing = Some(spawn_blocking(move || {
            batch.iter().try_for_each(|bytes| (&*file).write_all(bytes))
        }));
        Ok(())
    }

    async fn written(&mut self) -> Result<(), Error> {
        let Some(writing) = &mut self.writing else {
            return Ok(());
        };
        let done = writing
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        self.writing = None;
        done.map_err(|error| io_error(&self.path, "cannot be written", error))
    }
}

impl Sink for Part {
    async fn begin(&mut self, version: &Version) -> Result<u64, Error> {
        self.settle().await?;
        (self.touched, self.length) = (true, 0);
        self.note.version = version.clone();
        let (file, note) = (Arc::clone(&self.file), self.note.clone());
        let about = beside(&self.path, ".json");
        let begin = move || {
            if file.metadata()?.len() > 0 {
                file.set_len(0)?;
                // The new note must never stand beside the old bytes, not even after a power cut.
                file.sync_all()?;
            }
            (&*file).seek(SeekFrom::Start(0))?;
            let mut about = File::create(about)?;
            about.write_all(&serde_json::to_vec(&note)?)?;
            about.sync_all()
        };
        let begun = blocking(begin).await;
        begun.map_err(|error| io_error(&self.path, "cannot be written", error))?;
        Ok(0)
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.touched = true;
        self.length += bytes.len() as u64;
        self.batched += bytes.len();
        self.batch.push(bytes);
        if self.batched >= BATCH {
            self.push().await?;
        }
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), Error> {
        self.push().await?;
        self.written().await
    }

    fn discard(&mut self) {
        (self.touched, self.discarded) = (true, true);
    }

    fn keep(&mut self) {
        self.kept = true;
    }

    fn part(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn keeps(&self) -> bool {
        let is_useful = self.kept || self.note.version.can_resume();
        is_useful && !self.discarded && self.length > 0
    }
}

/// Keeps a part that can be continued, and one that is not this download's; removes any other.
impl Drop for Part {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let is_empty =
            self.file.metadata().is_ok_and(|file| file.len() == 0) && self.batch.is_empty();
        if is_empty || (self.touched && !self.keeps()) {
            let _ = fs::remove_file(&self.path);
            let _ = fs::remove_file(beside(&self.path, ".json"));
        }
    }
}

/// Whether `folder` takes new files.
pub(super) fn check_folder(folder: &Path) -> Result<(), Error> {
    if !folder.exists() {
        let message = format!(
            "the folder {} is not there; make it first",
            folder.display()
        );
        return Err(Error::new(ErrorKind::Io, message));
    }
    probe(folder).map_err(|error| {
        let message = format!("the folder {} takes no new file", folder.display());
        Error::new(ErrorKind::Io, message).with_source(error)
    })
}

fn probe(folder: &Path) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder
        .prefix(".")
        .suffix(".part")
        .tempfile_in(folder)
        .map(drop)
}

pub(super) fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

pub(super) fn exists(path: &Path) -> String {
    format!(
        "the target {} already exists; name another file, or ask to overwrite it",
        path.display()
    )
}

fn open(path: &Path) -> io::Result<File> {
    // A link planted under this name would have another file written.
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "it is there, and no plain file",
        ));
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(false);
    };
    let ours = same_file::Handle::from_file(file.try_clone()?)?;
    Ok(found.is_file() && same_file::Handle::from_path(path).is_ok_and(|there| there == ours))
}

enum Found {
    Nothing,
    /// One that was cut off, or of another version of this crate.
    Unreadable,
    Note(Note),
}

fn read_note(part: &Path) -> Found {
    match fs::read(beside(part, ".json")) {
        Ok(note) => serde_json::from_slice(&note).map_or(Found::Unreadable, Found::Note),
        Err(_) => Found::Nothing,
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

fn in_use(path: &Path) -> String {
    format!(
        "the part {} is being written by another download; wait for its end, or name another file",
        path.display()
    )
}

fn foreign(path: &Path) -> String {
    format!(
        "the file {} is in the way, and no part that this crate left; move it elsewhere, or name another file",
        path.display()
    )
}

fn io_error(path: &Path, what: &str, error: io::Error) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("the target {} {what}", path.display()),
    )
    .with_source(error)
}
