//! The JSON shapes of responses that the vendor's documents and pages show, and the serialisation of a generation in each.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{clips::Clip, task::Phase};
use aimlapi_video::contract::Route;

/// A JSON shape of the service's responses: the documented one, or one of those that the vendor's pages show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Shape {
    /// The documented shape: `id`, `status`, `video.url` and `meta.usage.credits_used`.
    ///
    /// On the legacy route of the Kling models it has `tokens_used`, and the clip's `duration`.
    #[default]
    Documented,
    /// Only `id`, `status` and `video.url`. The id has 21 characters.
    Bare,
    /// `video` also has `content_type`, `file_name` and `file_size`.
    File,
    /// `video` is a list of objects, even for a single video.
    List,
    /// `video` is a list of URLs.
    Links,
    /// `tokens_used` replaces `credits_used`, and is also in the response to the create. The id is a plain UUID.
    Tokens,
    /// `status` is `succeeded` in place of `completed`. The id consists of digits.
    Succeeded,
    /// `status` is `waiting` in place of `queued`, and `active` in place of `generating`. The id is digits and the model.
    OlderWords,
    /// The response to a create has `generation_id` in place of `id`.
    GenerationId,
    /// The response also has `model`, and an `error` even if the generation did not fail.
    FilledError,
    /// A failure is reported as a list in `error.detail`, without `name` and `message`.
    Detail,
}

impl Shape {
    /// All shapes.
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

    /// Returns the id made of a UUID, in the form that the service uses in this shape.
    pub(super) fn id(self, model: &str, uuid: uuid::Uuid) -> String {
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

    /// Returns the `status` of a generation in this phase.
    pub(super) fn status(self, phase: Phase) -> &'static str {
        match (self, phase) {
            (Self::OlderWords, Phase::Queued) => "waiting",
            (Self::OlderWords, Phase::Generating) => "active",
            (Self::Succeeded, Phase::Completed) => "succeeded",
            (_, Phase::Queued) => "queued",
            (_, Phase::Generating) => "generating",
            (_, Phase::Completed) => "completed",
            _ => "error",
        }
    }
}

/// Returns the phase that a `status` reports in any shape.
pub(super) fn phase(status: &str) -> Phase {
    let known = [
        Phase::Queued,
        Phase::Generating,
        Phase::Completed,
        Phase::Failed,
    ];
    let reports = |phase: &Phase| {
        Shape::ALL
            .iter()
            .any(|shape| shape.status(*phase) == status)
    };
    known.into_iter().find(reports).unwrap_or(Phase::Unknown)
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

/// The content of a response, before it is serialised in its shape.
pub(super) struct ResponseContent<'a> {
    pub(super) shape: Shape,
    pub(super) route: Route,
    pub(super) id: &'a str,
    pub(super) model: &'a str,
    pub(super) status: &'a str,
    /// Whether this is the response to the create.
    pub(super) is_create: bool,
    /// The URLs of the generation's videos, if it has any; an inner `None` is a video without a URL.
    pub(super) videos: Option<Vec<Option<String>>>,
    pub(super) error: Option<&'a Value>,
    pub(super) clip: &'a Clip,
    /// The credits used, if the generation is completed.
    pub(super) credits: Option<f64>,
}

/// Credits per US dollar, as the vendor's page on funds states.
pub(super) const CREDITS_PER_USD: f64 = 2_000_000.0;

impl ResponseContent<'_> {
    /// Serialises the response in its shape.
    pub(super) fn to_json(&self) -> Value {
        let key = if self.shape == Shape::GenerationId && self.is_create {
            "generation_id"
        } else {
            "id"
        };
        let mut response = json!({ key: self.id, "status": self.status });
        if let Some(videos) = &self.videos {
            response["video"] = self.video(videos);
            if self.route == Route::LegacyKling && self.shape == Shape::Documented {
                response["duration"] = self.clip.length().into();
            }
        }
        if let Some(error) = self.error {
            response["error"] = self.error_json(error);
        } else if self.shape == Shape::FilledError {
            response["error"] = json!({ "name": "<name>", "message": "<message>" });
        }
        if self.shape == Shape::FilledError {
            response["model"] = self.model.into();
        }
        if let Some(usage) = self.usage() {
            response["meta"] = json!({ "usage": usage });
        }
        response
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
                video["file_size"] = self.clip.to_bytes().len().into();
            }
            if self.route == Route::LegacyKling && self.shape == Shape::Documented {
                video["duration"] = self.clip.length().into();
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

    fn error_json(&self, error: &Value) -> Value {
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
