//! `wait`, and the wait of `resume` for a single generation.

use std::process::ExitCode;

use aimlapi_video::{ClientBuilder, GenerationHandle, WaitOptions};

use crate::{
    args::{Wait, Waiting, speed_of},
    facts,
    failure::Failure,
    history::{Entry, Except, History},
    interrupt::Interrupt,
    job::{Job, report},
    progress::{self, WaitProgress},
    request::handle,
    saved::Earlier,
    sidecar::{self, Draft, Unfinished},
    target::Target,
};

mod entry;

/// `wait`
pub(crate) async fn wait(wait: Wait) -> ExitCode {
    let _bell = progress::begin(wait.waiting.json, &wait.waiting.ending);
    let history = History::open(&wait.history, false);
    let mut waiting = wait.waiting.clone();
    let handle = match &wait.generation {
        Some(generation) => handle(generation, wait.legacy),
        None => last(&history, &mut waiting),
    };
    let handle = match (handle, &wait.entry) {
        (Ok(handle), Some(entry)) => entry::attach(&history, entry, handle, &mut waiting).await,
        (handle, _) => handle,
    };
    let handle = match handle {
        Ok(handle) => handle,
        Err(failure) => return failure.report(waiting.json, None),
    };
    let known = history.own_entries();
    history.note_unfinished(&known, &Except::Generation(handle.id()));
    resume(handle, &waiting, &history, &known, Interrupt::listen())
        .await
        .into()
}

/// The handle of the last create; its video is saved where that command would have saved it.
fn last(history: &History, waiting: &mut Waiting) -> Result<GenerationHandle, Failure> {
    // Without a key the history has no entry of its own, which would be a misleading error.
    let client = ClientBuilder::from_env().build();
    client.map_err(|error| Failure::creating(&error))?;
    let entries = history.required_own_entries()?;
    let mut created = entries.into_iter().rev();
    let Some((handle, entry)) = created.find_map(|entry| Some((entry.handle.clone()?, entry)))
    else {
        return Err(Failure::usage(
            "the history has no generation of this key and base URL; name one by its id",
        ));
    };
    if waiting.output.is_none() {
        waiting.output = entry.output().map(Into::into);
    }
    Ok(handle)
}

/// Waits for an existing generation and saves its video. `known` are the entries of the history.
pub(crate) async fn resume(
    handle: GenerationHandle,
    waiting: &Waiting,
    history: &History,
    known: &[Entry],
    interrupt: Interrupt,
) -> u8 {
    match run_resume(handle, waiting, history, known, interrupt).await {
        Ok(()) => 0,
        Err(failure) => {
            report(&failure, waiting, history);
            failure.code
        }
    }
}

async fn run_resume(
    handle: GenerationHandle,
    waiting: &Waiting,
    history: &History,
    known: &[Entry],
    mut interrupt: Interrupt,
) -> Result<(), Failure> {
    let target = Target::read(waiting)?;
    let handle = facts::completed(handle, known, &target);
    if !waiting.overwrite
        && let Some(earlier) = Earlier::find(&handle, known, &target, waiting)
    {
        earlier.record(history, known);
        if !waiting.json {
            earlier.print(false);
        }
        if let Some(exec) = &waiting.ending.exec {
            let saved = earlier.files();
            let paths = saved.iter().map(|(path, _)| &**path);
            let ran = exec.run(paths, &mut interrupt).await;
            ran.map_err(|failure| Failure {
                saved: saved.clone(),
                ..failure.with_handle(&handle)
            })?;
        }
        if waiting.json {
            earlier.print(true);
        }
        return Ok(());
    }
    let reserved = target.reserve_for_handle(waiting, &handle)?;
    let speed = speed_of(waiting.speed, false);
    let client = ClientBuilder::from_env()
        .wait_options(WaitOptions::default().speed(speed))
        .build()
        .map_err(|error| Failure::creating(&error))?;
    let created_cost = history.adopt(known, &handle, None);
    let video = target.video(Some(&handle));
    let draft = video
        .as_ref()
        .and_then(|video| Draft::following(video, &handle, known));
    let elsewhere = match (&draft, &target) {
        (Some(_), _) | (_, Target::StandardOutput(_)) => None,
        (None, _) => unfinished_elsewhere(&handle, known, waiting),
    };
    let draft = draft.or_else(|| Some(elsewhere.as_ref()?.draft.clone()));
    let failed = draft.clone();
    let activity = format!("waiting for {}", handle.id());
    let progress = WaitProgress::start(&activity, handle.model(), speed);
    let saved = Job {
        client,
        waiting: waiting.clone(),
        target,
        reserved,
        speed,
        resumes: true,
        created_cost,
        history: history.clone(),
        draft,
    }
    .finish(handle.clone(), progress, interrupt)
    .await
    .inspect_err(|failure| {
        // A service that did not respond says nothing about the generation.
        let draft = failed.as_ref().filter(|_| failure.handle.is_some());
        let video = elsewhere
            .as_ref()
            .map(Unfinished::video)
            .or(video.as_deref());
        sidecar::record_failure(failure, draft, video);
    })?;
    if let Some(elsewhere) = elsewhere {
        elsewhere.remove(&handle, &saved);
    }
    Ok(())
}

/// The sidecar that the command of the create left where it would have saved the video.
fn unfinished_elsewhere(
    handle: &GenerationHandle,
    known: &[Entry],
    waiting: &Waiting,
) -> Option<Unfinished> {
    let entry = known.iter().rev().find(|entry| entry.is_of(handle))?;
    let output = Some(entry.output()?.into());
    let waiting = Waiting {
        output,
        ..waiting.clone()
    };
    let video = Target::read(&waiting).ok()?.video(Some(handle))?;
    Unfinished::find(video, handle, entry)
}
