//! `wait --entry`: an id that the account's log lists becomes the generation of an ambiguous entry.

use aimlapi_video::{Client, GenerationHandle};

use crate::{
    args::Waiting,
    facts,
    failure::{self, Failure},
    history::{Entry, History, State},
    status::not_fetched,
    target::Target,
};

/// Records that the create of an ambiguous entry was accepted as the generation. The video is saved where the command of the
/// entry would have saved it.
///
/// The record is for ever, and the journal of a batch takes it over. So everything is checked first: the file, and what the
/// service says about the id.
pub(super) async fn attach(
    history: &History,
    name: &str,
    handle: GenerationHandle,
    waiting: &mut Waiting,
) -> Result<GenerationHandle, Failure> {
    let entries = history.own_entries();
    let named = entries.iter().find(|entry| entry.id == name);
    let handle = match named.and_then(|entry| entry.intent.route) {
        Some(route) => handle.with_route(route),
        None => handle,
    };
    let is_own = |entry: &Entry| entry.is_of(&handle);
    let entry = named.filter(|entry| entry.state() == State::Ambiguous || is_own(entry));
    let entry = entry.ok_or_else(|| {
        Failure::usage(format!(
            "--entry {name}: the history of this key and base URL has no ambiguous entry of this name; \
             `aimlapi-video history --json` lists the entries"
        ))
    })?;
    if waiting.output.is_none() {
        waiting.output = entry.output().map(Into::into);
    }
    if is_own(entry) {
        return Ok(facts::of_entry(entry, &handle));
    }
    if let Some(other) = entries.iter().find(|entry| is_own(entry)) {
        return Err(Failure::usage(format!(
            "--entry {name}: generation {} belongs to entry {}; wait without --entry",
            handle.id(),
            other.id
        )));
    }
    check_model(entry, &handle, handle.model())?;
    let handle = facts::of_entry(entry, &handle);
    let _reserved = Target::read(waiting)?.reserve_for_handle(waiting, &handle)?;
    fetch(entry, &handle).await?;
    history.attach(entry, &handle);
    Ok(handle)
}

/// Checks that the service has the generation, and that it is of the entry's model.
async fn fetch(entry: &Entry, handle: &GenerationHandle) -> Result<(), Failure> {
    let client = Client::from_env().map_err(|error| Failure::creating(&error))?;
    let fetched = client.fetch(handle).await.map_err(|error| {
        let failure = not_fetched(&error);
        let is_unknown = error.service().is_some_and(|service| service.status == 404);
        let (code, advice) = match is_unknown {
            true => (failure::USAGE, "; give the id that the account's log lists"),
            false => (failure.code, ""),
        };
        let message = format!(
            "--entry {}: {}; nothing was recorded{advice}",
            entry.id, failure.message
        );
        Failure {
            code,
            message,
            ..failure
        }
    })?;
    check_model(entry, handle, fetched.model())
}

fn check_model(
    entry: &Entry,
    handle: &GenerationHandle,
    model: Option<&str>,
) -> Result<(), Failure> {
    let own = &entry.intent.model;
    match model.filter(|model| model != own) {
        Some(other) => Err(Failure::usage(format!(
            "--entry {}: generation {} is of model {other}, and the entry of {own}; nothing was recorded",
            entry.id,
            handle.id()
        ))),
        None => Ok(()),
    }
}
