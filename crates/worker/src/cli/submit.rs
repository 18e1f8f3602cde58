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
    // Also if no request needs it, since a wrong URL is a mistake.
    submit
        .store
        .as_deref()
        .map(store::open_unchecked)
        .transpose()?;
    let traceparent = traceparent::from_env();
    offload(&mut planned, submit.store.as_deref()).await?;
    let jobs = Jobs::new(connect(queue).await?, queue.queues.clone());
    let planned = check_keys(&jobs, planned).await?;
    for (job, _) in &planned {
        for warning in &job.warnings {
            note(format!(
                "warning: {}: {warning}; it is submitted as it stands",
                job.place
            ));
        }
    }
    let total = planned.len();
    let calls = planned.into_iter().map(|(mut job, is_known)| {
        let jobs = jobs.clone();
        job.input.traceparent.clone_from(&traceparent);
        async move {
            let result = match is_known {
                true => Ok(Submitted::Exists),
                false => jobs.submit(&job.key, job.input).await,
            };
            (job.key, job.place, result)
        }
    });
    let mut calls = stream::iter(calls).buffered(CALLS);
    let (mut new, mut known) = (0, 0);
    while let Some((key, place, result)) = calls.next().await {
        let submitted = result.map_err(|error| {
            let mut failure = Failure::from(error);
            let done = new + known;
            failure.lines.push(format!(
                "{done} of {total} requests are submitted; run the same command again for the others"
            ));
            failure
        })?;
        let is_new = submitted == Submitted::New;
        *(if is_new { &mut new } else { &mut known }) += 1;
        if submit.json {
            print(json!({ "job": key, "place": place, "new": is_new }).to_string());
        }
    }
    let summary = format!("{total} requests: {new} new jobs, {known} submitted before");
    match submit.json {
        true => note(summary),
        false => print(summary),
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses the file if a key belongs to another request. Returns the jobs, each with whether it was submitted before.
async fn check_keys(jobs: &Jobs, planned: Vec<Planned>) -> Result<Vec<(Planned, bool)>, Failure> {
    let total = planned.len();
    let calls = planned.into_iter().map(|job| async move {
        let known = jobs.is_submitted(&job.key, &job.input.sha256).await;
        (job, known)
    });
    let mut calls = stream::iter(calls).buffered(CALLS);
    let (mut checked, mut taken) = (Vec::with_capacity(total), Vec::new());
    while let Some((job, known)) = calls.next().await {
        match known {
            Ok(is_known) => checked.push((job, is_known)),
            Err(error @ JobError::OtherBody { .. }) => {
                taken.push(format!("{}: {error}", job.place))
            }
            Err(error) => {
                let mut failure = Failure::from(error);
                failure.lines.push("nothing was submitted".into());
                return Err(failure);
            }
        }
    }
    if taken.is_empty() {
        return Ok(checked);
    }
    taken.push(format!(
        "nothing was submitted: the keys of {} of {total} requests are taken",
        taken.len()
    ));
    Err(Failure {
        code: USAGE,
        lines: taken,
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
