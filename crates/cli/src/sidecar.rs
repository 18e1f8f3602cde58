//! `--sidecar`: the JSON file beside a video, with its request, cost and checksum.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

use aimlapi_video::{GenerationHandle, GenerationRequest, Model, Saved};
use hmac_sha256::Hash;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    atomic,
    cost::Cost,
    failure::{self, Failure},
    history::{Entry, length, redacted, redacted_text},
    output::print_note,
};

/// The contents of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sidecar {
    /// The version of this format. No file without it is replaced.
    #[serde(rename = "aimlapi_video_sidecar")]
    pub(crate) version: u8,
    pub(crate) state: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    pub(crate) model: String,
    /// The body without media and signatures.
    pub(crate) request: Value,
    /// The clip's length in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) length: Option<u64>,
    #[serde(flatten)]
    pub(crate) cost: Cost,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) created_at: Option<String>,
    pub(crate) ended_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
    /// How many videos the generation has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) videos: Option<usize>,
    /// Why there is no video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Saved,
    /// The generation failed, or the create was refused.
    Failed,
    /// The generation exists, or may exist.
    Unfinished,
}

impl Sidecar {
    /// Reads a file; `None` if it is not a sidecar.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let is_small = path.metadata().ok()?.len() <= MAX_BYTES;
        let text = is_small.then(|| fs::read_to_string(path).ok()).flatten()?;
        let sidecar: Self = serde_json::from_str(&text).ok()?;
        (sidecar.version == VERSION).then_some(sidecar)
    }
}

const VERSION: u8 = 1;

/// Beyond any request without its media.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What is known of a generation before it is created.
#[derive(Clone)]
pub(crate) struct Draft {
    model: String,
    request: Value,
    length: Option<u64>,
    /// What an earlier sidecar of the generation has, and a handle made from an id has not.
    created_at: Option<String>,
    cost: Cost,
}

impl Draft {
    pub(crate) fn of(request: &GenerationRequest, model: Option<&Model>) -> Self {
        Self {
            model: request.model().to_owned(),
            request: redacted(request, model),
            length: length(request, model),
            created_at: None,
            cost: Cost::default(),
        }
    }

    /// What the history records of a create.
    pub(crate) fn recorded(entry: &Entry) -> Self {
        Self {
            model: entry.intent.model.clone(),
            request: entry.intent.request.clone(),
            length: entry.intent.length,
            created_at: None,
            cost: entry.cost,
        }
    }

    /// What an earlier command wrote about the same generation.
    fn continued(earlier: Sidecar) -> Self {
        Self {
            model: earlier.model,
            request: earlier.request,
            length: earlier.length,
            created_at: earlier.created_at,
            cost: earlier.cost,
        }
    }

    /// The draft for the file beside a video, if an earlier command left one there: it is completed, or replaced if it is about
    /// another generation and the history has this one.
    pub(crate) fn following(
        video: &Path,
        handle: &GenerationHandle,
        known: &[Entry],
    ) -> Option<Self> {
        let earlier = beside(video)?;
        if earlier.id.as_deref() == Some(handle.id()) {
            return Some(Self::continued(earlier));
        }
        let entry = known.iter().rev().find(|entry| entry.is_of(handle));
        entry.map(Self::recorded)
    }

    /// Writes the files of a generation's videos.
    pub(crate) fn saved(&self, handle: &GenerationHandle, saved: &[Saved], cost: Cost) {
        for file in saved {
            let sidecar = Sidecar {
                file: name(&file.path),
                bytes: Some(file.bytes),
                sha256: file.sha256.clone(),
                videos: Some(saved.len()),
                ..self.sidecar(Outcome::Saved, Some(handle), cost)
            };
            write(&file.path, &sidecar);
        }
    }

    /// Writes the file of a request that has no video at `path`.
    pub(crate) fn ended(&self, path: &Path, handle: Option<&GenerationHandle>, failure: &Failure) {
        let outcome = match handle {
            Some(_) if failure.code != failure::FAILED => Outcome::Unfinished,
            None if failure.is_ambiguous() => Outcome::Unfinished,
            _ => Outcome::Failed,
        };
        let sidecar = Sidecar {
            error: Some(redacted_text(&failure.message)),
            ..self.sidecar(outcome, handle, failure.cost(handle))
        };
        write(path, &sidecar);
    }

    fn sidecar(&self, state: Outcome, handle: Option<&GenerationHandle>, cost: Cost) -> Sidecar {
        let created_at = handle.and_then(GenerationHandle::created_at).map(time);
        Sidecar {
            version: VERSION,
            state,
            id: handle.map(|handle| handle.id().to_owned()),
            model: self.model.clone(),
            request: self.request.clone(),
            length: self.length,
            cost: cost.max(self.cost),
            created_at: created_at.or_else(|| self.created_at.clone()),
            ended_at: time(SystemTime::now()),
            file: None,
            bytes: None,
            sha256: None,
            videos: None,
            error: None,
        }
    }
}

/// Completes the file that an earlier command wrote before these videos of the same generation were saved.
pub(crate) fn complete(handle: &GenerationHandle, saved: &[Saved], cost: Cost) {
    let first = saved.first().map(|file| &*file.path);
    if let Some(draft) = first.and_then(|first| Draft::following(first, handle, &[])) {
        draft.saved(handle, saved, cost);
    }
}

/// Writes the file of a generation without a video. An earlier video of that name keeps its own.
pub(crate) fn record_failure(failure: &Failure, draft: Option<&Draft>, video: Option<&Path>) {
    // The program of --exec may have moved the video.
    let draft = draft.filter(|_| !failure.is_of_exec());
    if let (Some(draft), Some(video)) = (draft, video.filter(|video| !video.exists())) {
        draft.ended(video, failure.handle.as_deref(), failure);
    }
}

/// The sidecar beside a video. Without `--sidecar` too, a new video replaces it, since it would describe another one.
pub(crate) fn beside(video: &Path) -> Option<Sidecar> {
    Sidecar::read(&path(video))
}

/// A file that an earlier command left unfinished where it would have saved the video of a generation.
pub(crate) struct Unfinished {
    video: PathBuf,
    pub(crate) draft: Draft,
}

impl Unfinished {
    /// Finds the file of the generation. A create without a response left one without an id, which is the entry's if the request
    /// is the same.
    pub(crate) fn find(video: PathBuf, handle: &GenerationHandle, entry: &Entry) -> Option<Self> {
        let earlier = beside(&video)?;
        let is_own = match &earlier.id {
            Some(id) => id == handle.id(),
            None => earlier.request == entry.intent.request,
        };
        let is_open = earlier.state == Outcome::Unfinished && is_own;
        is_open.then(|| Self {
            video,
            draft: Draft::continued(earlier),
        })
    }

    pub(crate) fn video(&self) -> &Path {
        &self.video
    }

    /// Removes the file, once the first of the saved videos has one beside it.
    pub(crate) fn remove(self, handle: &GenerationHandle, saved: &[Saved]) {
        let is_written = |first: &Saved| own_saved(&first.path, handle).is_some();
        if saved.first().is_some_and(is_written) {
            let _ = fs::remove_file(path(&self.video));
        }
    }
}

/// The sidecar of a saved video of the generation.
pub(crate) fn own_saved(video: &Path, handle: &GenerationHandle) -> Option<Sidecar> {
    let sidecar = beside(video)?;
    let is_own = sidecar.state == Outcome::Saved && sidecar.id.as_deref() == Some(handle.id());
    (is_own && sidecar.file.as_deref() == video.file_name()?.to_str()).then_some(sidecar)
}

/// Checks that the file beside a video can be written, before a generation is billed.
pub(crate) fn check(video: &Path) -> Result<(), Failure> {
    let path = path(video);
    match is_free(&path) {
        true => Ok(()),
        false => Err(Failure::usage(
            foreign(&path) + "; name another video by -o",
        )),
    }
}

/// `NAME.json` beside the video.
pub(crate) fn path(video: &Path) -> PathBuf {
    video.with_extension("json")
}

/// A sidecar that cannot be written does not fail the command: the video is saved.
fn write(video: &Path, sidecar: &Sidecar) {
    let path = path(video);
    if !is_free(&path) {
        return print_note(format!("warning: {}; no sidecar", foreign(&path)));
    }
    let written = serde_json::to_string_pretty(sidecar)
        .map_err(io::Error::from)
        .and_then(|text| atomic::write(&path, &(text + "\n")));
    if let Err(error) = written {
        print_note(format!(
            "warning: the sidecar {} cannot be written: {error}",
            path.display()
        ));
    }
}

fn is_free(path: &Path) -> bool {
    path.symlink_metadata().is_err() || Sidecar::read(path).is_some()
}

fn foreign(path: &Path) -> String {
    format!("{} exists and is not a sidecar", path.display())
}

fn name(video: &Path) -> Option<String> {
    Some(video.file_name()?.to_string_lossy().into_owned())
}

pub(crate) fn sha256(video: &Path) -> io::Result<String> {
    let mut file = fs::File::open(video)?;
    let (mut hash, mut buffer) = (Hash::new(), vec![0; 1 << 16]);
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        hash.update(&buffer[..length]);
    }
    let hash = hash.finalize();
    Ok(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time.max(SystemTime::UNIX_EPOCH)).to_string()
}
