//! How a command ends when it does not end well: one clear line, the exit code, and the way back.

use std::{error::Error as _, process::ExitCode};

use aimlapi_video::{Error, ErrorKind, GenerationHandle, Route};
use serde_json::{Value, json};

/// A command that did not end well.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) message: String,
    pub(crate) handle: Option<Box<GenerationHandle>>,
}

pub(crate) const USAGE: u8 = 2;
pub(crate) const FAILED: u8 = 3;
pub(crate) const UNSEEN: u8 = 4;
pub(crate) const SERVICE: u8 = 5;
pub(crate) const AMBIGUOUS: u8 = 6;
pub(crate) const UNSAVED: u8 = 7;
pub(crate) const INTERRUPTED: u8 = 130;

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            code: USAGE,
            message: message.into(),
            handle: None,
        }
    }

    /// A failure before there was a generation.
    pub(crate) fn creating(error: &Error) -> Self {
        let code = match error.kind() {
            ErrorKind::AmbiguousCreate => AMBIGUOUS,
            ErrorKind::Unreachable => SERVICE,
            // What the service calls a bad request is one, whether or not its document says so.
            ErrorKind::Refused
                if error
                    .service()
                    .is_some_and(|service| matches!(service.status, 400 | 413 | 422)) =>
            {
                USAGE
            }
            ErrorKind::Refused => SERVICE,
            _ => USAGE,
        };
        Self {
            code,
            message: line(error),
            handle: None,
        }
    }

    /// A failure of a wait for what this very command created.
    pub(crate) fn waiting(error: &Error, handle: &GenerationHandle) -> Self {
        let code = match error.kind() {
            ErrorKind::GenerationFailed => FAILED,
            ErrorKind::MissingVideo => UNSAVED,
            _ => UNSEEN,
        };
        Self {
            code,
            message: line(error),
            handle: Some(Box::new(error.handle().unwrap_or(handle).clone())),
        }
    }

    /// A failure of a wait for what was created before: a first poll that is refused means that nothing is known to exist.
    pub(crate) fn resuming(error: &Error, handle: &GenerationHandle) -> Self {
        let mut failure = Self::waiting(error, handle);
        let unknown = match error.kind() {
            ErrorKind::Configuration => Some(USAGE),
            ErrorKind::Refused if error.polls() == Some(1) => Some(SERVICE),
            _ if error.last_answer().is_none() && was_unreachable(error) => Some(SERVICE),
            _ => None,
        };
        if let Some(code) = unknown {
            failure.code = code;
            failure.handle = None;
        }
        failure
    }

    pub(crate) fn saving(error: &Error, handle: &GenerationHandle) -> Self {
        Self {
            code: UNSAVED,
            message: line(error),
            handle: Some(Box::new(handle.clone())),
        }
    }

    /// Prints what happened on standard error and, where one JSON object was asked for, on standard output.
    pub(crate) fn report(&self, json: bool, resume: Option<&str>) -> ExitCode {
        eprintln!("error: {}", self.message);
        if let Some(resume) = resume {
            eprintln!("resume with: {resume}");
        }
        if json {
            let mut object =
                json!({ "error": { "message": self.message, "exit_code": self.code } });
            if let Some(handle) = &self.handle {
                object["handle"] = serde_json::to_value(handle).unwrap_or(Value::Null);
            }
            if let Some(resume) = resume {
                object["resume"] = resume.into();
            }
            println!("{object}");
        }
        ExitCode::from(self.code)
    }
}

/// The command that comes back to a generation.
pub(crate) fn resume(handle: &GenerationHandle, output: Option<&std::path::Path>) -> String {
    let mut command = String::from("aimlapi-video wait");
    if handle.route() == Route::LegacyKling {
        command.push_str(" --legacy");
    }
    if let Some(output) = output {
        command.push_str(&format!(" -o {}", quoted(&output.display().to_string())));
    }
    // Ids may begin with a dash.
    let dashes = if handle.id().starts_with('-') {
        "-- "
    } else {
        ""
    };
    format!("{command} {dashes}{}", quoted(handle.id()))
}

/// The error and its causes, in one line.
pub(crate) fn line(error: &Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        // Each level says its own; some libraries repeat the one below.
        if !line.contains(&text) {
            line.push_str(&format!(": {text}"));
        }
        cause = next.source();
    }
    line.replace(['\n', '\r'], " ")
}

fn was_unreachable(error: &Error) -> bool {
    let mut cause = Some(error as &(dyn std::error::Error + 'static));
    while let Some(next) = cause {
        if next
            .downcast_ref::<Error>()
            .is_some_and(|error| error.kind() == ErrorKind::Unreachable)
        {
            return true;
        }
        cause = next.source();
    }
    false
}

/// The text as one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
