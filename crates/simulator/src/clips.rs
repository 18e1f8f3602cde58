//! The embedded MP4 clips that completed generations return, and the choice of the clip nearest to a request.
//!
//! `clips/README.md` states how the clips were made.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use aimlapi_video::contract::{Model, Role};

/// A clip with its duration and aspect ratio.
#[derive(Debug)]
pub(super) struct Clip {
    /// Seconds.
    pub(super) length: f64,
    /// Width divided by height.
    ratio: f64,
    pub(super) bytes: &'static [u8],
}

static CLIPS: &[Clip] = &[
    Clip {
        length: 5.0,
        ratio: 16.0 / 9.0,
        bytes: include_bytes!("clips/16x9-5.mp4"),
    },
    Clip {
        length: 10.0,
        ratio: 16.0 / 9.0,
        bytes: include_bytes!("clips/16x9-10.mp4"),
    },
    Clip {
        length: 5.0,
        ratio: 9.0 / 16.0,
        bytes: include_bytes!("clips/9x16-5.mp4"),
    },
    Clip {
        length: 10.0,
        ratio: 9.0 / 16.0,
        bytes: include_bytes!("clips/9x16-10.mp4"),
    },
    Clip {
        length: 5.0,
        ratio: 1.0,
        bytes: include_bytes!("clips/1x1-5.mp4"),
    },
    Clip {
        length: 10.0,
        ratio: 1.0,
        bytes: include_bytes!("clips/1x1-10.mp4"),
    },
];

/// Returns the clip for a generation whose request is unknown.
pub(super) fn first() -> &'static Clip {
    &CLIPS[0]
}

/// Returns the clip nearest to the request: first by aspect ratio, then by duration.
pub(super) fn nearest(model: &Model, body: &Value) -> &'static Clip {
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
    let distance = |clip: &Clip| {
        (
            (clip.ratio / ratio).ln().abs(),
            (clip.length - length).abs(),
        )
    };
    CLIPS
        .iter()
        .min_by(|a, b| {
            distance(a)
                .partial_cmp(&distance(b))
                .unwrap_or(std::cmp::Ordering::Equal)
        })
        .unwrap_or(&CLIPS[0])
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
