//! The shapes of answers that the service is known to print.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::clips::Clip;
use aimlapi_video::{Route, State};

/// A way in which the service's answers are shaped. The documents have one; the vendor's pages print others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Shape {
    /// As the documents have it: `id`, `status`, `video.url` and `meta.usage.credits_used`; on the older URL of the Kling
    /// models `tokens_used`, and the clip's `duration`.
    #[default]
    Documented,
    /// `id`, `status` and `video.url`, and nothing beside. The id has 21 characters.
    Bare,
    /// `video` tells its file's `content_type`, `file_name` and `file_size`, too.
    File,
    /// `video` is a list of objects, even if it holds one.
    List,
    /// `video` is a list of links.
    Links,
    /// `tokens_used` for `credits_used`, from the create on. The id is a UUID alone.
    Tokens,
    /// `status` is `succeeded` where others say `completed`. The id is made of digits.
    Succeeded,
    /// `status` is `waiting` for `queued` and `active` for `generating`. The id is digits and the model.
    OlderWords,
    /// The create answers `generation_id` for `id`.
    GenerationId,
    /// A `model` beside the rest, and an `error` even where nothing failed.
    FilledError,
    /// What failed is told as a list in `error.detail`, without `name` and `message`.
    Detail,
}

impl Shape {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::Documented,
        Self::Bare,
        Self::File,
        Self::List,
        Self::Links,
        Self::Tokens,
        Self::Succeeded,
        Self::OlderWords,
        Self::GenerationId,
        Self::FilledError,
        Self::Detail,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Bare => "bare",
            Self::File => "file",
            Self::List => "list",
            Self::Links => "links",
            Self::Tokens => "tokens",
            Self::Succeeded => "succeeded",
            Self::OlderWords => "older-words",
            Self::GenerationId => "generation-id",
            Self::FilledError => "filled-error",
            Self::Detail => "detail",
        }
    }

    /// An id of a kind that the service prints.
    pub(super) fn id(self, model: &str) -> String {
        let uuid = uuid::Uuid::new_v4();
        let digits = || format!("{:019}", uuid.as_u128() % 10_u128.pow(19));
        match self {
            Self::Bare => {
                const LETTERS: &[u8; 64] =
                    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
                let letter = |at: u32| LETTERS[(uuid.as_u128() >> (at * 6)) as usize % 64] as char;
                (0..21).map(letter).collect()
            }
            Self::Tokens => uuid.to_string(),
            Self::Succeeded => digits(),
            Self::OlderWords => format!("{}:{model}", digits()),
            // With a colon and slashes, which a client must escape.
            _ => format!("{uuid}:{model}"),
        }
    }

    /// The word for a state.
    pub(super) fn word(self, state: State) -> &'static str {
        match (self, state) {
            (Self::OlderWords, State::Queued) => "waiting",
            (Self::OlderWords, State::Generating) => "active",
            (Self::Succeeded, State::Completed) => "succeeded",
            (_, State::Queued) => "queued",
            (_, State::Generating) => "generating",
            (_, State::Completed) => "completed",
            _ => "error",
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|shape| shape.name() == text);
        found.copied().ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|shape| shape.name()).collect();
            format!("expected one of {}; received {text}", names.join(", "))
        })
    }
}

/// What there is to answer.
pub(super) struct Told<'a> {
    pub(super) shape: Shape,
    pub(super) route: Route,
    pub(super) id: &'a str,
    pub(super) model: &'a str,
    pub(super) status: &'a str,
    /// Whether this answers the create.
    pub(super) created: bool,
    /// The links, where the generation has videos; `None` for a video without one.
    pub(super) videos: Option<Vec<Option<String>>>,
    pub(super) error: Option<&'a Value>,
    pub(super) clip: &'static Clip,
    /// What it cost, once it has ended well.
    pub(super) credits: Option<f64>,
}

/// Credits to the US dollar, as the vendor's page on funds states.
pub(super) const CREDITS_PER_USD: f64 = 2_000_000.0;

impl Told<'_> {
    pub(super) fn json(&self) -> Value {
        let key = if self.shape == Shape::GenerationId && self.created {
            "generation_id"
        } else {
            "id"
        };
        let mut answer = json!({ key: self.id, "status": self.status });
        if let Some(videos) = &self.videos {
            answer["video"] = self.video(videos);
            if self.route == Route::LegacyKling && self.shape == Shape::Documented {
                answer["duration"] = self.clip.length.into();
            }
        }
        if let Some(error) = self.error {
            answer["error"] = self.told_error(error);
        } else if self.shape == Shape::FilledError {
            answer["error"] = json!({ "name": "<name>", "message": "<message>" });
        }
        if self.shape == Shape::FilledError {
            answer["model"] = self.model.into();
        }
        if let Some(usage) = self.usage() {
            answer["meta"] = json!({ "usage": usage });
        }
        answer
    }

    fn video(&self, videos: &[Option<String>]) -> Value {
        let one = |url: &Option<String>| {
            if self.shape == Shape::Links {
                return url.clone().into();
            }
            let mut video = json!({});
            if let Some(url) = url {
                video["url"] = url.as_str().into();
            }
            if self.shape == Shape::File {
                video["content_type"] = "video/mp4".into();
                video["file_name"] = "output.mp4".into();
                video["file_size"] = self.clip.bytes.len().into();
            }
            if self.route == Route::LegacyKling && self.shape == Shape::Documented {
                video["duration"] = self.clip.length.into();
            }
            video
        };
        match (videos, self.shape) {
            ([video], shape) if !matches!(shape, Shape::List | Shape::Links) => one(video),
            (videos, _) => videos.iter().map(one).collect(),
        }
    }

    fn usage(&self) -> Option<Value> {
        let tokens = self.shape == Shape::Tokens;
        if self.shape == Shape::Bare {
            return None;
        }
        let credits = match self.credits {
            None if tokens => 0.0,
            credits => credits?,
        };
        Some(if tokens || self.route == Route::LegacyKling {
            json!({ "tokens_used": credits })
        } else {
            json!({ "credits_used": credits, "usd_spent": credits / CREDITS_PER_USD })
        })
    }

    fn told_error(&self, error: &Value) -> Value {
        if self.shape != Shape::Detail {
            return error.clone();
        }
        let message = error.get("message").unwrap_or(error);
        let name = error.get("name").and_then(Value::as_str);
        json!({ "detail": [{
            "loc": ["body"],
            "msg": message,
            "type": name.unwrap_or("generation_failed"),
            "input": "",
        }] })
    }
}
