//! The deviations that a proxy has found, each with its exchange.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use serde::Serialize;

use crate::{Deviation, Subject, tasks::rfc3339};

/// A deviation, and the exchange in which the proxy found it.
///
/// No field contains the key of the request.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ReportedDeviation {
    /// The exchange's number, counted from 1.
    pub exchange: u64,
    /// When the request was received.
    #[serde(serialize_with = "rfc3339")]
    pub at: SystemTime,
    /// The method of the request.
    pub method: String,
    /// The path of the request.
    pub path: String,
    /// The model that the body of the request names.
    pub model: Option<String>,
    /// The status of the response, if there was one.
    pub status: Option<u16>,
    /// What deviates.
    #[serde(flatten)]
    pub deviation: Deviation,
}

impl fmt::Display for ReportedDeviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.exchange, self.method, self.path)?;
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        write!(f, ": {}", self.deviation)
    }
}

/// How many exchanges and deviations a proxy has counted since its start or its last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProxyCounts {
    /// The exchanges that have ended.
    pub exchanges: u64,
    /// The deviations of requests, responses, and readings.
    pub deviations: u64,
    /// The requests to which the upstream sent no complete response, or a late one.
    pub upstream_failures: u64,
    /// The requests that were refused instead of forwarded.
    pub refused: u64,
    /// The exchanges on a path of the documents whose response has ended and is not judged in full: its body is longer than
    /// 16 MiB or in another coding than gzip and deflate, or the request is too long or had not ended.
    pub not_judged: u64,
}

impl ProxyCounts {
    fn plus(self, other: Self) -> Self {
        Self {
            exchanges: self.exchanges + other.exchanges,
            deviations: self.deviations + other.deviations,
            upstream_failures: self.upstream_failures + other.upstream_failures,
            refused: self.refused + other.refused,
            not_judged: self.not_judged + other.not_judged,
        }
    }
}

/// The newest deviations, and the counts.
#[derive(Debug, Default)]
pub(super) struct Reports(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// The number of resets.
    epoch: u64,
    /// The counts from the start to the last reset.
    before: ProxyCounts,
    counts: ProxyCounts,
    newest: VecDeque<ReportedDeviation>,
}

const MAX_DEVIATIONS: usize = 10_000;

impl Reports {
    pub(super) fn add(&self, reported: ReportedDeviation) {
        let mut inner = self.lock();
        match reported.deviation.subject {
            Subject::Upstream => inner.counts.upstream_failures += 1,
            _ => inner.counts.deviations += 1,
        }
        if inner.newest.len() == MAX_DEVIATIONS {
            inner.newest.pop_front();
        }
        inner.newest.push_back(reported);
    }

    pub(super) fn count_exchange(&self, is_refused: bool, is_judged: bool) {
        let mut inner = self.lock();
        inner.counts.exchanges += 1;
        inner.counts.refused += u64::from(is_refused);
        inner.counts.not_judged += u64::from(!is_judged);
    }

    /// Returns the counts since the start.
    pub(super) fn total(&self) -> ProxyCounts {
        let inner = self.lock();
        inner.before.plus(inner.counts)
    }

    pub(super) fn counts(&self) -> ProxyCounts {
        self.lock().counts
    }

    pub(super) fn list(&self) -> Vec<ReportedDeviation> {
        self.lock().newest.iter().cloned().collect()
    }

    pub(super) fn reset(&self) {
        let mut inner = self.lock();
        *inner = Inner {
            epoch: inner.epoch + 1,
            before: inner.before.plus(inner.counts),
            ..Inner::default()
        };
    }

    /// Returns the number of resets, the counts, and the newest deviations without the first `known` since the last reset.
    pub(super) fn since(&self, known: u64) -> (u64, ProxyCounts, Vec<ReportedDeviation>) {
        let inner = self.lock();
        let counts = inner.counts;
        let new = (counts.deviations + counts.upstream_failures).saturating_sub(known);
        let kept = usize::try_from(new).unwrap_or(usize::MAX);
        let skipped = inner.newest.len().saturating_sub(kept);
        let newest = inner.newest.iter().skip(skipped).cloned().collect();
        (inner.epoch, counts, newest)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
