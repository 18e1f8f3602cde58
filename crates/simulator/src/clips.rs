//! The clips that finished generations hold. `clips/README.md` tells how they were made.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use aimlapi_video::{Model, Role};

/// A clip and what it shows.
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

/// The clip nearest to what the request asks for: first in proportions, then in length.
pub(super) fn nearest(model: &Model, body: &Value) -> &'static Clip {
    let asked = |role| {
        model
            .property(role)
            .and_then(|property| body.get(&property.name))
    };
    let length = asked(Role::Duration).and_then(Value::as_f64).unwrap_or(5.0);
    let ratio = asked(Role::AspectRatio)
        .and_then(Value::as_str)
        .and_then(stated_ratio)
        .or_else(|| {
            asked(Role::OpeningImage)
                .and_then(Value::as_str)
                .and_then(picture_ratio)
        })
        .unwrap_or(16.0 / 9.0);
    // Proportions differ by factors, so it is their logarithms that are near or far.
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

/// `16:9` and the like.
fn stated_ratio(text: &str) -> Option<f64> {
    let (width, height) = text.split_once(':')?;
    let (width, height): (f64, f64) = (width.trim().parse().ok()?, height.trim().parse().ok()?);
    (width > 0.0 && height > 0.0).then(|| width / height)
}

/// The proportions of a picture that came as a data URI.
fn picture_ratio(uri: &str) -> Option<f64> {
    let (head, data) = uri.split_once(',')?;
    let bytes = head
        .to_ascii_lowercase()
        .ends_with(";base64")
        .then(|| STANDARD.decode(data).ok())??;
    let size = imagesize::blob_size(&bytes).ok()?;
    (size.width > 0 && size.height > 0).then(|| size.width as f64 / size.height as f64)
}
