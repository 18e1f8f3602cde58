//! `batch --dry-run`: what a batch would create, and what that may cost.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};

use aimlapi_video::JournalEntry;
use serde_json::{Value, json};

use super::{
    is_unclear,
    requests::{Requests, warnings_json},
    retry::is_failed,
};
use crate::{
    args::Batch,
    cost::usd_text,
    documents::Catalogue,
    output::{print_note, print_result},
    spending::{Kind, Prices},
    table::{table, terminal_columns},
};

/// Prints the plan of a batch that has passed its checks.
pub(super) fn print(
    batch: &Batch,
    requests: &Requests,
    entries: &BTreeMap<usize, JournalEntry>,
    prices: &Prices,
    catalogue: &Catalogue,
) -> ExitCode {
    let is_sent = |entry: &JournalEntry| match batch.retry_failed && is_failed(entry) {
        true => false,
        false => entry.handle().is_some() || is_unclear(entry) && !batch.repeat_unclear,
    };
    let is_to_create = |line: usize| !entries.get(&line).is_some_and(is_sent);
    let plan = Plan::new(requests, is_to_create, prices, catalogue);
    if let Some(limit) = batch
        .spend
        .max_usd
        .filter(|limit| plan.estimate().0 > *limit)
    {
        let limit = usd_text(limit);
        print_note(format!(
            "note: the limit of {limit} ends the batch before all are created"
        ));
    }
    print_result(match batch.jobs.json {
        true => plan.json().to_string(),
        false => plan.text(),
    })
}

/// What some requests may cost.
pub(super) fn estimate_of(
    lines: &BTreeSet<usize>,
    requests: &Requests,
    prices: &Prices,
    catalogue: &Catalogue,
) -> String {
    Plan::new(requests, |line| lines.contains(&line), prices, catalogue).estimate_text()
}

struct Plan<'a> {
    requests: &'a Requests,
    /// How many generations of each kind would be created.
    kinds: BTreeMap<Kind, usize>,
    prices: &'a Prices,
}

impl<'a> Plan<'a> {
    fn new(
        requests: &'a Requests,
        is_to_create: impl Fn(usize) -> bool,
        prices: &'a Prices,
        catalogue: &Catalogue,
    ) -> Self {
        let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
        let lines = requests.lines.iter().zip(&requests.requests);
        for (_, request) in lines.filter(|(line, _)| is_to_create(**line)) {
            let model = catalogue.model(request.route(), request.model());
            *kinds.entry(Kind::of(request, model)).or_default() += 1;
        }
        Self {
            requests,
            kinds,
            prices,
        }
    }

    fn to_create(&self) -> usize {
        self.kinds.values().sum()
    }

    /// The estimate of all that have one, and the number of those that have none.
    fn estimate(&self) -> (f64, usize) {
        let mut sum = (0.0, 0);
        for (kind, count) in &self.kinds {
            match self.prices.estimate(kind) {
                Some(usd) => sum.0 += usd * *count as f64,
                None => sum.1 += count,
            }
        }
        sum
    }

    fn json(&self) -> Value {
        let kind = |(kind, count): (&Kind, &usize)| {
            json!({
                "model": kind.model,
                "length_s": kind.length,
                "count": count,
                "usd_each": self.prices.estimate(kind),
            })
        };
        let (usd, unknown) = self.estimate();
        json!({
            "requests": self.requests.lines.len(),
            "to_create": self.to_create(),
            "models": self.kinds.iter().map(kind).collect::<Value>(),
            "warnings": warnings_json(&self.requests.warnings, &self.requests.places),
            "estimated_usd": usd,
            "without_estimate": unknown,
        })
    }

    fn text(&self) -> String {
        let row = |(kind, count): (&Kind, &usize)| {
            let estimate = self.prices.estimate(kind);
            let length = kind.length.map(|length| format!("{length}s"));
            vec![
                kind.model.clone(),
                length.unwrap_or_default(),
                count.to_string(),
                estimate.map_or("unknown".into(), usd_text),
            ]
        };
        let rows: Vec<Vec<String>> = self.kinds.iter().map(row).collect();
        let head = format!(
            "requests: {}, to create: {}, warnings: {}",
            self.requests.lines.len(),
            self.to_create(),
            self.requests.warnings.len()
        );
        let mut lines = vec![head];
        if !rows.is_empty() {
            let header = ["MODEL", "LENGTH", "COUNT", "USD EACH"];
            lines.push(table(&header, &rows, terminal_columns()));
        }
        lines.push(self.estimate_text());
        lines.join("\n")
    }

    fn estimate_text(&self) -> String {
        let (usd, unknown) = self.estimate();
        match unknown {
            0 => format!("estimate: {}", usd_text(usd)),
            unknown if unknown == self.to_create() => {
                "estimate: unknown, since no generation of these models has a known cost yet".into()
            }
            unknown => format!(
                "estimate: {} without the {unknown} whose model has no known cost yet",
                usd_text(usd)
            ),
        }
    }
}
