//! The command `specs check`: reports for each document whether the build accepts, repairs, ignores or rejects it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::{Value, json};

use super::{client, documents, facts, print_result, require_path};
use crate::{
    args::SpecsCheck,
    failure::{Failure, USAGE},
};
use aimlapi_video_codegen::{self as spec, Diagnostic, Diagnostics, Document, Facts, repair};

/// Runs `specs check`.
pub(crate) fn check(args: &SpecsCheck) -> ExitCode {
    // The JSON report has an entry for each path, a missing one included.
    let missing = args.paths.iter().find_map(|path| require_path(path).err());
    if let Some(what) = missing.filter(|_| !args.json) {
        return Failure::usage(what).report(false, None);
    }
    let mut diagnostics = Diagnostics::default();
    let documents = distinctly_named(&args.paths, &mut diagnostics);
    let facts = facts(
        args.paths.first().map_or(Path::new(""), |path| path),
        &mut diagnostics,
    );
    let mut reports: Vec<Report> = documents
        .iter()
        .map(|document| Report::of(document, &facts, args.each))
        .collect();
    let mut generated = Generated::default();
    for report in &reports {
        generated.add(&report.generated);
    }
    if !args.each {
        // Each document was read alone; errors that occur only when all are read together are added to their file's report.
        let mut together = documents;
        together.retain(|document| reports.iter().any(|report| report.is_read(&document.file)));
        let mut common = Diagnostics::default();
        generated = generate(&mut together, &facts, &mut common);
        for diagnostic in common.errors {
            match reports
                .iter_mut()
                .find(|report| report.file == diagnostic.file)
            {
                Some(report) => report.errors.push(diagnostic),
                None => diagnostics.error(diagnostic),
            }
        }
        for warning in common.warnings {
            if let Some(report) = reports
                .iter_mut()
                .find(|report| report.file == warning.file)
                && !report.warnings.contains(&warning)
            {
                report.warnings.push(warning);
            }
        }
    }
    reports.extend(diagnostics.errors.into_iter().map(Report::unread));
    reports.sort_by(|a, b| a.file.cmp(&b.file));
    let ok = reports.iter().all(|report| report.errors.is_empty());
    if args.json {
        let entries: Vec<Value> = reports.iter().map(Report::json).collect();
        let whole = json!({
            "ok": ok,
            "documents": entries,
            "requests": generated.requests,
            "lines": generated.lines,
        });
        print_result(whole.to_string());
    } else {
        let is_folder = !args.each && args.paths.iter().any(|path| path.is_dir());
        print_result(text(&reports, is_folder, &generated));
    }
    if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(USAGE)
    }
}

/// Reads the documents of all paths, each document once.
///
/// If two documents have the same name, every document is named with the path by which it was found.
fn distinctly_named(paths: &[PathBuf], diagnostics: &mut Diagnostics) -> Vec<Document> {
    let mut found: Vec<(&PathBuf, Document)> = Vec::new();
    let mut errors: Vec<(&PathBuf, Diagnostics)> = Vec::new();
    let mut known: BTreeSet<PathBuf> = BTreeSet::new();
    for path in paths {
        let mut diagnostics = Diagnostics::default();
        let mut documents = documents(path, &mut diagnostics);
        let real = |file: &str| {
            let location = if path.is_dir() {
                path.join(file)
            } else {
                path.clone()
            };
            fs::canonicalize(&location).unwrap_or(location)
        };
        documents.retain(|document| !known.contains(&real(&document.file)));
        diagnostics
            .errors
            .retain(|diagnostic| !known.contains(&real(&diagnostic.file)));
        let read = documents.iter().map(|document| &document.file);
        let unread = diagnostics.errors.iter().map(|diagnostic| &diagnostic.file);
        let own: Vec<PathBuf> = read.chain(unread).map(|file| real(file)).collect();
        known.extend(own);
        found.extend(documents.into_iter().map(|document| (path, document)));
        errors.push((path, diagnostics));
    }
    let read = found.iter().map(|(_, document)| document.file.as_str());
    let unread = errors
        .iter()
        .flat_map(|(_, diagnostics)| &diagnostics.errors);
    let mut names: Vec<&str> = read
        .chain(unread.map(|diagnostic| diagnostic.file.as_str()))
        .collect();
    names.sort_unstable();
    let clash = names.windows(2).any(|pair| pair[0] == pair[1]);
    let distinct = |path: &Path, file: &str| match path.is_dir() {
        _ if !clash => file.to_owned(),
        true => path.join(file).display().to_string(),
        false => path.display().to_string(),
    };
    for (path, of_path) in errors {
        for mut diagnostic in of_path.errors {
            diagnostic.file = distinct(path, &diagnostic.file);
            diagnostics.error(diagnostic);
        }
    }
    let documents = found.into_iter().map(|(path, mut document)| {
        document.file = distinct(path, &document.file);
        document
    });
    documents.collect()
}

/// The number of generated request types, and of generated lines of Rust.
#[derive(Default)]
struct Generated {
    requests: usize,
    lines: usize,
}

impl Generated {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.lines += other.lines;
    }
}

/// The result for one document.
struct Report {
    file: String,
    /// Whether the document declares an operation of this client.
    is_video: bool,
    repairs: Vec<&'static str>,
    models: Vec<Value>,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    generated: Generated,
}

impl Report {
    /// Reads one document alone; with `whole`, also generates and parses its source.
    fn of(document: &Document, facts: &Facts, whole: bool) -> Self {
        let mut diagnostics = Diagnostics::default();
        let mut alone = [document.clone()];
        let merged = spec::read(&mut alone, facts, |_| true, &mut diagnostics);
        let models = merged.requests.iter().map(|request| {
            json!({
                "id": request.create.model,
                "path": request.create.route.path(),
                "vendor": request.model.vendor,
                "type": request.model.type_name,
            })
        });
        let models = models.collect();
        let generated = if whole {
            generate(&mut [document.clone()], facts, &mut diagnostics)
        } else {
            Generated::default()
        };
        diagnostics.errors.sort();
        diagnostics.errors.dedup();
        diagnostics.warnings.sort();
        diagnostics.warnings.dedup();
        Self {
            file: document.file.clone(),
            is_video: document.is_video(),
            repairs: alone[0].repairs.clone(),
            models,
            errors: diagnostics.errors,
            warnings: diagnostics.warnings,
            generated,
        }
    }

    fn unread(diagnostic: Diagnostic) -> Self {
        Self {
            file: diagnostic.file.clone(),
            is_video: false,
            repairs: Vec::new(),
            models: Vec::new(),
            errors: vec![diagnostic],
            warnings: Vec::new(),
            generated: Generated::default(),
        }
    }

    fn is_read(&self, file: &str) -> bool {
        self.file == file && self.errors.is_empty()
    }

    fn verdict(&self) -> &'static str {
        match () {
            () if !self.errors.is_empty() => "refused",
            () if !self.is_video => "left out",
            () if self.repairs.is_empty() => "as it is",
            () => "repaired",
        }
    }

    fn json(&self) -> Value {
        let entries = |errors: &[Diagnostic]| -> Vec<Value> {
            let entry = |diagnostic: &Diagnostic| {
                json!({
                    "file": diagnostic.file,
                    "pointer": diagnostic.pointer,
                    "what": diagnostic.what,
                    "remedy": diagnostic.remedy,
                })
            };
            errors.iter().map(entry).collect()
        };
        json!({
            "file": self.file,
            "verdict": self.verdict().replace(' ', "_"),
            "repairs": self.repairs,
            "models": self.models,
            "troubles": entries(&self.errors),
            "warnings": entries(&self.warnings),
        })
    }
}

fn generate(documents: &mut [Document], facts: &Facts, diagnostics: &mut Diagnostics) -> Generated {
    let merged = spec::read(documents, facts, |_| true, diagnostics);
    if !diagnostics.errors.is_empty() {
        return Generated::default();
    }
    let source = spec::rust::generate(&merged, &client, diagnostics);
    let files = source.map(|source| source.files).unwrap_or_default();
    let code = files.iter().filter(|(name, _)| name.ends_with(".rs"));
    Generated {
        requests: merged.requests.len(),
        lines: code.map(|(_, text)| text.lines().count()).sum(),
    }
}

fn text(reports: &[Report], is_folder: bool, generated: &Generated) -> String {
    let mut out = String::new();
    for report in reports {
        let models = report
            .models
            .iter()
            .filter_map(|model| model["id"].as_str());
        let mut notes: Vec<String> = Vec::new();
        let models = models.collect::<Vec<_>>().join(", ");
        notes.extend((!models.is_empty()).then_some(models));
        if !report.repairs.is_empty() {
            notes.push(format!("repaired: {}", report.repairs.join(", ")));
        }
        let notes = notes.join("; ");
        out.push_str(format!("{:<9} {}  {notes}", report.verdict(), report.file).trim_end());
        out.push('\n');
        for diagnostic in &report.errors {
            out.push_str(&format!("          {diagnostic}\n"));
        }
        for warning in &report.warnings {
            out.push_str(&format!("          note: {warning}\n"));
        }
    }
    let is_unused = |name: &&str| !reports.iter().any(|report| report.repairs.contains(name));
    let unused = repair::ALL.iter().map(|repair| repair.name);
    let unused: Vec<&str> = unused.filter(is_unused).collect();
    if is_folder && !unused.is_empty() {
        let unused = unused.join(", ");
        out.push_str(&format!("repairs that no document needs: {unused}\n"));
    }
    let count = |verdict: &str| {
        reports
            .iter()
            .filter(|report| report.verdict() == verdict)
            .count()
    };
    out.push_str(&format!(
        "{} documents: {} as they are, {} repaired, {} refused, {} left out; {} request types, {} lines of Rust",
        reports.len(),
        count("as it is"),
        count("repaired"),
        count("refused"),
        count("left out"),
        generated.requests,
        generated.lines,
    ));
    out
}
