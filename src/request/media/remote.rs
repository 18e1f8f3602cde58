//! Links that a service on the internet cannot fetch.

use reqwest::Url;

use super::{Kind, Unsuitable};
use crate::{http::is_public_host, request::uri::Uri, urls::redacted};

/// Judges a URI of any scheme but `data`.
pub(super) fn unsuitable(scheme: &str, uri: &str, expected: Option<Kind>) -> Option<Unsuitable> {
    match scheme {
        "http" | "https" => unsuitable_http(uri, expected),
        // A drive of Windows.
        _ if scheme.len() == 1 => Some(local_file(uri)),
        "file" => Some(local_file(uri)),
        _ if PRIVATE_SCHEMES.contains(&scheme) || scheme.ends_with("-extension") => {
            Some(Unsuitable::certain(format!(
                "a `{scheme}:` link leads nowhere outside the program that made it; give an https link, or send a file inline"
            )))
        }
        _ => Some(Unsuitable::likely(format!(
            "services fetch http and https links, and hardly a `{scheme}:` link; give an https link, or send a file inline"
        ))),
    }
}

fn local_file(uri: &str) -> Unsuitable {
    let shown: String = redacted(uri).chars().take(80).collect();
    Unsuitable::certain(format!(
        "{shown} is a file of this machine, which the service cannot read; send the file inline, or give an https link"
    ))
}

fn unsuitable_http(link: &str, expected: Option<Kind>) -> Option<Unsuitable> {
    let shown: String = redacted(link).chars().take(200).collect();
    let (_, rest) = link.split_once(':')?;
    let url = Url::parse(link).ok().filter(|_| {
        rest.strip_prefix("//")
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':']))
    });
    let Some(url) = url else {
        return Some(Unsuitable::certain(format!(
            "{shown} names no host; give a whole link such as https://example.com/a.png"
        )));
    };
    if !Uri::is_valid(link) {
        return Some(Unsuitable::certain(format!(
            "{shown} holds characters that a URI must escape (RFC 3986); write them as %20 and the like"
        )));
    }
    let host = url.host_str().unwrap_or_default();
    if !is_public_host(&url) || is_local_name(host) {
        return Some(Unsuitable::likely(format!(
            "the host {host} is not on the public internet, so the service can hardly fetch the link; give a public https \
             link, or send the file inline"
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
            "the link ends in .{extension}, and {} is expected here; give a link to one",
            expected.noun()
        ))),
        _ => None,
    }
}

/// Names that the internet's name servers do not know: those of one label, and those below a domain that is reserved
/// (RFC 6761, RFC 6762, RFC 7686, RFC 8375; `internal` by a resolution of ICANN's board of 2024-07-29) or common inside
/// networks. `example` is not among them, since it stands in requests that are held to a contract and never sent.
fn is_local_name(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    // An address of IPv6 has brackets, and one of IPv4 has dots.
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

/// Schemes whose links mean something to one program, page or device alone.
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

/// What files of these names hold. A container of clips may hold a sound alone.
const EXTENSIONS: &[(&str, &[Kind])] = &[
    ("avif", &[Kind::Image]),
    ("bmp", &[Kind::Image]),
    // Some services take an animation as a clip.
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
