//! File operations of a download that not every file system has.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::Path,
};

use fs4::fs_std::FileExt;
use tempfile::TempPath;

/// The folder of a file.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Whether the file is locked for this process now; `false` if another download holds the lock.
///
/// Network and FUSE file systems without locks answer with various errors, so any error passes: a lock that cannot be
/// had must not cost the video.
pub(super) fn lock(file: &File) -> bool {
    is_ours(|| file.try_lock_exclusive())
}

/// Writes the file's content through to the disk, where the file system can.
pub(super) fn sync(file: &File) -> io::Result<()> {
    is_synced(file.sync_all())
}

/// Gives the file at `from` the name `to`, unless there is a file of that name: then the error is
/// [`AlreadyExists`](io::ErrorKind::AlreadyExists).
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    rename_new_by(from, to, |from, to| {
        let from = TempPath::try_from_path(from)?;
        from.persist_noclobber(to).map_err(|error| {
            // Otherwise the file would be removed with the error.
            let _ = error.path.keep();
            error.error
        })
    })
}

/// Opens a plain file, and follows no link: one that was planted under this name would have another file written.
pub(super) fn open_plain(path: &Path, options: &OpenOptions) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "it is there, and is not a plain file",
        ));
    }
    options.open(path)
}

/// Whether `path` is the name of `file`. Nothing is opened for that, since not every file system opens a file again that is
/// being written.
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
/// The kernel checks that when a folder is renamed to it, and then refuses, since a file is not a folder. Without
/// replacing anything, this finds a file that is immutable, append-only, or another user's in a sticky folder.
#[cfg(unix)]
pub(super) fn is_replaceable(path: &Path) -> io::Result<()> {
    let folder = folder(path);
    if is_mount_point(path) {
        return Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            "it is a mount point, which no other file can replace",
        ));
    }
    let mut builder = tempfile::Builder::new();
    let Ok(probe) = builder.prefix(".").suffix(".part").tempdir_in(folder) else {
        // Where no folder can be made, that says nothing of files.
        return Ok(());
    };
    match fs::rename(probe.path(), path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
        Err(_) => Ok(()),
        // The file was removed meanwhile, and the folder took its name.
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
    // The fifth field is the mount point (proc_pid_mountinfo(5)); these bytes are escaped in it.
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

fn is_ours(mut try_lock: impl FnMut() -> io::Result<bool>) -> bool {
    loop {
        match try_lock() {
            Ok(is_locked) => return is_locked,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return true,
        }
    }
}

/// A file system that cannot sync says so by one of these; any other error is about the content.
fn is_synced(synced: io::Result<()>) -> io::Result<()> {
    synced.or_else(|error| match error.kind() {
        io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput => Ok(()),
        _ => Err(error),
    })
}

/// `exclusive` renames, or fails if there is a file of the new name. Where it fails for another reason, the file system has
/// neither a rename that replaces nothing nor hard links; then it is looked whether there is such a file, and renamed.
///
/// A file that another program makes between look and rename is replaced. An empty file under the new name would keep
/// others away meanwhile, but a crash would leave it behind.
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
    fn file_system_without_exclusive_rename_gets_a_look_and_a_rename() {
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
    fn link_that_leads_nowhere_is_a_file_of_that_name() {
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
    fn rename_that_fails_leaves_the_file_under_its_old_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let from = folder.path().join("a.part");
        fs::write(&from, "video").expect("written");
        rename_new(&from, &folder.path().join("no/such/a")).expect_err("no folder");
        assert_eq!(fs::read(&from).expect("a file"), b"video");
    }

    #[test]
    fn lock_is_refused_to_the_second_alone_and_passes_where_there_are_none() {
        assert!(is_ours(|| Ok(true)));
        assert!(!is_ours(|| Ok(false)));
        // Linux: EPERM, EACCES, EINVAL, ENOTTY, ENOLCK, ENOSYS, EOPNOTSUPP.
        for errno in [1, 13, 22, 25, 37, 38, 95] {
            assert!(
                is_ours(|| Err(io::Error::from_raw_os_error(errno))),
                "{errno}"
            );
        }
        let mut answers = vec![Ok(false), Err(io::ErrorKind::Interrupted.into())];
        assert!(!is_ours(|| answers.pop().expect("asked twice")));
    }

    #[test]
    fn sync_fails_for_the_content_alone() {
        let synced = |errno| is_synced(Err(io::Error::from_raw_os_error(errno)));
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
