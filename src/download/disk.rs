//! File operations that not every file system supports: locks, sync, and a rename that fails if the target exists.
//!
//! Each function has a fallback for file systems without the operation, such as network and FUSE mounts.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::Path,
};

use fs4::fs_std::FileExt;
use tempfile::TempPath;

/// The folder of a file; `.` for a path that is only a file name.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Locks the file for this process; returns `false` if another download holds the lock.
///
/// Network and FUSE file systems without locks return various errors, so any error counts as success: a missing lock
/// must not prevent a download.
pub(super) fn lock(file: &File) -> bool {
    lock_by(|| file.try_lock_exclusive())
}

/// Writes the file's content to the disk, if the file system supports it.
pub(super) fn sync(file: &File) -> io::Result<()> {
    ignore_unsupported(file.sync_all())
}

/// Renames the file at `from` to `to`; fails with [`AlreadyExists`](io::ErrorKind::AlreadyExists) if `to` exists.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    rename_new_by(from, to, |from, to| {
        let from = TempPath::try_from_path(from)?;
        from.persist_noclobber(to).map_err(|error| {
            // Without `keep`, dropping the error would remove the file.
            let _ = error.path.keep();
            error.error
        })
    })
}

/// Opens a regular file without following a symbolic link, so that a planted link cannot redirect the writes.
pub(super) fn open_plain(path: &Path, options: &OpenOptions) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "the path exists and is not a regular file",
        ));
    }
    options.open(path)
}

/// Whether `path` is the name of `file`. The check does not open the path, since not every file system can reopen a
/// file that is being written.
#[cfg(unix)]
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(false);
    };
    let ours = file.metadata()?;
    Ok((found.dev(), found.ino()) == (ours.dev(), ours.ino()))
}

#[cfg(not(unix))]
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = same_file::Handle::from_file(file.try_clone()?)?;
    Ok(same_file::Handle::from_path(path).is_ok_and(|there| there == ours))
}

/// Whether a rename may replace the file at `path`.
///
/// The check renames a temporary folder to the file's path. The kernel checks the permissions first, and then refuses
/// the rename, since a folder cannot replace a file. So the check finds a file that is immutable, append-only, or
/// another user's in a sticky folder, and replaces nothing.
#[cfg(unix)]
pub(super) fn is_replaceable(path: &Path) -> io::Result<()> {
    let folder = folder(path);
    if is_mount_point(path) {
        return Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            "the file is a mount point, which cannot be replaced",
        ));
    }
    let mut builder = tempfile::Builder::new();
    let Ok(probe) = builder.prefix(".").suffix(".part").tempdir_in(folder) else {
        // A failure to create a folder does not mean that files cannot be replaced.
        return Ok(());
    };
    match fs::rename(probe.path(), path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
        Err(_) => Ok(()),
        // Another program removed the file, so the folder now has its name.
        Ok(()) => fs::remove_dir(path),
    }
}

#[cfg(not(unix))]
pub(super) fn is_replaceable(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether something is mounted on `path`, as a container does with a single file.
#[cfg(unix)]
fn is_mount_point(path: &Path) -> bool {
    let (Ok(mounts), Ok(path)) = (fs::read("/proc/self/mountinfo"), path.canonicalize()) else {
        return false;
    };
    // The fifth field is the mount point (proc_pid_mountinfo(5)), in which these bytes are escaped.
    let mut escaped = path.into_os_string().into_encoded_bytes();
    for (byte, code) in [
        (b'\\', "\\134"),
        (b' ', "\\040"),
        (b'\t', "\\011"),
        (b'\n', "\\012"),
    ] {
        let pieces: Vec<&[u8]> = escaped.split(|found| *found == byte).collect();
        escaped = pieces.join(code.as_bytes());
    }
    mounts
        .split(|byte| *byte == b'\n')
        .any(|mount| mount.split(|byte| *byte == b' ').nth(4) == Some(&escaped))
}

/// Repeats an interrupted `try_lock`; any other error counts as a lock.
fn lock_by(mut try_lock: impl FnMut() -> io::Result<bool>) -> bool {
    loop {
        match try_lock() {
            Ok(is_locked) => return is_locked,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return true,
        }
    }
}

/// Ignores the errors of a file system that cannot sync; any other error is about the content.
fn ignore_unsupported(synced: io::Result<()>) -> io::Result<()> {
    synced.or_else(|error| match error.kind() {
        io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput => Ok(()),
        _ => Err(error),
    })
}

/// Renames by `exclusive`, which fails if `to` exists. If `exclusive` fails for another reason, the file system has
/// neither an exclusive rename nor hard links, and the fallback checks for a file at `to` and then renames.
///
/// A file that another program creates between the check and the rename is replaced. An empty file under the new name
/// could reserve the name, but would stay after a crash.
fn rename_new_by(
    from: &Path,
    to: &Path,
    exclusive: impl FnOnce(&Path, &Path) -> io::Result<()>,
) -> io::Result<()> {
    match exclusive(from, to) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {}
        ended => return ended,
    }
    match fs::symlink_metadata(to) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linux: EPERM, EIO, EXDEV, EINVAL, EMLINK, ENOSYS, EOPNOTSUPP, ESTALE.
    const WITHOUT_LINKS: [i32; 8] = [1, 5, 18, 22, 31, 38, 95, 116];

    #[test]
    fn rename_without_an_exclusive_rename_keeps_an_existing_file() {
        for errno in WITHOUT_LINKS {
            let folder = tempfile::tempdir().expect("a folder");
            let (from, to) = (folder.path().join("a.part"), folder.path().join("a"));
            let refuses = |_: &Path, _: &Path| Err(io::Error::from_raw_os_error(errno));
            fs::write(&from, "video").expect("written");
            fs::write(&to, "mine").expect("written");
            let error = rename_new_by(&from, &to, refuses).expect_err("there is a file");
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{errno}");
            assert_eq!(fs::read(&to).expect("a file"), b"mine");
            fs::remove_file(&to).expect("removed");
            rename_new_by(&from, &to, refuses).expect("it is renamed");
            assert_eq!(fs::read(&to).expect("a file"), b"video");
            assert!(!from.exists());
        }
    }

    #[cfg(unix)]
    #[test]
    fn rename_fails_if_the_target_is_a_dangling_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("a.part"), folder.path().join("a"));
        std::os::unix::fs::symlink("nowhere", &to).expect("a link");
        fs::write(&from, "video").expect("written");
        let refuses = |_: &Path, _: &Path| Err(io::ErrorKind::Unsupported.into());
        let error = rename_new_by(&from, &to, refuses).expect_err("there is a link");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        let error = rename_new(&from, &to).expect_err("there is a link");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn failed_rename_leaves_the_file_under_its_old_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let from = folder.path().join("a.part");
        fs::write(&from, "video").expect("written");
        rename_new(&from, &folder.path().join("no/such/a")).expect_err("no folder");
        assert_eq!(fs::read(&from).expect("a file"), b"video");
    }

    #[test]
    fn lock_fails_if_another_holder_has_it_and_succeeds_on_file_systems_without_locks() {
        assert!(lock_by(|| Ok(true)));
        assert!(!lock_by(|| Ok(false)));
        // Linux: EPERM, EACCES, EINVAL, ENOTTY, ENOLCK, ENOSYS, EOPNOTSUPP.
        for errno in [1, 13, 22, 25, 37, 38, 95] {
            assert!(
                lock_by(|| Err(io::Error::from_raw_os_error(errno))),
                "{errno}"
            );
        }
        let mut results = vec![Ok(false), Err(io::ErrorKind::Interrupted.into())];
        assert!(!lock_by(|| results.pop().expect("two calls")));
    }

    #[test]
    fn sync_fails_only_for_an_error_about_the_content() {
        let synced = |errno| ignore_unsupported(Err(io::Error::from_raw_os_error(errno)));
        // Linux: EINVAL, ENOSYS, EOPNOTSUPP.
        for errno in [22, 38, 95] {
            assert!(synced(errno).is_ok(), "{errno}");
        }
        // Linux: EIO, ENOSPC, EDQUOT.
        for errno in [5, 28, 122] {
            assert!(synced(errno).is_err(), "{errno}");
        }
    }
}
