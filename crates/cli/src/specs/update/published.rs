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
    /// Documents of several APIs with an operation of this client that cannot be read, each with the reason.
    pub(super) incomplete: Vec<(String, String)>,
    /// The models on URLs of videos that this client does not use, each with the URL and the file.
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
        // The document of another API's page may name every operation, and have the schemas of one.
        let mut incomplete = Vec::new();
        if !from.is_file() {
            documents.retain(|document| {
                let mut diagnostics = Diagnostics::default();
                document::creates(document, &mut diagnostics);
                let errors = diagnostics.errors.into_iter();
                let first = errors.map(|error| error.what).next();
                let first = first.filter(|_| document.declared.other_count > 0);
                incomplete.extend(first.clone().map(|what| (document.file.clone(), what)));
                first.is_none()
            });
        }
        if !diagnostics.errors.is_empty() {
            let what = "nothing was written: the published documents";
            return Err(refused(what, &diagnostics));
        }
        if documents.is_empty() {
            let urls = Route::ALL.map(|route| format!("`{}`", route.path()));
            let left_out = incomplete
                .iter()
                .map(|(file, what)| format!("\n  {file} is left out: {what}"));
            let what = format!(
                "nothing was written: {} contains no document of a video operation, which declares POST or GET on {} ({files} \
                 JSON files were read); name the folder docs/api-references/video-models of the vendor's documentation, or a \
                 checkout of it{}",
                from.display(),
                urls.join(" or "),
                left_out.collect::<String>()
            );
            return Err(Failure::usage(what));
        }
        Ok(Self {
            documents,
            left_out,
            incomplete,
            unsupported,
        })
    }
}

/// The models that a document describes on other URLs of videos.
fn unsupported(from: &Path, document: &Document) -> Vec<(String, String, String)> {
    let urls = &document.declared.video_urls;
    if urls.is_empty() {
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
    let ids = |url: &str| {
        let mut alone = whole.clone();
        alone["paths"] = json!({ Route::Universal.path(): whole["paths"][url] });
        let mut alone = Document::new(&document.file, alone);
        repair::apply(&mut alone);
        let creates = document::creates(&alone, &mut Diagnostics::default());
        creates.into_iter().map(|create| create.model)
    };
    urls.iter()
        .flat_map(|url| ids(url).map(|id| (id, url.clone(), document.file.clone())))
        .collect()
}
