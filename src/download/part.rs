//! A file on its way: `NAME.part` beside the target, and `NAME.part.json` that tells what it is a part of.
//!
//! The part takes the target's name when it is whole and on disk. One that is not whole is kept where its rest can be
//! asked for: the next download of the same video to the same target goes on from there, in this process or in another.
//! The part is locked, so that two downloads never write the same one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::task::{JoinHandle, spawn_blocking};

use super::{
    disk::{folder, is_at, open_plain, rename_new, sync},
    error::{exists, io_error},
    name::note,
    sink::Sink,
    target::ReservedTarget,
    version::Version,
};
use crate::{Error, ErrorKind};

/// The part of one video.
pub(super) struct Part {
    target: ReservedTarget,
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
    /// Whether a write has failed, so that nothing fits behind what is there.
    has_gap: bool,
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

impl Part {
    /// The part of a target. It holds nothing, unless an earlier download of the same `video` left what can be continued.
    pub(super) fn open(target: ReservedTarget, video: String) -> Result<Self, Error> {
        let failed = |error| io_error(&target.part, "cannot be written", error);
        let there = target.file.metadata().map_err(failed)?.len();
        let found = read_note(&target.part);
        let noted = fs::metadata(note(&target.part)).and_then(|note| note.modified());
        let mut note = Note {
            video,
            ..Note::default()
        };
        let mut length = 0;
        if let Some(earlier) = found
            && earlier.video == note.video
        {
            let version = earlier.version.noted(noted.ok());
            if version.can_resume() {
                (note.version, length) = (version, there);
            }
        }
        (&*target.file)
            .seek(SeekFrom::Start(length))
            .map_err(failed)?;
        Ok(Self {
            target,
            note,
            length,
            batch: Vec::new(),
            batched: 0,
            writing: None,
            touched: false,
            discarded: false,
            kept: false,
            has_gap: false,
            finished: false,
        })
    }

    pub(super) fn target(&self) -> &ReservedTarget {
        &self.target
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
        let (file, length) = (Arc::clone(&self.target.file), self.length);
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
            .map_err(|error| io_error(&self.target.part, "cannot be read", error))
    }

    /// Gives the part the name `path`, whole and on disk.
    pub(super) async fn finish(mut self, path: &Path) -> Result<(), Error> {
        self.settle().await?;
        // It is whole: whatever fails from here on, its bytes stay.
        self.kept = true;
        let (file, part) = (Arc::clone(&self.target.file), self.target.part.clone());
        let (length, path_of_file) = (self.length, path.to_owned());
        let overwrite = self.target.overwrites();
        let finish = move || {
            sync(&file)?;
            // Without locks, another process may have written it, too.
            if file.metadata()?.len() != length {
                let what = "another program changed its part meanwhile; download it again";
                return Err(io::Error::other(what));
            }
            let renamed = match overwrite {
                true => fs::rename(&part, &path_of_file),
                false => rename_new(&part, &path_of_file),
            };
            // A network file system may report a rename that was done as failed, when the server's answer was lost.
            renamed.or_else(|error| match is_at(&file, &path_of_file) {
                Ok(true) => Ok(()),
                _ => Err(error),
            })?;
            // The note goes last: a part without one would be taken for another program's file.
            let _ = fs::remove_file(note(&part));
            // Some systems cannot; the file is there all the same.
            #[cfg(unix)]
            let _ = File::open(folder(&path_of_file)).and_then(|folder| folder.sync_all());
            Ok(())
        };
        blocking(finish).await.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Error::new(ErrorKind::Io, exists(path)),
            _ => io_error(path, "cannot be written", error),
        })?;
        self.finished = true;
        Ok(())
    }

    /// Writes what is waiting, after what is being written.
    async fn push(&mut self) -> Result<(), Error> {
        self.written().await?;
        if self.batch.is_empty() {
            return Ok(());
        }
        let (file, batch) = (
            Arc::clone(&self.target.file),
            std::mem::take(&mut self.batch),
        );
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
        if done.is_err() {
            // What follows must not be written behind what is missing.
            (self.has_gap, self.batched) = (true, 0);
            self.batch.clear();
        }
        done.map_err(|error| io_error(&self.target.part, "cannot be written", error))
    }
}

impl Sink for Part {
    async fn begin(&mut self, version: &Version) -> Result<u64, Error> {
        self.settle().await?;
        (self.touched, self.kept, self.length) = (true, false, 0);
        self.note.version = version.clone();
        let (file, text) = (
            Arc::clone(&self.target.file),
            serde_json::to_vec(&self.note),
        );
        let about = note(&self.target.part);
        let begin = move || {
            if file.metadata()?.len() > 0 {
                file.set_len(0)?;
                // The new note must never stand beside the old bytes, not even after a power cut.
                sync(&file)?;
            }
            (&*file).seek(SeekFrom::Start(0))?;
            let mut options = OpenOptions::new();
            let mut about = open_plain(&about, options.write(true).create(true).truncate(true))?;
            about.write_all(&text?)?;
            sync(&about)
        };
        let begun = blocking(begin).await;
        begun.map_err(|error| io_error(&self.target.part, "cannot be written", error))?;
        Ok(0)
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.touched = true;
        if self.has_gap {
            let gap = io::Error::other("an earlier write failed");
            return Err(io_error(&self.target.part, "cannot be written", gap));
        }
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
        Some(&self.target.part)
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
        if self.touched && !self.keeps() {
            self.target.discard();
        }
    }
}

/// What is told of the part; `None` for a note that was cut off, or is of another version of this crate.
fn read_note(part: &Path) -> Option<Note> {
    serde_json::from_slice(&fs::read(note(part)).ok()?).ok()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_written_behind_a_write_that_failed() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = ReservedTarget::try_new(&folder.path().join("a.mp4"), false);
        let target = target.unwrap_or_else(|_| panic!("it can be written"));
        let mut part = Part::open(target, "g 1".into()).expect("a part");
        let writable = Arc::clone(&part.target.file);
        // As on a disk that is full for a moment.
        part.target.file = Arc::new(File::open(&part.target.part).expect("a file to read"));
        let piece = Bytes::from(vec![1; BATCH]);
        part.write(piece.clone()).await.expect("it is only begun");
        assert!(part.write(piece.clone()).await.is_err());
        part.target.file = writable;
        assert!(part.write(piece).await.is_err(), "there would be a gap");
        part.settle().await.expect("nothing is left to write");
        assert_eq!(part.target.file.metadata().expect("a file").len(), 0);
    }
}
