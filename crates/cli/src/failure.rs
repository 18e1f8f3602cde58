//! Failed commands: the error text, the exit code, and the command that resumes the generation.

use std::{error::Error as _, path::PathBuf, process::ExitCode};

use aimlapi_video::{
    Error, ErrorKind, Generation, GenerationHandle, Route, Saved, ServiceError, Violation,
};
use serde_json::{Value, json};

use crate::{
    cost::Cost,
    output::{print_note, write_line},
};

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) kind: Kind,
    pub(crate) message: String,
    /// The violations of documents, as `validate` prints them.
    pub(crate) violations: Vec<Value>,
    pub(crate) handle: Option<Box<GenerationHandle>>,
    /// A response to a create that cannot be read, and that may contain the id of a billed generation.
    pub(crate) create_response: Option<Box<ServiceError>>,
    /// The last response of a wait.
    pub(crate) last_response: Option<Box<Generation>>,
    /// The videos that are saved all the same, each with its size.
    pub(crate) saved: Vec<(PathBuf, u64)>,
}

/// The kind of a failure. Its name in JSON is stable; the guide lists the names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Usage,
    WarningsDenied,
    MaxUsd,
    Interrupted,
    ExecFailed,
    Library(ErrorKind),
}

impl Kind {
    /// `InvalidRequest` as `invalid_request`.
    fn name(self) -> String {
        let name = match self {
            Self::Library(kind) => format!("{kind:?}"),
            own => format!("{own:?}"),
        };
        let mut snake = String::new();
        for c in name.chars() {
            if c.is_ascii_uppercase() && !snake.is_empty() {
                snake.push('_');
            }
            snake.push(c.to_ascii_lowercase());
        }
        snake
    }
}

/// Bad request or usage; nothing was created.
pub(crate) const USAGE: u8 = 2;
/// The generation failed.
pub(crate) const FAILED: u8 = 3;
/// The generation exists and may still complete; resumable.
pub(crate) const UNFINISHED: u8 = 4;
/// Service or network failure; this command created nothing.
pub(crate) const SERVICE: u8 = 5;
/// The create may have been accepted.
pub(crate) const AMBIGUOUS: u8 = 6;
/// The generation completed, but its video could not be saved; resumable.
pub(crate) const NOT_SAVED: u8 = 7;
/// The video is saved, but the program of `--exec` failed.
pub(crate) const EXEC_FAILED: u8 = 8;
pub(crate) const INTERRUPTED: u8 = 130;

impl Failure {
    pub(crate) fn new(code: u8, kind: Kind, message: impl Into<String>) -> Self {
        Self {
            code,
            kind,
            message: message.into(),
            violations: Vec::new(),
            handle: None,
            create_response: None,
            last_response: None,
            saved: Vec::new(),
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, Kind::Usage, message)
    }

    /// A request with warnings, after `--deny-warnings`.
    pub(crate) fn denied(warnings: &str) -> Self {
        let message = format!("nothing was created, as --deny-warnings asks: {warnings}");
        Self::new(USAGE, Kind::WarningsDenied, message)
    }

    pub(crate) fn interrupted(message: impl Into<String>) -> Self {
        Self::new(INTERRUPTED, Kind::Interrupted, message)
    }

    /// A failure with the kind and the violations of an error.
    pub(crate) fn of(error: &Error, code: u8, message: impl Into<String>) -> Self {
        Self {
            violations: error.violations().iter().map(violation_json).collect(),
            ..Self::new(code, Kind::Library(error.kind()), message)
        }
    }

    /// A library's error as bad usage.
    pub(crate) fn unusable(error: &Error) -> Self {
        Self::of(error, USAGE, error_line(error))
    }

    /// Whether the create may have been accepted.
    pub(crate) fn is_ambiguous(&self) -> bool {
        self.kind == Kind::Library(ErrorKind::AmbiguousCreate)
    }

    /// Whether every video is saved, and a program of `--exec` has failed or was interrupted.
    pub(crate) fn is_of_exec(&self) -> bool {
        self.kind == Kind::ExecFailed
    }

    pub(crate) fn with_handle(self, handle: &GenerationHandle) -> Self {
        Self {
            handle: Some(Box::new(handle.clone())),
            ..self
        }
    }

    /// A failure before a generation exists.
    pub(crate) fn creating(error: &Error) -> Self {
        let service = error.service();
        let code = match error.kind() {
            ErrorKind::AmbiguousCreate => AMBIGUOUS,
            ErrorKind::Unreachable | ErrorKind::MissingRootCertificates => SERVICE,
            // These statuses mean a bad request, even where the model's document allows it.
            ErrorKind::Refused
                if service.is_some_and(|service| matches!(service.status, 400 | 413 | 422)) =>
            {
                USAGE
            }
            ErrorKind::Refused => SERVICE,
            _ => USAGE,
        };
        let message = match error.kind() {
            ErrorKind::Unreachable => unreachable_line(error),
            _ => refused_line(error),
        };
        let response =
            service.filter(|service| code == AMBIGUOUS && !service.body.trim().is_empty());
        Self {
            create_response: response.cloned().map(Box::new),
            ..Self::of(error, code, message)
        }
    }

    /// A failed wait for a generation that this command created.
    pub(crate) fn waiting(error: &Error, handle: &GenerationHandle) -> Self {
        let code = match error.kind() {
            ErrorKind::GenerationFailed => FAILED,
            ErrorKind::MissingVideo => NOT_SAVED,
            _ => UNFINISHED,
        };
        Self {
            last_response: error.last_answer().cloned().map(Box::new),
            ..Self::of(error, code, error_line(error)).with_handle(error.handle().unwrap_or(handle))
        }
    }

    /// A failed wait for a generation that was created earlier. If the service refuses the first poll, or answers none, the
    /// generation may not exist.
    pub(crate) fn resuming(error: &Error, handle: &GenerationHandle) -> Self {
        let refused_at_once = error.polls() == Some(1) && error.service().is_some();
        match error.kind() {
            ErrorKind::Configuration => Self::unusable(error),
            ErrorKind::PollingLost if refused_at_once => {
                Self::of(error, SERVICE, refused_line(error))
            }
            _ if error.answered() == Some(0) => Self::of(error, SERVICE, unreachable_line(error)),
            _ => Self::waiting(error, handle),
        }
    }

    /// A failed download.
    pub(crate) fn saving(error: &Error, handle: &GenerationHandle) -> Self {
        Self {
            saved: sizes(error.saved()),
            ..Self::of(error, NOT_SAVED, download_error_line(error)).with_handle(handle)
        }
    }

    /// Prints the failure on standard error and, with `--json`, as an object on standard output; returns the exit code.
    pub(crate) fn report(&self, json: bool, resume: Option<&str>) -> ExitCode {
        // Without --json, the result before --exec names them.
        let saved = self.saved.iter().filter(|_| json || !self.is_of_exec());
        for (path, bytes) in saved {
            print_note(format!("saved {} ({bytes} bytes)", path.display()));
        }
        print_note(format!("error: {}", self.message));
        if let Some(response) = &self.create_response {
            print_note(format!("the response began: {}", response.excerpt(400)));
        }
        if let Some(resume) = resume {
            print_note(format!("resume with: {resume}"));
        }
        if json {
            self.print_json(resume);
        }
        ExitCode::from(self.code)
    }

    /// Prints the failure as JSON on standard output. If this write fails, standard error has the failure all the same.
    pub(crate) fn print_json(&self, resume: Option<&str>) {
        let _ = write_line(self.json(resume).to_string());
    }

    /// The response of the service: the JSON of a wait's last response, or the text of one that cannot be read.
    pub(crate) fn response(&self) -> Option<Value> {
        let text = self.create_response.as_ref();
        let text = text.map(|response| response.body.as_str().into());
        let json = || {
            self.last_response
                .as_ref()
                .map(|last| last.as_json().clone())
        };
        text.or_else(json)
    }

    /// The error itself, without what the service sent.
    pub(crate) fn error_json(&self) -> Value {
        json!({
            "kind": self.kind.name(),
            "message": self.message,
            "exit_code": self.code,
            "violations": self.violations,
        })
    }

    /// What the generation cost, if the service stated it.
    pub(crate) fn cost(&self, handle: Option<&GenerationHandle>) -> Cost {
        Cost::of(self.last_response.as_deref(), handle)
    }

    fn json(&self, resume: Option<&str>) -> Value {
        let mut object = json!({ "error": self.error_json() });
        self.cost(self.handle.as_deref()).add_to(&mut object);
        if let Some(handle) = &self.handle {
            object["handle"] = serde_json::to_value(handle).unwrap_or(Value::Null);
        }
        if let Some(response) = self.response() {
            object["answer"] = response;
        }
        if !self.saved.is_empty() {
            let entry = |(path, bytes): &(PathBuf, u64)| json!({ "path": path, "bytes": bytes });
            object["videos"] = self.saved.iter().map(entry).collect();
        }
        if let Some(resume) = resume {
            object["resume"] = resume.into();
        }
        object
    }
}

/// The path and the size of each video.
pub(crate) fn sizes(saved: &[Saved]) -> Vec<(PathBuf, u64)> {
    let size = |file: &Saved| (file.path.clone(), file.bytes);
    saved.iter().map(size).collect()
}

pub(crate) fn violation_json(violation: &Violation) -> Value {
    let mut entry = json!({
        "pointer": violation.pointer,
        "allowed": violation.allowed,
        "keyword": violation.keyword,
    });
    if let Some(given) = &violation.given {
        entry["given"] = given.clone();
    }
    entry
}

/// The command that waits for a generation again.
pub(crate) fn resume_command(
    handle: &GenerationHandle,
    output: Option<&str>,
    overwrite: bool,
) -> String {
    let mut command = String::from("aimlapi-video wait");
    if handle.route() == Route::LegacyKling {
        command.push_str(" --legacy");
    }
    if let Some(output) = output {
        command.push_str(&format!(" -o {}", shell_path(output)));
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
    format!("{command} {dashes}{}", shell_quoted(handle.id()))
}

/// The error text of a service that does not respond, with what to check.
pub(crate) fn unreachable_line(error: &Error) -> String {
    if error.kind() == ErrorKind::MissingRootCertificates {
        return error_line(error);
    }
    let line = error_line(error);
    // rustls names a certificate without a trusted root so.
    let advice = match line.contains("UnknownIssuer") {
        true => {
            "if a private authority has issued the certificate, name a PEM file with its root certificate in SSL_CERT_FILE"
        }
        false => "check the network, the proxy and AIML_API_BASE",
    };
    format!("{line}; {advice}")
}

/// The error text of a response that refuses a request, with what to check if it refuses the key.
fn refused_line(error: &Error) -> String {
    let line = error_line(error);
    match error.service().is_some_and(|service| service.status == 401) {
        true => line + "; check AIML_API_KEY",
        false => line,
    }
}

/// The error text of a download; the library's setting in it becomes the command line's option.
pub(crate) fn download_error_line(error: &Error) -> String {
    error_line(error).replace("`allow_truncated`", "--allow-truncated")
}

/// The error and its causes in one line.
pub(crate) fn error_line(error: &Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        // Some libraries repeat the message of the cause.
        if !line.contains(&text) {
            line.push_str(&format!(": {text}"));
        }
        cause = next.source();
    }
    line.replace(['\n', '\r'], " ")
}

/// The path as one word of a shell, not to be read as an option.
pub(crate) fn shell_path(path: &str) -> String {
    match path.starts_with('-') {
        true => shell_quoted(&format!("./{path}")),
        false => shell_quoted(path),
    }
}

/// The text as one word of a shell.
pub(crate) fn shell_quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
