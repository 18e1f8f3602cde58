//! The W3C trace context of the submitter, by which the log of a worker names the trace that a job belongs to.

use super::output::note;

/// The value of the environment variable `TRACEPARENT`. A malformed one is ignored with a warning, since a job needs none.
pub(crate) fn from_env() -> Option<String> {
    let text = std::env::var_os("TRACEPARENT")?.into_string();
    match text {
        Ok(text) if is_valid(&text) => Some(text),
        _ => {
            note(
                "warning: TRACEPARENT is ignored, since it is no W3C trace context, such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            );
            None
        }
    }
}

/// Whether a text is `{version}-{trace}-{parent}-{flags}` in lower-case hexadecimal. Versions after 00 may append more.
fn is_valid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_hex = |part: &str, length| {
        let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        part.len() == length && part.bytes().all(is_digit)
    };
    let is_id = |part: &str, length| is_hex(part, length) && part.bytes().any(|byte| byte != b'0');
    match parts[..] {
        [version, trace, parent, flags, ref more @ ..] => {
            is_hex(version, 2)
                && version != "ff"
                && is_id(trace, 32)
                && is_id(parent, 16)
                && is_hex(flags, 2)
                && (more.is_empty() || version != "00")
                && text.len() <= MAX
        }
        _ => false,
    }
}

/// The context is in each input of a step, so a long one of a later version is ignored.
const MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn context_of_any_version_is_valid() {
        for text in [
            format!("00-{TRACE}-00f067aa0ba902b7-01"),
            format!("cc-{TRACE}-00f067aa0ba902b7-00-what-the-future-brings"),
        ] {
            assert!(is_valid(&text), "{text}");
        }
    }

    #[test]
    fn malformed_context_is_invalid() {
        for text in [
            String::new(),
            TRACE.into(),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("00-{TRACE}-00f067aa0ba902b-01"),
            format!("cc-{TRACE}-00f067aa0ba902b7-00-{}", "a".repeat(300)),
        ] {
            assert!(!is_valid(&text), "{text}");
        }
    }
}
