//! Checks the content of a received file: detects an error page instead of a video, chooses the file extension, and
//! reports differences from the stated size, media type and name.

use std::{fmt, path::Path};

use super::{arrived::Arrived, container::Container};
use crate::{
    Video,
    generation::{EXTENSIONS, essence, extension as media_extension},
    request::media::{Kind, media_type},
};

/// What `head` is instead of a video, in words; `None` for a video and for unknown content, since a host may send a
/// format that this crate does not know.
pub(super) fn not_a_video(head: &[u8], content_type: Option<&str>) -> Option<&'static str> {
    let text = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start();
    if !is_text(text) {
        return None;
    }
    let begins = |with: &str| {
        text.get(..with.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    let labelled = essence(content_type.unwrap_or_default());
    match text.first() {
        Some(b'<') if begins("<?xml") || begins("<error") => Some("an XML document"),
        Some(b'<') => Some("an HTML page"),
        Some(b'{' | b'[') => Some("JSON"),
        Some(_) if labelled.starts_with("text/") || labelled == "application/json" => Some("text"),
        _ => None,
    }
}

/// The extension of the received file, by its content, or else by the media type that the host sent.
pub(super) fn extension_of(arrived: &Arrived) -> Option<&'static str> {
    Some(match arrived.inspector.container() {
        Container::WebM => "webm",
        Container::Matroska => "mkv",
        Container::Avi => "avi",
        Container::Gif => "gif",
        Container::WebP => "webp",
        Container::Flv => "flv",
        Container::Ogg => "ogv",
        Container::Mp4 | Container::Heif | Container::Other => {
            return extension(&arrived.head, arrived.version.content_type.as_deref());
        }
    })
}

/// The extension of the media type that `head` shows, or else of `content_type`.
pub(super) fn extension(head: &[u8], content_type: Option<&str>) -> Option<&'static str> {
    match media_type(head) {
        Some(kind) => media_extension(&kind),
        None => media_extension(&essence(content_type?)),
    }
}

/// Every extension that a file can get from its content.
pub(super) fn extensions() -> impl Iterator<Item = &'static str> {
    EXTENSIONS.iter().map(|(_, extension)| *extension)
}

/// The differences between the received file and what the generation, the host or the file name states, in one
/// sentence.
pub(super) fn disagreement(
    video: &Video,
    arrived: &Arrived,
    path: Option<&Path>,
) -> Option<String> {
    let bytes = arrived.bytes;
    let sent = arrived.version.content_type.as_deref();
    let stated = video.content_type.as_deref();
    let mut notes = Vec::new();
    if let Some(defect) = &arrived.defect {
        notes.push(format!("the file is truncated: {defect}"));
    } else if let Some(size) = video.file_size.filter(|stated| *stated != bytes) {
        notes.push(format!(
            "the generation states a file of {size} bytes, and {bytes} arrived"
        ));
    }
    let labels = stated
        .zip(sent)
        .map(|(one, other)| (essence(one), essence(other)));
    if let Some((stated, sent)) = labels.filter(|(stated, sent)| stated != sent) {
        notes.push(format!(
            "the generation states {stated}, and {sent} arrived"
        ));
    }
    let content = Content::of(arrived);
    if !matches!(content, Content::Video(_)) {
        notes.push(format!("its content is {content}"));
    }
    let label = sent.or(stated).map(essence);
    if let Some(label) = label.filter(|label| content.contradicts(label.rsplit('/').next())) {
        notes.push(format!(
            "it is labelled {label}, and its content is {content}"
        ));
    }
    let extension = path
        .and_then(Path::extension)
        .and_then(|extension| extension.to_str());
    if let Some(extension) = extension.filter(|extension| content.contradicts(Some(extension))) {
        notes.push(format!(
            "its name ends in .{extension}, and its content is {content}"
        ));
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// The kind of a file by its content.
#[derive(Clone, Debug, PartialEq)]
enum Content {
    Video(Container),
    /// An image or audio file of this media type.
    Other(String),
    Unknown,
}

impl Content {
    fn of(arrived: &Arrived) -> Self {
        let kind = media_type(&arrived.head);
        match (arrived.inspector.container(), kind) {
            (Container::Heif | Container::Other, Some(kind)) => {
                match Kind::from_media_type(&kind) {
                    Some(Kind::Video) => Self::Video(Container::Other),
                    _ => Self::Other(kind.into_owned()),
                }
            }
            (Container::Heif, None) => Self::Other("image/heif".into()),
            (Container::Other, None) => Self::Unknown,
            (container, _) => Self::Video(container),
        }
    }

    /// Whether `name`, an extension or the subtype of a media type, belongs to another kind of video.
    fn contradicts(&self, name: Option<&str>) -> bool {
        let (Self::Video(content), Some(named)) = (self, name.and_then(by_name)) else {
            return false;
        };
        // WebM is a kind of Matroska.
        let is_known = *content != Container::Other;
        is_known && *content != named && (*content, named) != (Container::WebM, Container::Matroska)
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Video(container) => container.fmt(f),
            Self::Other(kind) => write!(f, "{kind}, which is not a video"),
            Self::Unknown => f.write_str("of an unknown video format"),
        }
    }
}

/// The container of an extension or of the subtype of a media type.
fn by_name(name: &str) -> Option<Container> {
    Some(match name.to_ascii_lowercase().as_str() {
        "mp4" | "m4v" | "x-m4v" | "mov" | "qt" | "quicktime" | "3gp" | "3gpp" | "3g2" | "3gpp2"
        | "f4v" | "ismv" => Container::Mp4,
        "webm" => Container::WebM,
        "mkv" | "x-matroska" | "matroska" => Container::Matroska,
        "avi" | "x-msvideo" | "msvideo" => Container::Avi,
        "gif" => Container::Gif,
        "webp" => Container::WebP,
        "flv" | "x-flv" => Container::Flv,
        "ogg" | "ogv" | "ogm" => Container::Ogg,
        _ => return None,
    })
}

/// Whether `head` is readable text; the last character may be incomplete.
fn is_text(head: &[u8]) -> bool {
    let is_utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    let is_control = |byte: &u8| *byte < 0x20 && !b"\t\n\r\x0c".contains(byte) || *byte == 0x7f;
    is_utf8 && !head.iter().any(is_control)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::download::arrived::HEAD;

    const MP4: &[u8] = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41";

    #[test]
    fn page_is_not_a_video() {
        for (head, expected) in [
            ("<!DOCTYPE html><html>", "an HTML page"),
            ("\u{feff}\r\n  <html lang=\"en\">", "an HTML page"),
            ("<h1>502 Bad Gateway</h1>", "an HTML page"),
            ("<?xml version=\"1.0\"?><Error>", "an XML document"),
            ("<Error><Code>AccessDenied</Code>", "an XML document"),
            ("{\"message\": \"expired\"}", "JSON"),
            (" [1]", "JSON"),
        ] {
            for kind in [None, Some("video/mp4"), Some("text/html")] {
                assert_eq!(not_a_video(head.as_bytes(), kind), Some(expected), "{head}");
            }
        }
        let content = not_a_video(b"the link has expired", Some("text/plain; charset=utf-8"));
        assert_eq!(content, Some("text"));
    }

    #[test]
    fn video_and_unknown_content_are_accepted() {
        let unknown: [&[u8]; 6] = [
            MP4,
            b"",
            b"film",
            b"<\0\x01\x02",
            b"{\x01}",
            b"\xff\xfe<html>",
        ];
        for head in unknown {
            for kind in [None, Some("video/mp4"), Some("application/octet-stream")] {
                assert_eq!(not_a_video(head, kind), None, "{head:?}");
            }
        }
        assert_eq!(not_a_video(MP4, Some("text/html")), None);
    }

    #[test]
    fn extension_is_that_of_the_content() {
        assert_eq!(extension(MP4, Some("video/webm")), Some("mp4"));
        let webm = include_bytes!("../../tests/fixtures/clips/file.webm");
        assert_eq!(extension(&webm[..HEAD], Some("video/mp4")), Some("webm"));
        assert_eq!(
            extension(b"film", Some("video/WebM; codecs=vp9")),
            Some("webm")
        );
        assert_eq!(extension(b"film", Some("application/octet-stream")), None);
        assert_eq!(extension(b"film", None), None);
    }

    proptest! {
        #[test]
        fn check_of_any_bytes_does_not_panic(head in prop::collection::vec(any::<u8>(), 0..HEAD)) {
            not_a_video(&head, Some("text/plain"));
            extension(&head, None);
        }
    }
}
