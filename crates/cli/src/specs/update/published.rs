//! The published documents of a folder or a checkout.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

use super::super::{documents, refused};
use crate::failure::Failure;
use aimlapi_video_codegen::{
    Diagnostics, Document, Facts, Route,
    document::{self, may_be_of_this_client},
    overlay, repair,
};

/// What a folder publishes for this client.
pub(super) struct Published {
    /// The documents that declare an operation of this client, repaired and corrected.
    pub(super) documents: Vec<Document>,
    /// How many other JSON files there are.
    pub(super) left_out: usize,
    /// The models of videos on URLs that this client does not use, each with the URL and the file.
    pub(super) unsupported: BTreeSet<(String, String, String)>,
}

impl Published {
    /// Reads the documents. A file that cannot be read is an error only if its structure is that of a document of this client.
    pub(super) fn read(from: &Path, facts: &Facts) -> Result<Self, Failure> {
        let mut diagnostics = Diagnostics::default();
        let mut documents = documents(from, &mut diagnostics);
        let unsupported = documents
            .iter()
            .flat_map(|document| unsupported(from, document))
            .collect();
        let files = documents.len() + diagnostics.errors.len();
        diagnostics.errors.retain(|diagnostic| {
            // A folder that cannot be read has no name, or one that ends in a slash.
            let is_folder = diagnostic.file.is_empty() || diagnostic.file.ends_with('/');
            from.is_file() || is_folder || may_be_of_this_client(&from.join(&diagnostic.file))
        });
        documents.retain(Document::is_video);
        let left_out = files - documents.len() - diagnostics.errors.len();
        documents.sort_by(|a, b| a.file.cmp(&b.file));
        documents.iter_mut().for_each(repair::apply);
        overlay::apply(&facts.overlay, &mut documents, &mut diagnostics);
        if !diagnostics.errors.is_empty() {
            let what = "nothing was written: the published documents";
            return Err(refused(what, &diagnostics));
        }
        if documents.is_empty() {
            let urls = Route::ALL.map(|route| format!("`{}`", route.path()));
            let what = format!(
                "{} contains no document of a video operation: none of its {files} JSON files declares POST or GET on {}; name \
                 the folder docs/api-references/video-models of the vendor's documentation, or a checkout of it",
                from.display(),
                urls.join(" or ")
            );
            return Err(Failure::usage(what));
        }
        Ok(Self {
            documents,
            left_out,
            unsupported,
        })
    }
}

/// The models that a document describes on other URLs of videos alone.
fn unsupported(from: &Path, document: &Document) -> Vec<(String, String, String)> {
    if document.declared.other_count == 0 {
        return Vec::new();
    }
    let path = if from.is_file() {
        from.to_owned()
    } else {
        from.join(&document.file)
    };
    // A document keeps the operations of this client alone.
    let whole = fs::read(path).unwrap_or_default();
    let whole: Value = serde_json::from_slice(&whole).unwrap_or_default();
    let ids = |item: &Value| {
        let mut alone = whole.clone();
        alone["paths"] = json!({ Route::Universal.path(): item });
        let mut alone = Document::new(&document.file, alone);
        repair::apply(&mut alone);
        let creates = document::creates(&alone, &mut Diagnostics::default());
        creates.into_iter().map(|create| create.model)
    };
    let paths = whole["paths"].as_object().into_iter().flatten();
    let (own, others): (Vec<_>, Vec<_>) =
        paths.partition(|(path, _)| Route::ALL.iter().any(|route| route.path() == *path));
    let known: BTreeSet<String> = own.into_iter().flat_map(|(_, item)| ids(item)).collect();
    let of_videos = others.into_iter().filter(|(path, item)| {
        path.split('/').any(|part| part == "video") && item.get("post").is_some()
    });
    of_videos
        .flat_map(|(path, item)| {
            let unknown = ids(item).filter(|id| !known.contains(id));
            unknown.map(|id| (id, path.clone(), document.file.clone()))
        })
        .collect()
}
