//! Documents that the build would read in place of the published ones.

use std::collections::BTreeMap;

use aimlapi_video_codegen::{Diagnostics, Document, Merged, document::Create, merge};

/// Lists the files that would still describe published models, each with a remedy.
///
/// The build would prefer such a file to the new document. The command does not delete it, since that is the maintainer's
/// decision.
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
    let file_for = |create: &Create| {
        let claim = creates
            .iter()
            .find(|claim| claim.route == create.route && claim.model == create.model)?;
        let file = taken
            .iter()
            .find(|(_, document)| document.file == claim.file);
        file.map(|(file, _)| file)
    };
    let new_creates = || new.requests.iter().map(|request| &request.create);
    let mut files: BTreeMap<&str, Vec<&Create>> = BTreeMap::new();
    for create in new_creates() {
        if file_for(create).is_some_and(|file| *file != create.file) {
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
            let others =
                new_creates().filter(|create| create.file == file && !is_published(create));
            let others: Vec<&Create> = others.collect();
            let remedy = match (taken.contains_key(file), others.is_empty()) {
                (true, _) => "publish the model in one document only".to_owned(),
                (false, true) => format!("remove {file}, which the build needs for nothing else"),
                (false, false) => format!(
                    "take the model out of {file}, which also describes {}, no longer published",
                    named(others)
                ),
            };
            format!(
                "{file} would still describe {} in place of the published document; {remedy}",
                named(creates)
            )
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n  "))
}
