//! The meaning of the name of a property, since gateways name the same thing differently: `failure_reason`, `failReason` and
//! `errmsg` are each a word for a failure and a word for its reason.

/// What belongs to the request, repeated in an answer.
#[rustfmt::skip]
const INPUT: &[&str] = &[
    "arg", "args", "argument", "arguments", "billing", "callback", "config", "configuration", "control", "controls", "ctx",
    "deprecation", "driving", "example", "examples", "extra", "extras", "histories", "history", "hook", "init", "initial", "input", "inputs", "instruction", "instructions", "loc", "log", "logs",
    "meta", "metadata", "motion", "negative", "option", "options", "original", "param", "parameter", "parameters", "params", "parent",
    "parents", "previous", "prompt", "prompts", "query", "ref", "related", "reference", "references", "refs", "request", "requested", "requests", "script",
    "setting", "settings", "source", "sources", "src", "template", "upload", "uploaded", "uploads", "usage", "user",
    "webhook",
];

/// A failure, by itself.
#[rustfmt::skip]
const FAILURE: &[&str] = &[
    "diagnostic", "diagnostics", "err", "error", "errors", "errs", "exception", "exceptions", "fail", "failed",
    "failing", "fails", "failure", "failures", "fault", "faults", "problem", "problems", "refusal", "refusals",
    "rejection", "rejections", "violation", "violations",
];

/// A failure, where a reason or a message is given for it.
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

/// A text about the state, where the name says so.
#[rustfmt::skip]
const NOTE: &[&str] = &[
    "desc", "description", "hint", "info", "note", "remark", "summary", "text", "title", "warning", "warnings",
];

/// Names that stand for a text about the state without a further word; the others may be the caller's own text.
const NOTE_ALONE: &[&str] = &["hint", "info", "note", "remark", "warning", "warnings"];

const ABOUT_STATE: &[&str] = &["result", "status", "state", "response"];

const CODE: &[&str] = &["code", "codes", "kind", "name", "type"];

/// Facts about a failure that are no reason.
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

/// What was made.
#[rustfmt::skip]
const RESULT: &[&str] = &[
    "artifact", "artifacts", "asset", "assets", "creation", "creations", "deliverable", "deliverables", "final",
    "generated", "generation", "generations", "output", "outputs", "product", "products", "render", "rendered",
    "response", "result", "results", "sample", "samples", "work", "works",
];

/// A failure that was survived, or one of many.
const PAST: &[&str] = &[
    "last", "previous", "progress", "retries", "retry", "step", "steps", "warning",
];

/// Words for pages and entries of the API, which are not files.
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

/// A place of a file, or something around it.
#[rustfmt::skip]
const PLACE: &[&str] = &[
    "address", "body", "cdn", "content", "data", "download", "file", "files", "hd", "href", "item", "items",
    "job", "link", "links", "list", "location", "main", "media", "object", "objects", "path", "payload",
    "public", "resource", "resources", "resp", "sd", "signed", "task", "tasks", "uri", "uris", "url", "urls",
    "value", "values",
];

/// A file or page that is not the video.
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

/// What a property can be for the search of a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meaning {
    /// Why it failed.
    Failure,
    /// A reason, perhaps of something else.
    Reason,
    /// A message, perhaps about something else.
    Message,
    /// A note about the state.
    Note,
    /// The code or name of a failure.
    FailureCode,
    /// A code or a name.
    Code,
    /// Something of the request, or a fact that is not a reason.
    Nothing,
    /// Anything else: its value may hold a reason.
    Unknown,
}

impl Words {
    pub(super) fn of(name: &str) -> Self {
        let mut words = Self(Vec::new());
        // A name that long is data.
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

    /// Takes `errmsg` apart, and leaves the number of `video2` off.
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

    /// What the property can be for the search of a reason; `in_failure` within a property that describes a failure.
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

    /// Whether it belongs to the request, or is a file or page that is not the video.
    pub(super) fn is_other_file(&self) -> bool {
        self.has(INPUT) || self.has(OTHER_FILE)
    }

    pub(super) fn is_failure(&self) -> bool {
        self.has(FAILURE)
    }

    pub(super) fn is_past(&self) -> bool {
        self.has(PAST)
    }

    /// Whether it is the URL of an entry of the API by its name: `response_url`.
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

    /// Whether every word is of what was made, or of its place.
    pub(super) fn is_result_or_place(&self) -> bool {
        let known = [RESULT, PLACE, VIDEO];
        let is_known = |word: &String| known.iter().any(|list| list.contains(&word.as_str()));
        self.0.iter().all(is_known)
    }

    /// How many words stand beside the plainest names of a link to a video: of two names in one object, the plainer one
    /// is the video, and the other a variant of it.
    pub(super) fn variance(&self) -> usize {
        let plain = ["url", "uri", "link", "href", "video", "videos"];
        let is_plain = |word: &&String| plain.contains(&word.as_str());
        2 * self.0.iter().filter(|word| !is_plain(word)).count() + usize::from(!self.is_video())
    }
}

fn is_known(word: &str) -> bool {
    VOCABULARY.iter().any(|list| list.contains(&word))
}

/// The known words that a word is made of, if it is made of nothing else.
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
    fn names_in_any_style_are_taken_apart() {
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
    fn names_tell_what_they_can_be() {
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
