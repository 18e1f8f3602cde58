//! `status`: polls a generation once and prints its state.

use std::process::ExitCode;

use aimlapi_video::{Client, Error, ErrorKind, Generation, GenerationHandle, State};

use crate::{
    args::Status,
    cost::Cost,
    failure::{self, Failure, error_line},
    history::{self, Entry, Except, History},
    output::print_result,
    request::handle,
};

/// `status`
pub(crate) async fn status(status: Status) -> ExitCode {
    let history = History::open(&status.history, false);
    let generation = match fetch(&status, &history).await {
        Ok(generation) => generation,
        Err(failure) => return failure.report(status.json, None),
    };
    print_result(if status.json {
        generation.as_json().to_string()
    } else {
        text(&generation)
    })
}

async fn fetch(status: &Status, history: &History) -> Result<Generation, Failure> {
    let handle = handle(&status.generation, status.legacy)?;
    let client = Client::from_env().map_err(|error| Failure::creating(&error))?;
    let known = history.own_entries();
    history.note_unfinished(&known, &Except::Generation(handle.id()));
    let fetched = client.fetch(&handle).await;
    let fetched = fetched.map_err(|error| not_fetched(&error))?;
    record(&fetched, &handle, &known, history);
    Ok(fetched)
}

/// The failure of a single poll.
pub(crate) fn not_fetched(error: &Error) -> Failure {
    let code = match error.kind() {
        ErrorKind::Configuration => failure::USAGE,
        _ => failure::SERVICE,
    };
    let has_no_response = code == failure::SERVICE && error.answered() == Some(0);
    let message = match has_no_response {
        true => failure::unreachable_line(error),
        false => error_line(error),
    };
    Failure::of(error, code, message)
}

/// Records the end of a generation, so that no command reports it as unfinished for ever.
fn record(fetched: &Generation, handle: &GenerationHandle, known: &[Entry], history: &History) {
    let is_open =
        |entry: &&Entry| entry.is_of(handle) && entry.state() == history::State::Unfinished;
    let Some(entry) = known.iter().find(is_open) else {
        return;
    };
    let cost = Cost::of(Some(fetched), None);
    let why = fetched.failure().map(ToString::to_string);
    match fetched.state() {
        State::Failed => history.observed(entry, Some(&why.unwrap_or_default()), cost),
        State::Completed if fetched.videos().is_empty() && why.is_some() => {
            history.observed(entry, why.as_deref(), cost);
        }
        State::Completed if !entry.is_completed() => history.observed(entry, None, cost),
        _ => {}
    }
}

/// The state, the reason of a failure, and the URLs of the videos, a line each.
fn text(generation: &Generation) -> String {
    let mut lines = vec![match (generation.state(), generation.status()) {
        (State::Unknown, status) => format!("unknown state {}", status.unwrap_or("(none)")),
        (state, _) => state.to_string(),
    }];
    let is_without_video = generation.state() == State::Completed && generation.videos().is_empty();
    if generation.state() == State::Failed || is_without_video {
        lines.push(match generation.failure() {
            Some(failure) => failure.to_string(),
            None => format!("the response began: {}", generation.excerpt(400)),
        });
    }
    lines.extend(generation.videos().iter().map(|video| video.url.clone()));
    lines.join("\n")
}
