//! Redaction of URLs for errors and logs.

pub(crate) use aimlapi_video_contract::redacted;

/// Redacts a text that should be a URL but may be anything: the part before an `@` may be a password.
pub(crate) fn redacted_text(text: &str) -> String {
    let host = text.rsplit_once('@').map_or(text, |(_, host)| host);
    redacted(host)
}

/// Redacts every URL in a text.
pub(crate) fn redacted_urls(text: &str) -> String {
    aimlapi_video_contract::redacted_urls(text, "?…")
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
            // A query with a quote in it ends within a text at the quote.
            (
                "see https://h.example/a?x=\"b\"&sig=secret ok",
                "see https://h.example/a?…\"b\"?… ok",
            ),
            ("rock&design & x=1", "rock&design & x=1"),
            // A text that is one URL, whose query may have quotes.
            (
                "https://u:p@h.example/a?x=attachment;filename*=UTF-8''c\"a\".png&sig=1 ",
                "https://h.example/a?… ",
            ),
            (
                r#"https:\/\/h.example\/a?x="b"&sig=1"#,
                r"https:\/\/h.example\/a?…",
            ),
            (
                "see,https://h.example/a?x=1\"&y=2",
                "see,https://h.example/a?…\"&y=2",
            ),
            (
                r#"https://h.example/a"},{"url":"https://u:p@b.example/x"#,
                r#"https://h.example/a"},{"url":"https://b.example/x"#,
            ),
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
