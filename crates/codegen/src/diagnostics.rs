//! Errors and warnings about documents.

use std::{collections::BTreeSet, fmt};

/// The errors and warnings of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnostics {
    /// What stops the build.
    pub errors: Vec<Diagnostic>,
    /// What the build reports and goes on after.
    pub warnings: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds an error.
    pub fn error(&mut self, error: Diagnostic) {
        self.errors.push(error);
    }

    /// Adds a warning.
    pub fn warning(&mut self, warning: Diagnostic) {
        self.warnings.push(warning);
    }

    /// The warnings as lines, one for each kind with the number of its places.
    pub fn notes(&self) -> Vec<String> {
        let mut kinds: Vec<(&str, Vec<&Diagnostic>)> = Vec::new();
        for warning in &self.warnings {
            let kind = warning.kind.as_deref().unwrap_or(&warning.what);
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, places)) => places.push(warning),
                None => kinds.push((kind, vec![warning])),
            }
        }
        let note = |(kind, places): (&str, Vec<&Diagnostic>)| match places[..] {
            [only] => only.to_string(),
            _ => {
                let mut note = places[0].clone();
                let more = places.len() - 1;
                let unit = if more == 1 { "place" } else { "places" };
                note.what = format!("{kind} (here and at {more} more {unit})");
                note.to_string()
            }
        };
        kinds.into_iter().map(note).collect()
    }

    /// Drops repeated entries: one place may be read for several models, and for a struct as well as for its arms.
    pub(crate) fn dedup(&mut self) {
        for list in [&mut self.errors, &mut self.warnings] {
            let mut known = BTreeSet::new();
            list.retain(|diagnostic| known.insert(diagnostic.clone()));
        }
    }
}

/// One error or warning about a document, a facts file or a setting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// The file, relative to the folder of documents.
    pub file: String,
    /// The JSON pointer of the place in the file; empty for the whole file.
    pub pointer: String,
    /// What is wrong.
    pub what: String,
    /// What a maintainer can do about it.
    pub remedy: String,
    /// What diagnostics of the same kind have in common, where `what` says more.
    pub kind: Option<String>,
}

impl Diagnostic {
    /// Describes a problem at `pointer` of `file`.
    pub fn new(
        file: &str,
        pointer: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            file: file.into(),
            pointer: pointer.into(),
            what: what.into(),
            remedy: remedy.into(),
            kind: None,
        }
    }

    /// States what diagnostics of the same kind have in common.
    #[must_use]
    pub fn of_kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Cargo cuts a build message at the first line break.
        let line = format!(
            "{}#{}: {}; {}",
            self.file, self.pointer, self.what, self.remedy
        );
        f.write_str(&line.replace(['\n', '\r'], " "))
    }
}
