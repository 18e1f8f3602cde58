//! `specs update`: what the vendor has published, taken over into `openapi/`.

mod stale;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::ExitCode,
};

use super::{Described, client, diff::text, documents, print_result, refused, write};
use crate::{args::SpecsUpdate, failure::Failure, output::print_note};
use aimlapi_video::models;
use aimlapi_video_codegen::{
    Diagnostics, Document, Facts, Merged, Route, diff,
    document::{self, Create},
    merge, names, overlay, repair, rust, strip,
};

/// `specs update`
pub(crate) fn update(asked: &SpecsUpdate) -> ExitCode {
    match run(asked) {
        Ok(report) => print_result(report),
        Err(failure) => failure.report(false, None),
    }
}

fn run(asked: &SpecsUpdate) -> Result<String, Failure> {
    let old = Described::read(&asked.into).usable(&asked.into)?;
    let published = published(&asked.from, &old.facts)?;
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
            "nothing was written: what is published",
            &new.diagnostics,
        ));
    }

    if let Some(stale) = stale::stale(&published, &taken, &new.merged) {
        return Err(Failure::usage(format!("nothing was written: {stale}")));
    }
    if let Some(lost) = lost(&old.merged, &new.merged) {
        return Err(Failure::usage(format!(
            "nothing was written: {lost} would be described no more"
        )));
    }
    let mut changed: Vec<(String, String)> = texts
        .into_iter()
        .filter(|(file, text)| {
            fs::read_to_string(asked.into.join(file)).ok().as_ref() != Some(text)
        })
        .collect();
    changed.sort();
    if !asked.dry_run {
        for (file, text) in &changed {
            write(&asked.into.join(file), text).map_err(|error| {
                Failure::usage(format!(
                    "{file} cannot be written: {error}; the files before it are"
                ))
            })?;
        }
    }
    for warning in &new.diagnostics.warnings {
        print_note(format!("note: {warning}"));
    }
    let verb = if asked.dry_run {
        "would write"
    } else {
        "wrote"
    };
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
    report.push_str(&follow_ups(&asked.into, &old, &new, &published));
    Ok(report.trim_end().to_owned())
}

/// A model that the old documents describe and the new ones do not.
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
fn follow_ups(into: &Path, old: &Described, new: &Described, published: &[Document]) -> String {
    let vendors = new
        .merged
        .requests
        .iter()
        .map(|request| &request.model.vendor);
    let vendors: BTreeSet<&String> = vendors.collect();
    let features = features(into);
    let without_feature = vendors
        .into_iter()
        .filter(|vendor| !features.contains(*vendor));
    [
        listed(
            "properties without a line in glossary.json",
            undescribed(&new.merged),
        ),
        listed(
            "models that are published no more; keep or delete their documents",
            retired(old, published),
        ),
        listed(
            "actions of overlay.json that match nothing now",
            unmatched(&new.documents, &new.facts),
        ),
        listed(
            "vendors without a feature in Cargo.toml; add one each, and to `all-vendors`",
            without_feature.cloned(),
        ),
    ]
    .concat()
}

/// The features of the package whose documents are in `into`, read from the Cargo.toml beside that folder. Without one, the
/// vendors of this build, each of which has a feature.
fn features(into: &Path) -> BTreeSet<String> {
    let folder = fs::canonicalize(into).unwrap_or_default();
    let manifest = folder.with_file_name("Cargo.toml");
    match fs::read_to_string(manifest) {
        Ok(manifest) => {
            let lines = manifest.lines().map(str::trim);
            let features = lines.skip_while(|line| *line != "[features]").skip(1);
            features
                .take_while(|line| !line.starts_with('['))
                .filter_map(|line| line.split_once('='))
                .map(|(name, _)| name.trim().to_owned())
                .collect()
        }
        Err(_) => models().iter().map(|model| model.vendor.clone()).collect(),
    }
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

/// The published documents that declare an operation of this client. A checkout has other JSON files, too; one that cannot
/// be read is an error only if it names such an operation.
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
        // A file that is named on the command line, or whose text cannot be read, counts as a document.
        from.is_file()
            || diagnostic.file.is_empty()
            || text.is_empty()
            || Route::ALL.iter().any(|route| text.contains(route.path()))
    });
    if !diagnostics.errors.is_empty() {
        return Err(refused(
            "nothing was written: what is published",
            &diagnostics,
        ));
    }
    if documents.is_empty() {
        let what = format!("{} holds no document of a video operation", from.display());
        return Err(Failure::usage(what));
    }
    Ok(documents)
}

/// Which published document goes into which file: into the one that describes the same models already, else into a new one
/// under its vendor's name. No file is given to two documents, and none is taken from a model that is not in its new text.
fn taken<'a>(
    published: &'a [Document],
    old: &Described,
) -> Result<BTreeMap<String, &'a Document>, Failure> {
    let mut diagnostics = Diagnostics::default();
    let creates = merge::creates(published, &mut diagnostics);
    if !diagnostics.errors.is_empty() {
        return Err(refused(
            "nothing was written: what is published",
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
            let vendor = names::vendor(&create.model, &create.file);
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

/// The file that holds a document's text already, though another one is taken for its models.
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
    // The facts files are not read as documents.
    let name = file.rsplit('/').next().unwrap_or(file);
    !Facts::FILES.contains(&name)
        && !taken.contains_key(file)
        && !old.documents.iter().any(|document| document.file == file)
}

/// A file for a document that is new here: its own name, with a number where that is taken.
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
        Route::LegacyKling => "kling/legacy/".into(),
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

/// Models that are here and nowhere in what is published, of the vendors that something is published of.
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
            claim.route == route && names::vendor(&claim.model, &claim.file) == vendor
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
