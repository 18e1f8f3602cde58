//! The secrets of these tests (key, signature, password), and the search for them in errors, texts and traces.

use std::{error::Error as _, fmt::Write};

use aimlapi_video::Error;

use crate::support::KEY;

/// The signature in every signed URL of these tests.
pub const SIGNATURE: &str = "signature-4712";

/// The password in URLs with a user.
pub const PASSWORD: &str = "password-4713";

/// Returns every text that an error provides: its formats, its sources, its response and its handle.
pub fn text_of(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n");
    let mut source = error.source();
    while let Some(next) = source {
        let _ = writeln!(text, "{next}\n{next:?}");
        source = next.source();
    }
    if let Some(service) = error.service() {
        let _ = writeln!(text, "{service} {service:?} {}", service.excerpt(9999));
        let (code, message) = (&service.code, &service.message);
        let _ = writeln!(text, "{code:?} {message:?} {:?}", service.request_id);
        // The body of a successful response keeps its URLs, which may be the only trace of a charged generation.
        let body = service.body.replace(SIGNATURE, "").replace(PASSWORD, "");
        let checked = if service.status < 300 {
            &body
        } else {
            &service.body
        };
        let _ = writeln!(text, "{checked}");
    }
    if let Some(handle) = error.handle() {
        let _ = writeln!(
            text,
            "{handle:?} {}",
            serde_json::to_string(handle).unwrap()
        );
    }
    let _ = writeln!(text, "{:?} {:?}", error.last_answer(), error.failure());
    text
}

/// Searches a text for a secret; returns a message if it contains one.
pub fn found_in(text: &str) -> Option<String> {
    let encoded = KEY.replace('-', "%2D");
    let secrets = [KEY, &encoded, SIGNATURE, PASSWORD];
    let secret = secrets.into_iter().find(|secret| text.contains(secret))?;
    Some(format!("{secret} is in {text}"))
}

/// Records the traces of all crates.
mod traced {
    use std::{
        io::{self, Write},
        sync::{Mutex, Once, PoisonError},
    };

    static TRACED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

    struct Traced;

    impl Write for Traced {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let mut traced = TRACED.lock().unwrap_or_else(PoisonError::into_inner);
            traced.extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Records every trace from now on.
    pub fn record_traces() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            tracing_subscriber::fmt()
                .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
                .with_ansi(false)
                .with_writer(|| Traced)
                .init();
        });
    }

    /// Asserts that no recorded trace contains a secret.
    pub fn assert_none_traced() {
        let traced = TRACED.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&traced);
        let found = text.lines().find_map(super::found_in);
        assert_eq!(found, None);
    }
}

pub use traced::{assert_none_traced, record_traces};
