//! What the history and sidecars know of a generation that the command line names by its id alone.

use std::time::SystemTime;

use aimlapi_video::GenerationHandle;
use serde_json::{Value, json};

use crate::{history::Entry, sidecar, target::Target};

/// The handle with the model, the clip's length and the time of the create, if the history or the sidecar beside the target
/// has them: the times of a wait and the names of files depend on them.
pub(crate) fn completed(
    handle: GenerationHandle,
    known: &[Entry],
    target: &Target,
) -> GenerationHandle {
    if handle.model().is_some() {
        return handle;
    }
    if let Some(entry) = known.iter().rev().find(|entry| entry.is_of(&handle)) {
        return of_entry(entry, &handle);
    }
    let beside = target.file(&handle).and_then(|path| sidecar::beside(&path));
    let own = beside.filter(|sidecar| sidecar.id.as_deref() == Some(handle.id()));
    match own {
        Some(sidecar) => with_facts(
            &handle,
            json!({ "model": sidecar.model, "length": sidecar.length, "created_at": sidecar.created_at }),
        ),
        None => handle,
    }
}

/// The handle of an entry's generation. One whose id comes from the account's log has nothing but the id.
pub(crate) fn of_entry(entry: &Entry, handle: &GenerationHandle) -> GenerationHandle {
    let recorded = entry.handle.as_ref();
    if let Some(recorded) = recorded.filter(|recorded| recorded.model().is_some()) {
        return recorded.clone();
    }
    let at = humantime::format_rfc3339_millis(entry.at.max(SystemTime::UNIX_EPOCH));
    let (model, length) = (&entry.intent.model, entry.intent.length);
    with_facts(
        handle,
        json!({ "model": model, "length": length, "created_at": at.to_string() }),
    )
}

/// The handle, read from its stored form with these properties.
fn with_facts(handle: &GenerationHandle, facts: Value) -> GenerationHandle {
    let Ok(Value::Object(mut stored)) = serde_json::to_value(handle) else {
        return handle.clone();
    };
    stored.extend(facts.as_object().cloned().unwrap_or_default());
    serde_json::from_value(stored.into()).unwrap_or_else(|_| handle.clone())
}
