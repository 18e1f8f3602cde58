//! Reading a folder of documents.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::Document;
use crate::{Diagnostic, Diagnostics, Facts};

/// Reads every `.json` file below `folder`, in the order of their names.
pub fn read(folder: &Path, diagnostics: &mut Diagnostics) -> Vec<Document> {
    let mut files = Vec::new();
    let mut open = Vec::new();
    list(folder, "", &mut open, &mut files, diagnostics);
    files.sort();
    let mut documents = Vec::new();
    for (file, path) in files {
        match load(&file, &path) {
            Ok(document) => documents.push(document),
            Err(error) => diagnostics.error(*error),
        }
    }
    documents
}

/// Reads one file; diagnostics call it `file`.
///
/// # Errors
///
/// The file cannot be read, or is not an OpenAPI 3.0 or 3.1 document in JSON.
pub fn load(file: &str, path: &Path) -> Result<Document, Box<Diagnostic>> {
    let refuse =
        |what: String, remedy: &str| Err(Box::new(Diagnostic::new(file, "", what, remedy)));
    let unread = |error: io::Error| {
        refuse(
            format!("cannot be read: {error}"),
            "make it readable, or remove it",
        )
    };
    match fs::metadata(path) {
        // A read from a pipe would wait for its writer.
        Ok(metadata) if !metadata.is_file() => {
            return refuse("is not a regular file".into(), "replace it by the document");
        }
        Ok(metadata) if metadata.len() > MAX_BYTES => {
            let what = format!("has {} bytes; the limit is {MAX_BYTES}", metadata.len());
            return refuse(
                what,
                "split it into documents of one model each, or move it elsewhere",
            );
        }
        Ok(_) => {}
        Err(error) => return unread(error),
    }
    if is_yaml(path) {
        return refuse(
            "is YAML; only JSON is supported".into(),
            "save it as JSON, or move it elsewhere",
        );
    }
    match fs::read(path) {
        Ok(text) => Document::parse(file, &text),
        Err(error) => unread(error),
    }
}

/// Lists the documents below `folder`. `open` holds the folders above it, so that circular links end.
fn list(
    folder: &Path,
    below: &str,
    open: &mut Vec<PathBuf>,
    files: &mut Vec<(String, PathBuf)>,
    diagnostics: &mut Diagnostics,
) {
    let entries = fs::canonicalize(folder).and_then(|real| Ok((fs::read_dir(folder)?, real)));
    let (entries, real) = match entries {
        Ok(found) => found,
        Err(error) => {
            let what = format!("the folder {} cannot be read: {error}", folder.display());
            let remedy = "name a folder that exists and can be read";
            return diagnostics.error(Diagnostic::new(below, "", what, remedy));
        }
    };
    if open.contains(&real) {
        return;
    }
    open.push(real);
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let file = format!("{below}{name}");
        let path = entry.path();
        let is_json = path
            .extension()
            .is_some_and(|extension| extension == "json");
        if name.starts_with('.') {
            continue;
        } else if path.is_dir() {
            list(&path, &format!("{file}/"), open, files, diagnostics);
        } else if (is_json || is_yaml(&path)) && !Facts::FILES.contains(&file.as_str()) {
            files.push((file, path));
        }
    }
    open.pop();
}

pub(super) fn is_yaml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// More than ten times the largest published document, which described the vendor's whole API.
const MAX_BYTES: u64 = 32 << 20;
