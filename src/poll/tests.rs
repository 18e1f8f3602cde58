//! Tests of waits with a paused clock and a scripted service.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::{
    ErrorKind, PollBudget, Route, ServiceError, State,
    budget::Bucket,
    client::PollError,
    generation::Created,
    schedule::{Durations, Fixed, Learned, PollState, Schedule},
};

mod answers;
mod any;
mod pace;

/// The response of a scripted service to one poll.
#[derive(Clone)]
enum Turn {
    Answer(Value),
    /// Generating until the given time after the start, then completed.
    EndsAt(Duration),
    RetryAfter(Value, Duration),
    Fails(u16),
    FailsRetryAfter(u16, Duration),
    Hangs,
}

/// A service that responds by a script, whose last turn repeats.
struct Script {
    began: Instant,
    turns: Vec<Turn>,
    polled: Mutex<Vec<(u64, u64)>>,
    budget: Option<Arc<Bucket>>,
    durations: Mutex<Durations>,
}

impl PollSource for &Script {
    fn check(&self, _: &GenerationHandle) -> Result<(), Error> {
        Ok(())
    }

    fn budget(&self) -> Option<&Arc<Bucket>> {
        self.budget.as_ref()
    }

    fn learned(&self, model: &str, length: Option<u64>) -> Option<Learned> {
        self.durations
            .lock()
            .expect("no panic while held")
            .learned(model, length)
    }

    fn learn(&self, model: &str, length: Option<u64>, ended: RangeInclusive<Duration>) {
        self.durations
            .lock()
            .expect("no panic while held")
            .observe(model, length, ended);
    }

    async fn poll(
        &self,
        _: &GenerationHandle,
        _: Option<&Generation>,
        timeout: Duration,
    ) -> Result<(Generation, Option<Duration>), PollError> {
        let turn = {
            let mut polled = self.polled.lock().expect("no panic while held");
            let at = self.began.elapsed().as_millis() as u64;
            polled.push((at, timeout.min(Duration::from_secs(30)).as_millis() as u64));
            self.turns[(polled.len() - 1).min(self.turns.len() - 1)].clone()
        };
        let failed = |status, retry_after| {
            let service = ServiceError::read(status, b"");
            let error = Error::new(ErrorKind::PollingLost, "failed").with_service(service);
            Err(PollError {
                error,
                transient: status >= 429,
                answered: true,
                retry_after,
            })
        };
        match turn {
            Turn::EndsAt(end) if self.began.elapsed() < end => {
                Ok((Generation::from_json(status("generating")), None))
            }
            Turn::EndsAt(_) => Ok((Generation::from_json(video()), None)),
            Turn::Answer(answer) => Ok((Generation::from_json(answer), None)),
            Turn::RetryAfter(answer, time) => Ok((Generation::from_json(answer), Some(time))),
            Turn::Fails(status) => failed(status, None),
            Turn::FailsRetryAfter(status, time) => failed(status, Some(time)),
            Turn::Hangs => {
                tokio::time::sleep(timeout.min(Duration::from_secs(30))).await;
                failed(504, None)
            }
        }
    }
}

/// The record of a scripted wait.
struct Run {
    /// When each poll was sent, in milliseconds.
    polls: Vec<u64>,
    /// The timeout of each poll.
    timeouts: Vec<u64>,
    states: Vec<State>,
    end: Result<Generation, Error>,
}

async fn run(turns: &[Turn], handle: GenerationHandle, options: WaitOptions) -> Run {
    run_within(None, turns, handle, options).await
}

async fn run_within(
    budget: impl Into<Option<PollBudget>>,
    turns: &[Turn],
    handle: GenerationHandle,
    options: WaitOptions,
) -> Run {
    let budget = budget.into().map(|budget| Arc::new(Bucket::new(budget)));
    let script = Script {
        budget,
        ..script(turns)
    };
    follow(script, handle, options).await.0
}

fn script(turns: &[Turn]) -> Script {
    Script {
        began: Instant::now(),
        turns: turns.to_vec(),
        polled: Mutex::default(),
        budget: None,
        durations: Mutex::default(),
    }
}

async fn follow(
    script: Script,
    handle: GenerationHandle,
    options: WaitOptions,
) -> (Run, Durations) {
    let mut machine = Machine::start(&script, handle, options);
    let mut states = Vec::new();
    let end = loop {
        match machine.step().await {
            Ok(Update::Completed(generation)) => break Ok(*generation),
            Ok(Update::Progress(progress)) => states.push(progress.state),
            Ok(Update::PollFailed(_)) => {}
            Err(error) => break Err(error),
        }
    };
    let (polls, timeouts) = script
        .polled
        .into_inner()
        .expect("no panic while held")
        .into_iter()
        .unzip();
    let run = Run {
        polls,
        timeouts,
        states,
        end,
    };
    (
        run,
        script.durations.into_inner().expect("no panic while held"),
    )
}

fn every(seconds: u64) -> WaitOptions {
    WaitOptions::default().schedule(Fixed::every(Duration::from_secs(seconds)))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn status(status: &str) -> Value {
    json!({ "id": "g", "status": status })
}

fn queued() -> Turn {
    Turn::Answer(status("queued"))
}

fn video() -> Value {
    json!({ "id": "g", "status": "completed", "video": { "url": "https://cdn.example.com/g.mp4" } })
}

fn completed() -> Turn {
    Turn::Answer(video())
}

fn created(answer: Value) -> GenerationHandle {
    let answer = Generation::from_json(answer);
    let created = Created {
        answer,
        retry_after: None,
        expected: None,
    };
    GenerationHandle::of(
        "g".into(),
        "klingai/v2-master-text-to-video",
        Route::Universal,
        "https://a",
        Some(5),
        created,
    )
}

fn handle() -> GenerationHandle {
    created(status("queued"))
}

fn generating() -> Turn {
    Turn::Answer(status("generating"))
}

fn paused<T>(wait: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(wait)
}
