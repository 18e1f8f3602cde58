//! The command `specs diff`: compares two sets of documents from a caller's point of view.

use std::{path::Path, process::ExitCode};

use serde_json::{Value, json};

use super::{Described, documents, facts, print_result, require_path};
use crate::{args::SpecsDiff, failure::Failure};
use aimlapi_video_codegen::{
    Diagnostics,
    diff::{self, Change, Effect, Verdict},
};

/// Runs `specs diff`.
pub(crate) fn diff(args: &SpecsDiff) -> ExitCode {
    match compare(args) {
        Ok(changes) if args.json => print_result(json(&changes).to_string()),
        Ok(changes) if args.markdown => print_result(markdown(&changes)),
        Ok(changes) => print_result(text(&changes)),
        Err(failure) => failure.report(args.json, None),
    }
}

fn compare(args: &SpecsDiff) -> Result<Vec<Change>, Failure> {
    for path in [&args.old, &args.new] {
        require_path(path).map_err(Failure::usage)?;
    }
    let old = Described::read(&args.old).usable(&args.old)?;
    // The folder names the vendor of an id without one. Two single files are versions of one document, so both get the
    // first file's name.
    let name = (args.old.is_file() && args.new.is_file())
        .then(|| old.documents.first().map(|document| &*document.file));
    let new = named(&args.new, name.flatten()).usable(&args.new)?;
    Ok(diff::compare(&old.merged, &new.merged))
}

/// Reads one document under the name `file`.
fn named(path: &Path, file: Option<&str>) -> Described {
    let mut diagnostics = Diagnostics::default();
    let mut documents = documents(path, &mut diagnostics);
    if let (Some(file), [document]) = (file, documents.as_mut_slice()) {
        document.file = file.to_owned();
    }
    let facts = facts(path, &mut diagnostics);
    Described::of(documents, facts, diagnostics)
}

/// Formats the changes of each model, and the overall verdict.
pub(super) fn text(changes: &[Change]) -> String {
    let mut out = String::new();
    for group in grouped(changes) {
        out.push_str(&format!("{}\n", title(&group[0])));
        for change in group {
            out.push_str(&format!("  {:<10}  {change}\n", change.effect));
        }
    }
    out.push_str(&summary(changes));
    out
}

/// Formats the changes by their effect, to paste into a change log.
pub(super) fn markdown(changes: &[Change]) -> String {
    let mut out = String::new();
    for (effect, heading) in [
        (Effect::Breaking, "Breaking"),
        (Effect::Compatible, "Added"),
        (Effect::None, "Without effect on the types"),
    ] {
        let of_effect: Vec<Change> = changes
            .iter()
            .filter(|change| change.effect == effect)
            .cloned()
            .collect();
        if of_effect.is_empty() {
            continue;
        }
        out.push_str(&format!("### {heading}\n\n"));
        for group in grouped(&of_effect) {
            let lines: Vec<String> = group.iter().map(ToString::to_string).collect();
            let path = group[0].route.path();
            let title = match &*group[0].model {
                "" => format!("`GET {path}`"),
                model => format!("`{model}` on `{path}`"),
            };
            out.push_str(&format!("- {title}: {}\n", lines.join("; ")));
        }
        out.push('\n');
    }
    out.push_str(&format!("{}\n", summary(changes)));
    out
}

pub(super) fn json(changes: &[Change]) -> Value {
    let entry = |change: &Change| {
        json!({
            "model": change.model,
            "path": change.route.path(),
            "property": change.property,
            "change": change.kind.name(),
            "old": change.old,
            "new": change.new,
            "verdict": change.effect.to_string(),
        })
    };
    let verdict = diff::verdict(changes);
    json!({
        "verdict": verdict.to_string(),
        "version": VERSION,
        "next_version": verdict.next(VERSION).filter(|_| !changes.is_empty()),
        "changes": changes.iter().map(entry).collect::<Vec<_>>(),
    })
}

fn summary(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "nothing changed for callers".into();
    }
    let count = |effect: Effect| {
        changes
            .iter()
            .filter(|change| change.effect == effect)
            .count()
    };
    let verdict: Verdict = diff::verdict(changes);
    format!(
        "{verdict}: {} breaking, {} compatible, {} without effect; after {VERSION} comes {}",
        count(Effect::Breaking),
        count(Effect::Compatible),
        count(Effect::None),
        verdict.next(VERSION).unwrap_or_default(),
    )
}

/// Groups the changes by model and route; the input is sorted by both.
fn grouped(changes: &[Change]) -> impl Iterator<Item = &[Change]> {
    changes.chunk_by(|a, b| (&a.model, a.route) == (&b.model, b.route))
}

fn title(change: &Change) -> String {
    let path = change.route.path();
    if change.model.is_empty() {
        format!("GET {path}")
    } else {
        format!("{} on {path}", change.model)
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");
