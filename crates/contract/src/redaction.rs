//! The redaction of URLs for messages and records: query, fragment, user and inline data are removed, since each may hold a secret.

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

/// A text in which every URL is without its user, and has `cut` in place of query and fragment, also if JSON has escaped the URL's
/// slashes.
///
/// A URL within a text ends at a double quote or an angle bracket; in a text that is one URL, its query may have them.
///
/// ```
/// use aimlapi_video_contract::redacted_urls;
///
/// let text = "see https://user:pw@example.com/a.mp4?sig=1 again";
/// assert_eq!(redacted_urls(text, "?…"), "see https://example.com/a.mp4?… again");
/// ```
pub fn redacted_urls(text: &str, cut: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let is_url = is_url(text.trim());
    let next = |rest: &str| {
        let marks = ["://", r":\/\/"];
        let found = marks.map(|mark| rest.find(mark).map(|at| at + mark.len()));
        found.into_iter().flatten().min()
    };
    while let Some(begin) = next(rest) {
        let (before, url) = rest.split_at(begin);
        let word = url.find(char::is_whitespace).unwrap_or(url.len());
        let query = url.find(['?', '#']).unwrap_or(url.len());
        let quote = url.find(['"', '<', '>']);
        let quote = quote.filter(|quote| !is_url || *quote < query);
        let (url, after) = url.split_at(quote.map_or(word, |quote| quote.min(word)));
        let path = url.split(['?', '#']).next().unwrap_or_default();
        shown.push_str(before);
        shown.push_str(&without_user(path));
        if path.len() < url.len() {
            shown.push_str(cut);
        }
        rest = after;
    }
    shown.push_str(rest);
    without_signatures(&shown, cut)
}

/// Whether a text is one URL, also with escaped slashes.
fn is_url(text: &str) -> bool {
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.split_once(':').is_some_and(|(scheme, rest)| {
        !scheme.is_empty()
            && scheme.bytes().all(is_scheme)
            && (rest.starts_with("//") || rest.starts_with(r"\/\/"))
            && !rest.contains(char::is_whitespace)
    })
}

/// Removes the queries that hold a signature or a token, also from URLs without a scheme and from percent-encoded URLs.
fn without_signatures(text: &str, cut: &str) -> String {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>');
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_end) {
        let word = piece.trim_end_matches(is_end);
        let lower = word.to_ascii_lowercase();
        // A query with a quote in it goes on with `&`.
        let rest = lower.find('&').filter(|at| lower[*at..].contains('='));
        let marks = ["?", "%3f"];
        let query = marks.iter().filter_map(|mark| lower.find(mark));
        let secret = query.chain(rest).min().filter(|at| {
            let query = &lower[*at..];
            SECRETS.iter().any(|name| query.contains(name))
        });
        match secret {
            Some(at) => {
                shown.push_str(&word[..at]);
                shown.push_str(cut);
                shown.push_str(&piece[word.len()..]);
            }
            None => shown.push_str(piece),
        }
    }
    shown
}

/// Parts of the names of secret parameters.
const SECRETS: [&str; 9] = [
    "sig",
    "token",
    "credential",
    "policy",
    "accesskey",
    "secret",
    "password",
    "auth",
    "hmac",
];

/// `user:password@host/path` as `host/path`.
fn without_user(rest: &str) -> String {
    let end = rest.find(['/', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{host}{path}")
}
