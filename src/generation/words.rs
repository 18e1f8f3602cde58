//! Classifies the names of properties by the words that they consist of.
//!
//! Gateways use different names for the same property: `failure_reason`, `failReason` and `errmsg` each consist of a word for a
//! failure and a word for its reason.

/// Words for parts of the request that a response repeats.
#[rustfmt::skip]
const INPUT: &[&str] = &[
    "arg", "args", "argument", "arguments", "billing", "callback", "config", "configuration", "control", "controls", "ctx",
    "deprecation", "driving", "example", "examples", "extra", "extras", "histories", "history", "hook", "init", "initial", "input", "inputs", "instruction", "instructions", "loc", "log", "logs",
    "meta", "metadata", "motion", "negative", "option", "options", "original", "param", "parameter", "parameters", "params", "parent",
    "parents", "previous", "prompt", "prompts", "query", "ref", "related", "reference", "references", "refs", "request", "requested", "requests", "script",
    "setting", "settings", "source", "sources", "src", "template", "upload", "uploaded", "uploads", "usage", "user",
    "webhook",
];

/// Words for a failure.
#[rustfmt::skip]
const FAILURE: &[&str] = &[
    "diagnostic", "diagnostics", "err", "error", "errors", "errs", "exception", "exceptions", "fail", "failed",
    "failing", "fails", "failure", "failures", "fault", "faults", "problem", "problems", "refusal", "refusals",
    "rejection", "rejections", "violation", "violations",
];

/// Words for a failure if they are combined with a word for a reason or a message.
#[rustfmt::skip]
const VERDICT: &[&str] = &[
    "abort", "aborted", "banned", "block", "blocked", "cancel", "canceled", "cancellation", "cancelled",
    "denied", "filter", "filtered", "flagged", "interrupted", "moderated", "moderation", "refused", "reject",
    "rejected", "safety", "terminated", "termination",
];

const REASON: &[&str] = &[
    "cause",
    "causes",
    "explanation",
    "feedback",
    "reason",
    "reasons",
];

const MESSAGE: &[&str] = &["detail", "details", "message", "messages", "msg", "msgs"];

/// Words for a text about the state, if they are combined with a word of [`ABOUT_STATE`].
#[rustfmt::skip]
const NOTE: &[&str] = &[
    "desc", "description", "hint", "info", "note", "remark", "summary", "text", "title", "warning", "warnings",
];

/// Words of [`NOTE`] that mean a text about the state also alone; the others may be a text of the caller.
const NOTE_ALONE: &[&str] = &["hint", "info", "note", "remark", "warning", "warnings"];

const ABOUT_STATE: &[&str] = &["result", "status", "state", "response"];

const CODE: &[&str] = &["code", "codes", "kind", "name", "type"];

/// Words for facts about a failure that are not its reason.
#[rustfmt::skip]
const META: &[&str] = &[
    "at", "attempts", "count", "date", "id", "ids", "num", "number", "on", "rate", "retries", "time",
    "timestamp", "total", "uri", "url", "urls",
];

#[rustfmt::skip]
const VIDEO: &[&str] = &[
    "animation", "clip", "clips", "film", "films", "footage", "movie", "movies", "mp4", "vid", "video",
    "videos", "webm",
];

/// Words for the result of a generation.
#[rustfmt::skip]
const RESULT: &[&str] = &[
    "artifact", "artifacts", "asset", "assets", "creation", "creations", "deliverable", "deliverables", "final",
    "generated", "generation", "generations", "output", "outputs", "product", "products", "render", "rendered",
    "response", "result", "results", "sample", "samples", "work", "works",
];

/// Words for an earlier failure that did not end the generation, or for one of several failures.
const PAST: &[&str] = &[
    "last", "previous", "progress", "retries", "retry", "step", "steps", "warning",
];

/// Words for resources of the API, which are not files.
const ENTRY: &[&str] = &[
    "generation",
    "generations",
    "job",
    "response",
    "task",
    "tasks",
    "work",
    "works",
];

/// Words for the location of a file, or for a container of files.
#[rustfmt::skip]
const PLACE: &[&str] = &[
    "address", "body", "cdn", "content", "data", "download", "file", "files", "hd", "href", "item", "items",
    "job", "link", "links", "list", "location", "main", "media", "object", "objects", "path", "payload",
    "public", "resource", "resources", "resp", "sd", "signed", "task", "tasks", "uri", "uris", "url", "urls",
    "value", "values",
];

/// Words for files and pages other than the video.
#[rustfmt::skip]
const OTHER_FILE: &[&str] = &[
    "api", "audio", "audios", "caption", "captions", "chunk", "chunks", "console", "cover", "covers", "dashboard",
    "delete", "doc", "docs", "documentation", "draft", "drafts", "endpoint", "frame", "frames", "get", "gif", "help", "home",
    "homepage", "icon", "image", "images", "img", "intermediate", "invoice", "keyframe", "logo", "mask", "masks", "model",
    "music", "page", "partial", "photo", "photos", "picture", "pictures", "poll", "polling", "poster", "posters",
    "preview", "previews", "pricing", "segment", "segments", "self", "share", "site", "sound", "speech", "status", "still", "stream",
    "subject", "subtitle", "subtitles", "support", "temp", "temporary", "terms", "thumb", "thumbnail", "thumbnails", "thumbs",
    "tmp", "voice", "website",
];

const VOCABULARY: &[&[&str]] = &[
    INPUT,
    FAILURE,
    VERDICT,
    REASON,
    MESSAGE,
    NOTE,
    ABOUT_STATE,
    CODE,
    META,
    VIDEO,
    RESULT,
    PLACE,
    OTHER_FILE,
];

/// The words of a property's name, in lower case.
pub(super) struct Words(Vec<String>);

/// The role of a property in the search for a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meaning {
    /// The reason of a failure.
    Failure,
    /// A reason, but not necessarily of a failure.
    Reason,
    /// A message, but not necessarily about a failure.
    Message,
    /// A note about the state.
    Note,
    /// The code or name of a failure.
    FailureCode,
    /// A code or a name.
    Code,
    /// A part of the request, or a fact that is not a reason.
    Nothing,
    /// Any other property, whose value may hold a reason.
    Unknown,
}

impl Words {
    pub(super) fn of(name: &str) -> Self {
        let mut words = Self(Vec::new());
        // A longer name is data, such as the key of a map.
        if name.len() > 64 {
            return words;
        }
        let (mut word, mut after_lower) = (String::new(), false);
        for c in name.chars() {
            if !c.is_alphanumeric() || (c.is_uppercase() && after_lower) {
                words.push(&std::mem::take(&mut word));
            }
            if c.is_alphanumeric() {
                word.extend(c.to_lowercase());
            }
            after_lower = c.is_lowercase() || c.is_numeric();
        }
        words.push(&word);
        words
    }

    /// Adds a word: splits `errmsg` into its parts, and removes the number of `video2`.
    fn push(&mut self, word: &str) {
        let stem = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let word = if is_known(word) { word } else { stem };
        match parts(word) {
            Some(parts) => self.0.extend(parts.into_iter().map(str::to_owned)),
            None if word.is_empty() => {}
            None => self.0.push(word.to_owned()),
        }
    }

    fn has(&self, list: &[&str]) -> bool {
        self.0.iter().any(|word| list.contains(&word.as_str()))
    }

    fn ends_in(&self, lists: &[&[&str]]) -> bool {
        let last = self.0.last();
        last.is_some_and(|last| lists.iter().any(|list| list.contains(&last.as_str())))
    }

    /// The role of the property in the search for a reason. `in_failure` is set within a property that describes a failure.
    pub(super) fn meaning(&self, in_failure: bool) -> Meaning {
        let is_note = self.ends_in(&[NOTE]);
        if self.has(FAILURE) {
            return match () {
                () if self.ends_in(&[CODE]) => Meaning::FailureCode,
                // `on_failure` is a setting.
                () if self.0.first().is_some_and(|first| first == "on") => Meaning::Nothing,
                () if is_note || self.ends_in(&[FAILURE, REASON, MESSAGE]) => Meaning::Failure,
                () => Meaning::Nothing,
            };
        }
        match () {
            () if self.has(INPUT) && !self.has(VERDICT) => Meaning::Nothing,
            () if self.ends_in(&[REASON, MESSAGE]) && self.has(VERDICT) => Meaning::Failure,
            () if self.ends_in(&[REASON]) => Meaning::Reason,
            () if self.ends_in(&[MESSAGE]) => Meaning::Message,
            () if is_note && (in_failure || self.is_about_state()) => Meaning::Note,
            () if self.ends_in(&[CODE]) => Meaning::Code,
            () if is_note || self.ends_in(&[META]) => Meaning::Nothing,
            () => Meaning::Unknown,
        }
    }

    fn is_about_state(&self) -> bool {
        match self.0.as_slice() {
            [only] => NOTE_ALONE.contains(&only.as_str()),
            _ => self.has(ABOUT_STATE),
        }
    }

    /// Whether the property belongs to the request, or is a file or page other than the video.
    pub(super) fn is_other_file(&self) -> bool {
        self.has(INPUT) || self.has(OTHER_FILE)
    }

    pub(super) fn is_failure(&self) -> bool {
        self.has(FAILURE)
    }

    pub(super) fn is_past(&self) -> bool {
        self.has(PAST)
    }

    /// Whether the name is that of the URL of an API resource, such as `response_url`.
    pub(super) fn is_entry(&self) -> bool {
        let is_url = |word: &String| ["url", "uri", "link", "href"].contains(&word.as_str());
        let is_entry = |word: &String| ENTRY.contains(&word.as_str());
        self.0.iter().any(is_entry) && self.0.iter().all(|word| is_url(word) || is_entry(word))
    }

    pub(super) fn is_prompt(&self) -> bool {
        self.has(&["prompt", "prompts"])
    }

    pub(super) fn is_video(&self) -> bool {
        self.has(VIDEO)
    }

    pub(super) fn is_result(&self) -> bool {
        self.has(RESULT)
    }

    /// Whether every word is one for a result or for the location of a file.
    pub(super) fn is_result_or_place(&self) -> bool {
        let known = [RESULT, PLACE, VIDEO];
        let is_known = |word: &String| known.iter().any(|list| list.contains(&word.as_str()));
        self.0.iter().all(is_known)
    }

    /// The number of words other than the plain names of a video's URL, doubled, plus one if no word names a video. Of two names
    /// in one object, the one with the lower value is the video, and the other a variant of it.
    pub(super) fn variance(&self) -> usize {
        let plain = ["url", "uri", "link", "href", "video", "videos"];
        let is_plain = |word: &&String| plain.contains(&word.as_str());
        2 * self.0.iter().filter(|word| !is_plain(word)).count() + usize::from(!self.is_video())
    }
}

fn is_known(word: &str) -> bool {
    VOCABULARY.iter().any(|list| list.contains(&word))
}

/// Splits a word into known words; `None` if it does not consist of known words only.
fn parts(word: &str) -> Option<Vec<&str>> {
    if is_known(word) {
        return Some(vec![word]);
    }
    (2..word.len()).rev().find_map(|at| {
        let (first, rest) = word.split_at_checked(at)?;
        let mut all = is_known(first).then(|| vec![first])?;
        all.extend(parts(rest)?);
        Some(all)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_every_style_are_split_into_words() {
        for (name, words) in [
            ("failure_reason", &["failure", "reason"] as &[_]),
            ("failReason", &["fail", "reason"]),
            ("Error-Message", &["error", "message"]),
            ("errmsg", &["err", "msg"]),
            ("task_status_msg", &["task", "status", "msg"]),
            ("videoURLs", &["video", "urls"]),
            ("resultUrls", &["result", "urls"]),
            ("video2", &["video"]),
            ("mp4_url", &["mp4", "url"]),
            ("0", &[]),
            ("information", &["information"]),
            ("größe", &["größe"]),
        ] {
            assert_eq!(Words::of(name).0, words, "{name}");
        }
    }

    #[test]
    fn names_have_their_meaning() {
        for (name, meaning) in [
            ("error", Meaning::Failure),
            ("failure_reason", Meaning::Failure),
            ("errorDescription", Meaning::Failure),
            ("input_error", Meaning::Failure),
            ("raiMediaFilteredReasons", Meaning::Failure),
            ("blockReason", Meaning::Failure),
            ("error_code", Meaning::FailureCode),
            ("failed_at", Meaning::Nothing),
            ("error_source", Meaning::Nothing),
            ("error_handling", Meaning::Nothing),
            ("on_failure", Meaning::Nothing),
            ("finish_reason", Meaning::Reason),
            ("message", Meaning::Message),
            ("task_status_msg", Meaning::Message),
            ("status_description", Meaning::Note),
            ("description", Meaning::Nothing),
            ("title", Meaning::Nothing),
            ("prompt", Meaning::Nothing),
            ("input_message", Meaning::Nothing),
            ("code", Meaning::Code),
            ("data", Meaning::Unknown),
        ] {
            assert_eq!(Words::of(name).meaning(false), meaning, "{name}");
        }
        assert_eq!(Words::of("description").meaning(true), Meaning::Note);
    }
}
