//! `jobs resolve`: a person's decision about a job.

use std::process::ExitCode;

use aimlapi_video_worker::{
    job::{Action, Decision, Verdict},
    temporal::jobs::Jobs,
};

use super::{
    args::Resolve, connection::connect, failure::Failure, handle, jobs::name, output::print,
    queue::Queue, show::describe,
};

/// `jobs resolve`
pub(crate) async fn run(queue: &Queue, resolve: &Resolve) -> Result<ExitCode, Failure> {
    let verdict = match &resolve.verdict.adopt {
        Some(given) => Verdict::Adopt(handle::read(given).map_err(Failure::usage)?),
        None if resolve.verdict.repeat => Verdict::Repeat,
        None => Verdict::GiveUp,
    };
    let jobs = Jobs::new(connect(queue).await?, queue.queues.clone());
    let job = jobs.show(&resolve.id).await?;
    if job.action() != Action::Ask {
        return Err(Failure::usage(format!(
            "job {} is {} and waits for no decision; `jobs --state ambiguous` lists those that do",
            resolve.id,
            name(job.phase().state())
        )));
    }
    let decision = Decision {
        verdict,
        by: resolve.by.clone().unwrap_or_default(),
        why: resolve.why.clone().unwrap_or_default(),
        revision: job.revision(),
    };
    let job = jobs.resolve(&resolve.id, decision).await?;
    print(describe(&job));
    Ok(ExitCode::SUCCESS)
}
