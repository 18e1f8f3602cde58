//! The folder of the history: one file for each process that wrote, and beside it a lock while that process runs.

use std::{
    collections::BTreeSet,
    env,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};
use fs4::fs_std::FileExt;

use super::{
    entry::{Entry, merged},
    event::Line,
};

/// The folder: `history` in `AIMLAPI_VIDEO_HOME`, else in the user's state folder.
pub(super) fn path() -> io::Result<PathBuf> {
    if let Some(home) = env::var_os("AIMLAPI_VIDEO_HOME").filter(|home| !home.is_empty()) {
        return Ok(std::path::absolute(home)?.join("history"));
    }
    let strategy = choose_native_strategy().map_err(io::Error::other)?;
    // Not every system has a folder for state.
    let state = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    Ok(state.join("aimlapi-video").join("history"))
}

/// The file of this process.
pub(super) struct OwnFile {
    pub(super) file: File,
    /// The name without its extension, with which the ids of entries begin.
    pub(super) name: String,
    /// Whether the last write failed, so that the file may end with a part of a line.
    is_torn: bool,
    lock: PathBuf,
    _locked: File,
}

impl OwnFile {
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        loop {
            let name = format!("{:08x}", fastrand::u32(..));
            let file = match create_new(&folder.join(&name).with_extension("jsonl")) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                file => file?,
            };
            let path = folder.join(&name).with_extension("lock");
            let lock = create_new(&path)?;
            // Without locks, a command that runs looks as if it had ended, which costs a note.
            let _ = FileExt::lock_exclusive(&lock);
            sync_folder(folder);
            return Ok(Self {
                file,
                name,
                is_torn: false,
                lock: path,
                _locked: lock,
            });
        }
    }

    /// Appends a line, and returns when it survives a power failure.
    pub(super) fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        if self.is_torn {
            text.insert(0, b'\n');
        }
        let written = self.file.write_all(&text);
        self.is_torn = written.is_err();
        written.and_then(|()| self.file.sync_data())
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.lock);
    }
}

fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Syncs the folder, so that the name of a new file is on disk, too. Not every system can open a folder.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// What all files together record.
#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) entries: Vec<Entry>,
    /// The places of lines that cannot be read, as `FILE:LINE`.
    pub(crate) damaged: Vec<String>,
}

/// Reads all files. A file that another command removes meanwhile is left out.
pub(super) fn read(folder: &Path) -> io::Result<Contents> {
    let mut contents = Contents::default();
    let mut lines = Vec::new();
    for file in files(folder)? {
        let read = Read::of(&file);
        contents.damaged.extend(read.damaged);
        lines.extend(read.lines.into_iter().map(|line| (line, read.is_live)));
    }
    contents.entries = merged(lines);
    Ok(contents)
}

/// Removes the files whose last line is older than `oldest`, and that share no entry with a newer file; returns the removed
/// entries.
pub(super) fn prune(folder: &Path, oldest: SystemTime) -> io::Result<Vec<Entry>> {
    let mut kept = BTreeSet::new();
    let mut all = Vec::new();
    for file in files(folder)? {
        let read = Read::of(&file);
        let of_entries = read
            .lines
            .iter()
            .map(|line| file_of(&line.entry).to_owned());
        let names: BTreeSet<String> = of_entries.chain([stem(&file)]).collect();
        if !read.is_before(oldest) {
            kept.extend(names.iter().cloned());
        }
        all.push((file, read, names));
    }
    // A file that is kept for an entry may have lines of further entries.
    let mut before = 0;
    while before < kept.len() {
        before = kept.len();
        for (_, _, names) in &all {
            if !names.is_disjoint(&kept) {
                kept.extend(names.iter().cloned());
            }
        }
    }
    let mut lines = Vec::new();
    for (file, read, names) in all {
        if names.is_disjoint(&kept) {
            fs::remove_file(&file)?;
            let _ = fs::remove_file(file.with_extension("lock"));
            lines.extend(read.lines.into_iter().map(|line| (line, false)));
        }
    }
    Ok(merged(lines))
}

/// The name of the file that has the intent of an entry.
fn file_of(entry: &str) -> &str {
    entry.split_once('-').map_or(entry, |(file, _)| file)
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_history = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "jsonl");
    Ok(paths.filter(is_history).collect())
}

fn stem(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// One file.
struct Read {
    lines: Vec<Line>,
    damaged: Vec<String>,
    /// Whether its process runs.
    is_live: bool,
    modified: Option<SystemTime>,
}

impl Read {
    fn of(file: &Path) -> Self {
        // Checked first: a process that ends now has written its last line.
        let is_live = is_locked(&file.with_extension("lock"));
        let mut read = Self {
            lines: Vec::new(),
            damaged: Vec::new(),
            is_live,
            modified: file.metadata().and_then(|data| data.modified()).ok(),
        };
        let bytes = match fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return read,
            Err(error) => {
                read.damaged.push(format!("{} ({error})", file.display()));
                return read;
            }
        };
        for (number, bytes) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            // A running process may be writing its last line.
            let is_open = is_live && !bytes.ends_with(b"\n");
            match serde_json::from_slice(bytes) {
                Ok(line) => read.lines.push(line),
                Err(_) if is_open || bytes.trim_ascii().is_empty() => {}
                Err(_) => {
                    let place = format!("{}:{}", file.display(), number + 1);
                    read.damaged.push(place);
                }
            }
        }
        read
    }

    fn is_before(&self, oldest: SystemTime) -> bool {
        let last = self.lines.iter().map(|line| line.at).max();
        !self.is_live && last.or(self.modified).is_some_and(|last| last < oldest)
    }
}

fn is_locked(path: &Path) -> bool {
    match File::open(path) {
        Ok(lock) => FileExt::try_lock_shared(&lock).is_ok_and(|is_ours| !is_ours),
        Err(_) => false,
    }
}
