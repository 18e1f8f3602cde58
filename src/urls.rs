//! Redaction of URLs for errors and logs: query, fragment, user and inline data are removed, since each may hold a secret.

pub(crate) use aimlapi_video_contract::redacted;

/// Redacts a text that should be a URL but may be anything: the part before an `@` may be a password.
pub(crate) fn redacted_text(text: &str) -> String {
    let host = text.rsplit_once('@').map_or(text, |(_, host)| host);
    redacted(host)
}

/// Redacts every URL in a text: query, fragment and user are removed, also if JSON has escaped the URL's slashes.
pub(crate) fn redacted_urls(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let next = |rest: &str| {
        let marks = ["://", r":\/\/"];
        let found = marks.map(|mark| rest.find(mark).map(|at| at + mark.len()));
        found.into_iter().flatten().min()
    };
    while let Some(begin) = next(rest) {
        let (before, url) = rest.split_at(begin);
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>');
        let (url, after) = url.split_at(url.find(ends).unwrap_or(url.len()));
        let path = url.split(['?', '#']).next().unwrap_or_default();
        shown.push_str(before);
        shown.push_str(&without_user(path));
        if path.len() < url.len() {
            shown.push_str("?…");
        }
        rest = after;
    }
    shown.push_str(rest);
    without_signatures(&shown)
}

/// Removes the queries that hold a signature or a token, also from URLs without a scheme and from percent-encoded URLs.
fn without_signatures(text: &str) -> String {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>');
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_end) {
        let word = piece.trim_end_matches(is_end);
        let lower = word.to_ascii_lowercase();
        let query = ["?", "%3f"]
            .iter()
            .filter_map(|mark| lower.find(mark))
            .min();
        let secret = query.filter(|at| {
            let query = &lower[*at..];
            SECRETS.iter().any(|name| query.contains(name))
        });
        match secret {
            Some(at) => {
                shown.push_str(&word[..at]);
                shown.push_str("?…");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_shown_without_user_query_and_data() {
        for (url, shown) in [
            (
                "https://u:p@h.example/a%2Fb?sig=1#f",
                "https://h.example/a%2Fb?…",
            ),
            ("//u:p@h.example/a", "//h.example/a"),
            ("/a/b?sig=1", "/a/b?…"),
            ("https://h.example", "https://h.example"),
            ("DATA:image/png;base64,AAAA", "DATA:image/png;base64,…"),
        ] {
            assert_eq!(redacted(url), shown);
        }
    }

    #[test]
    fn urls_within_a_text_are_redacted_and_the_rest_is_unchanged() {
        for (text, shown) in [
            ("no link? none at all", "no link? none at all"),
            (
                "see https://h.example/a?sig=1 and http://u:p@b.example.",
                "see https://h.example/a?… and http://b.example.",
            ),
            (
                r#"{"url":"https://h.example/a?x=1\u0026sig=2","n":1}"#,
                r#"{"url":"https://h.example/a?…","n":1}"#,
            ),
            (
                r#"{"url":"https:\/\/u:p@h.example\/a?sig=1"}"#,
                r#"{"url":"https:\/\/h.example\/a?…"}"#,
            ),
            ("://", "://"),
            // URLs without a scheme or percent-encoded, with a parameter whose name is that of a secret.
            (
                "at //h.example/a?X-Amz-Signature=1 or h.example/b?token=2, why?",
                "at //h.example/a?… or h.example/b?… why?",
            ),
            (
                "url=https%3A%2F%2Fh.example%2Fa%3FSig%3D1",
                "url=https%3A%2F%2Fh.example%2Fa?…",
            ),
            (
                "which one?the design=new one",
                "which one?the design=new one",
            ),
            (
                "<a href='https://h.example/?sig=1'>it</a>",
                "<a href='https://h.example/?…>it</a>",
            ),
        ] {
            assert_eq!(redacted_urls(text), shown);
        }
    }
}
