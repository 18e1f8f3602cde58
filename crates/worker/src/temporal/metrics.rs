//! The metrics of a worker, in the text format of Prometheus.
//!
//! They are recorded by the meter of the engine's SDK, so that its exporter serves both.
//!
//! | metric | type | labels | meaning |
//! |---|---|---|---|
//! | `aimlapi_video_creates_total` | counter | `outcome`: `created`, `not_bought`, `refused`, `ambiguous` | outcomes of creates, also of those that a killed worker has left in the spool |
//! | `aimlapi_video_late_handles_total` | counter | | handles that a sweep of the spool delivered, or a worker that was frozen for longer than the heartbeat timeout |
//! | `aimlapi_video_undelivered_outcomes` | gauge | | outcomes of creates that wait in this worker for the engine |
//! | `aimlapi_video_polls_total` | counter | `outcome`: `state`, `error` | polls, those of saves included |
//! | `aimlapi_video_poll_budget_per_second` | gauge | | the budget of all workers together, in polls a second |
//! | `aimlapi_video_rate_limited_total` | counter | `step`: `create`, `poll`, `save` | responses 429 |
//! | `aimlapi_video_completion_lag_seconds` | histogram | | the time from the last poll that found the generation unfinished to the one that found it completed: the upper bound of the time that the video waited |
//! | `aimlapi_video_saved_videos_total` | counter | | videos in the store |
//! | `aimlapi_video_saved_bytes_total` | counter | | bytes of these videos |
//! | `aimlapi_video_parked_jobs` | gauge | `state`: `ambiguous`, `lost` | jobs of the worker's queues that wait for a person, read once a minute |
//! | `aimlapi_video_oldest_parked_job_seconds` | gauge | `state`: `ambiguous`, `lost` | the time since the submit of the oldest of these; 0 without one |
//!
//! Every worker shows the gauges of parked jobs for all workers of its queues: aggregate them by `max`. The metrics of the SDK begin with
//! `temporal_`; its latencies of successful steps have no creates, whose results are sent by this crate.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aimlapi_video::Error;
use temporalio_common::telemetry::{
    HistogramBucketOverrides, PrometheusExporterOptions,
    metrics::{
        CoreMeter, Counter, CounterBase, Gauge, GaugeBase, GaugeF64, HistogramDuration,
        HistogramDurationBase, MetricAttributes, MetricKeyValue, MetricParameters, NoOpCoreMeter,
    },
    start_prometheus_metric_exporter,
};
use tokio::task::AbortHandle;

use super::{
    create::text,
    jobs::{JobSummary, Jobs},
    protocol::{JobState, SavedObject, state_name},
    worker::WorkerError,
};
use crate::job::Fact;

/// Serves the metrics of a worker at `http://ADDRESS/metrics` until it is dropped.
#[derive(Debug)]
pub struct Exporter {
    meter: Arc<dyn CoreMeter>,
    address: SocketAddr,
    server: AbortHandle,
}

impl Exporter {
    /// Starts to serve in the current tokio runtime.
    ///
    /// # Errors
    ///
    /// If the address is in use, or is not of this machine.
    pub fn start(address: SocketAddr) -> Result<Self, WorkerError> {
        let buckets = HashMap::from([(LAG.to_owned(), LAGS.to_vec())]);
        let options = PrometheusExporterOptions::builder()
            .socket_addr(address)
            .counters_total_suffix(true)
            .unit_suffix(true)
            .use_seconds_for_durations(true)
            .histogram_bucket_overrides(HistogramBucketOverrides { overrides: buckets })
            .build();
        let started = start_prometheus_metric_exporter(options).map_err(|error| {
            let message = format!("the metrics cannot be served at {address}");
            WorkerError::new(message, error)
        })?;
        Ok(Self {
            meter: started.meter,
            address: started.bound_addr,
            server: started.abort_handle,
        })
    }

    /// The address, with the port that the system chose for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn meter(&self) -> Arc<dyn CoreMeter> {
        Arc::clone(&self.meter)
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The instruments of a worker.
pub(super) struct Metrics {
    meter: Arc<dyn CoreMeter>,
    creates: Counter,
    late_handles: Counter,
    undelivered: Gauge,
    polls: Counter,
    rate_limited: Counter,
    lag: HistogramDuration,
    videos: Counter,
    bytes: Counter,
    parked: Gauge,
    oldest_parked: GaugeF64,
}

impl Metrics {
    /// Instruments of `exporter`; without one, they record nothing. `budget` is that of polls a second.
    pub(super) fn new(exporter: Option<&Exporter>, budget: f64) -> Self {
        let meter: Arc<dyn CoreMeter> = match exporter {
            Some(exporter) => exporter.meter(),
            None => Arc::new(NoOpCoreMeter),
        };
        let metrics = Self {
            creates: meter.counter(named("aimlapi_video_creates", "Outcomes of creates")),
            late_handles: meter.counter(named(
                "aimlapi_video_late_handles",
                "Handles that a sweep or a frozen worker delivered",
            )),
            undelivered: meter.gauge(named(
                "aimlapi_video_undelivered_outcomes",
                "Outcomes of creates that wait for the engine",
            )),
            polls: meter.counter(named("aimlapi_video_polls", "Polls")),
            rate_limited: meter.counter(named("aimlapi_video_rate_limited", "Responses 429")),
            lag: meter.histogram_duration(named(
                LAG,
                "Time from the last unfinished poll to the completed one",
            )),
            videos: meter.counter(named("aimlapi_video_saved_videos", "Videos in the store")),
            bytes: meter.counter(named(
                "aimlapi_video_saved_bytes",
                "Bytes of the videos in the store",
            )),
            parked: meter.gauge(named(
                "aimlapi_video_parked_jobs",
                "Jobs that wait for a person",
            )),
            oldest_parked: meter.gauge_f64(named(
                "aimlapi_video_oldest_parked_job_seconds",
                "Time since the submit of the oldest job that waits for a person",
            )),
            meter,
        };
        let share = metrics.meter.gauge_f64(named(
            "aimlapi_video_poll_budget_per_second",
            "Polls a second of all workers together",
        ));
        share.record(budget, &MetricAttributes::Empty);
        // A counter that appears with its first event hides this event from rates.
        for outcome in ["created", "not_bought", "refused", "ambiguous"] {
            metrics.count(&metrics.creates, 0, "outcome", outcome);
        }
        for outcome in ["state", "error"] {
            metrics.count(&metrics.polls, 0, "outcome", outcome);
        }
        for step in ["create", "poll", "save"] {
            metrics.count(&metrics.rate_limited, 0, "step", step);
        }
        for counter in [&metrics.late_handles, &metrics.videos, &metrics.bytes] {
            counter.adds(0);
        }
        metrics.undelivered(0);
        metrics
    }

    /// Counts the outcome of a create.
    pub(super) fn created(&self, fact: &Fact) {
        let outcome = match fact {
            Fact::Created { .. } => "created",
            Fact::NotBought { .. } => "not_bought",
            Fact::Refused { .. } => "refused",
            _ => "ambiguous",
        };
        tracing::info!(outcome, "the create has ended");
        self.count(&self.creates, 1, "outcome", outcome);
    }

    /// Counts the outcome if it is a handle that its step could not deliver in time.
    pub(super) fn late(&self, fact: &Fact) {
        if matches!(fact, Fact::Created { .. }) {
            self.late_handles.adds(1);
        }
    }

    /// Counts the outcomes that an ended process has left, each with whether it is new.
    pub(super) fn recovered(&self, facts: &[(bool, Fact)]) {
        for (is_new, fact) in facts {
            self.late(fact);
            if *is_new {
                self.created(fact);
            }
        }
    }

    /// Shows how many outcomes wait for the engine.
    pub(super) fn undelivered(&self, outcomes: usize) {
        self.undelivered.records(number(outcomes));
    }

    /// Counts a poll.
    pub(super) fn polled<T>(&self, outcome: &Result<T, Error>) {
        let name = if outcome.is_ok() { "state" } else { "error" };
        self.count(&self.polls, 1, "outcome", name);
    }

    /// Counts a response of the service if it is a 429.
    pub(super) fn response<T>(&self, step: &'static str, outcome: &Result<T, Error>) {
        let service = outcome.as_ref().err().and_then(Error::service);
        if service.is_some_and(|service| service.status == 429) {
            self.count(&self.rate_limited, 1, "step", step);
        }
    }

    /// Records a completion that was seen `lag` after the last poll.
    pub(super) fn completed(&self, lag: Duration) {
        tracing::info!(lag = lag.as_secs_f64(), "the generation is completed");
        self.lag.records(lag);
    }

    /// Counts the videos of a save.
    pub(super) fn saved(&self, objects: &[SavedObject]) {
        let bytes = objects.iter().map(|object| object.bytes).sum();
        tracing::info!(videos = objects.len(), bytes, "the videos are saved");
        self.videos.adds(number(objects.len()));
        self.bytes.adds(bytes);
    }

    /// Reads the parked jobs once a minute, forever.
    pub(super) async fn watch_parked(&self, jobs: Jobs) {
        let mut minutes = tokio::time::interval(Duration::from_secs(60));
        loop {
            minutes.tick().await;
            for state in [JobState::Ambiguous, JobState::Lost] {
                match jobs.list(Some(state), MAX_PARKED).await {
                    Ok(found) => self.show_parked(state, &found),
                    Err(error) => {
                        tracing::warn!(error = text(&error), "the parked jobs cannot be listed");
                    }
                }
            }
        }
    }

    fn show_parked(&self, state: JobState, found: &[JobSummary]) {
        let parked = || found.iter().filter(|job| !job.is_aborted);
        let oldest = parked().filter_map(|job| job.submitted).min();
        let age = oldest.and_then(|submitted| SystemTime::now().duration_since(submitted).ok());
        let label = self.label("state", state_name(state));
        self.parked.record(number(parked().count()), &label);
        self.oldest_parked
            .record(age.unwrap_or_default().as_secs_f64(), &label);
    }

    fn count(&self, counter: &Counter, by: u64, name: &'static str, value: &'static str) {
        counter.add(by, &self.label(name, value.to_owned()));
    }

    fn label(&self, name: &'static str, value: String) -> MetricAttributes {
        self.meter
            .new_attributes([MetricKeyValue::new(name, value)].into())
    }
}

fn named(name: &'static str, description: &'static str) -> MetricParameters {
    MetricParameters::builder()
        .name(name)
        .description(description)
        .build()
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The name of the lag, without its unit.
const LAG: &str = "aimlapi_video_completion_lag";

/// The upper bounds of the lag's buckets, in seconds.
const LAGS: [f64; 12] = [
    0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0,
];

/// How many parked jobs are read at most.
const MAX_PARKED: usize = 10_000;
