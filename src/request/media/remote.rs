//! Detects URLs in a media property that a service on the internet cannot fetch: private schemes, local files, hosts
//! that are not public, and file extensions of another kind of media.

use reqwest::Url;

use super::{Kind, Unsuitable};
use crate::{http::is_public_host, request::uri::Uri, urls::redacted};

/// Checks a URI of any scheme but `data`.
pub(super) fn unsuitable(scheme: &str, uri: &str, expected: Option<Kind>) -> Option<Unsuitable> {
    match scheme {
        "http" | "https" => unsuitable_http(uri, expected),
        // A Windows drive letter.
        _ if scheme.len() == 1 => Some(local_file(uri)),
        "file" => Some(local_file(uri)),
        _ if PRIVATE_SCHEMES.contains(&scheme) || scheme.ends_with("-extension") => {
            Some(Unsuitable::certain(format!(
                "a `{scheme}:` URL is only valid inside the program that made it; give an https URL, or send a file inline"
            )))
        }
        _ => Some(Unsuitable::likely(format!(
            "services fetch http and https URLs, and usually not a `{scheme}:` URL; give an https URL, or send a file inline"
        ))),
    }
}

fn local_file(uri: &str) -> Unsuitable {
    let shown: String = redacted(uri).chars().take(80).collect();
    Unsuitable::certain(format!(
        "{shown} is a file of this machine, which the service cannot read; send the file inline, or give an https URL"
    ))
}

fn unsuitable_http(text: &str, expected: Option<Kind>) -> Option<Unsuitable> {
    let shown: String = redacted(text).chars().take(200).collect();
    let (_, rest) = text.split_once(':')?;
    let url = Url::parse(text).ok().filter(|_| {
        rest.strip_prefix("//")
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':']))
    });
    let Some(url) = url else {
        return Some(Unsuitable::certain(format!(
            "{shown} has no host; give a complete URL such as https://example.com/a.png"
        )));
    };
    if !Uri::is_valid(text) {
        return Some(Unsuitable::certain(format!(
            "{shown} contains characters that a URI must escape (RFC 3986); percent-encode them, such as a space as %20"
        )));
    }
    let host = url.host_str().unwrap_or_default();
    if !is_public_host(&url) || is_local_name(host) {
        return Some(Unsuitable::likely(format!(
            "the host {host} is not on the public internet, so the service probably cannot fetch the URL; give a public \
             https URL, or send the file inline"
        )));
    }
    let extension = url
        .path()
        .rsplit_once('.')
        .map(|(_, extension)| extension)?;
    let extension = extension.to_ascii_lowercase();
    let (_, kinds) = EXTENSIONS.iter().find(|(known, _)| *known == extension)?;
    match expected {
        Some(expected) if !kinds.contains(&expected) => Some(Unsuitable::likely(format!(
            "the URL ends in .{extension}, but this property takes {}",
            expected.noun()
        ))),
        _ => None,
    }
}

/// Whether the public DNS cannot resolve the name: a name of one label, or below a domain that is reserved (RFC 6761,
/// RFC 6762, RFC 7686, RFC 8375; `internal` by a resolution of ICANN's board of 2024-07-29) or common in private
/// networks. `example` is not among these domains, since it occurs in requests that are only checked and never sent.
fn is_local_name(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    // An IPv6 address has brackets, and an IPv4 address has dots.
    if host.starts_with('[') {
        return false;
    }
    let Some((_, top)) = host.rsplit_once('.') else {
        return true;
    };
    LOCAL_DOMAINS.contains(&top) || host.ends_with(".home.arpa")
}

const LOCAL_DOMAINS: &[&str] = &[
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "private",
    "test",
];

/// The schemes whose URLs are only valid in one program, page or device.
const PRIVATE_SCHEMES: &[&str] = &[
    "about",
    "assets-library",
    "blob",
    "cid",
    "content",
    "filesystem",
    "javascript",
    "ph",
    "res",
    "view-source",
    "vbscript",
];

/// The kinds of media by file extension. A video container may contain only audio.
const EXTENSIONS: &[(&str, &[Kind])] = &[
    ("avif", &[Kind::Image]),
    ("bmp", &[Kind::Image]),
    // Some services accept an animation as a video.
    ("gif", &[Kind::Image, Kind::Video]),
    ("heic", &[Kind::Image]),
    ("jpeg", &[Kind::Image]),
    ("jpg", &[Kind::Image]),
    ("png", &[Kind::Image]),
    ("tif", &[Kind::Image]),
    ("tiff", &[Kind::Image]),
    ("webp", &[Kind::Image]),
    ("avi", &[Kind::Video]),
    ("m4v", &[Kind::Video]),
    ("mkv", &[Kind::Video]),
    ("mov", &[Kind::Video, Kind::Audio]),
    ("mp4", &[Kind::Video, Kind::Audio]),
    ("webm", &[Kind::Video, Kind::Audio]),
    ("aac", &[Kind::Audio]),
    ("flac", &[Kind::Audio]),
    ("m4a", &[Kind::Audio]),
    ("mp3", &[Kind::Audio]),
    ("ogg", &[Kind::Audio, Kind::Video]),
    ("opus", &[Kind::Audio]),
    ("wav", &[Kind::Audio]),
];
