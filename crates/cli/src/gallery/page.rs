//! The HTML of the page.

use std::{path::Path, time::SystemTime};

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac_sha256::Hash;
use serde::Serialize;

use super::cards::Card;

/// A batch that has not ended.
#[derive(Debug, Serialize)]
pub(crate) struct Running {
    /// The number of its requests.
    pub(crate) total: usize,
    /// The number of those that have ended.
    pub(crate) ended: usize,
}

#[derive(Serialize)]
struct Data<'a> {
    folder: String,
    /// Milliseconds since 1970.
    written_at: u128,
    running: Option<&'a Running>,
    cards: &'a [Card],
}

const HEAD: &str = include_str!("head.html");
const BODY: &str = include_str!("body.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = concat!(
    include_str!("cards.js"),
    include_str!("compare.js"),
    include_str!("page.js"),
);

/// Returns the page of a folder.
pub(super) fn page(folder: &Path, cards: &[Card], running: Option<&Running>) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let data = Data {
        folder: folder
            .file_name()
            .map_or("/".into(), |name| name.to_string_lossy().into_owned()),
        written_at: now.unwrap_or_default().as_millis(),
        running,
        cards,
    };
    // Within the element only `<` could end it.
    let data = serde_json::json!(data).to_string().replace('<', "\\u003c");
    [
        HEAD,
        &format!(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n",
            policy()
        ),
        GENERATOR,
        "<style>",
        STYLE,
        "</style>\n",
        BODY,
        "<script type=\"application/json\" id=\"data\">",
        &data,
        "</script>\n<script type=\"module\">",
        SCRIPT,
        "</script>\n",
    ]
    .concat()
}

/// Whether a page was written by this program.
pub(super) fn is_own(page: &str) -> bool {
    page.contains(GENERATOR)
}

const GENERATOR: &str = "<meta name=\"generator\" content=\"aimlapi-video gallery\">\n";

/// Only the page's own script and style run, and only files beside it are loaded. `'self'` matches no file for browsers in which
/// each file has an origin of its own.
fn policy() -> String {
    let hash = |text: &str| BASE64_STANDARD.encode(Hash::hash(text.as_bytes()));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; media-src 'self' file:; img-src data:; \
         base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_without_data_is_small_and_its_parts_end_where_it_ends_them() {
        let page = page(Path::new("."), &[], None);
        assert!(page.len() < 200_000 && is_own(&page));
        assert_eq!(page.matches("</script").count(), 2);
        assert_eq!(page.matches("</style").count(), 1);
        assert!(!page.contains("<!--"));
    }
}
