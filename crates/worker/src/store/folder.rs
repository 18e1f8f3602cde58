//! The incomplete files that killed processes leave in a folder: `NAME#1` and so on, which are not objects.

use std::{
    fs::{self, DirEntry},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use object_store::Error;

use super::LeftOvers;

#[derive(Debug)]
pub(super) struct Folder {
    pub(super) folder: PathBuf,
}

#[async_trait::async_trait]
impl LeftOvers for Folder {
    async fn sweep(&self, age: Duration) -> object_store::Result<usize> {
        let folder = self.folder.clone();
        let swept = tokio::task::spawn_blocking(move || sweep(&folder, age)).await;
        swept
            .map_err(io::Error::other)
            .flatten()
            .map_err(|error| Error::Generic {
                store: "folder",
                source: error.into(),
            })
    }
}

fn sweep(folder: &Path, age: Duration) -> io::Result<usize> {
    let mut swept = 0;
    for entry in fs::read_dir(folder)? {
        match sweep_entry(&entry?, age) {
            // Another process has just completed or removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => swept += removed?,
        }
    }
    Ok(swept)
}

fn sweep_entry(entry: &DirEntry, age: Duration) -> io::Result<usize> {
    if entry.file_type()?.is_dir() {
        return sweep(&entry.path(), age);
    }
    let name = entry.file_name();
    let is_incomplete = name
        .to_str()
        .and_then(|name| name.rsplit_once('#'))
        .is_some_and(|(_, number)| number.parse::<u32>().is_ok());
    if !is_incomplete || !is_older(entry.metadata()?.modified()?, age) {
        return Ok(0);
    }
    fs::remove_file(entry.path())?;
    Ok(1)
}

pub(super) fn is_older(changed: SystemTime, age: Duration) -> bool {
    // A time in the future is young.
    changed.elapsed().is_ok_and(|elapsed| elapsed >= age)
}
