//! The MP4 clips that completed generations return: the choice of the embedded clip nearest to a request, in colours of the
//! request.
//!
//! `clips/README.md` states how the embedded clips were made.

mod file;

use axum::body::Bytes;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    log::truncate,
    redact::{Key, without_secrets},
    tasks::prompt,
};
use aimlapi_video::contract::{Model, Role};

/// The clip of a generation.
#[derive(Debug)]
pub(super) struct Clip {
    template: &'static Template,
    /// Selects the colours.
    hash: [u8; 2],
    title: String,
}

impl Clip {
    /// Returns the clip of a request. Equal requests have equal clips.
    pub(super) fn of_request(model: &Model, body: &Value, key: Key<'_>) -> Self {
        let title = match prompt(model, body, key) {
            Some(prompt) => format!("{} ({})", shortened(&prompt), model.id),
            None => model.id.clone(),
        };
        Self {
            template: nearest(model, body),
            // A recorded request is without secrets.
            hash: hash(&without_secrets(key, body).to_string()),
            title,
        }
    }

    /// Returns the clip of a generation whose request is unknown.
    pub(super) fn of_id(id: &str) -> Self {
        Self {
            template: &TEMPLATES[0],
            hash: hash(id),
            title: shortened(id),
        }
    }

    /// Seconds.
    pub(super) fn length(&self) -> f64 {
        self.template.length
    }

    pub(super) fn to_bytes(&self) -> Bytes {
        let Template {
            mp4, first_frames, ..
        } = self.template;
        let frame = file::first_frame(first_frames, self.hash);
        file::with(mp4, &frame, &self.title).into()
    }
}

/// An embedded clip.
#[derive(Debug)]
struct Template {
    /// Seconds.
    length: f64,
    /// Width divided by height.
    ratio: f64,
    mp4: &'static [u8],
    /// First frames in other colours, each with an upper and a lower slice.
    first_frames: &'static [u8],
}

macro_rules! template {
    ($width:literal x $height:literal, $seconds:literal) => {
        Template {
            length: $seconds as f64,
            ratio: $width as f64 / $height as f64,
            mp4: include_bytes!(concat!(
                "clips/", $width, "x", $height, "-", $seconds, ".mp4"
            )),
            first_frames: include_bytes!(concat!("clips/", $width, "x", $height, ".h264")),
        }
    };
}

static TEMPLATES: [Template; 6] = [
    template!(16 x 9, 5),
    template!(16 x 9, 10),
    template!(9 x 16, 5),
    template!(9 x 16, 10),
    template!(1 x 1, 5),
    template!(1 x 1, 10),
];

/// Returns the embedded clip nearest to the request: first by aspect ratio, then by duration.
fn nearest(model: &Model, body: &Value) -> &'static Template {
    let requested = |role| {
        model
            .property(role)
            .and_then(|property| body.get(&property.name))
    };
    let length = requested(Role::Duration)
        .and_then(Value::as_f64)
        .unwrap_or(5.0);
    let ratio = requested(Role::AspectRatio)
        .and_then(Value::as_str)
        .and_then(parse_ratio)
        .or_else(|| {
            requested(Role::OpeningImage)
                .and_then(Value::as_str)
                .and_then(image_ratio)
        })
        .unwrap_or(16.0 / 9.0);
    // Aspect ratios differ by factors, so their distance is measured by logarithms.
    let distance = |template: &Template| {
        (
            (template.ratio / ratio).ln().abs(),
            (template.length - length).abs(),
        )
    };
    TEMPLATES
        .iter()
        .min_by(|a, b| {
            distance(a)
                .partial_cmp(&distance(b))
                .unwrap_or(std::cmp::Ordering::Equal)
        })
        .unwrap_or(&TEMPLATES[0])
}

/// Parses an aspect ratio such as `16:9`.
fn parse_ratio(text: &str) -> Option<f64> {
    let (width, height) = text.split_once(':')?;
    let (width, height): (f64, f64) = (width.trim().parse().ok()?, height.trim().parse().ok()?);
    (width > 0.0 && height > 0.0).then(|| width / height)
}

/// Reads the aspect ratio of an image that the request contains as a data URI.
fn image_ratio(uri: &str) -> Option<f64> {
    let (head, data) = uri.split_once(',')?;
    let bytes = head
        .to_ascii_lowercase()
        .ends_with(";base64")
        .then(|| STANDARD.decode(data).ok())??;
    let size = imagesize::blob_size(&bytes).ok()?;
    (size.width > 0 && size.height > 0).then(|| size.width as f64 / size.height as f64)
}

fn hash(text: &str) -> [u8; 2] {
    let hash = Sha256::digest(text);
    [hash[0], hash[1]]
}

/// Shortens a text for a title.
fn shortened(text: &str) -> String {
    const MAX_BYTES: usize = 200;
    match truncate(text, MAX_BYTES) {
        whole if whole.len() == text.len() => text.to_owned(),
        begin => format!("{begin}…"),
    }
}
