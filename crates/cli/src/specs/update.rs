//! The command `specs update`: copies the vendor's published documents into a folder such as `openapi/`.
//!
//! An update is written only if the build accepts all resulting documents, no model is lost, and each published model is read
//! from its published document.

mod glossary;
mod plan;
mod prose;
mod published;
mod report;

use std::{fs, io, path::Path, process::ExitCode};

use super::{Described, client, print_result, refused, require_folder, require_path, vendors};
use crate::{args::SpecsUpdate, atomic::write, failure::Failure, output::print_note};
use aimlapi_video_codegen::{
    self as spec, Diagnostics, Document, Facts, Merged, Route, diff, document::Create, merge,
    overlay, repair, rust, strip,
};
use glossary::Drafts;
use plan::Plan;
use prose::Base64;
use published::Published;
use report::{List, Report};

/// Runs `specs update`.
pub(crate) fn update(args: &SpecsUpdate) -> ExitCode {
    match run(args) {
        Ok(report) if args.json => print_result(report.json().to_string()),
        Ok(report) if args.markdown => print_result(report.markdown()),
        Ok(report) => print_result(report.text()),
        Err(failure) => failure.report(args.json, None),
    }
}

fn run(args: &SpecsUpdate) -> Result<Report, Failure> {
    require_folder(&args.into)?;
    require_path(&args.from)
        .map_err(|what| Failure::usage(format!("nothing was written: {what}")))?;
    let old = Described::read(&args.into).usable(&args.into)?;
    let published = Published::read(&args.from, &old.facts)?;
    let plan = Plan::new(&published.documents, &old)?;
    let mut new = Described::of(
        plan.documents.clone(),
        old.facts.clone(),
        Diagnostics::default(),
    );
    rust::generate(&new.merged, &client, &mut new.diagnostics);
    if !new.diagnostics.errors.is_empty() {
        let what = "nothing was written: the published documents";
        return Err(refused(what, &new.diagnostics));
    }
    if let Some(create) = plan.shadowed(&new.merged) {
        let what = format!(
            "nothing was written: {} would still describe {} on {} in place of the published document; take the model out of it",
            create.file,
            create.model,
            create.route.path()
        );
        return Err(Failure::usage(what));
    }
    if let Some(lost) = lost(&old.merged, &new.merged) {
        return Err(Failure::usage(format!(
            "nothing was written: no document would describe {lost} any more"
        )));
    }
    let lists = vendors::outdated(&args.into, &new.merged)?;
    let drafts = Drafts::of(&new.facts.glossary, &new.merged);
    let mut changed = changed(&args.into, &plan);
    let glossary = drafts.text(&args.into)?;
    changed.extend(glossary.map(|text| ("glossary.json".to_owned(), text)));
    if !args.dry_run {
        save(&args.into, &changed, &plan.removed)?;
        vendors::save(&lists)?;
    }
    for warning in &new.diagnostics.warnings {
        print_note(format!("note: {warning}"));
    }
    let written = changed.into_iter().map(|(file, _)| file);
    let outdated = lists.iter().map(|file| (file.name.into(), String::new()));
    let drafts_heading = if args.into.join("glossary.json").exists() {
        "drafts in glossary.json; reword each and remove the mark"
    } else {
        "properties without a line in glossary.json"
    };
    let mut sections = vec![
        List::new("vendors", "lists of vendors", outdated),
        List::new(
            "narrowed",
            "documents that keep only models that are no longer published",
            plan.narrowed
                .iter()
                .map(|file| (file.clone(), String::new())),
        ),
        List::new(
            "removed",
            "removed documents, whose models other documents describe",
            plan.removed
                .iter()
                .map(|(file, by)| (file.clone(), format!("now in {by}"))),
        ),
        List::new("drafts", drafts_heading, drafts.all()),
    ];
    // Read with the prose, which the written documents do not have.
    let mut documents = plan.published;
    spec::read(
        &mut documents,
        &new.facts,
        |_| true,
        &mut Diagnostics::default(),
    );
    let creates = merge::creates(&documents, &mut Diagnostics::default());
    sections.extend(follow_up(&old, &new, &published, &creates));
    Ok(Report {
        dry_run: args.dry_run,
        written: written
            .filter(|file| plan.taken.contains_key(file))
            .collect(),
        documents: plan.taken.len(),
        left_out: published.left_out,
        changes: diff::compare(&old.merged, &new.merged),
        lists: sections,
    })
}

/// The documents whose files differ from what the plan holds, with their texts.
fn changed(into: &Path, plan: &Plan) -> Vec<(String, String)> {
    let is_written = |file: &String| plan.taken.contains_key(file) || plan.narrowed.contains(file);
    let documents = plan.documents.iter().filter(|new| is_written(&new.file));
    documents
        .map(|new| (new.file.clone(), strip::text(&new.published)))
        .filter(|(file, text)| fs::read_to_string(into.join(file)).ok().as_ref() != Some(text))
        .collect()
}

/// Writes the changed files, then removes others.
fn save(
    into: &Path,
    changed: &[(String, String)],
    removed: &[(String, String)],
) -> Result<(), Failure> {
    let partly = |verb: &str, file: &str, before: usize, error: io::Error| {
        Failure::usage(format!(
            "{file} cannot be {verb}: {error}; files changed before it: {before}; run the command again to change the rest"
        ))
    };
    for (before, (file, text)) in changed.iter().enumerate() {
        write(&into.join(file), text).map_err(|error| partly("written", file, before, error))?;
    }
    for (before, (file, _)) in (changed.len()..).zip(removed) {
        remove(into, file).map_err(|error| partly("removed", file, before, error))?;
    }
    Ok(())
}

/// Removes a file, and the folders that it leaves empty.
fn remove(into: &Path, file: &str) -> io::Result<()> {
    fs::remove_file(into.join(file))?;
    let folders = Path::new(file).ancestors().skip(1);
    for folder in folders.filter(|folder| !folder.as_os_str().is_empty()) {
        if fs::remove_dir(into.join(folder)).is_err() {
            break;
        }
    }
    Ok(())
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

/// Lists what a maintainer has to look at after an update.
fn follow_up(
    old: &Described,
    new: &Described,
    published: &Published,
    creates: &[Create],
) -> Vec<List> {
    let base64 = Base64::of(creates);
    let requests = &new.merged.requests;
    let is_known = |id: &String| requests.iter().any(|request| request.create.model == *id);
    let unsupported = published.unsupported.iter();
    let unsupported = unsupported.filter(|(id, ..)| !is_known(id));
    let durations = new.facts.durations.iter();
    let unused = durations.filter(|entry| !is_known(&entry.model));
    vec![
        List::new(
            "base64_unmarked",
            "properties whose text allows base64 without a mark in overlay.json",
            base64.unmarked,
        ),
        List::new(
            "base64_unstated",
            "properties with a mark for base64 in overlay.json, which their text does not allow",
            base64.unstated,
        ),
        List::new(
            "retired",
            "models that are no longer published; keep or delete their documents",
            retired(old, creates),
        ),
        List::new(
            "incomplete",
            "documents of several APIs that are left out, since they have an operation of this client without its schema",
            published.incomplete.clone(),
        ),
        List::new(
            "unsupported",
            "models on URLs that this client does not use; these operations are left out",
            unsupported.map(|(model, path, file)| (model.clone(), format!("on {path} ({file})"))),
        ),
        List::new(
            "unmatched_actions",
            "actions of overlay.json that no longer match",
            unmatched(&new.documents, &new.facts),
        ),
        List::new(
            "unused_lines",
            "lines of glossary.json that no property has",
            glossary::unused(&new.facts.glossary, &new.merged),
        ),
        List::new(
            "unused_durations",
            "entries of durations.json for models that no document describes",
            unused.map(|entry| (entry.model.clone(), String::new())),
        ),
    ]
}

/// Returns the models that are not in the published documents, of vendors with at least one published document.
fn retired(old: &Described, published: &[Create]) -> Vec<(String, String)> {
    let is_published = |create: &Create| {
        let same = |claim: &Create| claim.route == create.route && claim.model == create.model;
        published.iter().any(same)
    };
    let covers = |route: Route, vendor: &str| {
        let same = |claim: &Create| {
            claim.route == route && old.facts.vendor(&claim.model, &claim.file) == vendor
        };
        published.iter().any(same)
    };
    old.merged
        .requests
        .iter()
        .filter(|request| {
            let create = &request.create;
            covers(create.route, &request.model.vendor) && !is_published(create)
        })
        .map(|request| {
            let create = &request.create;
            (create.model.clone(), create.file.clone())
        })
        .collect()
}

fn unmatched(documents: &[Document], facts: &Facts) -> Vec<(String, String)> {
    let mut documents: Vec<Document> = documents.iter().map(unrepaired).collect();
    documents.iter_mut().for_each(repair::apply);
    let matches = overlay::apply(&facts.overlay, &mut documents, &mut Diagnostics::default());
    let unmatched = matches
        .actions
        .into_iter()
        .filter(|(_, matches)| *matches == 0);
    unmatched
        .map(|(target, _)| (target, String::new()))
        .collect()
}

fn unrepaired(document: &Document) -> Document {
    let mut document = document.clone();
    document.value = document.unrepaired();
    document
}
