//! The command `specs check`: reports for each document whether the build accepts, repairs, ignores or rejects it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::{Value, json};

use super::{documents, facts, print_result};
use crate::{args::SpecsCheck, failure::USAGE};
use aimlapi_video_codegen::{self as spec, Document, Facts, Findings, Trouble, generate};

/// Runs `specs check`.
pub(crate) fn check(args: &SpecsCheck) -> ExitCode {
    let mut findings = Findings::default();
    let documents = distinctly_named(&args.paths, &mut findings);
    let facts = facts(
        args.paths.first().map_or(Path::new(""), |path| path),
        &mut findings,
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
        let mut common = Findings::default();
        generated = generate(&mut together, &facts, &mut common);
        for trouble in common.troubles {
            match reports
                .iter_mut()
                .find(|report| report.file == trouble.file)
            {
                Some(report) => report.troubles.push(trouble),
                None => findings.trouble(trouble),
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
    reports.extend(findings.troubles.into_iter().map(Report::unread));
    reports.sort_by(|a, b| a.file.cmp(&b.file));
    let ok = reports.iter().all(|report| report.troubles.is_empty());
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
        print_result(text(&reports, &generated));
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
fn distinctly_named(paths: &[PathBuf], findings: &mut Findings) -> Vec<Document> {
    let mut found: Vec<(&PathBuf, Document)> = Vec::new();
    let mut troubles: Vec<(&PathBuf, Findings)> = Vec::new();
    let mut known: BTreeSet<PathBuf> = BTreeSet::new();
    for path in paths {
        let mut findings = Findings::default();
        let mut documents = documents(path, &mut findings);
        let real = |file: &str| {
            let location = if path.is_dir() {
                path.join(file)
            } else {
                path.clone()
            };
            fs::canonicalize(&location).unwrap_or(location)
        };
        documents.retain(|document| !known.contains(&real(&document.file)));
        findings
            .troubles
            .retain(|trouble| !known.contains(&real(&trouble.file)));
        let read = documents.iter().map(|document| &document.file);
        let unread = findings.troubles.iter().map(|trouble| &trouble.file);
        let own: Vec<PathBuf> = read.chain(unread).map(|file| real(file)).collect();
        known.extend(own);
        found.extend(documents.into_iter().map(|document| (path, document)));
        troubles.push((path, findings));
    }
    let read = found.iter().map(|(_, document)| document.file.as_str());
    let unread = troubles.iter().flat_map(|(_, findings)| &findings.troubles);
    let mut names: Vec<&str> = read
        .chain(unread.map(|trouble| trouble.file.as_str()))
        .collect();
    names.sort_unstable();
    let clash = names.windows(2).any(|pair| pair[0] == pair[1]);
    let distinct = |path: &Path, file: &str| match path.is_dir() {
        _ if !clash => file.to_owned(),
        true => path.join(file).display().to_string(),
        false => path.display().to_string(),
    };
    for (path, of_path) in troubles {
        for mut trouble in of_path.troubles {
            trouble.file = distinct(path, &trouble.file);
            findings.trouble(trouble);
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
    troubles: Vec<Trouble>,
    warnings: Vec<Trouble>,
    generated: Generated,
}

impl Report {
    /// Reads one document alone; with `whole`, also generates and parses its source.
    fn of(document: &Document, facts: &Facts, whole: bool) -> Self {
        let mut findings = Findings::default();
        let mut alone = [document.clone()];
        let merged = spec::read(&mut alone, facts, |_| true, &mut findings);
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
            generate(&mut [document.clone()], facts, &mut findings)
        } else {
            Generated::default()
        };
        findings.troubles.sort();
        findings.troubles.dedup();
        findings.warnings.sort();
        findings.warnings.dedup();
        Self {
            file: document.file.clone(),
            is_video: document.is_video(),
            repairs: alone[0].repairs.clone(),
            models,
            troubles: findings.troubles,
            warnings: findings.warnings,
            generated,
        }
    }

    fn unread(trouble: Trouble) -> Self {
        Self {
            file: trouble.file.clone(),
            is_video: false,
            repairs: Vec::new(),
            models: Vec::new(),
            troubles: vec![trouble],
            warnings: Vec::new(),
            generated: Generated::default(),
        }
    }

    fn is_read(&self, file: &str) -> bool {
        self.file == file && self.troubles.is_empty()
    }

    fn verdict(&self) -> &'static str {
        match () {
            () if !self.troubles.is_empty() => "refused",
            () if !self.is_video => "left out",
            () if self.repairs.is_empty() => "as it is",
            () => "repaired",
        }
    }

    fn json(&self) -> Value {
        let entries = |troubles: &[Trouble]| -> Vec<Value> {
            let entry = |trouble: &Trouble| {
                json!({
                    "file": trouble.file,
                    "pointer": trouble.pointer,
                    "what": trouble.what,
                    "remedy": trouble.remedy,
                })
            };
            troubles.iter().map(entry).collect()
        };
        json!({
            "file": self.file,
            "verdict": self.verdict().replace(' ', "_"),
            "repairs": self.repairs,
            "models": self.models,
            "troubles": entries(&self.troubles),
            "warnings": entries(&self.warnings),
        })
    }
}

fn generate(documents: &mut [Document], facts: &Facts, findings: &mut Findings) -> Generated {
    let merged = spec::read(documents, facts, |_| true, findings);
    if !findings.troubles.is_empty() {
        return Generated::default();
    }
    let source = generate::generate(&merged, findings);
    let files = source.map(|source| source.files).unwrap_or_default();
    let code = files.iter().filter(|(name, _)| name.ends_with(".rs"));
    Generated {
        requests: merged.requests.len(),
        lines: code.map(|(_, text)| text.lines().count()).sum(),
    }
}

fn text(reports: &[Report], generated: &Generated) -> String {
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
        for trouble in &report.troubles {
            out.push_str(&format!("          {trouble}\n"));
        }
        for warning in &report.warnings {
            out.push_str(&format!("          note: {warning}\n"));
        }
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
