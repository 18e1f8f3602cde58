//! The command `specs vendors`: writes the lists of vendors and the numbers of models into the files beside the documents.
//!
//! The folder of documents has the only list of vendors. Other files hold sections between two comments, which this command
//! writes: the lines `# specs vendors NAME` to `# end` in TOML, the same in `<!-- -->` in Markdown.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{Described, print_result, require_folder};
use crate::{args::SpecsVendors, atomic::write, failure::Failure};
use aimlapi_video_codegen::{Merged, Route};

/// Runs `specs vendors`.
pub(crate) fn vendors(args: &SpecsVendors) -> ExitCode {
    match run(args) {
        Ok(report) => print_result(report),
        Err(failure) => failure.report(false, None),
    }
}

fn run(args: &SpecsVendors) -> Result<String, Failure> {
    require_folder(&args.folder)?;
    let described = Described::read(&args.folder).usable(&args.folder)?;
    if described.merged.requests.is_empty() {
        let folder = args.folder.display();
        let what = format!(
            "nothing was written: {folder} holds no document of a model, so every vendor would be dropped"
        );
        return Err(Failure::usage(what));
    }
    let outdated = outdated(&args.folder, &described.merged)?;
    if !args.dry_run {
        save(&outdated)?;
    }
    let verb = if args.dry_run { "would write" } else { "wrote" };
    let report: String = outdated
        .iter()
        .map(|file| format!("{verb} {}\n{}", file.name, file.patch))
        .collect();
    Ok(match report.trim_end() {
        "" => "every list is up to date".into(),
        report => report.into(),
    })
}

/// A file with a section that differs from what the documents say.
pub(super) struct Outdated {
    /// The path below the folder that contains the documents' folder.
    pub(super) name: &'static str,
    path: PathBuf,
    text: String,
    patch: String,
}

/// Writes the files.
pub(super) fn save(files: &[Outdated]) -> Result<(), Failure> {
    for file in files {
        let failed = |error| {
            let what = "run the command again to write the rest";
            Failure::usage(format!("{} cannot be written: {error}; {what}", file.name))
        };
        write(&file.path, &file.text).map_err(failed)?;
    }
    Ok(())
}

/// Fills the sections of the files beside `documents`, and returns the files that change. Files that do not exist are not
/// created.
pub(super) fn outdated(documents: &Path, merged: &Merged) -> Result<Vec<Outdated>, Failure> {
    let folder = fs::canonicalize(documents).unwrap_or_default();
    let models = merged.requests.iter().map(|request| &request.model);
    let vendors: BTreeSet<&str> = models.map(|model| &*model.vendor).collect();
    let sections = sections(merged, &vendors);
    let mut outdated = Vec::new();
    for name in FILES {
        let path = folder.with_file_name(name);
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let text = text.replace("\r\n", "\n");
        if let Some(vendor) = taken_feature(&text, &vendors) {
            let what = format!(
                "nothing was written: the vendor `{vendor}` has the name of another feature in {name}; rename its folder, and add \
                 the prefix of its ids to vendors.json under the new name"
            );
            return Err(Failure::usage(what));
        }
        let mut patch = String::new();
        let marks = if name.ends_with(".md") {
            MARKDOWN
        } else {
            TOML
        };
        let filled = filled(&text, marks, &sections, &mut patch)
            .map_err(|what| Failure::usage(format!("{name}: {what}")))?;
        if filled != text {
            outdated.push(Outdated {
                name,
                path,
                text: filled,
                patch,
            });
        }
    }
    Ok(outdated)
}

/// The contents of the sections by their names.
fn sections(merged: &Merged, vendors: &BTreeSet<&str>) -> BTreeMap<&'static str, String> {
    let models = merged.requests.iter().map(|request| &request.model);
    let on = |route| -> BTreeSet<&str> {
        let models = models.clone().filter(|model| model.route == route);
        models.map(|model| &*model.id).collect()
    };
    let (new, old) = (on(Route::Universal), on(Route::LegacyKling));
    let each = |line: &dyn Fn(&str) -> String, between: &str| -> String {
        let lines: Vec<String> = vendors.iter().map(|vendor| line(vendor)).collect();
        lines.join(between)
    };
    let all = each(&|vendor| format!("    \"{vendor}\",\n"), "");
    let others = vendors.iter().filter(|vendor| **vendor != DEFAULT);
    let others: Vec<String> = others.map(|vendor| format!("`{vendor}`")).collect();
    // A line of Markdown has no more, so that it can be read as text.
    let names: Vec<String> = others.chunks(8).map(|line| line.join(", ")).collect();
    BTreeMap::from([
        (
            "features",
            each(&|vendor| format!("{vendor} = []\n"), "") + &format!("all-vendors = [\n{all}]\n"),
        ),
        (
            "features of the library",
            each(
                &|vendor| format!("{vendor} = [\"aimlapi-video/{vendor}\"]\n"),
                "",
            ),
        ),
        ("names", format!("\n{}\n", names.join(",\n"))),
        (
            "models",
            format!(
                "{} models, {} of them on both URLs of the service",
                new.union(&old).count(),
                new.intersection(&old).count()
            ),
        ),
    ])
}

/// A vendor whose feature a manifest defines outside its section, for something else.
fn taken_feature<'a>(manifest: &str, vendors: &BTreeSet<&'a str>) -> Option<&'a str> {
    let (_, features) = manifest.split_once("\n[features]")?;
    let features = features.split("\n[").next().unwrap_or(features);
    let (begin, _, end) = TOML;
    let (before, rest) = features.split_once(begin)?;
    let after = rest.split_once(end).map_or("", |(_, after)| after);
    let mut others = before.lines().chain(after.lines());
    others.find_map(|line| vendors.get(line.split_once(" = ")?.0).copied())
}

/// Replaces the sections of a file's text, and adds the changed lines to `patch`.
fn filled(
    text: &str,
    (begin, close, end): (&str, &str, &str),
    sections: &BTreeMap<&str, String>,
    patch: &mut String,
) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(begin) {
        let (name, after) = after.split_once(close).unwrap_or((after, ""));
        let Some(new) = sections.get(name) else {
            let known: Vec<&str> = sections.keys().copied().collect();
            let known = known.join(", ");
            return Err(format!(
                "there is no section {name:?}; expected one of {known}"
            ));
        };
        let Some((old, after)) = after.split_once(end) else {
            return Err(format!(
                "the section {name:?} does not end in {:?}",
                end.trim()
            ));
        };
        for (sign, these, those) in [('-', old, &**new), ('+', &**new, old)] {
            let those: BTreeSet<&str> = those.lines().collect();
            for line in these.lines().filter(|line| !those.contains(line)) {
                let _ = writeln!(patch, "{sign}{line}");
            }
        }
        out += &format!("{before}{begin}{name}{close}{new}{end}");
        rest = after;
    }
    Ok(out + rest)
}

/// What precedes and follows the name of a section, and what ends the section.
const MARKDOWN: (&str, &str, &str) = ("<!-- specs vendors ", " -->", "<!-- end -->");
const TOML: (&str, &str, &str) = ("\n# specs vendors ", "\n", "# end\n");

/// The vendor of the library's default features.
const DEFAULT: &str = "kling";

const FILES: [&str; 4] = [
    "Cargo.toml",
    "README.md",
    "crates/simulator/Cargo.toml",
    "crates/simulator/README.md",
];
