//! How a command ends when it does not end well: one clear line, the exit code, and the way back.

use std::{error::Error as _, process::ExitCode};

use aimlapi_video::{Error, ErrorKind, Generation, GenerationHandle, Route, Saved, ServiceError};
use serde_json::{Value, json};

use crate::output::{answer, note};

/// A command that did not end well.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) message: String,
    pub(crate) handle: Option<Box<GenerationHandle>>,
    /// The beginning of an answer that may hold what was bought.
    pub(crate) answer: Option<Box<ServiceError>>,
    /// The last answer of a wait.
    pub(crate) last_answer: Option<Box<Generation>>,
    /// Videos that were saved although another one was not.
    pub(crate) saved: Vec<Saved>,
}

pub(crate) const USAGE: u8 = 2;
pub(crate) const FAILED: u8 = 3;
pub(crate) const UNSEEN: u8 = 4;
pub(crate) const SERVICE: u8 = 5;
pub(crate) const AMBIGUOUS: u8 = 6;
pub(crate) const UNSAVED: u8 = 7;
pub(crate) const INTERRUPTED: u8 = 130;

impl Failure {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            handle: None,
            answer: None,
            last_answer: None,
            saved: Vec::new(),
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }

    pub(crate) fn about(self, handle: &GenerationHandle) -> Self {
        Self {
            handle: Some(Box::new(handle.clone())),
            ..self
        }
    }

    /// A failure before there was a generation.
    pub(crate) fn creating(error: &Error) -> Self {
        let service = error.service();
        let code = match error.kind() {
            ErrorKind::AmbiguousCreate => AMBIGUOUS,
            ErrorKind::Unreachable | ErrorKind::MissingRootCertificates => SERVICE,
            // What the service calls a bad request is one, whether or not its document says so.
            ErrorKind::Refused
                if service.is_some_and(|service| matches!(service.status, 400 | 413 | 422)) =>
            {
                USAGE
            }
            ErrorKind::Refused => SERVICE,
            _ => USAGE,
        };
        let message = match error.kind() {
            ErrorKind::Unreachable => unheard(error),
            _ => line(error),
        };
        let answer = service.filter(|service| {
            let is_there = !service.body.trim().is_empty();
            code == AMBIGUOUS && is_there
        });
        Self {
            answer: answer.cloned().map(Box::new),
            ..Self::new(code, message)
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
            last_answer: error.last_answer().cloned().map(Box::new),
            ..Self::new(code, line(error)).about(error.handle().unwrap_or(handle))
        }
    }

    /// A failure of a wait for what was created before: where the first poll is refused, or none is answered, nothing is
    /// known to exist.
    pub(crate) fn resuming(error: &Error, handle: &GenerationHandle) -> Self {
        let refused_at_once = error.polls() == Some(1) && error.service().is_some();
        match error.kind() {
            ErrorKind::Configuration => Self::usage(line(error)),
            ErrorKind::PollingLost if refused_at_once => Self::new(SERVICE, line(error)),
            _ if error.answered() == Some(0) => Self::new(SERVICE, unheard(error)),
            _ => Self::waiting(error, handle),
        }
    }

    pub(crate) fn saving(error: &Error, handle: &GenerationHandle) -> Self {
        let saved = error.saved().to_vec();
        Self {
            saved,
            ..Self::new(UNSAVED, unsaved(error)).about(handle)
        }
    }

    /// Prints what happened on standard error and, where one JSON object was asked for, on standard output.
    pub(crate) fn report(&self, json: bool, resume: Option<&str>) -> ExitCode {
        for file in &self.saved {
            note(format!(
                "saved {} ({} bytes)",
                file.path.display(),
                file.bytes
            ));
        }
        note(format!("error: {}", self.message));
        if let Some(answer) = &self.answer {
            note(format!("the answer began: {}", answer.excerpt(400)));
        }
        if let Some(resume) = resume {
            note(format!("resume with: {resume}"));
        }
        if json {
            // Where it cannot be written, standard error has said it.
            let _ = answer(self.object(resume).to_string());
        }
        ExitCode::from(self.code)
    }

    /// What the service answered: the whole JSON of a wait's last answer, or the text of one that cannot be read.
    pub(crate) fn answer(&self) -> Option<Value> {
        let text = self
            .answer
            .as_ref()
            .map(|answer| answer.body.as_str().into());
        let json = || self.last_answer.as_ref().map(|last| last.as_json().clone());
        text.or_else(json)
    }

    fn object(&self, resume: Option<&str>) -> Value {
        let mut object = json!({ "error": { "message": self.message, "exit_code": self.code } });
        if let Some(handle) = &self.handle {
            object["handle"] = serde_json::to_value(handle).unwrap_or(Value::Null);
        }
        if let Some(answer) = self.answer() {
            object["answer"] = answer;
        }
        if !self.saved.is_empty() {
            let entry = |file: &Saved| json!({ "path": file.path, "bytes": file.bytes });
            object["videos"] = self.saved.iter().map(entry).collect();
        }
        if let Some(resume) = resume {
            object["resume"] = resume.into();
        }
        object
    }
}

/// The command that comes back to a generation.
pub(crate) fn resume(handle: &GenerationHandle, output: Option<&str>, overwrite: bool) -> String {
    let mut command = String::from("aimlapi-video wait");
    if handle.route() == Route::LegacyKling {
        command.push_str(" --legacy");
    }
    if let Some(output) = output {
        command.push_str(&format!(" -o {}", path_word(output)));
    }
    if overwrite {
        command.push_str(" --overwrite");
    }
    // Ids may begin with a dash.
    let dashes = if handle.id().starts_with('-') {
        "-- "
    } else {
        ""
    };
    format!("{command} {dashes}{}", quoted(handle.id()))
}

/// The line of an error that says that no answer came, and where to look.
pub(crate) fn unheard(error: &Error) -> String {
    if error.kind() == ErrorKind::MissingRootCertificates {
        return line(error);
    }
    let line = line(error);
    // The words of rustls for a certificate that no known root vouches for.
    let advice = match line.contains("UnknownIssuer") {
        true => {
            "if a private authority has issued the certificate, name a PEM file with its root certificate in SSL_CERT_FILE"
        }
        false => "look at the network, the proxy and AIML_API_BASE",
    };
    format!("{line}; {advice}")
}

/// The line of an error of a download, which names a setting of the library.
pub(crate) fn unsaved(error: &Error) -> String {
    line(error).replace("`allow_truncated`", "--allow-truncated")
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

/// The path as one word of a shell that is no option.
pub(crate) fn path_word(path: &str) -> String {
    match path.starts_with('-') {
        true => quoted(&format!("./{path}")),
        false => quoted(path),
    }
}

/// The text as one word of a shell.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
