//! A file of JSON Lines that is written while a command runs.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;

use aimlapi_video::ErrorKind;

use crate::{
    failure::{Failure, Kind, NOT_SAVED},
    output::print_note,
};

/// The file, and the first error of a write.
#[derive(Clone)]
pub(super) struct LineFile(Arc<Inner>);

struct Inner {
    name: String,
    file: Mutex<(File, Option<io::Error>)>,
}

impl LineFile {
    /// Creates the file, or empties an existing one.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        Self::new(path, File::create(path))
    }

    /// Creates the file, or opens an existing one to add lines.
    pub(super) fn append(path: &Path) -> Result<Self, Failure> {
        Self::new(path, File::options().append(true).create(true).open(path))
    }

    fn new(path: &Path, opened: io::Result<File>) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let file = opened.map_err(|error| Failure::usage(unwritten(&name, &error)))?;
        Ok(Self(Arc::new(Inner {
            name,
            file: Mutex::new((file, None)),
        })))
    }

    /// Writes a line. An error is printed, and nothing more is written.
    pub(super) fn write(&self, value: &impl Serialize) {
        let mut inner = self.0.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, error) = &mut *inner;
        if error.is_some() {
            return;
        }
        let line = serde_json::to_string(value).map_err(io::Error::other);
        // A single write, so that a reader sees whole lines.
        *error = line
            .and_then(|line| file.write_all(format!("{line}\n").as_bytes()))
            .err();
        if let Some(error) = error {
            let what = unwritten(&self.0.name, error);
            print_note(format!("{what}; nothing more is written to it"));
        }
    }

    /// Returns the failure of the command, if a line could not be written.
    pub(super) fn failure(&self) -> Option<Failure> {
        let inner = self.0.file.lock().unwrap_or_else(PoisonError::into_inner);
        let error = inner.1.as_ref()?;
        let message = unwritten(&self.0.name, error);
        Some(Failure::new(
            NOT_SAVED,
            Kind::Library(ErrorKind::Io),
            message,
        ))
    }
}

fn unwritten(name: &str, error: &io::Error) -> String {
    format!("{name} cannot be written: {error}")
}
