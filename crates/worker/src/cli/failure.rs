//! Failed commands: their lines and exit codes.

use std::{error::Error, process::ExitCode};

use aimlapi_video_worker::temporal::{jobs::JobError, protocol::STATE_ATTRIBUTE};
use temporalio_client::{
    errors::{
        ClientError, WorkflowInteractionError, WorkflowQueryError, WorkflowStartError,
        WorkflowUpdateError,
    },
    tonic::{Code, Status},
};

use super::output::note;

/// Bad request or usage.
pub(crate) const USAGE: u8 = 2;
/// A generation failed.
pub(crate) const FAILED: u8 = 3;
/// The engine or the store cannot be reached, or refuses the credentials.
pub(crate) const SERVICE: u8 = 5;
/// A create may have been accepted.
pub(crate) const AMBIGUOUS: u8 = 6;
/// A generation exists, or existed, and its video cannot be had.
pub(crate) const LOST: u8 = 7;
pub(crate) const INTERRUPTED: u8 = 130;

/// A failed command.
#[derive(Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    /// The errors, each in one line.
    pub(crate) lines: Vec<String>,
}

impl Failure {
    pub(crate) fn usage(line: impl Into<String>) -> Self {
        Self {
            code: USAGE,
            lines: vec![line.into()],
        }
    }

    pub(crate) fn service(line: impl Into<String>) -> Self {
        Self {
            code: SERVICE,
            lines: vec![line.into()],
        }
    }

    pub(crate) fn report(&self) -> ExitCode {
        for line in &self.lines {
            note(format!("error: {line}"));
        }
        ExitCode::from(self.code)
    }
}

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        let line = error_line(&error);
        let source = match error {
            JobError::Engine(source) => source,
            JobError::NotFound { key } => {
                return Self::usage(format!(
                    "there is no job `{key}` in this namespace; `jobs` lists those of this queue"
                ));
            }
            _ => return Self::usage(line),
        };
        let Some((call, status)) = status(&*source) else {
            return Self::service(format!("{line}; try again"));
        };
        let message = status.message();
        match (status.code(), call) {
            (Code::Cancelled | Code::DeadlineExceeded, Call::Worker) => Self::service(
                "no worker has answered in time; start a worker of this queue, and try again",
            ),
            (Code::InvalidArgument, _) if message.contains(STATE_ATTRIBUTE) => {
                Self::service(format!(
                    "the namespace knows no states of jobs, since no worker has run there; start one ({message})"
                ))
            }
            _ => refused(status),
        }
    }
}

/// A call that the engine has not completed.
pub(crate) fn refused(status: &Status) -> Failure {
    let message = match status.message() {
        "" => status.code().description(),
        message => message.trim_end_matches('.'),
    };
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => Failure::service(format!(
            "the engine refused the credentials: {message}; set TEMPORAL_API_KEY, or TEMPORAL_TLS_CLIENT_CERT_PATH and \
             TEMPORAL_TLS_CLIENT_KEY_PATH, to those of the namespace"
        )),
        Code::InvalidArgument => Failure::usage(format!(
            "the engine refused the call: {message}; correct this value"
        )),
        _ => Failure::service(format!(
            "the engine did not complete the call: {message}; try again"
        )),
    }
}

/// Who answers a call.
#[derive(Clone, Copy)]
enum Call {
    Engine,
    Worker,
}

/// The status of a failed call; the errors of the SDK do not have it as their source.
fn status<'a>(error: &'a (dyn Error + Send + Sync + 'static)) -> Option<(Call, &'a Status)> {
    if let Some(WorkflowQueryError::Rpc(status)) = error.downcast_ref() {
        return Some((Call::Worker, status));
    }
    if let Some(WorkflowUpdateError::Rpc(status)) = error.downcast_ref() {
        return Some((Call::Worker, status));
    }
    let status = match (
        error.downcast_ref(),
        error.downcast_ref(),
        error.downcast_ref(),
    ) {
        (Some(ClientError::Rpc(status)), _, _)
        | (_, Some(WorkflowStartError::Rpc(status)), _)
        | (_, _, Some(WorkflowInteractionError::Rpc(status))) => status,
        _ => return None,
    };
    Some((Call::Engine, status))
}

/// The error and its causes in one line.
pub(crate) fn error_line(error: &dyn Error) -> String {
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
