//! The violation of a text that is not a URI, and the redaction of URLs in messages.

use crate::Violation;

/// The violation of a text that is not a URI. Its `allowed` also names the likely mistake, such as white space: the program
/// `base64` inserts line breaks.
pub fn not_a_uri(text: &str, allowed: &str) -> Violation {
    let hint = if text.contains(char::is_whitespace) {
        ", without white space in it"
    } else if !text.is_ascii() {
        ", with every non-ASCII character percent-encoded (%C3%A9 for é)"
    } else {
        ""
    };
    // Also an invalid URL may hold a signature.
    Violation::new(&redacted(text).into(), format!("{allowed}{hint}"), "format")
}

/// A URL without its query, fragment and user, or a data URI without its data.
///
/// ```
/// use aimlapi_video_contract::redacted;
///
/// assert_eq!(redacted("https://user:pw@example.com/a.mp4?sig=1"), "https://example.com/a.mp4?…");
/// assert_eq!(redacted("data:image/png;base64,AAAA"), "data:image/png;base64,…");
/// ```
pub fn redacted(url: &str) -> String {
    if url
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
    {
        let head = url.split(',').next().unwrap_or_default();
        return format!("{},…", head.chars().take(80).collect::<String>());
    }
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let (shown, is_cut) = (&url[..end], end < url.len());
    // `//host/path` may also have a user.
    let shown = match shown.split_once("//") {
        Some((scheme, rest)) => format!("{scheme}//{}", without_user(rest)),
        None => shown.to_owned(),
    };
    if is_cut {
        format!("{shown}?…")
    } else {
        shown
    }
}

/// `user:password@host/path` as `host/path`.
fn without_user(rest: &str) -> String {
    let end = rest.find(['/', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{host}{path}")
}
