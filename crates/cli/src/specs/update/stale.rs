//! Documents that would be taken instead of what is published.

use std::collections::BTreeMap;

use aimlapi_video_codegen::{Diagnostics, Document, Merged, document::Create, merge};

/// The files that would go on describing what is published, with what a person can do about it. Whether they may be deleted
/// is not for this command to say, and beside them the new text would be taken for nothing.
pub(super) fn stale(
    published: &[Document],
    taken: &BTreeMap<String, &Document>,
    new: &Merged,
) -> Option<String> {
    let creates = merge::creates(published, &mut Diagnostics::default());
    let is_published = |create: &Create| {
        let same = |claim: &Create| claim.route == create.route && claim.model == create.model;
        creates.iter().any(same)
    };
    let text_of = |create: &Create| {
        let claim = creates
            .iter()
            .find(|claim| claim.route == create.route && claim.model == create.model)?;
        let file = taken
            .iter()
            .find(|(_, document)| document.file == claim.file);
        file.map(|(file, _)| file)
    };
    let news = || new.requests.iter().map(|request| &request.create);
    let mut files: BTreeMap<&str, Vec<&Create>> = BTreeMap::new();
    for create in news() {
        if text_of(create).is_some_and(|file| *file != create.file) {
            files.entry(&create.file).or_default().push(create);
        }
    }
    let named = |creates: Vec<&Create>| -> String {
        let named = creates
            .iter()
            .map(|create| format!("{} on {}", create.model, create.route.path()));
        named.collect::<Vec<_>>().join(", ")
    };
    let lines: Vec<String> = files
        .into_iter()
        .map(|(file, creates)| {
            let others = news().filter(|create| create.file == file && !is_published(create));
            let others: Vec<&Create> = others.collect();
            let remedy = match (taken.contains_key(file), others.is_empty()) {
                (true, _) => "publish it in one document alone".to_owned(),
                (false, true) => format!("remove {file}, of which nothing else is taken"),
                (false, false) => format!(
                    "take it out of {file}, which also describes {}, published no more",
                    named(others)
                ),
            };
            format!(
                "{file} would go on describing {} instead of what is published; {remedy}",
                named(creates)
            )
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n  "))
}
