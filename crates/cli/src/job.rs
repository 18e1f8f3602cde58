//! `generate` and `wait`: to a video on disk, or to a clear end.

use std::{
    io,
    path::{Path, PathBuf},
    pin::pin,
    process::ExitCode,
    time::{Duration, Instant},
};

use aimlapi_video::{
    Client, ClientBuilder, Download, ErrorKind, Generation, GenerationHandle, GenerationRequest,
    ReservedTarget, Saved, Update, WaitOptions,
};
use serde_json::{Value, json};

use crate::{
    args::{Generate, Wait, Waiting, speed_of},
    failure::{self, Failure, line},
    interrupt::Interrupt,
    output::{answer, note},
    report::Report,
    request::{self, handle},
    service::service,
    template::{self, Target},
};

/// `generate`
pub(crate) async fn generate(generate: Generate) -> ExitCode {
    let (waiting, simulate) = (generate.waiting.clone(), generate.simulate);
    match run_generate(generate).await {
        Ok(code) => code,
        Err(failure) if simulate => {
            if failure.handle.is_some() {
                note("note: the generation ended with the embedded simulator");
            }
            failure.report(waiting.json, None)
        }
        Err(failure) => failure.report(waiting.json, resume_of(&failure, &waiting).as_deref()),
    }
}

async fn run_generate(generate: Generate) -> Result<ExitCode, Failure> {
    let mut interrupt = Interrupt::listen();
    let request = read_request(&generate)?;
    // What cannot be a name is told even where nothing is saved yet.
    let target = Place::read(&generate.waiting)?;
    let reserved = match generate.no_wait {
        true => None,
        false => target.reserve(&generate.waiting, About::Model(request.model()))?,
    };
    let speed = speed_of(generate.waiting.speed, generate.simulate);
    let (_simulator, client) = service(generate.simulate, speed).await?;
    let client = client
        .wait_options(WaitOptions::default().speed(speed))
        .build()
        .map_err(|error| match error.kind() {
            ErrorKind::MissingKey => Failure::usage(format!(
                "{error}, or run against the embedded simulator by --simulate"
            )),
            _ => Failure::creating(&error),
        })?;

    let mut report = Report::start(&format!("creating with {}", request.model()), speed);
    let created = created(&client, request, &mut interrupt).await;
    if created.is_err() || generate.no_wait {
        report.end();
    }
    let handle = created?;
    if generate.no_wait {
        let printed = serde_json::to_string(&handle)
            .map_err(io::Error::from)
            .and_then(answer);
        return match printed {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(error) => {
                let message = format!("the handle cannot be written to standard output: {error}");
                Err(Failure::new(failure::UNSEEN, message).about(&handle))
            }
        };
    }
    report.note(&format!("created {}", handle.id()));
    let job = Job {
        client,
        waiting: generate.waiting,
        target,
        reserved,
        speed,
        resumes: false,
    };
    job.finish(handle, report, interrupt).await
}

/// `wait`
pub(crate) async fn wait(wait: Wait) -> ExitCode {
    let waiting = wait.waiting.clone();
    match run_wait(wait).await {
        Ok(code) => code,
        Err(failure) => failure.report(waiting.json, resume_of(&failure, &waiting).as_deref()),
    }
}

async fn run_wait(wait: Wait) -> Result<ExitCode, Failure> {
    let interrupt = Interrupt::listen();
    let handle = handle(&wait.generation, wait.legacy)?;
    let target = Place::read(&wait.waiting)?;
    let reserved = target.reserve(&wait.waiting, About::Generation(&handle))?;
    let speed = speed_of(wait.waiting.speed, false);
    let client = ClientBuilder::from_env()
        .wait_options(WaitOptions::default().speed(speed))
        .build()
        .map_err(|error| Failure::creating(&error))?;
    let report = Report::start(&format!("asking for {}", handle.id()), speed);
    Job {
        client,
        waiting: wait.waiting,
        target,
        reserved,
        speed,
        resumes: true,
    }
    .finish(handle, report, interrupt)
    .await
}

fn read_request(generate: &Generate) -> Result<GenerationRequest, Failure> {
    let mut composed = request::compose(generate)?;
    let body = composed.body.take();
    let request = GenerationRequest::from_json(generate.route(), body)
        .map_err(|error| Failure::creating(&error))?;
    let warnings = request.warnings();
    if let Some(refusal) = composed.refusal(&warnings) {
        return Err(refusal);
    }
    // A mistyped name would be sent, ignored, and paid for.
    for warning in warnings {
        note(format!("warning: {warning}; it is sent as it stands"));
    }
    Ok(request)
}

/// How long an interrupted create may still take to tell the id of what it bought.
const LAST_WORDS: Duration = Duration::from_secs(5);

async fn created(
    client: &Client,
    request: GenerationRequest,
    interrupt: &mut Interrupt,
) -> Result<GenerationHandle, Failure> {
    let mut create = pin!(client.create(request));
    tokio::select! {
        biased;
        () = interrupt.heard() => {}
        created = &mut create => return created.map_err(|error| Failure::creating(&error)),
    }
    let interrupted = |message: &str| Failure::new(failure::INTERRUPTED, message);
    Err(match tokio::time::timeout(LAST_WORDS, create).await {
        Ok(Ok(handle)) => interrupted("interrupted").about(&handle),
        Ok(Err(error)) => Failure {
            code: failure::INTERRUPTED,
            ..Failure::creating(&error)
        },
        Err(_) => interrupted(
            "interrupted while creating; the generation may have been accepted and billed, so do not repeat the create \
             before looking at the account's log",
        ),
    })
}

/// The part that `generate` and `wait` share: wait, save, tell.
struct Job {
    client: Client,
    waiting: Waiting,
    target: Place,
    /// The file, where its name was known before.
    reserved: Option<ReservedTarget>,
    speed: f64,
    /// Whether the generation was created before this command.
    resumes: bool,
}

impl Job {
    async fn finish(
        mut self,
        handle: GenerationHandle,
        mut report: Report,
        mut interrupt: Interrupt,
    ) -> Result<ExitCode, Failure> {
        let started = Instant::now();
        let outcome = tokio::select! {
            biased;
            () = interrupt.heard() => {
                Err(Failure::new(failure::INTERRUPTED, "interrupted").about(&handle))
            }
            outcome = self.wait_and_save(&handle, &mut report) => outcome,
        };
        report.end();
        let (generation, saved) = outcome?;
        for disagreement in saved.iter().filter_map(|file| file.disagreement.as_ref()) {
            note(format!("note: {disagreement}"));
        }
        let lines = if self.waiting.json {
            summary(&handle, &generation, &saved, started.elapsed()).to_string()
        } else {
            let line =
                |file: &Saved| format!("saved {} ({} bytes)", file.path.display(), file.bytes);
            saved.iter().map(line).collect::<Vec<_>>().join("\n")
        };
        if let Err(error) = answer(lines) {
            note(format!(
                "note: all is saved, but standard output cannot be written: {error}"
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn wait_and_save(
        &mut self,
        handle: &GenerationHandle,
        report: &mut Report,
    ) -> Result<(Generation, Vec<Saved>), Failure> {
        let generation = self.wait(handle, report).await?;
        let download = self
            .client
            .download(&generation)
            .overwrite(self.waiting.overwrite)
            .allow_truncated(self.waiting.allow_truncated)
            .on_progress(|received| report.received(received));
        let saved = match (&self.target, self.reserved.take()) {
            (_, Some(reserved)) => download.to_reserved(reserved).await,
            (Place::Folder(folder), None) => download.to_folder(folder).await,
            (Place::File(path), None) => download.to_file(path).await,
            (Place::Template(target), None) => {
                download
                    .to_file(target.path(handle, Some(&generation)))
                    .await
            }
        };
        let saved = saved.map_err(|error| Failure::saving(&error, handle))?;
        Ok((generation, saved))
    }

    async fn wait(
        &self,
        handle: &GenerationHandle,
        report: &mut Report,
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
                    report.tick();
                    continue;
                }
            };
            match update {
                Some(Ok(Update::Completed(generation))) => return Ok(*generation),
                Some(Ok(Update::Progress(progress))) => report.progress(&progress),
                Some(Ok(Update::Hiccup(hiccup))) => report.hiccup(&hiccup),
                Some(Ok(_)) => {}
                Some(Err(error)) if self.resumes => return Err(Failure::resuming(&error, handle)),
                Some(Err(error)) => return Err(Failure::waiting(&error, handle)),
                None => {
                    let ended = Failure::new(failure::UNSEEN, "the wait ended without a word");
                    return Err(ended.about(handle));
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

/// Where the video is to go.
enum Place {
    /// Named after model and id, in this folder.
    Folder(PathBuf),
    File(PathBuf),
    Template(Target),
}

/// What is known of the generation before its video is saved.
enum About<'a> {
    Model(&'a str),
    Generation(&'a GenerationHandle),
}

impl Place {
    fn read(waiting: &Waiting) -> Result<Self, Failure> {
        let Some(given) = &waiting.output else {
            return Ok(Self::Folder(PathBuf::new()));
        };
        let path = match Target::read(given)? {
            None => given.clone(),
            Some(target) => match target.literal() {
                Some(path) => path.to_owned(),
                None => return Ok(Self::Template(target)),
            },
        };
        Ok(match Download::is_folder(&path) {
            true => Self::Folder(path),
            false => Self::File(path),
        })
    }

    /// Keeps the file for this command before anything is paid for; where its name is not known yet, it tries whether there
    /// can be one.
    fn reserve(
        &self,
        waiting: &Waiting,
        about: About<'_>,
    ) -> Result<Option<ReservedTarget>, Failure> {
        let path = match (self, about) {
            (Self::File(path), _) => path.clone(),
            (Self::Template(target), About::Generation(handle)) if target.is_known(handle) => {
                target.path(handle, None)
            }
            (Self::Template(target), About::Model(model)) => {
                return target.check(model).map(|()| None);
            }
            (Self::Template(target), About::Generation(_)) => {
                return target.check("").map(|()| None);
            }
            (Self::Folder(folder), _) => {
                let checked = Download::check_folder(folder);
                return match checked {
                    Ok(()) => Ok(None),
                    Err(error) => Err(Failure::usage(line(&error))),
                };
            }
        };
        template::reserve(&path, waiting.overwrite).map(Some)
    }
}

/// The command that comes back to the generation, where that makes sense. A file that this command saved is written anew;
/// where another program's file is in the way, the command names another file.
fn resume_of(failure: &Failure, waiting: &Waiting) -> Option<String> {
    let resumable =
        [failure::UNSEEN, failure::UNSAVED, failure::INTERRUPTED].contains(&failure.code);
    let handle = failure.handle.as_ref().filter(|_| resumable)?;
    let mut overwrite = waiting.overwrite || !failure.saved.is_empty();
    let path = match Place::read(waiting).ok()? {
        Place::File(path) => Some(path),
        Place::Template(target) if target.is_known(handle) => Some(target.path(handle, None)),
        Place::Folder(_) | Place::Template(_) => None,
    };
    let output = match path {
        Some(path) => {
            let is_in_the_way = |path: &Path| {
                path.symlink_metadata().is_ok()
                    && failure.saved.iter().all(|file| file.path != path)
            };
            let further = (2..10).map(|number| renamed(&path, &number.to_string()));
            let mut replaced = further
                .filter(|_| !failure.saved.is_empty())
                .chain([path.clone()]);
            if !waiting.overwrite && replaced.any(|path| is_in_the_way(&path)) {
                overwrite = false;
                let mut others = (1..).map(|number| renamed(&path, &format!("new{number}")));
                others
                    .find(|path| path.symlink_metadata().is_err())
                    .map(|path| template::literally(&path))
            } else {
                Some(template::literally(&path))
            }
        }
        None => waiting
            .output
            .as_ref()
            .map(|given| given.display().to_string()),
    };
    Some(failure::resume(handle, output.as_deref(), overwrite))
}

/// `NAME-END.EXT`
fn renamed(path: &Path, end: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{end}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}
