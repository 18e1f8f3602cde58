//! `generate` and `wait`: create a generation, wait for it, and download its videos.

use std::{
    io,
    pin::pin,
    process::ExitCode,
    time::{Duration, Instant},
};

use aimlapi_video::{
    Client, ClientBuilder, ErrorKind, Generation, GenerationHandle, GenerationRequest,
    ReservedTarget, Saved, Update, WaitOptions,
};
use serde_json::{Value, json};

use crate::{
    args::{Generate, Wait, Waiting, route_of, speed_of},
    documents::Catalogue,
    failure::{self, Failure},
    interrupt::Interrupt,
    output::{print_note, write_line},
    progress::WaitProgress,
    request::{self, Source, handle},
    service::service,
    target::{self, Target},
};

/// `generate`
pub(crate) async fn generate(generate: Generate) -> ExitCode {
    let (waiting, simulate) = (generate.waiting.clone(), generate.simulate);
    match run_generate(generate).await {
        Ok(code) => code,
        Err(failure) if simulate => {
            if failure.handle.is_some() {
                print_note("note: the generation ended with the embedded simulator");
            }
            failure.report(waiting.json, None)
        }
        Err(failure) => failure.report(
            waiting.json,
            target::resume_command(&failure, &waiting).as_deref(),
        ),
    }
}

async fn run_generate(generate: Generate) -> Result<ExitCode, Failure> {
    let mut interrupt = Interrupt::listen();
    let catalogue = Catalogue::read(&generate.parameters.documents)?;
    let request = read_request(&generate, &catalogue)?;
    // A wrong template is an error even with --no-wait, which saves nothing.
    let target = Target::read(&generate.waiting)?;
    let reserved = match generate.no_wait {
        true => None,
        false => target.reserve_for_model(&generate.waiting, request.model())?,
    };
    let speed = speed_of(generate.waiting.speed, generate.simulate);
    let (_simulator, client) = service(generate.simulate, speed, &catalogue).await?;
    let client = client
        .wait_options(WaitOptions::default().speed(speed))
        .build()
        .map_err(|error| match error.kind() {
            ErrorKind::MissingKey => Failure::usage(format!(
                "{error}, or run against the embedded simulator by --simulate"
            )),
            _ => Failure::creating(&error),
        })?;

    let progress = WaitProgress::start(&format!("creating with {}", request.model()), speed);
    let created = create(&client, request, &mut interrupt).await;
    if created.is_err() || generate.no_wait {
        progress.close();
    }
    let handle = created?;
    if generate.no_wait {
        let printed = serde_json::to_string(&handle)
            .map_err(io::Error::from)
            .and_then(write_line);
        return match printed {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(error) => {
                let message = format!("the handle cannot be written to standard output: {error}");
                Err(Failure::new(failure::UNFINISHED, message).with_handle(&handle))
            }
        };
    }
    progress.print(&format!("created {}", handle.id()));
    let job = Job {
        client,
        waiting: generate.waiting,
        target,
        reserved,
        speed,
        resumes: false,
    };
    job.finish(handle, progress, interrupt).await
}

/// `wait`
pub(crate) async fn wait(wait: Wait) -> ExitCode {
    let waiting = wait.waiting.clone();
    match run_wait(wait).await {
        Ok(code) => code,
        Err(failure) => failure.report(
            waiting.json,
            target::resume_command(&failure, &waiting).as_deref(),
        ),
    }
}

async fn run_wait(wait: Wait) -> Result<ExitCode, Failure> {
    let interrupt = Interrupt::listen();
    let handle = handle(&wait.generation, wait.legacy)?;
    let target = Target::read(&wait.waiting)?;
    let reserved = target.reserve_for_handle(&wait.waiting, &handle)?;
    let speed = speed_of(wait.waiting.speed, false);
    let client = ClientBuilder::from_env()
        .wait_options(WaitOptions::default().speed(speed))
        .build()
        .map_err(|error| Failure::creating(&error))?;
    let progress = WaitProgress::start(&format!("waiting for {}", handle.id()), speed);
    Job {
        client,
        waiting: wait.waiting,
        target,
        reserved,
        speed,
        resumes: true,
    }
    .finish(handle, progress, interrupt)
    .await
}

fn read_request(generate: &Generate, catalogue: &Catalogue) -> Result<GenerationRequest, Failure> {
    let route = route_of(generate.parameters.legacy);
    let source = Source {
        model: generate.model.as_deref(),
        request: generate.request.as_deref(),
        unchecked: generate.unchecked,
    };
    let mut composed = request::compose(&generate.parameters, source, catalogue)?;
    let body = composed.body.take();
    let request = match (catalogue.model_of(route, &body), body) {
        (None, Value::Object(body)) if generate.unchecked => {
            let id = request::model_id(&body);
            if generate.simulate {
                let advice = match catalogue.folder() {
                    Some(folder) => format!("add its document to {folder}"),
                    None => "name a folder with its document by --documents DIR".into(),
                };
                return Err(Failure::usage(format!(
                    "no document describes {id}, so it cannot be simulated; {advice}"
                )));
            }
            print_note(format!(
                "warning: no document describes {id}, so nothing was checked; the request is sent as it stands"
            ));
            GenerationRequest::unchecked(route, id, body)
        }
        (known, body) => catalogue.request(route, body).map_err(|error| {
            let mut failure = composed.refused(&error);
            if known.is_none() {
                failure.message += match catalogue.folder() {
                    Some(_) => "; --unchecked sends the request without a check",
                    None => {
                        "; for a newer model, --documents DIR reads the documents that are published, and --unchecked sends \
                         the request without a check"
                    }
                };
            }
            failure
        })?,
    };
    let warnings = request.warnings();
    if let Some(refusal) = composed.refusal(&warnings) {
        return Err(refusal);
    }
    // The service ignores a mistyped name, and the generation is billed all the same.
    for warning in warnings {
        print_note(format!("warning: {warning}; it is sent as it stands"));
    }
    Ok(request)
}

/// How long an interrupted create may still take to return the id of a billed generation.
const CREATE_GRACE_PERIOD: Duration = Duration::from_secs(5);

async fn create(
    client: &Client,
    request: GenerationRequest,
    interrupt: &mut Interrupt,
) -> Result<GenerationHandle, Failure> {
    let mut create = pin!(client.create(request));
    tokio::select! {
        biased;
        () = interrupt.received() => {}
        created = &mut create => return created.map_err(|error| Failure::creating(&error)),
    }
    let interrupted = |message: &str| Failure::new(failure::INTERRUPTED, message);
    Err(
        match tokio::time::timeout(CREATE_GRACE_PERIOD, create).await {
            Ok(Ok(handle)) => interrupted("interrupted").with_handle(&handle),
            Ok(Err(error)) => Failure {
                code: failure::INTERRUPTED,
                ..Failure::creating(&error)
            },
            Err(_) => interrupted(
                "interrupted while creating; the generation may have been accepted and billed: look at the account's log before \
             you repeat the create",
            ),
        },
    )
}

/// The part that `generate` and `wait` share.
struct Job {
    client: Client,
    waiting: Waiting,
    target: Target,
    /// The file, where its name does not depend on the generation.
    reserved: Option<ReservedTarget>,
    speed: f64,
    /// Whether another command created the generation.
    resumes: bool,
}

impl Job {
    async fn finish(
        mut self,
        handle: GenerationHandle,
        mut progress: WaitProgress,
        mut interrupt: Interrupt,
    ) -> Result<ExitCode, Failure> {
        let started = Instant::now();
        let outcome = tokio::select! {
            biased;
            () = interrupt.received() => {
                Err(Failure::new(failure::INTERRUPTED, "interrupted").with_handle(&handle))
            }
            outcome = self.wait_and_save(&handle, &mut progress) => outcome,
        };
        progress.close();
        let (generation, saved) = outcome?;
        for disagreement in saved.iter().filter_map(|file| file.disagreement.as_ref()) {
            print_note(format!("note: {disagreement}"));
        }
        if let (Target::StandardOutput(_), [video]) = (&self.target, saved.as_slice()) {
            print_note(format!("wrote {} bytes to standard output", video.bytes));
            return Ok(ExitCode::SUCCESS);
        }
        let lines = if self.waiting.json {
            summary(&handle, &generation, &saved, started.elapsed()).to_string()
        } else {
            let line =
                |file: &Saved| format!("saved {} ({} bytes)", file.path.display(), file.bytes);
            saved.iter().map(line).collect::<Vec<_>>().join("\n")
        };
        if let Err(error) = write_line(lines) {
            print_note(format!(
                "note: every video is saved, but standard output cannot be written: {error}"
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn wait_and_save(
        &mut self,
        handle: &GenerationHandle,
        progress: &mut WaitProgress,
    ) -> Result<(Generation, Vec<Saved>), Failure> {
        let generation = self.wait(handle, progress).await?;
        let download = self
            .client
            .download(&generation)
            .overwrite(self.waiting.overwrite)
            .allow_truncated(self.waiting.allow_truncated)
            .on_progress(|received| progress.received(received));
        let saved = match (&self.target, self.reserved.take()) {
            (_, Some(reserved)) => download.to_reserved(reserved).await,
            (Target::Folder(folder), None) => download.to_folder(folder).await,
            (Target::File(path), None) => download.to_file(path).await,
            (Target::StandardOutput(folder), None) => {
                download.to_file(folder.path().join("video")).await
            }
            (Target::Template(template), None) => {
                let path = template.path(handle, Some(&generation));
                download.to_file(path).await
            }
        };
        let saved = saved.map_err(|error| Failure::saving(&error, handle))?;
        if let Target::StandardOutput(_) = self.target {
            // A reader that pauses must not delay an interrupt.
            let files = saved.clone();
            let written = tokio::task::spawn_blocking(move || target::write_out(&files)).await;
            let written = written.unwrap_or_else(|error| Err(error.to_string()));
            written
                .map_err(|problem| Failure::new(failure::NOT_SAVED, problem).with_handle(handle))?;
        }
        Ok((generation, saved))
    }

    async fn wait(
        &self,
        handle: &GenerationHandle,
        progress: &mut WaitProgress,
    ) -> Result<Generation, Failure> {
        let options = WaitOptions::default()
            .deadline(self.waiting.deadline)
            .speed(self.speed);
        let mut updates = self.client.wait(handle).options(options).updates();
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        loop {
            let update = tokio::select! {
                update = updates.next() => update,
                _ = ticks.tick() => {
                    progress.tick();
                    continue;
                }
            };
            match update {
                Some(Ok(Update::Completed(generation))) => return Ok(*generation),
                Some(Ok(Update::Progress(state))) => progress.set_state(&state),
                Some(Ok(Update::PollFailed(failure))) => progress.poll_failed(&failure),
                Some(Ok(_)) => {}
                Some(Err(error)) if self.resumes => return Err(Failure::resuming(&error, handle)),
                Some(Err(error)) => return Err(Failure::waiting(&error, handle)),
                None => {
                    let ended =
                        Failure::new(failure::UNFINISHED, "the wait ended without a result");
                    return Err(ended.with_handle(handle));
                }
            }
        }
    }
}

fn summary(
    handle: &GenerationHandle,
    generation: &Generation,
    saved: &[Saved],
    elapsed: Duration,
) -> Value {
    let videos: Vec<Value> = generation
        .videos()
        .iter()
        .zip(saved)
        .map(|(video, file)| {
            let mut entry = json!({ "path": file.path, "bytes": file.bytes, "url": video.url });
            if let Some(kind) = &file.content_type {
                entry["content_type"] = kind.as_str().into();
            }
            if let Some(disagreement) = &file.disagreement {
                entry["disagreement"] = disagreement.as_str().into();
            }
            entry
        })
        .collect();
    let mut summary = json!({
        "id": handle.id(),
        "route": handle.route(),
        "state": generation.state(),
        "videos": videos,
        "elapsed_s": elapsed.as_secs_f64(),
    });
    if let Some(model) = handle.model().or(generation.model()) {
        summary["model"] = model.into();
    }
    if let Some(credits) = generation.usage().credits {
        summary["credits_used"] = credits.into();
    }
    if let Some(usd) = generation.usage().usd {
        summary["usd_spent"] = usd.into();
    }
    summary
}
