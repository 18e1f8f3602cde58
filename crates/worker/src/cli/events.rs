//! The events of a job that the engine recorded, in a person's words.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use aimlapi_video_worker::temporal::workflow::JobWorkflow;
use serde::Serialize;
use temporalio_client::{
    Client, NamespacedClient, WorkflowExecutionInfo, WorkflowFetchHistoryOptions, WorkflowHandle,
    errors::WorkflowInteractionError,
};
use temporalio_common::protos::temporal::api::history::v1::{
    HistoryEvent, history_event::Attributes,
};

use super::failure::{Failure, error_line};

/// An event, as `jobs show` prints it.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Event {
    /// The time in RFC 3339.
    pub(crate) at: String,
    pub(crate) what: String,
}

/// Reads the events of a job, also those of the histories that it was continued from, if the engine still has them.
pub(crate) async fn read(client: &Client, key: &str) -> Result<Vec<Event>, Failure> {
    let mut all = Vec::new();
    let mut run = None;
    for _ in 0..MAX_HISTORIES {
        let info = WorkflowExecutionInfo::builder()
            .namespace(client.namespace())
            .workflow_id(key)
            .maybe_run_id(run.clone())
            .build();
        let workflow = WorkflowHandle::<_, JobWorkflow>::new(client.clone(), info);
        let history = workflow.fetch_history(WorkflowFetchHistoryOptions::default());
        let events = match history.into_events().await {
            Ok(events) => events,
            // The engine retains each history for its own time.
            Err(WorkflowInteractionError::NotFound(_)) if run.is_some() => break,
            Err(error) => {
                return Err(Failure::service(format!(
                    "the history of {key} cannot be read: {}; try again",
                    error_line(&error)
                )));
            }
        };
        let mut steps = HashMap::new();
        all.extend(events.iter().filter_map(|event| {
            let what = describe(event, &mut steps)?;
            let at = time(event);
            Some(Event { at, what })
        }));
        run = events.first().and_then(continued_from);
        if run.is_none() {
            break;
        }
    }
    // The engine writes the start of a step when the step has ended.
    all.sort_by(|a, b| a.at.cmp(&b.at));
    Ok(all)
}

/// The run whose history this first event continues.
fn continued_from(first: &HistoryEvent) -> Option<String> {
    match first.attributes.as_ref()? {
        Attributes::WorkflowExecutionStartedEventAttributes(started) => {
            let run = &started.continued_execution_run_id;
            (!run.is_empty()).then(|| run.clone())
        }
        _ => None,
    }
}

/// What happened, for the events that concern people. `steps` has the names of the steps by the numbers of their first events.
fn describe(event: &HistoryEvent, steps: &mut HashMap<i64, String>) -> Option<String> {
    let step = |steps: &HashMap<i64, String>, scheduled: i64| {
        steps
            .get(&scheduled)
            .cloned()
            .unwrap_or_else(|| "a step".to_owned())
    };
    let message = |failure: &Option<_>| {
        let failure: Option<&temporalio_common::protos::temporal::api::failure::v1::Failure> =
            failure.as_ref();
        failure
            .map(|failure| failure.message.clone())
            .unwrap_or_default()
    };
    Some(match event.attributes.as_ref()? {
        Attributes::WorkflowExecutionStartedEventAttributes(started) => {
            match started.continued_execution_run_id.is_empty() {
                true => format!("submitted by {}", started.identity),
                false => "continued from an earlier history".to_owned(),
            }
        }
        Attributes::ActivityTaskScheduledEventAttributes(scheduled) => {
            let name = scheduled.activity_type.as_ref()?.name.clone();
            steps.insert(event.event_id, name);
            return None;
        }
        Attributes::ActivityTaskStartedEventAttributes(started) => {
            let step = step(steps, started.scheduled_event_id);
            match &started.last_failure {
                None => format!("{step} started by {}", started.identity),
                last => format!(
                    "{step} started by {}, try {}; the last one: {}",
                    started.identity,
                    started.attempt,
                    message(last)
                ),
            }
        }
        Attributes::ActivityTaskCompletedEventAttributes(done) => {
            format!("{} completed", step(steps, done.scheduled_event_id))
        }
        Attributes::ActivityTaskFailedEventAttributes(failed) => format!(
            "{} failed: {}",
            step(steps, failed.scheduled_event_id),
            message(&failed.failure)
        ),
        Attributes::ActivityTaskTimedOutEventAttributes(timed_out) => format!(
            "{} timed out: {}",
            step(steps, timed_out.scheduled_event_id),
            message(&timed_out.failure)
        ),
        Attributes::WorkflowExecutionSignaledEventAttributes(signal) => {
            format!("outcome received from {}", signal.identity)
        }
        Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(_) => "decision received".into(),
        Attributes::WorkflowExecutionCompletedEventAttributes(_) => "ended".into(),
        Attributes::WorkflowExecutionFailedEventAttributes(failed) => {
            format!(
                "ended by an error of the workflow: {}",
                message(&failed.failure)
            )
        }
        Attributes::WorkflowExecutionTerminatedEventAttributes(terminated) => {
            format!(
                "terminated by {}: {}",
                terminated.identity, terminated.reason
            )
        }
        Attributes::WorkflowExecutionCanceledEventAttributes(_) => "cancelled".into(),
        Attributes::WorkflowExecutionTimedOutEventAttributes(_) => {
            "ended by the engine's timeout".into()
        }
        _ => return None,
    })
}

fn time(event: &HistoryEvent) -> String {
    let time = event.event_time.as_ref().and_then(|time| {
        let seconds = Duration::from_secs(time.seconds.try_into().ok()?);
        let nanos = Duration::from_nanos(time.nanos.try_into().ok()?);
        SystemTime::UNIX_EPOCH.checked_add(seconds + nanos)
    });
    let time = time.unwrap_or(SystemTime::UNIX_EPOCH);
    humantime::format_rfc3339_millis(time).to_string()
}

/// How many histories of a job are read, the newest first. Each has up to some megabytes.
const MAX_HISTORIES: usize = 20;
