//! The result of `specs drift` as text, as Markdown and as JSON.

use std::{collections::BTreeMap, fmt::Write as _, ops::RangeInclusive};

use aimlapi_video::Route;
use aimlapi_video_codegen::{code_span, drift::Drift};
use serde_json::{Value, json};

use super::durations::Durations;

pub(super) struct Report {
    /// How many responses to creates and fetches were compared.
    pub(super) responses: usize,
    pub(super) generations: usize,
    pub(super) drift: Drift,
    pub(super) durations: Vec<Durations>,
}

/// The lines about a model, each with its kind.
type Lines = Vec<(&'static str, String)>;

impl Report {
    /// Whether a document or a stated duration has to change.
    pub(super) fn is_different(&self) -> bool {
        !self.drift.differences.is_empty() || self.durations.iter().any(Durations::is_different)
    }

    pub(super) fn text(&self) -> String {
        let mut out = format!("{}\n", self.summary());
        for (title, lines) in self.groups(|title| title.replace(['\r', '\n'], " ")) {
            let _ = writeln!(out, "{title}");
            for (kind, line) in lines {
                let _ = writeln!(out, "  {kind:<14}  {line}");
            }
        }
        for (heading, json) in self.drafts() {
            let _ = write!(out, "{heading}\n{json}\n");
        }
        out.trim_end().to_owned()
    }

    pub(super) fn markdown(&self) -> String {
        let mut out = format!("{}\n\n", self.summary());
        for (title, lines) in self.groups(code_span) {
            let _ = writeln!(out, "### {title}\n");
            for (kind, line) in lines {
                let _ = writeln!(out, "- {kind}: {line}");
            }
            out.push('\n');
        }
        for (heading, json) in self.drafts() {
            let _ = write!(out, "### {heading}\n\n```json\n{json}\n```\n\n");
        }
        out.trim_end().to_owned()
    }

    pub(super) fn json(&self) -> Value {
        let Drift {
            differences,
            unreceived,
            actions,
            not_compared,
        } = &self.drift;
        let differences = differences.iter().map(|difference| {
            let part = &difference.part;
            json!({
                "model": difference.model,
                "path": difference.route.path(),
                "method": difference.method,
                "status": difference.status,
                "difference": part.kind.name(),
                "name": part.name,
                "declared": part.declared,
                "received": part.received,
                "responses": difference.count,
            })
        });
        let unreceived = unreceived.iter().map(|unreceived| {
            let declaration = &unreceived.declaration;
            json!({
                "model": unreceived.model,
                "path": unreceived.route.path(),
                "declaration": declaration.kind.name(),
                "name": declaration.name,
                "value": declaration.value,
            })
        });
        let range =
            |range: &RangeInclusive<f64>| json!({ "min": range.start(), "max": range.end() });
        let durations = self.durations.iter().map(|durations| {
            json!({
                "model": durations.model,
                "path": durations.route.path(),
                "length": durations.length,
                "generations": durations.generations,
                "recorded": range(&durations.recorded),
                "stated": durations.stated.as_ref().map(range),
                "verdict": durations.verdict(),
            })
        });
        let not_compared = not_compared.iter();
        let not_compared =
            not_compared.map(|(what, count)| json!({ "what": what, "responses": count }));
        json!({
            "ok": !self.is_different(),
            "responses": self.responses,
            "generations": self.generations,
            "differences": differences.collect::<Vec<_>>(),
            "never_received": unreceived.collect::<Vec<_>>(),
            "durations": durations.collect::<Vec<_>>(),
            "not_compared": not_compared.collect::<Vec<_>>(),
            "draft": { "actions": actions, "durations": self.draft_durations() },
        })
    }

    /// The lines about each model, with its title.
    fn groups(&self, quoted: impl Fn(&str) -> String) -> Vec<(String, Lines)> {
        let mut groups: BTreeMap<(&str, Route), Lines> = BTreeMap::new();
        for difference in &self.drift.differences {
            let group = groups.entry((&difference.model, difference.route));
            let line = ("difference", difference.to_string());
            group.or_default().push(line);
        }
        for durations in &self.durations {
            let group = groups.entry((&durations.model, durations.route));
            group.or_default().push(("duration", line(durations)));
        }
        for unreceived in &self.drift.unreceived {
            let group = groups.entry((&unreceived.model, unreceived.route));
            let line = ("never received", unreceived.declaration.to_string());
            group.or_default().push(line);
        }
        let mut groups: Vec<(String, Lines)> = groups
            .into_iter()
            .map(|((model, route), lines)| {
                let path = quoted(route.path());
                let title = match model {
                    "" => format!("generations whose create is not recorded, on {path}"),
                    model => format!("{} on {path}", quoted(model)),
                };
                (title, lines)
            })
            .collect();
        let not_compared = self.drift.not_compared.iter();
        let not_compared: Lines = not_compared
            .map(|(what, count)| {
                (
                    "not compared",
                    format!("{what} ({})", counted(*count, "response")),
                )
            })
            .collect();
        if !not_compared.is_empty() {
            groups.push(("other responses".into(), not_compared));
        }
        groups
    }

    /// The drafts as JSON, each with its heading.
    fn drafts(&self) -> Vec<(&'static str, String)> {
        let drafts = [
            (
                "draft of `actions` in overlay.json",
                self.drift.actions.clone(),
            ),
            (
                "draft of `durations` in durations.json",
                self.draft_durations(),
            ),
        ];
        let drafts = drafts
            .into_iter()
            .filter(|(_, entries)| !entries.is_empty());
        drafts
            .map(|(heading, entries)| (heading, format!("{:#}", Value::from(entries))))
            .collect()
    }

    fn draft_durations(&self) -> Vec<Value> {
        self.durations.iter().filter_map(Durations::draft).collect()
    }

    fn summary(&self) -> String {
        let outside = self
            .durations
            .iter()
            .filter(|durations| durations.is_different());
        format!(
            "{} of {}; differences: {}; unstated durations: {}; never received: {}",
            counted(self.responses, "response"),
            counted(self.generations, "generation"),
            self.drift.differences.len(),
            outside.count(),
            self.drift.unreceived.len(),
        )
    }
}

fn line(durations: &Durations) -> String {
    let range = |range: &RangeInclusive<f64>| match (range.start().floor(), range.end().ceil()) {
        (min, max) if min == max => format!("{min} s"),
        (min, max) => format!("{min} to {max} s"),
    };
    let clips = durations
        .length
        .map(|length| format!(" of {length} s clips"));
    let stated = durations
        .stated
        .as_ref()
        .map_or("nothing".to_owned(), range);
    format!(
        "{}{}: {}; stated: {stated}",
        counted(durations.generations, "generation"),
        clips.unwrap_or_default(),
        range(&durations.recorded)
    )
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}
