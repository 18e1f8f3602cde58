//! Polls that fail while a service or the network is away: one text that counts them.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use aimlapi_video::PollFailed;

use super::duration_text;
use crate::{
    failure::error_line,
    style::{Line, Meaning},
};

/// Failed polls, of one wait or of all waits of a batch, until no poll has failed for a while.
pub(super) struct Outage {
    polls: usize,
    began_at: Instant,
    failed_at: Instant,
    /// The waits whose last poll failed.
    failing: BTreeSet<usize>,
    /// The kinds of failures that were received.
    kinds: Vec<String>,
    /// The last cause.
    why: String,
}

impl Outage {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            polls: 0,
            began_at: now,
            failed_at: now,
            failing: BTreeSet::new(),
            kinds: Vec::new(),
            why: String::new(),
        }
    }

    /// Counts a failed poll; `true` for the first one of its kind.
    pub(super) fn add(&mut self, wait: usize, failure: &PollFailed) -> bool {
        let error = &failure.error;
        let status = error.service().map(|service| service.status);
        let kind = format!("{:?} {status:?}", error.kind());
        self.count(wait, kind, error_line(error))
    }

    fn count(&mut self, wait: usize, kind: String, why: String) -> bool {
        self.polls += 1;
        self.failed_at = Instant::now();
        self.failing.insert(wait);
        self.why = why;
        let is_new = !self.kinds.contains(&kind);
        if is_new {
            self.kinds.push(kind);
        }
        is_new
    }

    /// Records that a poll succeeded, or that the wait ended.
    pub(super) fn remove(&mut self, wait: usize) {
        self.failing.remove(&wait);
    }

    /// Whether every wait receives responses, and no poll has failed for `quiet`.
    pub(super) fn is_over(&self, quiet: Duration) -> bool {
        self.failing.is_empty() && self.failed_at.elapsed() >= quiet
    }

    /// The text of a failure that is the first one of its kind.
    pub(super) fn first(&self) -> String {
        format!("a poll failed, retrying: {}", self.why)
    }

    /// The text while it lasts, in parts.
    pub(super) fn parts(&self) -> Vec<Line> {
        let retrying = format!("{}, retrying", self.counted());
        vec![Line::new(Meaning::Warning, retrying).plain(format!(": {}", self.why))]
    }

    /// The text after its end.
    pub(super) fn summary(&self) -> String {
        let end = match self.failing.is_empty() {
            true => ", and polls succeed again",
            false => "",
        };
        format!("{}{end}: {}", self.counted(), self.why)
    }

    fn counted(&self) -> String {
        let time = duration_text(self.failed_at - self.began_at);
        match self.polls {
            1 => "a poll failed".into(),
            polls => format!("{polls} polls failed in {time}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outage_counts_failures_of_all_waits_and_is_over_once_each_succeeds() {
        let mut outage = Outage::new();
        assert!(outage.count(1, "502".into(), "bad gateway".into()));
        assert_eq!(outage.summary(), "a poll failed: bad gateway");
        assert!(!outage.count(2, "502".into(), "bad gateway".into()));
        assert!(outage.count(2, "429".into(), "slow down".into()));
        outage.remove(2);
        assert!(!outage.is_over(Duration::ZERO));
        assert!(
            outage
                .summary()
                .starts_with("3 polls failed in 0.0s: slow down")
        );
        outage.remove(1);
        assert!(outage.is_over(Duration::ZERO) && !outage.is_over(Duration::from_secs(60)));
        assert!(
            outage
                .summary()
                .contains(", and polls succeed again: slow down")
        );
    }
}
