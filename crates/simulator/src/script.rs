//! The scenario's rules: creates take the first rule that applies to them, and each rule counts its creates.

use std::sync::Arc;

use axum::http::HeaderMap;
use serde::Serialize;
use serde_json::Value;

use super::scenario::{Rule, Scenario, Times};

/// A rule of a scenario with the creates that it applied to, as listed by [`Simulator::rules`](super::Simulator::rules) and
/// `GET /_simulator/rules`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecordedRule {
    /// The name of the rule, if it has one.
    pub name: Option<String>,
    /// The number of creates that the rule applied to.
    pub applied: u64,
    /// The number of creates that the rule will still apply to; `None` for an unlimited number.
    pub left: Option<u32>,
    /// The numbers of the requests that the rule applied to.
    pub requests: Vec<u64>,
    /// The rule as the scenario stated it.
    pub rule: Value,
}

/// The rules in the order in which creates take them, those that are used up included.
#[derive(Clone, Debug, Default)]
pub(super) struct Script(Vec<Entry>);

#[derive(Clone, Debug)]
struct Entry {
    rule: Arc<Rule>,
    /// `None` for an unlimited number of creates.
    left: Option<u32>,
    /// The number of creates that reached the rule and met its conditions.
    met: u32,
    requests: Vec<u64>,
}

impl Script {
    /// Appends rules.
    pub(super) fn add(&mut self, rules: &[Arc<Rule>]) {
        self.0.extend(rules.iter().map(|rule| Entry {
            left: match rule.times {
                Times::Count(count) => Some(count),
                Times::Always(_) => None,
            },
            rule: Arc::clone(rule),
            met: 0,
            requests: Vec::new(),
        }));
    }

    /// Sums up the scripts of several keys: a rule that was added to all of them is one rule, with the creates of every key,
    /// and is left as often as to the key that used it most.
    pub(super) fn merge(scripts: impl Iterator<Item = Self>) -> Self {
        let mut merged: Vec<Entry> = Vec::new();
        for entry in scripts.flat_map(|script| script.0) {
            let is_same = |other: &&mut Entry| Arc::ptr_eq(&other.rule, &entry.rule);
            let Some(same) = merged.iter_mut().find(is_same) else {
                merged.push(entry);
                continue;
            };
            same.left = same.left.min(entry.left);
            same.requests.extend(entry.requests);
            same.requests.sort_unstable();
        }
        Self(merged)
    }

    /// Takes the rule for a create of `model` by request `number`.
    pub(super) fn take(
        &mut self,
        model: &str,
        body: &Value,
        headers: &HeaderMap,
        number: u64,
    ) -> Option<Arc<Rule>> {
        for entry in &mut self.0 {
            if entry.left == Some(0) || !entry.rule.is_met(model, body, headers) {
                continue;
            }
            entry.met += 1;
            let every = entry.rule.when.as_ref().and_then(|when| when.every);
            if !entry.met.is_multiple_of(every.unwrap_or(1)) {
                continue;
            }
            if let Some(left) = &mut entry.left {
                *left -= 1;
            }
            entry.requests.push(number);
            return Some(Arc::clone(&entry.rule));
        }
        None
    }

    /// Returns the rules that are left, as a scenario.
    pub(super) fn left(&self) -> Scenario {
        let left = self.0.iter().filter(|entry| entry.left != Some(0));
        let left = left.map(|Entry { rule, left, .. }| Rule {
            times: left.map_or(rule.times, Times::Count),
            ..Rule::clone(rule)
        });
        Scenario {
            next: left.collect(),
        }
    }

    /// Lists all rules with their counts.
    pub(super) fn list(&self) -> Vec<RecordedRule> {
        let recorded = |entry: &Entry| RecordedRule {
            name: entry.rule.name.clone(),
            applied: entry.requests.len() as u64,
            left: entry.left,
            requests: entry.requests.clone(),
            rule: serde_json::to_value(&*entry.rule).unwrap_or_default(),
        };
        self.0.iter().map(recorded).collect()
    }
}
