//! The service as the steps see it: the client, the clock and the schedule.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aimlapi_video::{
    Client, Error, Generation, GenerationHandle, GenerationRequest,
    schedule::{Durations, Planned, Pooled},
};

use super::metrics::Metrics;
use crate::job::{Plan, Timestamp};

pub(super) struct Service {
    pub(super) client: Client,
    pub(super) metrics: Arc<Metrics>,
    /// How many times as fast as this process's time the service's time runs.
    speed: f64,
    schedule: Planned,
    /// The durations that this process has observed.
    durations: Mutex<Durations>,
}

impl Service {
    /// A service with the schedule of the library's waits.
    pub(super) fn new(client: Client, speed: f64, metrics: Arc<Metrics>) -> Self {
        Self {
            durations: Mutex::new(client.durations()),
            client,
            metrics,
            speed,
            schedule: Planned::default().pooled(Pooled::stated()),
        }
    }

    /// Sends a create.
    pub(super) async fn create(
        &self,
        request: GenerationRequest,
    ) -> Result<GenerationHandle, Error> {
        let outcome = self.client.create(request).await;
        self.metrics.response("create", &outcome);
        outcome
    }

    /// Polls once, in the step of this name.
    pub(super) async fn poll(
        &self,
        step: &'static str,
        handle: &GenerationHandle,
    ) -> Result<Generation, Error> {
        let outcome = self.client.fetch(handle).await;
        self.metrics.polled(&outcome);
        self.metrics.response(step, &outcome);
        outcome
    }

    /// The plan of polls for a generation of this model and length.
    pub(super) fn plan(&self, model: Option<&str>, length: Option<u64>) -> Plan<'_> {
        let durations = self
            .durations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut plan = Plan::new(&self.schedule);
        plan.speed = self.speed;
        plan.length = length;
        plan.learned = model.and_then(|model| durations.learned(model, length));
        plan
    }

    /// Learns that a generation ended between these ages, in the time of this process.
    pub(super) fn learn(&self, model: &str, length: Option<u64>, ended: (Duration, Duration)) {
        let ended = ended.0.mul_f64(self.speed)..=ended.1.mul_f64(self.speed);
        let mut durations = self
            .durations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        durations.observe(model, length, ended);
    }
}

pub(super) fn now() -> Timestamp {
    SystemTime::now().into()
}
