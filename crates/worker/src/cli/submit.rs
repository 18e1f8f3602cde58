//! `submit`: the requests of a file as jobs.

use std::process::ExitCode;

use aimlapi_video_worker::temporal::{
    jobs::{JobError, Jobs, Submitted},
    media,
};
use futures_util::{StreamExt, stream};
use serde_json::json;

use super::{
    args::Submit,
    connection::connect,
    failure::{Failure, USAGE, error_line},
    input::{self, Planned},
    output::{note, print},
    queue::Queue,
    store, traceparent,
};

/// `submit`
pub(crate) async fn run(queue: &Queue, submit: &Submit) -> Result<ExitCode, Failure> {
    let mut planned = input::read(&submit.file)?;
    let traceparent = traceparent::from_env();
    for job in &planned {
        for warning in &job.warnings {
            note(format!(
                "warning: {}: {warning}; it is submitted as it stands",
                job.place
            ));
        }
    }
    offload(&mut planned, submit.store.as_deref()).await?;
    let jobs = Jobs::new(connect(queue).await?, queue.queues.clone());
    let total = planned.len();
    let calls = planned.into_iter().map(|mut job| {
        let jobs = jobs.clone();
        job.input.traceparent.clone_from(&traceparent);
        async move {
            let result = jobs.submit(&job.key, job.input).await;
            (job.key, job.place, result)
        }
    });
    let mut calls = stream::iter(calls).buffered(CALLS);
    let (mut new, mut known, mut conflicts) = (0, 0, Vec::new());
    while let Some((key, place, result)) = calls.next().await {
        match result {
            Ok(submitted) => {
                let is_new = submitted == Submitted::New;
                *(if is_new { &mut new } else { &mut known }) += 1;
                if submit.json {
                    print(json!({ "job": key, "place": place, "new": is_new }).to_string());
                }
            }
            Err(error @ JobError::OtherBody { .. }) => conflicts.push(format!("{place}: {error}")),
            Err(error) => {
                let mut failure = Failure::from(error);
                let done = new + known;
                let rest = "; run the same command again for the others";
                failure
                    .lines
                    .push(format!("{done} of {total} requests are submitted{rest}"));
                return Err(failure);
            }
        }
    }
    let summary = format!("{total} requests: {new} new jobs, {known} submitted before");
    match submit.json {
        true => note(summary),
        false => print(summary),
    }
    if conflicts.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure {
        code: USAGE,
        lines: conflicts,
    })
}

/// Moves the media of large requests to the store.
async fn offload(planned: &mut [Planned], url: Option<&str>) -> Result<(), Failure> {
    let is_large = |job: &&mut Planned| !media::is_small(&job.input.body);
    let mut large = planned.iter_mut().filter(is_large).peekable();
    let Some(first) = large.peek() else {
        return Ok(());
    };
    let url = url.ok_or_else(|| {
        Failure::usage(format!(
            "nothing was submitted: {}: the request is larger than {} KB; add --store URL, the store of the workers, for its media",
            first.place,
            media::MAX_BODY / 1024
        ))
    })?;
    let store = store::open(url).await?;
    for job in large {
        let body = job.input.body.take();
        job.input.body = media::offload(&store, body).await.map_err(|error| {
            Failure::service(format!(
                "nothing was submitted: {}: its media cannot be stored: {}; run the same command again",
                job.place,
                error_line(&error)
            ))
        })?;
        if !media::is_small(&job.input.body) {
            return Err(Failure::usage(format!(
                "nothing was submitted: {}: the request is larger than {} KB without its media; shorten its texts",
                job.place,
                media::MAX_BODY / 1024
            )));
        }
    }
    Ok(())
}

/// How many jobs are submitted at once.
const CALLS: usize = 16;
