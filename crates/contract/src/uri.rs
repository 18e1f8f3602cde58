//! The violation of a text that is not a URI.

use crate::{Violation, redacted};

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
