//! `jobs show`: all that is known of a job.

use std::process::ExitCode;

use aimlapi_video_worker::{
    job::{Action, ClaimOutcome, Decision, End, GenerationRecord, Job, Verdict},
    temporal::jobs::Jobs,
};
use serde_json::json;

use super::{
    args::Show,
    connection::connect,
    events,
    failure::Failure,
    jobs::name,
    output::{print, table},
    queue::Queue,
};

/// `jobs show`
pub(crate) async fn run(queue: &Queue, show: &Show) -> Result<ExitCode, Failure> {
    let client = connect(queue).await?;
    let job = Jobs::new(client.clone(), queue.queues.clone())
        .show(&show.id)
        .await?;
    let events = events::read(&client, &show.id).await?;
    if show.json {
        print(json!({ "job": job, "events": events }).to_string());
    } else {
        let rows = events.into_iter().map(|event| [event.at, event.what]);
        let events = table(["TIME", "EVENT"], &rows.collect::<Vec<_>>());
        print(format!("{}\n\n{events}", describe(&job)));
    }
    Ok(ExitCode::SUCCESS)
}

/// The job in lines of `name: value`.
pub(crate) fn describe(job: &Job) -> String {
    let mut lines = vec![
        format!("job: {}", job.key()),
        format!("state: {}", name(job.phase().state())),
    ];
    lines.extend(
        job.phase()
            .reason()
            .map(|reason| format!("reason: {reason}")),
    );
    lines.push(format!("request: sha256 {}", job.sha256()));
    lines.extend(job.claims().iter().map(|claim| {
        let outcome = match &claim.outcome {
            ClaimOutcome::Open => "no outcome is known".to_owned(),
            ClaimOutcome::NotBought(reason) => format!("not bought: {reason}"),
            ClaimOutcome::Refused(reason) => format!("refused: {reason}"),
            ClaimOutcome::Bought => "bought".to_owned(),
            other => format!("{other:?}"),
        };
        format!("create {}: {outcome}", claim.id)
    }));
    lines.extend(job.generations().iter().flat_map(generation));
    lines.extend(job.decisions().iter().map(decision));
    lines.extend(
        job.anomalies()
            .iter()
            .map(|anomaly| format!("contradiction: {}", anomaly.what)),
    );
    if job.action() == Action::Ask {
        lines.push(format!(
            "a person decides: jobs resolve {} --adopt HANDLE | --repeat --by NAME --why TEXT | --give-up",
            job.key()
        ));
    }
    lines.join("\n")
}

fn generation(record: &GenerationRecord) -> Vec<String> {
    let handle = &record.handle;
    let model = handle.model().unwrap_or("unknown model");
    let end = match &record.end {
        None => "not ended".to_owned(),
        Some(End::Saved(_)) => "saved".to_owned(),
        Some(End::Failed(reason)) => format!("failed: {reason}"),
        Some(End::Lost(reason)) => format!("lost: {reason}"),
        Some(End::GivenUp) => "given up".to_owned(),
        Some(other) => format!("{other:?}"),
    };
    let mut lines = vec![format!("generation {} ({model}): {end}", handle.id())];
    if let Some(End::Saved(objects)) = &record.end {
        lines.extend(objects.iter().map(|object| {
            format!(
                "video {}: {} bytes, sha256 {}",
                object.key, object.bytes, object.sha256
            )
        }));
    }
    lines
}

fn decision(decision: &Decision) -> String {
    let verdict = match &decision.verdict {
        Verdict::Adopt(handle) => format!("adopt {}", handle.id()),
        Verdict::Repeat => "repeat".to_owned(),
        Verdict::GiveUp => "give up".to_owned(),
        other => format!("{other:?}"),
    };
    let by = Some(&*decision.by).filter(|by| !by.is_empty());
    let why = Some(&*decision.why).filter(|why| !why.is_empty());
    format!(
        "decision {verdict}: by {}, {}",
        by.unwrap_or("an unnamed person"),
        why.unwrap_or("without a reason")
    )
}
