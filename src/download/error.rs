//! The error messages about a target that exists or cannot be written.

use std::{io, path::Path};

use crate::{Error, ErrorKind};

pub(super) fn exists(path: &Path) -> String {
    format!(
        "the target {} already exists; name another file, or ask to overwrite it",
        path.display()
    )
}

pub(super) fn io_error(path: &Path, what: &str, error: io::Error) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("the target {} {what}", path.display()),
    )
    .with_source(error)
}
