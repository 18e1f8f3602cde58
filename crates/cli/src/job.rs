//! `generate` and `wait`: create a generation, wait for it, and download its videos.

use std::{
    io,
    pin::pin,
    process::ExitCode,
    time::{Duration, Instant},
};

use aimlapi_video::{
    Client, ClientBuilder, ErrorKind, Generation, GenerationHandle, GenerationRequest,
    ReservedTarget, Saved, Update, WaitOptions, Warning,
};
use serde_json::{Value, json};

use crate::{
    args::{Generate, Wait, Waiting, route_of, speed_of},
    cost::Cost,
    documents::Catalogue,
    failure::{self, Failure},
    history::{Create, Except, History},
    interrupt::Interrupt,
    naming::Naming,
    output::{print_note, write_line},
    progress::WaitProgress,
    request::{self, handle},
    service::service,
    spending::{Decision, Kind, Prices, Spending},
    target::{self, Target},
};

/// `generate`
pub(crate) async fn generate(generate: Generate) -> ExitCode {
    let (mut waiting, simulate) = (generate.waiting.clone(), generate.simulate);
    let history = History::open(&generate.history, simulate);
    match run_generate(generate, &mut waiting, &history).await {
        Ok(code) => code,
        Err(failure) if simulate => {
            if failure.handle.is_some() {
                print_note("note: the generation ended with the embedded simulator");
            }
            failure.report(waiting.json, None)
        }
        Err(failure) => report(&failure, &waiting, &history),
    }
}

/// Reports a failure with the command that resumes the generation.
fn report(failure: &Failure, waiting: &Waiting, history: &History) -> ExitCode {
    let resume = target::resume_command(failure, waiting);
    if resume.is_some() {
        history.told();
    }
    failure.report(waiting.json, resume.as_deref())
}

/// Replaces the request's placeholders in `waiting`.
async fn run_generate(
    mut generate: Generate,
    waiting: &mut Waiting,
    history: &History,
) -> Result<ExitCode, Failure> {
    let mut interrupt = Interrupt::listen();
    let catalogue = Catalogue::read(&generate.documents)?;
    let request = read_request(&generate, &catalogue)?;
    let model = catalogue.model(request.route(), request.model());
    if let Some(output) = &mut waiting.output {
        let naming = Naming {
            request: &request,
            model,
        };
        *output = naming.output(output)?;
    }
    generate.waiting = waiting.clone();
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
            ErrorKind::MissingKey => {
                let message =
                    format!("{error}, or run against the embedded simulator by --simulate");
                Failure::of(&error, failure::USAGE, message)
            }
            _ => Failure::creating(&error),
        })?;

    history.note_unfinished(&Except::Nothing);
    let spending = Spending::new(generate.spend.max_usd, Prices::of(&history.own_entries()));
    if let Decision::Stop(why) = spending.decide(&Kind::of(&request, model)) {
        let message = format!("nothing was created: {why}");
        return Err(Failure::new(failure::USAGE, "max_usd", message));
    }
    let intent = history.intent(Create {
        model,
        request: &request,
        no_wait: generate.no_wait,
        output: target.absolute(),
        batch: None,
    });
    let entry = intent.and_then(|intent| history.intend(intent));
    let progress = WaitProgress::start(&format!("creating with {}", request.model()), speed);
    let created = create(&client, request, &mut interrupt).await;
    history.record_create(entry.as_ref(), created.as_ref());
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
                Err(Failure::new(failure::UNFINISHED, "io", message).with_handle(&handle))
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
        history: history.clone(),
    };
    job.finish(handle, progress, interrupt).await?;
    Ok(ExitCode::SUCCESS)
}

/// `wait`
pub(crate) async fn wait(wait: Wait) -> ExitCode {
    let history = History::open(&wait.history, false);
    let mut waiting = wait.waiting.clone();
    let handle = match &wait.generation {
        Some(generation) => handle(generation, wait.legacy),
        None => last(&history, &mut waiting),
    };
    let handle = match handle {
        Ok(handle) => handle,
        Err(failure) => return failure.report(waiting.json, None),
    };
    history.note_unfinished(&Except::Generation(handle.id()));
    resume(handle, &waiting, &history, Interrupt::listen())
        .await
        .into()
}

/// The handle of the last create; its video is saved where that command would have saved it.
fn last(history: &History, waiting: &mut Waiting) -> Result<GenerationHandle, Failure> {
    let entries = history.own_entries();
    let mut created = entries.into_iter().rev();
    let Some((handle, entry)) = created.find_map(|entry| Some((entry.handle.clone()?, entry)))
    else {
        return Err(Failure::usage(
            "the history has no generation of this key and base URL; name one by its id",
        ));
    };
    if waiting.output.is_none() {
        waiting.output = entry.intent.output.map(Into::into);
    }
    Ok(handle)
}

/// Waits for an existing generation and saves its video.
pub(crate) async fn resume(
    handle: GenerationHandle,
    waiting: &Waiting,
    history: &History,
    interrupt: Interrupt,
) -> u8 {
    match run_resume(handle, waiting, history, interrupt).await {
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
    interrupt: Interrupt,
) -> Result<(), Failure> {
    let target = Target::read(waiting)?;
    let reserved = target.reserve_for_handle(waiting, &handle)?;
    let speed = speed_of(waiting.speed, false);
    let client = ClientBuilder::from_env()
        .wait_options(WaitOptions::default().speed(speed))
        .build()
        .map_err(|error| Failure::creating(&error))?;
    history.adopt(&history.own_entries(), &handle, None);
    let progress = WaitProgress::start(&format!("waiting for {}", handle.id()), speed);
    Job {
        client,
        waiting: waiting.clone(),
        target,
        reserved,
        speed,
        resumes: true,
        history: history.clone(),
    }
    .finish(handle, progress, interrupt)
    .await
}

fn read_request(generate: &Generate, catalogue: &Catalogue) -> Result<GenerationRequest, Failure> {
    let route = route_of(generate.legacy);
    let mut composed = request::compose(generate, catalogue)?;
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
            let mut failure = Failure::creating(&error);
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
    if generate.spend.deny_warnings && !warnings.is_empty() {
        let texts: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        let json =
            |warning: &Warning| json!({ "pointer": warning.pointer, "message": warning.message });
        return Err(Failure {
            violations: warnings.iter().map(json).collect(),
            ..Failure::denied(&texts.join("; "))
        });
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
    Err(
        match tokio::time::timeout(CREATE_GRACE_PERIOD, create).await {
            Ok(Ok(handle)) => Failure::interrupted("interrupted").with_handle(&handle),
            Ok(Err(error)) => Failure {
                code: failure::INTERRUPTED,
                ..Failure::creating(&error)
            },
            Err(_) => Failure::new(
                failure::INTERRUPTED,
                "ambiguous_create",
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
    history: History,
}

impl Job {
    async fn finish(
        mut self,
        handle: GenerationHandle,
        mut progress: WaitProgress,
        mut interrupt: Interrupt,
    ) -> Result<(), Failure> {
        let started = Instant::now();
        let outcome = tokio::select! {
            biased;
            () = interrupt.received() => {
                Err(Failure::interrupted("interrupted").with_handle(&handle))
            }
            outcome = self.wait_and_save(&handle, &mut progress) => outcome,
        };
        progress.close();
        let (generation, saved) = outcome?;
        let cost = Cost::of(Some(&generation), Some(&handle));
        let paths = saved.iter().map(|file| &*file.path);
        self.history.saved(&handle, paths, cost);
        for disagreement in saved.iter().filter_map(|file| file.disagreement.as_ref()) {
            print_note(format!("note: {disagreement}"));
        }
        let lines = if self.waiting.json {
            summary(&handle, &generation, &saved, cost, started.elapsed()).to_string()
        } else {
            let line =
                |file: &Saved| format!("saved {} ({} bytes)", file.path.display(), file.bytes);
            let cost = cost.text().map(|cost| format!(", cost {cost}"));
            let lines: Vec<String> = saved.iter().map(line).collect();
            lines.join("\n") + &cost.unwrap_or_default()
        };
        if let Err(error) = write_line(lines) {
            print_note(format!(
                "note: every video is saved, but standard output cannot be written: {error}"
            ));
        }
        Ok(())
    }

    async fn wait_and_save(
        &mut self,
        handle: &GenerationHandle,
        progress: &mut WaitProgress,
    ) -> Result<(Generation, Vec<Saved>), Failure> {
        let generation = match self.wait(handle, progress).await {
            Ok(generation) => generation,
            Err(failure) => {
                if failure.code == failure::FAILED {
                    let cost = Cost::of(failure.last_response.as_deref(), Some(handle));
                    self.history.failed(handle, &failure.message, cost);
                }
                return Err(failure);
            }
        };
        let cost = Cost::of(Some(&generation), Some(handle));
        self.history.completed(handle, cost);
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
            (Target::Template(template), None) => {
                let path = template.path(handle, Some(&generation));
                download.to_file(path).await
            }
        };
        let saved = saved.map_err(|error| Failure::saving(&error, handle))?;
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
                    let message = "the wait ended without a result";
                    let ended = Failure::new(failure::UNFINISHED, "polling_lost", message);
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
    cost: Cost,
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
    cost.add_to(&mut summary);
    summary
}
