//! The command `specs update`: copies the vendor's published documents into a folder such as `openapi/`.
//!
//! An update is written only if the build accepts all resulting documents, no model is lost, and no other document would be
//! read in place of a published one.

mod stale;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::ExitCode,
};

use super::{Described, client, diff::text, documents, print_result, refused, vendors, write};
use crate::{args::SpecsUpdate, failure::Failure, output::print_note};
use aimlapi_video_codegen::{
    Diagnostics, Document, Facts, LEGACY_FOLDER, Merged, Route, diff,
    document::{self, Create},
    merge, overlay, repair, rust, strip,
};

/// Runs `specs update`.
pub(crate) fn update(args: &SpecsUpdate) -> ExitCode {
    match run(args) {
        Ok(report) => print_result(report),
        Err(failure) => failure.report(false, None),
    }
}

fn run(args: &SpecsUpdate) -> Result<String, Failure> {
    let old = Described::read(&args.into).usable(&args.into)?;
    let published = published(&args.from, &old.facts)?;
    let taken = taken(&published, &old)?;
    let mut new = Vec::new();
    for document in &old.documents {
        new.push(match taken.get(&document.file) {
            Some(taken) => Document::new(&document.file, strip::strip(taken)),
            None => unrepaired(document),
        });
    }
    for (file, document) in &taken {
        if !old.documents.iter().any(|old| old.file == *file) {
            new.push(Document::new(file, strip::strip(document)));
        }
    }
    let texts: Vec<(String, String)> = new
        .iter()
        .filter(|document| taken.contains_key(&document.file))
        .map(|document| (document.file.clone(), strip::text(&document.published)))
        .collect();
    let mut new = Described::of(new, old.facts.clone(), Diagnostics::default());
    rust::generate(&new.merged, &client, &mut new.diagnostics);
    if !new.diagnostics.errors.is_empty() {
        return Err(refused(
            "nothing was written: the published documents",
            &new.diagnostics,
        ));
    }

    if let Some(stale) = stale::stale(&published, &taken, &new.merged) {
        return Err(Failure::usage(format!("nothing was written: {stale}")));
    }
    if let Some(lost) = lost(&old.merged, &new.merged) {
        return Err(Failure::usage(format!(
            "nothing was written: no document would describe {lost} any more"
        )));
    }
    let mut changed: Vec<(String, String)> = texts
        .into_iter()
        .filter(|(file, text)| fs::read_to_string(args.into.join(file)).ok().as_ref() != Some(text))
        .collect();
    changed.sort();
    let lists = vendors::outdated(&args.into, &new.merged)?;
    if !args.dry_run {
        for (file, text) in &changed {
            write(&args.into.join(file), text).map_err(|error| {
                Failure::usage(format!(
                    "{file} cannot be written: {error}; the files before it were written"
                ))
            })?;
        }
        vendors::save(&lists)?;
    }
    for warning in &new.diagnostics.warnings {
        print_note(format!("note: {warning}"));
    }
    let verb = if args.dry_run { "would write" } else { "wrote" };
    let files: String = changed
        .iter()
        .map(|(file, _)| format!("  {file}\n"))
        .collect();
    let mut report = format!(
        "{verb} {} of {} published documents\n{files}{}\n",
        changed.len(),
        taken.len(),
        text(&diff::compare(&old.merged, &new.merged))
    );
    let lists = lists.iter().map(|file| file.name.to_owned());
    report.push_str(&listed(&format!("{verb} lists of vendors"), lists));
    report.push_str(&follow_up(&old, &new, &published));
    Ok(report.trim_end().to_owned())
}

/// Returns a model that the old documents describe and the new ones do not.
fn lost(old: &Merged, new: &Merged) -> Option<String> {
    let has = |create: &Create| {
        let mut creates = new.requests.iter().map(|request| &request.create);
        creates.any(|new| new.route == create.route && new.model == create.model)
    };
    let mut creates = old.requests.iter().map(|request| &request.create);
    let lost = creates.find(|create| !has(create))?;
    Some(format!("{} on {}", lost.model, lost.route.path()))
}

/// Lists what a maintainer has to do after an update.
fn follow_up(old: &Described, new: &Described, published: &[Document]) -> String {
    [
        listed(
            "properties without an entry in glossary.json",
            undescribed(&new.merged),
        ),
        listed(
            "models that are no longer published; keep or delete their documents",
            retired(old, published),
        ),
        listed(
            "actions of overlay.json that no longer match",
            unmatched(&new.documents, &new.facts),
        ),
    ]
    .concat()
}

fn listed(heading: &str, lines: impl IntoIterator<Item = String>) -> String {
    let lines: Vec<String> = lines
        .into_iter()
        .map(|line| format!("  {line}\n"))
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    format!("{heading}\n{}", lines.concat())
}

/// Reads the published documents that declare an operation of this client.
///
/// A checkout also contains other JSON files. A file that cannot be read is an error only if it mentions one of these
/// operations.
fn published(from: &Path, facts: &Facts) -> Result<Vec<Document>, Failure> {
    let mut diagnostics = Diagnostics::default();
    let mut documents = documents(from, &mut diagnostics);
    documents.retain(Document::is_video);
    documents.sort_by(|a, b| a.file.cmp(&b.file));
    documents.iter_mut().for_each(repair::apply);
    overlay::apply(&facts.overlay, &mut documents, &mut diagnostics);
    diagnostics.errors.retain(|diagnostic| {
        let text = fs::read(from.join(&diagnostic.file)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        // A file that was named on the command line, and a file that could not be opened, is always an error.
        from.is_file()
            || diagnostic.file.is_empty()
            || text.is_empty()
            || Route::ALL.iter().any(|route| text.contains(route.path()))
    });
    if !diagnostics.errors.is_empty() {
        return Err(refused(
            "nothing was written: the published documents",
            &diagnostics,
        ));
    }
    if documents.is_empty() {
        let what = format!(
            "{} contains no document of a video operation",
            from.display()
        );
        return Err(Failure::usage(what));
    }
    Ok(documents)
}

/// Assigns a file to each published document: the file that already describes the same models, or a new one in its vendor's
/// folder.
///
/// No file is assigned to two documents, and no file is replaced if the new text lacks one of its models.
fn taken<'a>(
    published: &'a [Document],
    old: &Described,
) -> Result<BTreeMap<String, &'a Document>, Failure> {
    let mut diagnostics = Diagnostics::default();
    let creates = merge::creates(published, &mut diagnostics);
    if !diagnostics.errors.is_empty() {
        return Err(refused(
            "nothing was written: the published documents",
            &diagnostics,
        ));
    }
    let old_creates = || old.merged.requests.iter().map(|request| &request.create);
    let is_whole = |file: &str, document: &Document| {
        let declared = document::creates(document, &mut Diagnostics::default());
        let kept = |create: &Create| {
            let same = |new: &Create| new.route == create.route && new.model == create.model;
            declared.iter().any(same)
        };
        old_creates().filter(|create| create.file == file).all(kept)
    };
    let mut taken: BTreeMap<String, &Document> = BTreeMap::new();
    let by_file = |file: &str| published.iter().find(|document| document.file == file);
    for create in &creates {
        let Some(document) = by_file(&create.file) else {
            continue;
        };
        if taken.values().any(|taken| taken.file == document.file) {
            continue;
        }
        let known =
            old_creates().find(|old| old.route == create.route && old.model == create.model);
        let known = known.map(|known| known.file.clone());
        let known = known.filter(|file| is_whole(file, document) && !taken.contains_key(file));
        let known = known.or_else(|| same_text(document, &taken, old));
        let file = known.unwrap_or_else(|| {
            let vendor = old.facts.vendor(&create.model, &create.file);
            fresh(create.route, &vendor, &create.file, |file| {
                is_free(file, &taken, old)
            })
        });
        taken.insert(file, document);
    }
    for route in Route::ALL {
        let document = merge::fetch(published, route).and_then(|document| by_file(&document.file));
        let Some(document) = document else { continue };
        if taken.values().any(|taken| taken.file == document.file) {
            continue;
        }
        let has_create = |file: &str| old_creates().any(|create| create.file == file);
        let known = merge::fetch(&old.documents, route).map(|document| document.file.clone());
        let answers = |document: &&Document| document::fetch(document, route).is_some();
        let others = old.documents.iter().filter(answers);
        let mut known = known
            .into_iter()
            .chain(others.map(|document| document.file.clone()));
        let known = known.find(|file| !has_create(file) && !taken.contains_key(file));
        let file = known
            .or_else(|| same_text(document, &taken, old))
            .unwrap_or_else(|| fresh(route, "", &document.file, |file| is_free(file, &taken, old)));
        taken.insert(file, document);
    }
    Ok(taken)
}

/// Returns the file that already contains a document's text, if that file is not assigned.
fn same_text(
    document: &Document,
    taken: &BTreeMap<String, &Document>,
    old: &Described,
) -> Option<String> {
    let stripped = strip::strip(document);
    let mut files = old.documents.iter().filter(|old| old.published == stripped);
    let file = files.find(|old| !taken.contains_key(&old.file))?;
    Some(file.file.clone())
}

fn is_free(file: &str, taken: &BTreeMap<String, &Document>, old: &Described) -> bool {
    // Files with these names hold facts; the build does not read them as documents.
    let name = file.rsplit('/').next().unwrap_or(file);
    !Facts::FILES.contains(&name)
        && !taken.contains_key(file)
        && !old.documents.iter().any(|document| document.file == file)
}

/// Returns a file for a new document: the published name, with a number if that name is in use.
fn fresh(route: Route, vendor: &str, published: &str, is_free: impl Fn(&str) -> bool) -> String {
    let name = published
        .rsplit('/')
        .next()
        .unwrap_or(published)
        .to_lowercase();
    let name = name.strip_suffix(".json").unwrap_or(&name);
    let folder = match route {
        Route::Universal if vendor.is_empty() => String::new(),
        Route::Universal => format!("{vendor}/"),
        Route::LegacyKling if vendor.is_empty() => format!("kling/{LEGACY_FOLDER}/"),
        Route::LegacyKling => format!("{vendor}/{LEGACY_FOLDER}/"),
    };
    let mut file = format!("{folder}{name}.json");
    let mut number = 2;
    while !is_free(&file) {
        file = format!("{folder}{name}-{number}.json");
        number += 1;
    }
    file
}

fn undescribed(merged: &Merged) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for request in &merged.requests {
        for (path, property) in request.model.paths() {
            if property.description.is_none() {
                paths.insert(format!("{path} ({})", request.create.model));
            }
        }
    }
    paths
}

/// Returns the models that are not in the published documents, of vendors with at least one published document.
fn retired(old: &Described, published: &[Document]) -> Vec<String> {
    let claims: Vec<Create> = published
        .iter()
        .flat_map(|document| document::creates(document, &mut Diagnostics::default()))
        .collect();
    let is_published = |create: &Create| {
        let same = |claim: &Create| claim.route == create.route && claim.model == create.model;
        claims.iter().any(same)
    };
    let covers = |route: Route, vendor: &str| {
        let same = |claim: &Create| {
            claim.route == route && old.facts.vendor(&claim.model, &claim.file) == vendor
        };
        claims.iter().any(same)
    };
    old.merged
        .requests
        .iter()
        .filter(|request| {
            let create = &request.create;
            covers(create.route, &request.model.vendor) && !is_published(create)
        })
        .map(|request| format!("{} ({})", request.create.model, request.create.file))
        .collect()
}

fn unmatched(documents: &[Document], facts: &Facts) -> Vec<String> {
    let mut documents: Vec<Document> = documents.iter().map(unrepaired).collect();
    documents.iter_mut().for_each(repair::apply);
    let matches = overlay::apply(&facts.overlay, &mut documents, &mut Diagnostics::default());
    let unmatched = matches
        .actions
        .into_iter()
        .filter(|(_, matches)| *matches == 0);
    unmatched.map(|(target, _)| target).collect()
}

fn unrepaired(document: &Document) -> Document {
    let mut document = document.clone();
    document.value = document.unrepaired();
    document
}
