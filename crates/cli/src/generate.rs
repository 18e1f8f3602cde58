//! `generate`: creates a generation, waits for it, and saves its videos.

use std::{io, pin::pin, process::ExitCode, time::Duration};

use aimlapi_video::{Client, ErrorKind, GenerationHandle, GenerationRequest, WaitOptions, Warning};
use serde_json::{Value, json};

use crate::{
    args::{Generate, Waiting, route_of, speed_of},
    cost::Cost,
    documents::Catalogue,
    failure::{self, Failure},
    history::{Create, Except, History, after_look},
    interrupt::Interrupt,
    job::{Job, report},
    naming::Naming,
    output::{print_note, write_line},
    progress::{self, WaitProgress},
    request::{self, Source},
    service::service,
    sidecar::{self, Draft, beside},
    spending::{Decision, Kind, Prices, Spending},
    target::Target,
    viewer,
};

/// `generate`
pub(crate) async fn generate(generate: Generate) -> ExitCode {
    let _bell = progress::begin(generate.waiting.json, &generate.waiting.ending);
    let (mut waiting, simulate) = (generate.waiting.clone(), generate.simulate);
    let history = History::open(&generate.history, simulate);
    match run_generate(generate, &mut waiting, &history).await {
        Ok(code) => code,
        Err(failure) if simulate => {
            if failure.handle.is_some() && !failure.is_of_exec() {
                print_note("note: the generation ended with the embedded simulator");
            }
            failure.report(waiting.json, None)
        }
        Err(failure) => report(&failure, &waiting, &history),
    }
}

/// Replaces the request's placeholders in `waiting`.
async fn run_generate(
    mut generate: Generate,
    waiting: &mut Waiting,
    history: &History,
) -> Result<ExitCode, Failure> {
    let catalogue = Catalogue::read(&generate.parameters.documents)?;
    let request = read_request(&generate, &catalogue)?;
    // Before, a signal has to end a read of standard input, which blocks.
    let mut interrupt = Interrupt::listen();
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
    if generate.sidecar || generate.open {
        target.check_files(generate.sidecar)?;
    }
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

    let known = history.own_entries();
    history.note_unfinished(&known, &Except::Nothing);
    if let Some(max_usd) = generate.spend.max_usd {
        let prices = Prices::of(&known);
        let spending = Spending::new(Some(max_usd), prices);
        if let Decision::Stop(why) = spending.decide(&Kind::of(&request, model)) {
            let message = format!("nothing was created: {why}");
            return Err(Failure::new(failure::USAGE, failure::Kind::MaxUsd, message));
        }
    }
    let intent = history.intent(Create {
        model,
        request: &request,
        no_wait: generate.no_wait,
        output: target.absolute(),
        batch: None,
    });
    let entry = intent.and_then(|intent| history.intend(intent));
    let has_sidecar = || {
        target
            .video(None)
            .is_some_and(|video| beside(&video).is_some())
    };
    let draft = (generate.sidecar || has_sidecar()).then(|| Draft::of(&request, model));
    let activity = format!("creating with {}", request.model());
    let mut progress = WaitProgress::start(&activity, Some(request.model()), speed);
    let created = create(&client, request, &mut progress, &mut interrupt).await;
    history.record_create(entry.as_ref(), created.as_ref());
    if created.is_err() || generate.no_wait {
        progress.close(true);
    }
    let handle = match created {
        Ok(handle) => handle,
        Err(mut failure) => {
            if let Some(entry) = entry.filter(|_| failure.is_ambiguous()) {
                failure.message += &format!("; {}", after_look(&entry));
            }
            let video = target.video(failure.handle.as_deref());
            sidecar::record_failure(&failure, draft.as_ref(), video.as_deref());
            return Err(failure);
        }
    };
    if generate.no_wait {
        let printed = serde_json::to_string(&handle)
            .map_err(io::Error::from)
            .and_then(write_line);
        return match printed {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(error) => {
                let message = format!("the handle cannot be written to standard output: {error}");
                let kind = failure::Kind::Library(ErrorKind::Io);
                Err(Failure::new(failure::UNFINISHED, kind, message).with_handle(&handle))
            }
        };
    }
    progress.print(format!("created {}", handle.id()));
    let (failed, video) = (draft.clone(), target.video(Some(&handle)));
    let job = Job {
        client,
        waiting: generate.waiting,
        target,
        reserved,
        speed,
        resumes: false,
        created_cost: Cost::default(),
        history: history.clone(),
        draft,
    };
    let saved = job.finish(handle, progress, interrupt).await;
    let saved = saved.inspect_err(|failure| {
        sidecar::record_failure(failure, failed.as_ref(), video.as_deref());
    })?;
    if let (true, Some(first)) = (generate.open, saved.first()) {
        viewer::open(&first.path);
    }
    Ok(ExitCode::SUCCESS)
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

/// Why an interrupted command does not end at once.
pub(crate) const OPEN_CREATE_NOTE: &str = "note: interrupted; waiting a few seconds for the response to the create, which has the id of the generation";

async fn create(
    client: &Client,
    request: GenerationRequest,
    progress: &mut WaitProgress,
    interrupt: &mut Interrupt,
) -> Result<GenerationHandle, Failure> {
    let mut create = pin!(client.create(request));
    tokio::select! {
        biased;
        () = interrupt.received() => {}
        created = &mut create => return created.map_err(|error| Failure::creating(&error)),
    }
    progress.print(OPEN_CREATE_NOTE);
    Err(
        match tokio::time::timeout(CREATE_GRACE_PERIOD, create).await {
            Ok(Ok(handle)) => Failure::interrupted("interrupted").with_handle(&handle),
            Ok(Err(error)) => Failure {
                code: failure::INTERRUPTED,
                ..Failure::creating(&error)
            },
            Err(_) => Failure::new(
                failure::INTERRUPTED,
                failure::Kind::Library(ErrorKind::AmbiguousCreate),
                "interrupted while creating; the generation may have been accepted and billed: look at the account's log before \
                 you repeat the create",
            ),
        },
    )
}
