//! Checks and reserves the target of a download: the file or folder that a video is saved to.
//!
//! The check before payment and the download itself run the same steps, so a target that passes the check does not fail
//! in the download. [`ReservedTarget`] keeps the part open and locked from the check to the end of the download.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    disk::{folder, is_at, is_replaceable, lock, open_plain, rename_new, sync},
    error::{exists, io_error},
    name::{note, parts},
};
use crate::{Error, ErrorKind, generation::MAX_DEFAULT_NAME};

/// A checked target file that is reserved for this process, made by
/// [`Download::reserve_target`](crate::Download::reserve_target).
///
/// The part of the target is open and locked until this value is dropped, so another download to the same target, in
/// this process or another one, fails before it is paid for. During that time an empty `NAME.part` and an empty
/// `NAME.part.json` are beside the target; after a killed process they remain, and the next download reuses them. On a
/// file system without locks, other processes are not kept away.
pub struct ReservedTarget {
    path: PathBuf,
    overwrite: bool,
    pub(super) part: PathBuf,
    pub(super) file: Arc<File>,
}

/// Why a target cannot be reserved.
#[derive(Debug)]
pub(super) enum Obstacle {
    /// The target exists, and overwriting is off.
    Exists(Error),
    /// Another download writes this part.
    InUse(PathBuf),
    /// The path that cannot be written, and the reason.
    Io(PathBuf, io::Error),
    Other(Error),
}

/// The maximum number of attempts to lock a part, since a dropped download may still be writing its last piece.
const LOCK_ATTEMPTS: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

impl ReservedTarget {
    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn overwrites(&self) -> bool {
        self.overwrite
    }

    /// Reserves a target as [`try_new`](Self::try_new) does, on a thread for blocking work; waits up to 1 s for a
    /// download that was just dropped.
    pub(super) async fn new(path: &Path, overwrite: bool) -> Result<Self, Obstacle> {
        let mut attempts = 0;
        loop {
            let path = path.to_owned();
            let reserve = move || Self::try_new(&path, overwrite);
            let reserved = tokio::task::spawn_blocking(reserve).await;
            match reserved.unwrap_or_else(|error| {
                let what = "the target could not be checked";
                let error = Error::new(ErrorKind::Io, what).with_source(error);
                Err(Obstacle::Other(error))
            }) {
                Err(Obstacle::InUse(_)) if attempts < LOCK_ATTEMPTS => attempts += 1,
                reserved => return reserved,
            }
            tokio::time::sleep(LOCK_PAUSE).await;
        }
    }

    /// Reserves a target by every step that saving to `path` needs: checks the existing file, creates the folders,
    /// opens and locks the part, creates its note, and writes, syncs and renames a small file in the folder.
    pub(super) fn try_new(path: &Path, overwrite: bool) -> Result<Self, Obstacle> {
        check_existing(path, overwrite)?;
        let failed = |error| Obstacle::Io(path.to_owned(), error);
        create_folder(folder(path)).map_err(Obstacle::Other)?;
        let mut first = None;
        for part in parts(path) {
            match open_part(&part) {
                Ok(file) => {
                    let reserved = Self {
                        path: path.to_owned(),
                        overwrite,
                        part,
                        file: Arc::new(file),
                    };
                    probe(path).map_err(failed)?;
                    return Ok(reserved);
                }
                Err(Obstacle::Io(part, error)) if may_be_too_long(&part, &error) => {
                    first.get_or_insert(Obstacle::Io(part, error));
                }
                Err(obstacle) => return Err(obstacle),
            }
        }
        Err(first.unwrap_or_else(|| failed(io::ErrorKind::InvalidFilename.into())))
    }

    /// Removes the part and its note, unless another process has replaced them. If the part alone is gone, the note is removed.
    pub(super) fn discard(&self) {
        match fs::symlink_metadata(&self.part) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            _ if is_at(&self.file, &self.part).is_ok_and(|is_ours| is_ours) => {
                let _ = fs::remove_file(&self.part);
            }
            _ => return,
        }
        // The note is removed last: a part without a note would be taken for another program's file.
        let _ = fs::remove_file(note(&self.part));
    }
}

/// Removes an empty part and its note.
impl Drop for ReservedTarget {
    fn drop(&mut self) {
        if self.file.metadata().is_ok_and(|file| file.len() == 0) {
            self.discard();
        }
    }
}

impl fmt::Debug for ReservedTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReservedTarget")
            .field("path", &self.path)
            .field("overwrite", &self.overwrite)
            .finish_non_exhaustive()
    }
}

impl Obstacle {
    /// Whether the name may be too long for the file system, so that a shorter name may succeed.
    pub(super) fn may_be_too_long(&self) -> bool {
        matches!(self, Self::Io(path, error) if may_be_too_long(path, error))
    }
}

impl From<Obstacle> for Error {
    fn from(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::Exists(error) | Obstacle::Other(error) => error,
            Obstacle::Io(path, error) => io_error(&path, "cannot be written", error),
            Obstacle::InUse(part) => {
                let what = format!(
                    "the part {} is being written by another download; wait for its end, or name another file",
                    part.display()
                );
                Self::new(ErrorKind::Io, what)
            }
        }
    }
}

/// Creates `folder`, and checks that it accepts a file whose name has the maximum length of
/// [`Generation::file_name`](crate::Generation::file_name).
pub(super) fn check_folder(folder: &Path) -> Result<(), Error> {
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    create_folder(folder)?;
    let name = hidden(&"n".repeat(MAX_DEFAULT_NAME));
    match ReservedTarget::try_new(&folder.join(name), false) {
        Ok(_) => Ok(()),
        Err(Obstacle::Io(_, error)) => Err(folder_error(folder, "takes no new file", error)),
        Err(obstacle) => Err(obstacle.into()),
    }
}

/// Creates the folder and its missing parents.
fn create_folder(folder: &Path) -> Result<(), Error> {
    // `components` removes a `.` at the end, which cannot be created.
    let folder: PathBuf = folder.components().collect();
    fs::create_dir_all(&folder).map_err(|error| folder_error(&folder, "cannot be made", error))
}

fn folder_error(folder: &Path, what: &str, error: io::Error) -> Error {
    let message = format!("the folder {} {what}", folder.display());
    Error::new(ErrorKind::Io, message).with_source(error)
}

/// Whether the path is an existing folder, or is written as a folder (a separator at its end).
pub(super) fn is_folder(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    let is_separator = |byte: &u8| std::path::is_separator(char::from(*byte));
    let end = text.strip_suffix(b".").unwrap_or(text);
    !text.is_empty() && (path.file_name().is_none() || end.last().is_some_and(is_separator))
        || path.is_dir()
}

/// Fails if the path is a folder, a device or the like, a dangling link, or a file that may not or cannot be replaced.
fn check_existing(path: &Path, overwrite: bool) -> Result<(), Obstacle> {
    let refused = |what: &str| {
        let message = format!("the target {} {what}", path.display());
        Obstacle::Other(Error::new(ErrorKind::Io, message))
    };
    if is_folder(path) {
        return Err(refused("is a folder; name the file to write in it"));
    }
    if path.file_name().is_none() {
        return Err(refused("is not a file name; name the file to write"));
    }
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Obstacle::Io(path.to_owned(), error)),
    };
    let link = fs::read_link(path).ok().filter(|_| found.is_symlink());
    let leads_to = match fs::metadata(path) {
        Ok(leads_to) => Some(leads_to),
        Err(_) if found.is_symlink() => None,
        Err(error) => return Err(Obstacle::Io(path.to_owned(), error)),
    };
    // `/dev/stdout` and similar links: replacing such a link would break every other program.
    let is_stream = link.as_ref().is_some_and(|link| link.starts_with("/proc"));
    if is_stream || leads_to.as_ref().is_some_and(|file| !file.is_file()) {
        return Err(refused(
            "is a device, a pipe or a socket, but a video is saved to a regular file; name one",
        ));
    }
    if overwrite {
        return is_replaceable(path).map_err(|error| {
            let message = format!("the target {} cannot be replaced", path.display());
            Obstacle::Other(Error::new(ErrorKind::Io, message).with_source(error))
        });
    }
    Err(match (link, leads_to) {
        (Some(link), None) => refused(&format!(
            "is a symbolic link to {}, where there is no file; remove the link, or name another file",
            link.display()
        )),
        _ => Obstacle::Exists(Error::new(ErrorKind::Io, exists(path))),
    })
}

/// Writes, syncs and renames a small file in the folder of `path`, as saving does, and reads the file under its new
/// name.
///
/// The new name has the characters of the target's name, and its length if the name is long. The target's own name is
/// not used, since a crash would leave the small file under that name.
fn probe(path: &Path) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    let mut file = builder
        .prefix(".")
        .suffix(".part")
        .tempfile_in(folder(path))?;
    file.write_all(PROBE)?;
    sync(file.as_file())?;
    // The file is closed first, since some network file systems report a failed write only then.
    let part = file.into_temp_path();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let renamed = folder(path).join(hidden(&name));
    rename_new(&part, &renamed)?;
    let read = fs::read(&renamed);
    let _ = fs::remove_file(&renamed);
    match read? == PROBE {
        true => Ok(()),
        false => Err(io::Error::other("a file written there lost its content")),
    }
}

const PROBE: &[u8] = b"{}";

/// `name` with a random hidden prefix, so that no such file exists. In a long name the prefix replaces the beginning,
/// so that the length stays the same; the name of the part covers the replaced characters.
fn hidden(name: &str) -> String {
    let random = format!(".{:08x}", fastrand::u32(..));
    if name.len() <= MAX_DEFAULT_NAME - random.len() {
        return random + name;
    }
    let cut = (random.len()..name.len()).find(|at| name.is_char_boundary(*at));
    let (start, end) = name.split_at(cut.unwrap_or(name.len()));
    format!("{random:.<width$}{end}", width = start.len())
}

/// Opens and locks the part, and creates its note if the note is missing. The part of an earlier download keeps its
/// content.
fn open_part(part: &Path) -> Result<File, Obstacle> {
    let failed = |error| Obstacle::Io(part.to_owned(), error);
    let file = match open_plain(part, OpenOptions::new().read(true).write(true).create(true)) {
        Ok(file) => file,
        // EPERM comes from rclone. EACCES means another user's part, which may be valid.
        Err(error) if error.raw_os_error() == Some(1) && is_plain(part) => reopen(part, error)?,
        Err(error) => return Err(failed(error)),
    };
    // Another process may have given the part its final name between the opening and the lock.
    if !lock(&file) || !is_at(&file, part).map_err(failed)? {
        return Err(Obstacle::InUse(part.to_owned()));
    }
    let note = note(part);
    let is_empty = file.metadata().map_err(failed)?.len() == 0;
    if !is_empty && fs::symlink_metadata(&note).is_err() {
        return Err(Obstacle::Other(Error::new(ErrorKind::Io, foreign(part))));
    }
    let made = open_plain(&note, OpenOptions::new().write(true).create_new(true));
    match made {
        Err(error) if !is_plain(&note) => {
            if is_empty {
                let _ = fs::remove_file(part);
            }
            Err(Obstacle::Io(note, error))
        }
        _ => Ok(file),
    }
}

/// Replaces a part on a file system that cannot open an existing file for writing (an rclone mount without a cache),
/// unless another process has locked the part.
fn reopen(part: &Path, refused: io::Error) -> Result<File, Obstacle> {
    let Ok(existing) = File::open(part) else {
        return Err(Obstacle::Io(part.to_owned(), refused));
    };
    let is_empty = existing.metadata().is_ok_and(|file| file.len() == 0);
    if !is_empty && fs::symlink_metadata(note(part)).is_err() {
        return Err(Obstacle::Other(Error::new(ErrorKind::Io, foreign(part))));
    }
    if !lock(&existing) {
        return Err(Obstacle::InUse(part.to_owned()));
    }
    let made = || {
        fs::remove_file(part)?;
        let mut options = OpenOptions::new();
        open_plain(part, options.read(true).write(true).create_new(true))
    };
    made().map_err(|_| Obstacle::Io(part.to_owned(), refused))
}

/// Whether the length of the name may be the cause, which some file systems report by another error (rclone by EIO).
fn may_be_too_long(part: &Path, error: &io::Error) -> bool {
    let is_long = part
        .file_name()
        .is_some_and(|name| name.len() >= MAX_DEFAULT_NAME);
    match error.kind() {
        io::ErrorKind::InvalidFilename => true,
        io::ErrorKind::AlreadyExists => false,
        _ => is_long,
    }
}

fn is_plain(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

fn foreign(path: &Path) -> String {
    format!(
        "the file {} is in the way and is not a part that this crate left; move it elsewhere, or name another file",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_reservation_leaves_the_part_of_a_later_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.mp4");
        let first = ReservedTarget::try_new(&path, false).expect("a target");
        // Another program removes the empty part, so that a second download can reserve the target.
        fs::remove_file(&first.part).expect("removed");
        let second = ReservedTarget::try_new(&path, false).expect("a target");
        drop(first);
        assert!(is_at(&second.file, &second.part).expect("a file"));
        assert!(note(&second.part).exists());
        drop(second);
        let left = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 0);
    }

    #[test]
    fn dropped_reservation_whose_part_is_gone_leaves_no_note() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.mp4");
        let target = ReservedTarget::try_new(&path, false).expect("a target");
        fs::remove_file(&target.part).expect("removed");
        assert!(note(&target.part).exists());
        drop(target);
        let left = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 0);
    }
}
