//! The result of an update as text, as Markdown for a pull request, and as JSON, without a sentence of the publisher.

use std::fmt::Write;

use serde_json::{Value, json};

use super::super::diff;
use aimlapi_video_codegen::diff::Change;

/// What an update wrote, what it changes for callers, and what a maintainer has to look at.
pub(super) struct Report {
    pub(super) dry_run: bool,
    /// The files of published models that were written.
    pub(super) written: Vec<String>,
    /// How many files the published models have.
    pub(super) documents: usize,
    pub(super) left_out: usize,
    pub(super) changes: Vec<Change>,
    pub(super) lists: Vec<List>,
}

/// Entries under a heading; an empty list is not printed as text.
pub(super) struct List {
    /// The name in JSON.
    pub(super) name: &'static str,
    pub(super) heading: &'static str,
    /// What each entry is about, and a note on it.
    pub(super) entries: Vec<(String, String)>,
}

impl List {
    pub(super) fn new(
        name: &'static str,
        heading: &'static str,
        entries: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        Self {
            name,
            heading,
            entries: entries.into_iter().collect(),
        }
    }
}

impl Report {
    pub(super) fn text(&self) -> String {
        let mut out = format!("{}\n", self.summary());
        for file in &self.written {
            let _ = writeln!(out, "  {file}");
        }
        let _ = writeln!(out, "{}", diff::text(&self.changes));
        for list in self.lists.iter().filter(|list| !list.entries.is_empty()) {
            let _ = writeln!(out, "{}", list.heading);
            for (what, note) in &list.entries {
                let _ = writeln!(out, "{}", format!("  {what}  {note}").trim_end());
            }
        }
        if self.left_out > 0 {
            let _ = writeln!(out, "left out {} other JSON files", self.left_out);
        }
        out.trim_end().to_owned()
    }

    pub(super) fn markdown(&self) -> String {
        let mut out = format!("{}\n\n{}\n", self.summary(), diff::markdown(&self.changes));
        let files = self
            .written
            .iter()
            .map(|file| (file.clone(), String::new()));
        let files = List::new("written", "Written documents", files);
        for list in [&files].into_iter().chain(&self.lists) {
            if list.entries.is_empty() {
                continue;
            }
            let mut heading = list.heading.chars();
            let first = heading.next().map(|first| first.to_ascii_uppercase());
            let heading: String = first.into_iter().chain(heading).collect();
            let _ = writeln!(out, "### {heading}\n");
            for (what, note) in &list.entries {
                let _ = match &**note {
                    "" => writeln!(out, "- `{what}`"),
                    note => writeln!(out, "- `{what}`: {note}"),
                };
            }
            out.push('\n');
        }
        out.trim_end().to_owned()
    }

    pub(super) fn json(&self) -> Value {
        let mut whole = diff::json(&self.changes);
        whole["dry_run"] = self.dry_run.into();
        whole["written"] = json!(self.written);
        whole["documents"] = self.documents.into();
        whole["left_out"] = self.left_out.into();
        for list in &self.lists {
            let entry = |(what, note): &(String, String)| json!({ "what": what, "note": note });
            whole[list.name] = list.entries.iter().map(entry).collect();
        }
        whole
    }

    fn summary(&self) -> String {
        let verb = if self.dry_run { "would write" } else { "wrote" };
        let (written, documents) = (self.written.len(), self.documents);
        format!("{verb} {written} of {documents} documents")
    }
}
