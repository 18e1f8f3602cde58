//! Detects texts in a media property that a service on the internet cannot use as an image, video or audio file.
//!
//! The contract of such a property allows any text or URI, so these checks find mistakes that the contract does not,
//! such as a path on this machine, before the request is paid for.

use super::{Kind, UriOrBase64, data_uri, remote};
use crate::urls::redacted;

/// The reason why a text is unsuitable for a media property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unsuitable {
    /// What the text is, and what to use instead.
    pub(crate) message: String,
    /// Whether no service can use the text, so that the request certainly fails.
    pub(crate) is_certain: bool,
}

impl Unsuitable {
    pub(super) fn certain(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            is_certain: true,
        }
    }

    pub(super) fn likely(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            is_certain: false,
        }
    }
}

/// Checks the text of a property that expects media of the kind `expected`, if known.
pub(crate) fn unsuitable(text: &str, expected: Option<Kind>) -> Option<Unsuitable> {
    if text.trim().is_empty() {
        return Some(Unsuitable::certain(
            "the text is empty; give an https URL, or send a file inline",
        ));
    }
    if let Some((scheme, rest)) = scheme(text) {
        return match scheme.as_str() {
            "data" => data_uri::unsuitable(rest, expected),
            _ => remote::unsuitable(&scheme, text, expected),
        };
    }
    if UriOrBase64::is_base64_media(text) {
        return data_uri::unsuitable_base64(text, None, expected);
    }
    Some(without_scheme(text))
}

/// The message for a text that is not a URI: a path, a URL without its scheme, or base64 text of unknown content.
fn without_scheme(text: &str) -> Unsuitable {
    let shown: String = redacted(text).chars().take(80).collect();
    let host = text.split('/').next().unwrap_or_default();
    let is_host = text.starts_with("//")
        || (text.contains('/') && host.contains(['.', ':']) && !host.starts_with('.'))
        || text.starts_with("www.");
    if is_host {
        let rest = shown.trim_start_matches('/');
        return Unsuitable::certain(format!(
            "{shown:?} has no scheme; write https://{rest} if it is a URL"
        ));
    }
    let is_base64 = text.len() > 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    if text.contains(['.', '/', '\\']) && !is_base64 {
        return Unsuitable::certain(format!(
            "{shown:?} names a file of this machine, which the service cannot read; send the file inline, or give a URL"
        ));
    }
    Unsuitable::likely(format!(
        "{shown:?} is neither a URL nor base64 text of an image, video or audio file; give an https URL, or send a file \
         inline"
    ))
}

/// The scheme of a URI in lower case, and the text after its colon; `None` for a host with a port.
fn scheme(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_host = scheme.contains('.') || scheme.eq_ignore_ascii_case("localhost");
    if is_host && rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    is_scheme.then(|| (scheme.to_ascii_lowercase(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message, and whether it is certain.
    fn judged(text: &str, expected: Option<Kind>) -> Option<(String, bool)> {
        unsuitable(text, expected).map(|found| (found.message, found.is_certain))
    }

    const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAkAAAAQCAYAAAA=";

    #[test]
    fn usable_url_and_inline_data_pass() {
        let data = format!("data:image/png;base64,{PNG}");
        for text in [
            "https://example.com/a.png",
            "HTTPS://cdn.example.com:8443/a%20b.png?sig=x%2B#f",
            "http://93.184.216.34/a.png",
            "https://[2606:4700::1]/a",
            "https://xn--bcher-kva.example.org/a.png",
            "https://example.com/clip.mp4.png",
            &data,
            &data.replace("image/png", "IMAGE/PNG"),
            &data.replace(";base64", ";name=a.png;base64"),
            PNG,
            "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'/%3E",
            "data:video/x-newest;base64,AAECAwQF",
        ] {
            assert_eq!(
                judged(text, Some(Kind::Image)).filter(|_| !text.contains("x-newest")),
                None,
                "{text}"
            );
        }
    }

    #[test]
    fn text_that_a_service_cannot_fetch_is_certainly_unsuitable() {
        for (text, part) in [
            ("", "is empty"),
            (" \n", "is empty"),
            ("blob:https://example.com/0f8a", "blob:"),
            ("BLOB:null/0f8a", "blob:"),
            ("blob:1", "blob:"),
            ("filesystem:https://example.com/t/a.png", "filesystem:"),
            ("file:///home/me/a.png", "a file of this machine"),
            ("FILE:a.png", "a file of this machine"),
            ("about:blank", "about:"),
            ("chrome-extension://abc/a.png", "chrome-extension:"),
            ("moz-extension://abc/a.png", "moz-extension:"),
            ("javascript:void(0)", "javascript:"),
            ("content://media/external/1", "content:"),
            (r"C:\a.png", "a file of this machine"),
            ("d:/clips/a.mp4", "a file of this machine"),
            (r"\\server\share\a.png", "a file of this machine"),
            ("./a.png", "a file of this machine"),
            ("/home/me/a.png", "a file of this machine"),
            ("cat.png", "a file of this machine"),
            ("www.example.com/a.png", "https://www.example.com/a.png"),
            ("//example.com/a.png", "https://example.com/a.png"),
            ("example.com/a.png", "https://example.com/a.png"),
            ("example.com:8080/a.png", "https://example.com:8080/a.png"),
            ("localhost:3000/a.png", "https://localhost:3000/a.png"),
            ("https:///a.png", "has no host"),
            ("https:a.png", "has no host"),
            ("http://", "has no host"),
            ("https://example.com/a b.png", "%20"),
            ("data:image/png;base64,", "has no data"),
            ("data:image/png;base64,%3D", "not base64"),
            ("data:,", "no data"),
            ("data:image/png;base64", "no comma"),
            (
                "data:image/png;base64,data:image/png;base64,iVBORw0KGgo=",
                "twice",
            ),
            (
                "data:image/png;base64,DATA:image/png;base64,iVBORw0KGgo=",
                "twice",
            ),
            (
                "data:image/png;base64,https://example.com/a.png",
                "not base64",
            ),
            ("data:image/png;base64,iVBORw0KGgo*", "not base64"),
            ("data:image/png;base64,[object Object]", "not base64"),
        ] {
            let (message, is_certain) = judged(text, None).unwrap_or_else(|| panic!("{text}"));
            assert!(message.contains(part), "{text}: {message}");
            assert!(is_certain, "{text}: {message}");
        }
    }

    #[test]
    fn url_that_a_service_probably_cannot_fetch_is_likely_unsuitable() {
        for (text, part) in [
            ("http://localhost/a.png", "localhost"),
            ("http://localhost:3000/a.png", "localhost"),
            ("http://app.localhost/a.png", "app.localhost"),
            ("https://127.0.0.1:8080/a.png", "127.0.0.1"),
            ("http://127.1/a.png", "127.0.0.1"),
            ("http://0.0.0.0/a.png", "0.0.0.0"),
            ("http://192.168.1.20/a.png", "192.168.1.20"),
            ("http://10.0.0.8/a.png", "10.0.0.8"),
            ("http://172.17.0.2/a.png", "172.17.0.2"),
            ("http://169.254.169.254/latest", "169.254.169.254"),
            ("http://100.100.1.1/a.png", "100.100.1.1"),
            ("http://[::1]/a.png", "[::1]"),
            ("http://[fd00::5]/a.png", "[fd00::5]"),
            (
                "http://[::ffff:192.168.0.1]/a.png",
                "not on the public internet",
            ),
            ("https://minio:9000/bucket/a.png", "minio"),
            ("https://printer.local/a.png", "printer.local"),
            ("https://host.docker.internal/a.png", "host.docker.internal"),
            ("https://nas.lan/a.png", "nas.lan"),
            ("https://nas.home.arpa/a.png", "nas.home.arpa"),
            ("https://svc.test/a.png", "svc.test"),
            ("https://x.onion/a.png", "x.onion"),
            ("ftp://example.com/a.png", "ftp:"),
            ("s3://bucket/a.png", "s3:"),
            ("gs://bucket/a.png", "gs:"),
            ("ipfs://bafy/a.png", "ipfs:"),
            ("lighthouse", "neither a URL"),
            ("AAAA/BBB".repeat(20).as_str(), "neither a URL"),
        ] {
            let (message, is_certain) = judged(text, None).unwrap_or_else(|| panic!("{text}"));
            assert!(message.contains(part), "{text}: {message}");
            assert!(!is_certain, "{text}: {message}");
        }
    }

    #[test]
    fn media_of_another_kind_than_the_property_takes_is_unsuitable() {
        let data = format!("data:image/png;base64,{PNG}");
        let mp4 = "data:video/mp4;base64,AAAAHGZ0eXBpc29tAAACAGlzb21pc28yYXZjMQ==";
        for (text, expected, part, is_certain) in [
            (data.as_str(), Kind::Video, "image/png", true),
            (data.as_str(), Kind::Audio, "image/png", true),
            (mp4, Kind::Image, "video/mp4", true),
            (PNG, Kind::Video, "image/png", true),
            (
                "https://example.com/a.mp4?x=a.png",
                Kind::Image,
                ".mp4",
                false,
            ),
            ("https://example.com/a.PNG", Kind::Video, ".png", false),
            ("https://example.com/a.mp3#t=1", Kind::Image, ".mp3", false),
        ] {
            let (message, certain) =
                judged(text, Some(expected)).unwrap_or_else(|| panic!("{text}"));
            assert!(
                message.contains(part) && message.contains(expected.noun()),
                "{message}"
            );
            assert_eq!(certain, is_certain, "{text}: {message}");
            assert_eq!(judged(text, None), None, "{text}");
        }
        // The extension does not show whether a container has only audio, and a service may use the audio of a video.
        assert_eq!(judged("https://example.com/a.mp4", Some(Kind::Audio)), None);
        assert_eq!(judged("https://example.com/a.ogg", Some(Kind::Video)), None);
    }

    #[test]
    fn inline_data_of_another_type_than_stated_is_unsuitable() {
        for (text, part) in [
            (
                format!("data:image/jpeg;base64,{PNG}"),
                "is image/png by its content",
            ),
            (format!("data:;base64,{PNG}"), "data:image/png;base64,"),
            (format!("data:base64,{PNG}"), ";base64,"),
            (
                format!("data:application/octet-stream;base64,{PNG}"),
                "image/png",
            ),
            (format!("data:image/png,{PNG}"), ";base64"),
            (
                "data:image/png;base64,aGVsbG8gd29ybGQ=".into(),
                "not image/png by their content",
            ),
            (
                "data:video/mp4;base64,AAECAwQFBgcICQ==".into(),
                "not video/mp4 by their content",
            ),
            (
                format!("data:image/png;base64,{}", &PNG[..PNG.len() - 1]),
                "padding",
            ),
            ("data:image/png;base64,iVBORw0KGgo_".into(), "URL-safe"),
            (
                format!("data:image/png;base64,{PNG}").replace('=', "%3D"),
                "percent escapes",
            ),
            (
                "data:image/png;base64,iVBORw0K\nGgoAAAAN".into(),
                "line break",
            ),
            ("data:text/html;base64,PGI+aGk8L2I+".into(), "text/html"),
        ] {
            let (message, _) = judged(&text, None).unwrap_or_else(|| panic!("{text}"));
            assert!(message.contains(part), "{text}: {message}");
            assert!(!message.contains("iVBORw0"), "{message}");
        }
        for alias in [
            "image/jpg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD/2wBD",
            "audio/mp3;base64,SUQzBAAAAAAAAAAA",
            "audio/x-wav;base64,UklGRiQAAABXQVZFZm10IBAAAAA=",
            "video/quicktime;base64,AAAAHGZ0eXBpc29tAAACAGlzb21pc28yYXZjMQ==",
        ] {
            assert_eq!(judged(&format!("data:{alias}"), None), None, "{alias}");
        }
    }
}
