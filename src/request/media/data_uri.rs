//! Checks inline data in a media property: data URIs (RFC 2397), and plain base64 text.
//!
//! The checks compare the encoding, the stated media type, the detected media type and the kind that the property
//! expects.

use std::borrow::Cow;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use percent_encoding::percent_decode_str;

use super::{Kind, Unsuitable, content::media_type};

/// Checks the text after the scheme of a data URI.
pub(super) fn unsuitable(rest: &str, expected: Option<Kind>) -> Option<Unsuitable> {
    let Some((head, data)) = rest.split_once(',') else {
        return Some(Unsuitable::certain(
            "the data URI has no comma before its data; write data:image/png;base64,… with the type of the file",
        ));
    };
    let mut parts = head.split(';').map(str::trim);
    let stated = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_base64 = parts
        .next_back()
        .is_some_and(|last| last.eq_ignore_ascii_case("base64"));
    if data.trim().is_empty() {
        return Some(Unsuitable::certain(
            "the data URI has no data; the file was empty, or was not read",
        ));
    }
    if data
        .get(..5)
        .is_some_and(|begin| begin.eq_ignore_ascii_case("data:"))
    {
        return Some(Unsuitable::certain(
            "the data URI has its prefix twice; write data:TYPE;base64, once",
        ));
    }
    if stated == "base64" {
        return Some(Unsuitable::likely(
            "the data URI has `base64` in place of its media type; write data:image/png;base64,… with the type of the file",
        ));
    }
    if is_base64 {
        return unsuitable_base64(data, Some(&stated), expected);
    }
    let bytes: Cow<'_, [u8]> = percent_decode_str(data).into();
    if Kind::from_media_type(&stated).is_some()
        && media_type(&bytes).is_none()
        && stated != "image/svg+xml"
    {
        return Some(Unsuitable::likely(format!(
            "the data URI does not contain `;base64`, so its data are not {stated}; write data:{stated};base64,…"
        )));
    }
    of_another_type(&bytes, Some(&stated), expected)
}

/// Checks base64 text against the media type that its data URI states.
pub(super) fn unsuitable_base64(
    text: &str,
    stated: Option<&str>,
    expected: Option<Kind>,
) -> Option<Unsuitable> {
    let escaped: Cow<'_, [u8]> = percent_decode_str(text).into();
    let spaces = |byte: &u8| byte.is_ascii_whitespace();
    let mut compact: Vec<u8> = escaped
        .iter()
        .filter(|byte| !spaces(byte))
        .copied()
        .collect();
    let is_url_safe = compact.contains(&b'-') || compact.contains(&b'_');
    for byte in &mut compact {
        match byte {
            b'-' => *byte = b'+',
            b'_' => *byte = b'/',
            _ => {}
        }
    }
    let bytes = match LENIENT.decode(&compact) {
        Ok(bytes) if !bytes.is_empty() => bytes,
        _ => {
            return Some(Unsuitable::certain(
                "the data are not base64 (RFC 4648), or are truncated; encode the whole file again",
            ));
        }
    };
    let form = if text.contains('%') {
        Some(
            "the base64 data contain percent escapes, which many services read as base64; write +, / and = as they are",
        )
    } else if compact.len() < escaped.len() {
        Some(
            "the base64 data contain a line break or a space, which many services refuse; write them in one line",
        )
    } else if is_url_safe {
        Some(
            "the data use the URL-safe alphabet of base64, which many services refuse; replace - and _ by + and /",
        )
    } else if !compact.len().is_multiple_of(4) {
        Some("the base64 data have no padding, so they may be truncated; add the = at the end")
    } else {
        None
    };
    let another = of_another_type(&bytes, stated, expected);
    match (another, form) {
        (Some(another), Some(form)) if !another.is_certain => {
            Some(Unsuitable::likely(format!("{form}; {}", another.message)))
        }
        (Some(another), _) => Some(another),
        (None, form) => form.map(Unsuitable::likely),
    }
}

/// Compares the media type of the bytes with the stated type, and with the expected kind.
fn of_another_type(
    bytes: &[u8],
    stated: Option<&str>,
    expected: Option<Kind>,
) -> Option<Unsuitable> {
    let shown = media_type(bytes);
    let stated_kind = stated.and_then(Kind::from_media_type);
    let kind = shown
        .as_deref()
        .and_then(Kind::from_media_type)
        .or(stated_kind);
    if let (Some(kind), Some(expected)) = (kind, expected)
        && kind != expected
        // Services accept an animation as a video.
        && !(shown.as_deref() == Some("image/gif") && expected == Kind::Video)
        // If the stated type has the expected kind, the detection may be wrong.
        && stated_kind.is_none_or(|stated| stated != expected)
    {
        let what = shown.as_deref().or(stated).unwrap_or_default();
        return Some(Unsuitable {
            message: format!(
                "the data are {what}, but this property takes {}",
                expected.noun()
            ),
            // A service may use the audio track of a video.
            is_certain: shown.is_some() && (kind, expected) != (Kind::Video, Kind::Audio),
        });
    }
    let stated = stated?;
    let message = match shown {
        Some(shown) if stated_kind.is_none() => format!(
            "the data URI states {}, but its data are {shown}; write data:{shown};base64,…",
            if stated.is_empty() { "no type" } else { stated }
        ),
        Some(shown) if family(&shown) != family(stated) => {
            format!(
                "the data URI states {stated}, but is {shown} by its content; write data:{shown};base64,…"
            )
        }
        Some(_) => return None,
        None if stated_kind.is_none() => format!(
            "the data URI is {}, which is not an image, video or audio type; give such a file",
            if stated.is_empty() {
                "text/plain"
            } else {
                stated
            }
        ),
        None if KNOWN.contains(&family(stated)) => format!(
            "the data are not {stated} by their content; they may be truncated, or another file was read"
        ),
        None => return None,
    };
    Some(Unsuitable::likely(message))
}

/// One name for media types that services treat as the same.
fn family(media_type: &str) -> &str {
    match media_type {
        "image/jpg" | "image/pjpeg" => "image/jpeg",
        "image/x-png" | "image/apng" => "image/png",
        "image/x-ms-bmp" | "image/x-bmp" => "image/bmp",
        "image/heif" | "image/heic-sequence" | "image/heif-sequence" => "image/heic",
        "image/vnd.microsoft.icon" | "image/ico" => "image/x-icon",
        // The same container of boxes, under many brands.
        "video/quicktime" | "video/x-m4v" | "video/3gpp" | "video/3gpp2" | "audio/3gpp"
        | "audio/mp4" | "audio/m4a" | "audio/x-m4a" | "application/mp4" => "video/mp4",
        "video/matroska" | "audio/matroska" | "audio/x-matroska" | "video/x-matroska"
        | "audio/webm" => "video/webm",
        "video/avi" | "video/msvideo" | "video/vnd.avi" => "video/x-msvideo",
        "video/mpg" | "video/mpeg" | "video/mp2p" => "video/mpeg",
        "audio/mp3" | "audio/x-mp3" | "audio/mpeg3" | "audio/x-mpeg" => "audio/mpeg",
        "audio/x-wav" | "audio/wave" | "audio/vnd.wave" | "audio/x-pn-wav" => "audio/wav",
        "audio/x-flac" => "audio/flac",
        "audio/x-aac" | "audio/aacp" | "audio/x-hx-aac-adts" => "audio/aac",
        "audio/opus" | "audio/vorbis" | "video/ogg" | "application/ogg" => "audio/ogg",
        other => other,
    }
}

/// Media types whose content is always detected, so that undetected content has another type.
const KNOWN: &[&str] = &[
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/bmp",
    "image/tiff",
    "image/avif",
    "image/heic",
    "video/mp4",
    "video/webm",
    "video/x-msvideo",
    "video/mpeg",
    "audio/wav",
    "audio/flac",
    "audio/ogg",
];

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);
