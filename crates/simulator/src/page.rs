//! The page that `/_simulator/` shows in a browser: one HTML file with its style and script, for the simulator and the proxy.
//!
//! The page loads nothing else, which its Content-Security-Policy enforces. It polls `/_simulator/page/state`, and its actions
//! are the requests of other programs. What is below `/_simulator/page/` belongs to the page and changes with it.

pub(super) mod origin;
pub(super) mod simulator;

use std::sync::LazyLock;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

/// A macro, since `concat!` takes no constants.
macro_rules! style {
    () => {
        include_str!("page/page.css")
    };
}

macro_rules! script {
    () => {
        concat!(
            include_str!("page/base.js"),
            include_str!("page/generations.js"),
            include_str!("page/records.js"),
            include_str!("page/controls.js"),
            include_str!("page/poll.js"),
        )
    };
}

const STYLE: &str = style!();
const SCRIPT: &str = script!();
const PAGE: &str = concat!(
    include_str!("page/head.html"),
    "<style>",
    style!(),
    "</style>\n",
    include_str!("page/body.html"),
    "<script type=\"module\">",
    script!(),
    "</script>\n",
);

/// Only the page's own script and style run, only the server is connected to, and no text becomes HTML.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; media-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
});

/// Responds with the page to clients that prefer HTML to JSON.
pub(super) async fn negotiate(request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = match is_read && prefers_html(request.headers()) {
        true => page(),
        false => next.run(request).await,
    };
    let vary = HeaderValue::from_static("accept");
    response.headers_mut().append(header::VARY, vary);
    response
}

fn page() -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, Html(PAGE)).into_response()
}

/// Whether a client prefers `text/html` to `application/json` (RFC 9110, 12.5.1).
fn prefers_html(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).iter();
    let ranges: Vec<&str> = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    quality(&ranges, "text", "html") > quality(&ranges, "application", "json")
}

/// Returns the quality that the most specific media range gives a media type; 0 if no range includes it.
fn quality(ranges: &[&str], kind: &str, subtype: &str) -> f32 {
    let matches = ranges.iter().filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let (range_kind, range_subtype) = parts.next()?.split_once('/')?;
        let is = |range: &str, name: &str| range == "*" || range.eq_ignore_ascii_case(name);
        if !is(range_kind, kind) || !is(range_subtype, subtype) {
            return None;
        }
        let weight = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then_some(value)
        });
        let quality = weight.map_or(Some(1.0), |weight| weight.trim().parse().ok())?;
        Some((range_kind != "*", range_subtype != "*", quality))
    });
    let most_specific = matches.max_by_key(|(kind, subtype, _)| (*kind, *subtype));
    most_specific.map_or(0.0, |(_, _, quality)| quality)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_preferred_only_with_a_higher_quality_than_json() {
        for (accept, expected) in [
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
                true,
            ),
            ("text/html", true),
            ("TEXT/HTML; q=0.5", true),
            ("text/*, application/json;q=0.9", true),
            ("", false),
            ("*/*", false),
            ("application/json", false),
            ("application/json, text/html", false),
            ("text/html;q=0.3, application/*;q=0.4", false),
            ("text/html;q=0, */*;q=0.1", false),
            ("text/html;q=high", false),
            ("html", false),
        ] {
            let headers =
                HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(prefers_html(&headers), expected, "{accept}");
        }
    }

    #[test]
    fn script_and_style_end_where_the_page_ends_them() {
        assert!(!SCRIPT.contains("</script") && !SCRIPT.contains("<!--"));
        assert!(!STYLE.contains("</style"));
        assert!(PAGE.contains(&format!("<script type=\"module\">{SCRIPT}</script>")));
        assert!(PAGE.contains(&format!("<style>{STYLE}</style>")));
    }
}
