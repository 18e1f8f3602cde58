//! The queue of scenario rules that are left: creates take the first rule that applies to their model.

use std::{collections::VecDeque, sync::Arc};

use super::scenario::{Rule, Scenario, Times};

/// The rules that are left, each with its remaining number of creates; `None` for an unlimited number.
#[derive(Debug, Default)]
pub(super) struct Script(VecDeque<(Arc<Rule>, Option<u32>)>);

impl Script {
    /// Appends the rules of a scenario.
    pub(super) fn add(&mut self, scenario: Scenario) {
        self.0.extend(scenario.next.into_iter().map(|rule| {
            let times = match rule.times {
                Times::Count(count) => Some(count),
                Times::Always(_) => None,
            };
            (Arc::new(rule), times)
        }));
    }

    /// Takes the rule for the next create of `model`.
    pub(super) fn take(&mut self, model: &str) -> Option<Arc<Rule>> {
        let applies = |rule: &Rule| rule.model.as_deref().is_none_or(|name| name == model);
        let at = self.0.iter().position(|(rule, _)| applies(rule))?;
        let (rule, times) = &mut self.0[at];
        let rule = Arc::clone(rule);
        if let Some(times) = times {
            *times -= 1;
            if *times == 0 {
                self.0.remove(at);
            }
        }
        Some(rule)
    }

    /// Returns the rules that are left, as a scenario.
    pub(super) fn left(&self) -> Scenario {
        let left = |(rule, times): &(Arc<Rule>, Option<u32>)| Rule {
            times: times.map_or(rule.times, Times::Count),
            ..Rule::clone(rule)
        };
        Scenario {
            next: self.0.iter().map(left).collect(),
        }
    }
}
