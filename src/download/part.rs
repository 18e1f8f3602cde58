//! The part of an incomplete download: `NAME.part` beside the target, and the note `NAME.part.json`, which records the
//! video and the version of the file that the part belongs to.
//!
//! The part is renamed to the target when it is complete and on disk. An incomplete part is kept if its rest can be
//! requested: the next download of the same video to the same target, in this process or another, continues the part.
//! The part is locked, so that two downloads never write the same part.

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
    /// The number of accepted bytes, including bytes that are not written yet.
    length: u64,
    /// The pieces that the next write combines.
    batch: Vec<Bytes>,
    batched: usize,
    writing: Option<JoinHandle<io::Result<()>>>,
    /// Whether this download has written to the part. The part of an earlier download stays until then.
    touched: bool,
    discarded: bool,
    /// Whether the part is kept even if it cannot be continued.
    kept: bool,
    /// Whether a write has failed, so that further writes would leave a gap.
    has_gap: bool,
    finished: bool,
}

/// The content of the note beside a part.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Note {
    /// The identifier of the video.
    video: String,
    #[serde(flatten)]
    version: Version,
}

/// The minimum size of a write in bytes; smaller pieces are combined.
const BATCH: usize = 512 * 1024;

impl Part {
    /// Opens the part of a target. The part is empty, unless an earlier download of the same `video` left a part that
    /// can be continued.
    pub(super) fn open(target: ReservedTarget, video: String) -> Result<Self, Error> {
        let failed = |error| io_error(&target.part, "cannot be written", error);
        let size = target.file.metadata().map_err(failed)?.len();
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
                (note.version, length) = (version, size);
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

    /// The length and version of the part of an earlier download.
    pub(super) fn progress(&self) -> (u64, Version) {
        (self.length, self.note.version.clone())
    }

    /// Reads the part from the start.
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

    /// Syncs the complete part to disk and renames it to `path`.
    pub(super) async fn finish(self, path: &Path) -> Result<(), Error> {
        self.finish_with(path, sync).await
    }

    async fn finish_with(
        mut self,
        path: &Path,
        sync: fn(&File) -> io::Result<()>,
    ) -> Result<(), Error> {
        self.settle().await?;
        // The part is complete, so its bytes stay even if a later step fails.
        self.kept = true;
        let (file, part) = (Arc::clone(&self.target.file), self.target.part.clone());
        let (length, path_of_file) = (self.length, path.to_owned());
        let overwrite = self.target.overwrites();
        let finish = move || {
            if let Err(error) = sync(&file) {
                return Ok(Err(error));
            }
            // On a file system without locks, another process may have written to the part.
            let is_changed = file.metadata()?.len() != length;
            // A part that another process has put in place of this one may be incomplete.
            if is_changed || is_replaced(&file, &part, length)? {
                let what = "another program changed the part during the download; download the video again";
                return Err(io::Error::other(what));
            }
            let renamed = match overwrite {
                true => fs::rename(&part, &path_of_file),
                false => rename_new(&part, &path_of_file),
            };
            // A network file system may report a completed rename as failed, if the server's response was lost.
            renamed.or_else(|error| match is_at(&file, &path_of_file) {
                Ok(true) => Ok(()),
                _ => Err(error),
            })?;
            // The note is removed last: a part without a note would be taken for another program's file.
            let _ = fs::remove_file(note(&part));
            // Some systems cannot sync a folder; the file is complete in any case.
            #[cfg(unix)]
            let _ = File::open(folder(&path_of_file)).and_then(|folder| folder.sync_all());
            Ok(Ok(()))
        };
        let synced = blocking(finish).await.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Error::new(ErrorKind::Io, exists(path)),
            _ => io_error(path, "cannot be written", error),
        })?;
        if let Err(error) = synced {
            // The system may have dropped bytes that it could not write, and the next sync would succeed without them.
            self.discard();
            return Err(io_error(path, "cannot be written", error));
        }
        self.finished = true;
        Ok(())
    }

    /// Starts to write the batch, after the current write has ended.
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

    /// Waits for the current write.
    async fn written(&mut self) -> Result<(), Error> {
        let Some(writing) = &mut self.writing else {
            return Ok(());
        };
        let done = writing
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        self.writing = None;
        if done.is_err() {
            // Bytes after the failed write must not be written, since they would follow a gap.
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
                // The new note must never be on disk together with the old bytes, not even after a power failure.
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

/// Removes the part if this download wrote to it and it cannot be continued.
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

/// Whether the file at `part` is another one than `file`, which has `length` bytes. Some file systems have no identity of
/// files, so a file of the same length counts as the same.
fn is_replaced(file: &File, part: &Path, length: u64) -> io::Result<bool> {
    let is_same_length = || fs::symlink_metadata(part).is_ok_and(|found| found.len() == length);
    Ok(!is_at(file, part)? && !is_same_length())
}

/// Reads the note of a part; `None` for a truncated note, or one of an incompatible version of this crate.
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
    async fn part_of_another_process_never_gets_the_final_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.mp4");
        for overwrite in [false, true] {
            let target = ReservedTarget::try_new(&path, overwrite).expect("a target");
            let mut part = Part::open(target, "g 1".into()).expect("a part");
            part.write(Bytes::from_static(b"a whole video"))
                .await
                .expect("written");
            part.settle().await.expect("written");
            // Another program removes the part, and a second download of the same video begins.
            let of_other = part.target.part.clone();
            fs::remove_file(&of_other).expect("removed");
            let other = ReservedTarget::try_new(&path, overwrite).expect("a target");
            (&*other.file).write_all(b"a whole").expect("written");
            let error = part.finish(&path).await.expect_err("its part is gone");
            assert_eq!(error.kind(), ErrorKind::Io);
            assert!(!path.exists(), "half a file under the final name");
            assert_eq!(fs::read(&of_other).expect("a part"), b"a whole");
            other.discard();
        }
    }

    #[tokio::test]
    async fn part_that_cannot_be_synced_is_not_continued() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.mp4");
        let target = ReservedTarget::try_new(&path, false).expect("a target");
        let mut part = Part::open(target, "g 1".into()).expect("a part");
        let version = r#"{"validator":{"etag":"\"v1\""},"total":5}"#;
        let version = serde_json::from_str(version).expect("a version");
        part.begin(&version).await.expect("begun");
        part.write(Bytes::from_static(b"video"))
            .await
            .expect("written");
        let fails = |_: &File| Err(io::Error::other("lost"));
        let error = part.finish_with(&path, fails).await.expect_err("no sync");
        assert_eq!(error.kind(), ErrorKind::Io);
        let left = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 0, "bytes that may be lost");
    }

    #[tokio::test]
    async fn write_after_a_failed_write_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = ReservedTarget::try_new(&folder.path().join("a.mp4"), false);
        let target = target.unwrap_or_else(|_| panic!("the target can be written"));
        let mut part = Part::open(target, "g 1".into()).expect("a part");
        let writable = Arc::clone(&part.target.file);
        // A file that is open for reading fails a write, as a full disk does.
        part.target.file = Arc::new(File::open(&part.target.part).expect("a file to read"));
        let piece = Bytes::from(vec![1; BATCH]);
        part.write(piece.clone())
            .await
            .expect("the write only starts");
        assert!(part.write(piece.clone()).await.is_err());
        part.target.file = writable;
        assert!(part.write(piece).await.is_err(), "there would be a gap");
        part.settle().await.expect("nothing is left to write");
        assert_eq!(part.target.file.metadata().expect("a file").len(), 0);
    }
}
