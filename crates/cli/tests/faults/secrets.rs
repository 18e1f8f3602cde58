//! What must show nowhere, and who looks for it.

use std::{error::Error as _, fmt::Write};

use aimlapi_video::Error;

use crate::support::KEY;

/// A part of every signed link of these tests.
pub const SIGNATURE: &str = "signature-4712";

/// The password in links that have a user.
pub const PASSWORD: &str = "password-4713";

/// Everything that an error says of itself.
pub fn told(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n");
    let mut cause = error.source();
    while let Some(next) = cause {
        let _ = writeln!(text, "{next}\n{next:?}");
        cause = next.source();
    }
    if let Some(service) = error.service() {
        let _ = writeln!(text, "{service} {service:?} {}", service.excerpt(9999));
        let (code, message) = (&service.code, &service.message);
        let _ = writeln!(text, "{code:?} {message:?} {:?}", service.request_id);
        // An answer of success is kept with its links, for they may be all there is of what was bought.
        let body = service.body.replace(SIGNATURE, "").replace(PASSWORD, "");
        let whole = if service.status < 300 {
            &body
        } else {
            &service.body
        };
        let _ = writeln!(text, "{whole}");
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

/// Which secret is in a text, if one is.
pub fn found_in(text: &str) -> Option<String> {
    let encoded = KEY.replace('-', "%2D");
    let secrets = [KEY, &encoded, SIGNATURE, PASSWORD];
    let secret = secrets.into_iter().find(|secret| text.contains(secret))?;
    Some(format!("{secret} is in {text}"))
}

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

    /// Everything that any crate traces is kept from here on.
    pub fn listen() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            tracing_subscriber::fmt()
                .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
                .with_ansi(false)
                .with_writer(|| Traced)
                .init();
        });
    }

    pub fn assert_none_traced() {
        let traced = TRACED.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&traced);
        let wrong = text.lines().find_map(super::found_in);
        assert_eq!(wrong, None);
    }
}

pub use traced::{assert_none_traced, listen};
