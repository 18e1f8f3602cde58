//! The cards of a page: the videos of a folder, and the requests without a video.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fs, io,
    path::Path,
};

use aimlapi_video::{GenerationHandle, Route, contract};
use serde::Serialize;
use serde_json::Value;

use crate::{
    batch::JOURNALS,
    cost::Cost,
    failure::{resume_command, shell_path, shell_quoted},
    history::{Entry, prompt_of},
    sidecar::{Outcome, Sidecar},
    template::escape,
};

/// What the page shows of one video, or of one request without a video.
#[derive(Debug, Serialize)]
pub(super) struct Card {
    /// The name of the file, or that of the sidecar without its extension.
    name: String,
    state: Outcome,
    /// Whether the folder has the video.
    has_video: bool,
    #[serde(flatten)]
    facts: Option<Facts>,
    error: Option<String>,
    /// The command that repeats the create, or finishes the generation.
    command: Option<String>,
}

#[derive(Debug, Serialize)]
struct Facts {
    id: Option<String>,
    model: String,
    prompt: String,
    request: Value,
    length: Option<u64>,
    #[serde(flatten)]
    cost: Cost,
    created_at: Option<String>,
    ended_at: Option<String>,
    sha256: Option<String>,
}

/// Whether the folder is that of a batch, which has its journal there unless the command names another place.
pub(super) fn is_of_batch(folder: &Path, known: &[Entry]) -> bool {
    let has_journal = |name| folder.join(name).is_file();
    let place = folder.canonicalize().ok();
    let batches = known.iter().filter_map(|entry| entry.intent.batch.as_ref());
    JOURNALS.into_iter().any(has_journal)
        || batches
            .map(|batch| &batch.out)
            .any(|out| Some(out) == place.as_ref())
}

/// Reads the cards of a folder in the order of their names.
pub(super) fn read(folder: &Path, known: &[Entry], is_of_batch: bool) -> io::Result<Vec<Card>> {
    let mut videos = BTreeSet::new();
    let mut sidecars = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(stem) = path.file_stem().map(OsStr::to_owned) else {
            continue;
        };
        let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "json" => {
                sidecars.extend(Sidecar::read(&path).map(|sidecar| (stem, sidecar)));
            }
            "mp4" | "m4v" | "mov" | "mkv" | "webm" if path.is_file() => {
                videos.extend(path.file_name().map(|name| (stem, name.to_owned())));
            }
            _ => {}
        }
    }
    let recorded = recorded(folder, known);
    let mut cards = Vec::new();
    for (stem, name) in &videos {
        // A URL of another encoding than UTF-8 is not read the same by all browsers.
        let Some(name) = name.to_str() else {
            continue;
        };
        let of_history = || {
            recorded
                .get(OsStr::new(name))
                .map(|entry| recorded_facts(entry))
        };
        cards.push(Card {
            name: name.to_owned(),
            state: Outcome::Saved,
            has_video: true,
            facts: sidecars.get(stem).map(facts).or_else(of_history),
            error: None,
            command: None,
        });
    }
    let stems: BTreeSet<&OsString> = videos.iter().map(|(stem, _)| stem).collect();
    let without_video = sidecars
        .iter()
        .filter(|(stem, sidecar)| sidecar.state != Outcome::Saved && !stems.contains(stem));
    for (stem, sidecar) in without_video {
        let name = stem.to_string_lossy().into_owned();
        // In the place of its own video, a batch would take that of another command for a foreign file.
        let suffix = match is_of_batch && sidecar.state == Outcome::Failed {
            true => "-retry",
            false => "",
        };
        cards.push(Card {
            command: command(sidecar, &folder.join(format!("{name}{suffix}.mp4"))),
            name,
            state: sidecar.state,
            has_video: false,
            facts: Some(facts(sidecar)),
            error: sidecar.error.clone(),
        });
    }
    cards.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(cards)
}

/// The entries of the history whose videos are in the folder, by the name of the file.
fn recorded<'a>(folder: &Path, known: &'a [Entry]) -> BTreeMap<&'a OsStr, &'a Entry> {
    let Ok(folder) = folder.canonicalize() else {
        return BTreeMap::new();
    };
    let files = known
        .iter()
        .flat_map(|entry| entry.files.iter().map(move |file| (file, entry)));
    // Many files are in few folders.
    let mut parents = BTreeMap::new();
    let here = files.filter(|(file, _)| {
        let parent = file.parent().unwrap_or(file);
        let is_here = || parent.canonicalize().is_ok_and(|parent| parent == folder);
        *parents.entry(parent).or_insert_with(is_here)
    });
    here.filter_map(|(file, entry)| Some((file.file_name()?, entry)))
        .collect()
}

fn recorded_facts(entry: &Entry) -> Facts {
    Facts {
        id: entry.handle.as_ref().map(|handle| handle.id().to_owned()),
        model: entry.intent.model.clone(),
        prompt: entry.prompt().to_owned(),
        request: entry.intent.request.clone(),
        length: entry.intent.length,
        cost: entry.cost,
        created_at: Some(humantime::format_rfc3339_millis(entry.at).to_string()),
        ended_at: None,
        sha256: None,
    }
}

fn facts(sidecar: &Sidecar) -> Facts {
    let prompt = prompt_of(Route::Universal, &sidecar.model, &sidecar.request);
    Facts {
        id: sidecar.id.clone(),
        model: sidecar.model.clone(),
        prompt: prompt.to_owned(),
        request: sidecar.request.clone(),
        length: sidecar.length,
        cost: sidecar.cost,
        created_at: sidecar.created_at.clone(),
        ended_at: Some(sidecar.ended_at.clone()),
        sha256: sidecar.sha256.clone(),
    }
}

/// The command that saves a video at `path`: a new create after a failure, else a wait.
fn command(sidecar: &Sidecar, path: &Path) -> Option<String> {
    let output = escape(path);
    match (sidecar.state, &sidecar.id) {
        (Outcome::Failed, _) => {}
        (_, Some(id)) => {
            let handle = GenerationHandle::new(id);
            return Some(resume_command(&handle, Some(&output), false));
        }
        // The create may have been accepted, so that it must not be repeated.
        (_, None) => return None,
    }
    let mut command = format!("aimlapi-video generate {}", shell_quoted(&sidecar.model));
    let properties = sidecar.request.as_object().into_iter().flatten();
    for (name, value) in properties.filter(|(name, _)| *name != "model") {
        for argument in arguments(&sidecar.model, name, value) {
            command += &format!(" --set {}", shell_quoted(&argument));
        }
    }
    Some(format!("{command} --sidecar -o {}", shell_path(&output)))
}

/// The arguments of `--set` for a property. A file that the request contained is `@FILE`, since only its checksum is known.
fn arguments(model: &str, name: &str, value: &Value) -> Vec<String> {
    let is_media = |value: &Value| {
        let object = value.as_object();
        object.is_some_and(|media| media.len() == 2 && media.contains_key("sha256"))
    };
    let model = contract::model(Route::Universal, model);
    let mut properties = model.into_iter().flat_map(|model| &model.properties);
    let is_text = properties
        .find(|property| property.name == name)
        .is_some_and(|property| property.schema.json_type() == contract::JsonType::String);
    match value {
        value if is_media(value) => vec![format!("{name}=@FILE")],
        Value::Array(items) if items.iter().any(is_media) => {
            let item = |item| arguments("", name, item);
            let items = items.iter().flat_map(item);
            items.map(|item| item.replacen('=', "+=", 1)).collect()
        }
        Value::String(text) if is_text => vec![format!("{name}={text}")],
        value => vec![format!("{name}={value}")],
    }
}
