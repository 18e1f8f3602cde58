//! The rules of a scenario that are still to be played.

use std::{collections::VecDeque, sync::Arc};

use super::scenario::{Rule, Scenario, Times};

/// Rules, each with how many creates it is still for; `None` for all.
#[derive(Debug, Default)]
pub(super) struct Script(VecDeque<(Arc<Rule>, Option<u32>)>);

impl Script {
    /// Rules that come after those that are there.
    pub(super) fn add(&mut self, scenario: Scenario) {
        self.0.extend(scenario.next.into_iter().map(|rule| {
            let times = match rule.times {
                Times::Count(count) => Some(count),
                Times::Always(_) => None,
            };
            (Arc::new(rule), times)
        }));
    }

    /// The rule for the next create of `model`.
    pub(super) fn take(&mut self, model: &str) -> Option<Arc<Rule>> {
        let fits = |rule: &Rule| rule.model.as_deref().is_none_or(|its| its == model);
        let at = self.0.iter().position(|(rule, _)| fits(rule))?;
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

    /// What is still to be played.
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
