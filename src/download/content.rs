//! What arrived, by its first bytes: a page that tells of an error is no video.

use crate::Video;

/// As much of a file's beginning as is looked at.
pub(super) const HEAD: usize = 512;

/// What `head` is instead of a video, in words. What is not known passes: hosts may send what this crate has not seen.
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

/// The extension of the media type that `head` shows, else of the one that was stated.
pub(super) fn extension(head: &[u8], content_type: Option<&str>) -> Option<&'static str> {
    let by_head = infer::get(head).filter(|kind| {
        use infer::MatcherType::{Audio, Image, Video};
        matches!(kind.matcher_type(), Video | Image | Audio)
    });
    match by_head {
        Some(kind) => Some(kind.extension()),
        None => by_type(&essence(content_type?)),
    }
}

fn by_type(essence: &str) -> Option<&'static str> {
    Some(match essence {
        "video/mp4" => "mp4",
        "video/webm" => "webm",
        "video/quicktime" => "mov",
        "video/x-matroska" | "video/matroska" => "mkv",
        "video/x-msvideo" => "avi",
        "video/mpeg" => "mpg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        _ => return None,
    })
}

/// What the generation states of a file and is not so.
pub(super) fn disagreement(
    video: &Video,
    bytes: u64,
    content_type: Option<&str>,
) -> Option<String> {
    let size = video
        .file_size
        .filter(|stated| *stated != bytes)
        .map(|stated| format!("states a file of {stated} bytes, and {bytes} arrived"));
    let kind = video
        .content_type
        .as_deref()
        .zip(content_type)
        .and_then(|(stated, sent)| {
            let differs = essence(stated) != essence(sent);
            differs.then(|| format!("states {}, and {} arrived", essence(stated), essence(sent)))
        });
    let found: Vec<String> = [size, kind].into_iter().flatten().collect();
    (!found.is_empty()).then(|| format!("the generation {}", found.join("; it ")))
}

fn essence(kind: &str) -> String {
    let kind = kind.split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

/// Whether it is readable text; a last character may be cut off.
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

    const MP4: &[u8] = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41";

    #[test]
    fn pages_are_told_from_videos() {
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
        let said = not_a_video(b"the link has expired", Some("text/plain; charset=utf-8"));
        assert_eq!(said, Some("text"));
    }

    #[test]
    fn what_is_a_video_or_unknown_passes() {
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
    fn the_extension_is_that_of_the_content() {
        assert_eq!(extension(MP4, Some("video/webm")), Some("mp4"));
        let webm = [&b"\x1a\x45\xdf\xa3\x42\x82\x84webm"[..], &[0; 300]].concat();
        assert_eq!(extension(&webm, None), Some("webm"));
        assert_eq!(
            extension(b"film", Some("video/WebM; codecs=vp9")),
            Some("webm")
        );
        assert_eq!(extension(b"film", Some("application/octet-stream")), None);
        assert_eq!(extension(b"film", None), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_a_panic(head in prop::collection::vec(any::<u8>(), 0..HEAD)) {
            not_a_video(&head, Some("text/plain"));
            extension(&head, None);
        }
    }
}
