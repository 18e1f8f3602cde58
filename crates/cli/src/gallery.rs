//! `gallery` and `batch --gallery`: one HTML page that shows the videos of a folder.
//!
//! The page has its style, script and data in itself and loads nothing but the videos beside it, so it works from a disk. Its
//! data come from the sidecars, and from the history for videos without one.

mod cards;
mod page;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use aimlapi_video::ErrorKind;

use crate::{
    args::Gallery,
    atomic,
    failure::{self, Failure},
    history::{Entry, History},
    output::{print_note, print_result},
    viewer,
};
pub(crate) use page::Running;

/// `gallery`
pub(crate) fn gallery(options: &Gallery) -> ExitCode {
    let history = History::open(&options.history, false);
    match run_gallery(options, &history) {
        Ok(path) => {
            let code = print_result(path.display().to_string());
            if options.open {
                viewer::open(&path);
            }
            code
        }
        Err(failure) => failure.report(false, None),
    }
}

fn run_gallery(options: &Gallery, history: &History) -> Result<PathBuf, Failure> {
    let folder = &options.folder;
    if !folder.is_dir() {
        let message = format!("{} is not a folder", folder.display());
        return Err(Failure::usage(message));
    }
    check(folder)?;
    let failed = |error| {
        let message = format!(
            "the page of {} cannot be written: {error}",
            folder.display()
        );
        Failure::new(
            failure::USAGE,
            failure::Kind::Library(ErrorKind::Io),
            message,
        )
    };
    let known = history.entries();
    let is_of_batch = cards::is_of_batch(folder, &known);
    let cards = cards::read(folder, &known, is_of_batch).map_err(failed)?;
    if cards.is_empty() {
        let message = format!(
            "no video in {}; name the folder of -o or --out, in which the videos are",
            folder.display()
        );
        return Err(Failure::usage(message));
    }
    let path = folder.join(NAME);
    atomic::write(&path, &page::page(folder, &cards, None)).map_err(failed)?;
    Ok(path)
}

/// The page of a batch, written anew while the batch runs.
pub(crate) struct LivePage {
    folder: PathBuf,
    known: Vec<Entry>,
    running: Running,
    written: Option<Instant>,
    is_stale: bool,
    has_warned: bool,
}

/// A page of many videos takes time to write and to load.
const MIN_INTERVAL: Duration = Duration::from_secs(2);
/// A page that is not written for longer belongs to a batch that was killed, as the script assumes.
const MAX_INTERVAL: Duration = Duration::from_secs(30);

impl LivePage {
    /// The page of a batch of which `ended` requests have ended in earlier runs. Videos without a sidecar are looked up in the `known` entries of the history.
    pub(crate) fn new(folder: &Path, running: Running, known: Vec<Entry>) -> Self {
        Self {
            folder: folder.to_owned(),
            known,
            running,
            written: None,
            is_stale: true,
            has_warned: false,
        }
    }

    /// Notes the end of a request, which is to be shown.
    pub(crate) fn end(&mut self) {
        self.running.ended += 1;
        self.is_stale = true;
    }

    /// Writes the page if it is due.
    pub(crate) fn tick(&mut self) {
        let interval = match self.is_stale {
            true => MIN_INTERVAL,
            false => MAX_INTERVAL,
        };
        if self.written.is_none_or(|at| at.elapsed() >= interval) {
            self.write(true);
        }
    }

    /// Writes the page for the last time and returns its path.
    pub(crate) fn finish(mut self) -> PathBuf {
        self.write(false);
        self.folder.join(NAME)
    }

    fn write(&mut self, is_running: bool) {
        let running = is_running.then_some(&self.running);
        let written = cards::read(&self.folder, &self.known, true).and_then(|cards| {
            let page = page::page(&self.folder, &cards, running);
            atomic::write(&self.folder.join(NAME), &page)
        });
        (self.written, self.is_stale) = (Some(Instant::now()), false);
        if let Err(error) = written
            && !std::mem::replace(&mut self.has_warned, true)
        {
            print_note(format!("warning: the gallery cannot be written: {error}"));
        }
    }
}

const NAME: &str = "index.html";

/// Checks that the page replaces no file of another program.
pub(crate) fn check(folder: &Path) -> Result<(), Failure> {
    let path = folder.join(NAME);
    let is_free = path.symlink_metadata().is_err()
        || fs::read(&path).is_ok_and(|page| page::is_own(&String::from_utf8_lossy(&page)));
    match is_free {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "{} exists and is not a gallery; move it, or name another folder",
            path.display()
        ))),
    }
}
