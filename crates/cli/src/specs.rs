//! The command `specs`: checks, compares and updates the OpenAPI documents that the library is generated from.
//!
//! The subcommands run the same steps as the library's build: reading, repair, overlay, merge and generation.

mod check;
mod diff;
mod drift;
mod update;
mod vendors;

use std::{fs, io, path::Path, process::ExitCode};

use crate::{
    args::{Specs, SpecsCommand},
    failure::Failure,
    output::print_result,
};
use aimlapi_video::documents::{DURATIONS, GLOSSARY, OVERLAY, VENDORS};
use aimlapi_video_codegen::{
    self as spec, Diagnostics, Document, Facts, Merged, document,
    rust::{ClientInput, ClientTokens},
};

/// Runs `specs`.
pub(crate) fn specs(specs: &Specs) -> ExitCode {
    match &specs.command {
        SpecsCommand::Check(check) => check::check(check),
        SpecsCommand::Diff(diff) => diff::diff(diff),
        SpecsCommand::Drift(drift) => drift::drift(drift),
        SpecsCommand::Update(update) => update::update(update),
        SpecsCommand::Vendors(vendors) => vendors::vendors(vendors),
    }
}

/// The documents at a path, merged with the facts beside them.
pub(crate) struct Described {
    documents: Vec<Document>,
    facts: Facts,
    pub(crate) merged: Merged,
    pub(crate) diagnostics: Diagnostics,
}

impl Described {
    pub(crate) fn read(path: &Path) -> Self {
        let mut diagnostics = Diagnostics::default();
        let documents = documents(path, &mut diagnostics);
        let facts = facts(path, &mut diagnostics);
        Self::of(documents, facts, diagnostics)
    }

    fn of(mut documents: Vec<Document>, facts: Facts, mut diagnostics: Diagnostics) -> Self {
        let merged = spec::read(&mut documents, &facts, |_| true, &mut diagnostics);
        Self {
            documents,
            facts,
            merged,
            diagnostics,
        }
    }

    /// Returns the description, or a failure that lists every error.
    fn usable(self, path: &Path) -> Result<Self, Failure> {
        if self.diagnostics.errors.is_empty() {
            return Ok(self);
        }
        Err(refused(&path.display().to_string(), &self.diagnostics))
    }
}

/// Returns an error if there is nothing to read at `path`, which names a document or a folder of documents.
pub(crate) fn require_path(path: &Path) -> Result<(), String> {
    let failed = |error| {
        let path = path.display();
        format!("{path} cannot be read: {error}; name a document, or a folder of documents")
    };
    fs::metadata(path).map(drop).map_err(failed)
}

/// Fails if `path` is not a folder, which could hold vendored documents.
fn require_folder(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        return Ok(());
    }
    let path = path.display();
    let what = format!(
        "nothing was written: {path} is not a folder; name the folder of vendored documents, which may be empty"
    );
    Err(Failure::usage(what))
}

/// Reads the documents of a folder, or the single document at `path`, which is named after its file and folder.
fn documents(path: &Path, diagnostics: &mut Diagnostics) -> Vec<Document> {
    if path.is_dir() {
        return document::read(path, diagnostics);
    }
    let name = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let file = name(path).unwrap_or_default();
    let file = match path.parent().and_then(name) {
        Some(folder) => format!("{folder}/{file}"),
        None => file,
    };
    match document::folder::load(&file, path) {
        Ok(document) => vec![document],
        Err(diagnostic) => {
            diagnostics.error(*diagnostic);
            Vec::new()
        }
    }
}

/// Reads the facts beside the documents: from the folder's own files if it has them, otherwise from this build.
fn facts(path: &Path, diagnostics: &mut Diagnostics) -> Facts {
    let own = |name: &str| {
        Ok(match name {
            "overlay.json" => OVERLAY,
            "glossary.json" => GLOSSARY,
            "durations.json" => DURATIONS,
            "vendors.json" => VENDORS,
            _ => return Err(io::ErrorKind::NotFound.into()),
        }
        .to_owned())
    };
    Facts::read(path, own, diagnostics)
}

pub(crate) fn refused(what: &str, diagnostics: &Diagnostics) -> Failure {
    let lines: Vec<String> = diagnostics
        .errors
        .iter()
        .map(|diagnostic| format!("\n  {diagnostic}"))
        .collect();
    Failure::usage(format!("{what} cannot be used:{}", lines.concat()))
}

/// Calls progenitor, as the library's build does.
fn client(input: &ClientInput) -> Result<ClientTokens, progenitor::Error> {
    let mut generator = progenitor::Generator::new(&input.settings);
    let client = generator.generate_tokens(&input.client)?;
    let mocks = generator.httpmock(&input.mocks, "crate::generated")?;
    Ok(ClientTokens { client, mocks })
}
