//! The error of this crate, and its kinds: each kind calls for a different reaction.
//!
//! [`Error`] is one boxed struct: the kind, a message, the cause, and what is known of the request, of the service's response
//! and of the wait.

use std::{error::Error as StdError, fmt, path::Path, time::Duration};

use crate::{Failure, Generation, GenerationHandle, Saved, Violation};

mod service;

pub use service::ServiceError;

/// The error of every fallible operation of this crate.
///
/// [`kind`](Self::kind) says how to react; the accessors return details. Once a generation exists, every error about the
/// generation carries its [`handle`](Self::handle). An error shows neither the key nor the query of a URL.
///
/// `Display` shows the error's own message without the cause, which is the [`source`](StdError::source). `Debug` shows the
/// message and the chain of causes, one a line, as `fn main() -> Result<(), Error>` prints an error.
///
/// ```no_run
/// use aimlapi_video::{Client, ErrorKind, GenerationRequest};
///
/// # async fn run(client: Client, request: GenerationRequest) -> Result<(), aimlapi_video::Error> {
/// match client.generate(request).await {
///     Ok(generation) => println!("{} videos", generation.videos().len()),
///     // Nothing was created.
///     Err(error) if error.is_invalid_request() => println!("to be corrected: {error}"),
///     Err(error) if error.is_out_of_credits() => println!("to be topped up: {error}"),
///     // The generation exists: a wait with its handle continues.
///     Err(error) if error.is_resumable() => println!("wait again: {:?}", error.handle()),
///     Err(error) => match error.kind() {
///         ErrorKind::AmbiguousCreate => println!("check the account's log first: {error}"),
///         _ => return Err(error),
///     },
/// }
/// # Ok(())
/// # }
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
    violations: Vec<Violation>,
    service: Option<ServiceError>,
    wait: Option<WaitState>,
    saved: Vec<Saved>,
}

/// The kind of an [`Error`]; each kind calls for a different reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request violates its document; nothing was sent. Correct the values that [`Error::violations`] lists.
    InvalidRequest,
    /// A file or bytes for a request cannot be used; nothing was sent. Give an image, video or audio file that is not too
    /// large.
    InvalidMedia,
    /// No API key was given; nothing was sent. Set `AIML_API_KEY`, or give one to the client's builder.
    MissingKey,
    /// The key, the base URL or another setting cannot be used, or a handle or a journal belongs to another service;
    /// nothing was sent. Correct the setting that the message names.
    Configuration,
    /// There are no root certificates to verify an https server with; nothing was sent to the server. Install the system's
    /// package `ca-certificates`, name a PEM file in `SSL_CERT_FILE`, or enable the feature `webpki-roots`, and build another
    /// client.
    MissingRootCertificates,
    /// The create did not reach the service. Nothing was created; retry when the network is available.
    Unreachable,
    /// The service refused the create. Nothing was created. [`Error::service`] holds the service's error. The predicates say how
    /// to react: [`is_auth`](Error::is_auth), [`is_out_of_credits`](Error::is_out_of_credits),
    /// [`is_rate_limited`](Error::is_rate_limited), [`is_invalid_request`](Error::is_invalid_request).
    Refused,
    /// The create may have been accepted and billed: its response was lost, could not be read, or was a server error.
    /// Do not repeat the create before you have checked the account's log.
    AmbiguousCreate,
    /// The generation ended without a video. [`Error::failure`] is the reason, if the [response](Error::last_answer) states
    /// one. Another wait changes nothing; create another generation, with another prompt if the prompt is the reason.
    GenerationFailed,
    /// The wait's deadline passed. The generation may still complete and be billed: wait again with the same handle.
    DeadlineExceeded,
    /// The generation's state could not be read: the service did not respond for too long, or refused the poll
    /// ([`Error::service`] holds its error). The generation may continue and be billed: wait again with the same handle.
    PollingLost,
    /// The generation is completed, but no response held a video. [`Error::last_answer`] is the last response; wait again
    /// later with the same handle, or show the response to the vendor.
    MissingVideo,
    /// The video could not be downloaded; the message says how its host responded. Wait again with the same handle for a
    /// fresh URL; the next download resumes the partial file if possible.
    Download,
    /// A file or an object in a store could not be written or read; the message names it. If it was for a generation,
    /// [`Error::handle`] is its handle.
    Io,
}

/// The state of a wait when it ended.
#[derive(Clone, Debug)]
pub(crate) struct WaitState {
    pub(crate) handle: GenerationHandle,
    pub(crate) last: Option<Generation>,
    pub(crate) elapsed: Duration,
    pub(crate) polls: u32,
    pub(crate) answered: u32,
    pub(crate) budget_delay: Duration,
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Every violation of the document by the request.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// The service's error, if the service refused a request.
    pub fn service(&self) -> Option<&ServiceError> {
        self.0.service.as_ref()
    }

    /// The handle of the generation that the error is about, if a generation exists. Store it to wait again.
    pub fn handle(&self) -> Option<&GenerationHandle> {
        self.0.wait.as_ref().map(|wait| &wait.handle)
    }

    /// The last response that the wait received.
    pub fn last_answer(&self) -> Option<&Generation> {
        self.0.wait.as_ref()?.last.as_ref()
    }

    /// Why the generation failed, in the service's words.
    pub fn failure(&self) -> Option<&Failure> {
        self.last_answer()?.failure()
    }

    /// The time from the start of the wait to the error.
    pub fn elapsed(&self) -> Option<Duration> {
        self.0.wait.as_ref().map(|wait| wait.elapsed)
    }

    /// The number of polls that the wait sent.
    pub fn polls(&self) -> Option<u32> {
        self.0.wait.as_ref().map(|wait| wait.polls)
    }

    /// The number of polls that got a response, of any status.
    pub fn answered(&self) -> Option<u32> {
        self.0.wait.as_ref().map(|wait| wait.answered)
    }

    /// How long the wait's polls were queued for the client's [budget](crate::PollBudget). The time is part of
    /// [`elapsed`](Self::elapsed).
    pub fn budget_delay(&self) -> Option<Duration> {
        self.0.wait.as_ref().map(|wait| wait.budget_delay)
    }

    /// The videos that were saved before or although another one failed.
    pub fn saved(&self) -> &[Saved] {
        &self.0.saved
    }

    /// Whether another wait with the same [`handle`](Self::handle) may succeed: the generation exists, its final state was not
    /// received or its video not saved, and the cause is the network, the service, the deadline, or the key.
    pub fn is_resumable(&self) -> bool {
        let is_permanent = match self.0.kind {
            ErrorKind::GenerationFailed | ErrorKind::Configuration => true,
            _ => self
                .service()
                .is_some_and(|service| matches!(service.status, 400 | 404 | 410 | 422)),
        };
        self.handle().is_some() && !is_permanent
    }

    /// Whether the service refused the key (401). Cause: the key is mistyped, disabled or belongs to another account. Remedy:
    /// set `AIML_API_KEY` to a valid key.
    pub fn is_auth(&self) -> bool {
        self.status() == Some(401)
    }

    /// Whether the service allows no more spending, or not this model (402, 403). Cause: no credits, or a limit on the key.
    /// Remedy: top up, or use a key without that limit.
    pub fn is_out_of_credits(&self) -> bool {
        matches!(self.status(), Some(402 | 403))
    }

    /// Whether the service requests fewer requests (429). Cause: too many requests at once. Remedy: wait for
    /// [`ServiceError::retry_after`], and send fewer requests.
    pub fn is_rate_limited(&self) -> bool {
        self.status() == Some(429)
    }

    /// Whether the request is invalid, by its document or by the service's response (400, 413, 415, 422). Cause: a value that
    /// the model does not take. Remedy: correct the value that [`violations`](Self::violations) or the service's message
    /// names; the same request would be refused again.
    pub fn is_invalid_request(&self) -> bool {
        let local = matches!(
            self.0.kind,
            ErrorKind::InvalidRequest | ErrorKind::InvalidMedia
        );
        let refused = matches!(self.0.kind, ErrorKind::Refused | ErrorKind::PollingLost);
        local || (refused && matches!(self.status(), Some(400 | 413 | 415 | 422)))
    }

    /// Whether the same call may succeed later without being billed twice. Cause: the network, or a service that is down or
    /// busy (no response, a response that cannot be read, 408, 425, 429, 5xx). Remedy: call again later, after
    /// [`ServiceError::retry_after`] if it is set.
    ///
    /// `false` for [`AmbiguousCreate`](ErrorKind::AmbiguousCreate), since a repeated create may be billed twice.
    pub fn is_transient(&self) -> bool {
        let is_transient = self
            .status()
            .is_none_or(|status| matches!(status, 408 | 425 | 429 | 500..));
        match self.0.kind {
            ErrorKind::Unreachable => true,
            ErrorKind::Refused => self.status().is_some() && is_transient,
            ErrorKind::PollingLost => is_transient,
            _ => false,
        }
    }

    fn status(&self) -> Option<u16> {
        self.service().map(|service| service.status)
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            source: None,
            violations: Vec::new(),
            service: None,
            wait: None,
            saved: Vec::new(),
        }))
    }

    pub(crate) fn invalid_request(model: &str, violations: Vec<Violation>) -> Self {
        let listed: Vec<String> = violations.iter().map(Violation::to_string).collect();
        let of = if model.is_empty() {
            String::new()
        } else {
            format!(" for {model}")
        };
        let mut error = Self::new(
            ErrorKind::InvalidRequest,
            format!("invalid request{of}: {}", listed.join("; ")),
        );
        error.0.violations = violations;
        error
    }

    pub(crate) fn media(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidMedia, message)
    }

    pub(crate) fn media_file(path: &Path, what: &str, source: Option<std::io::Error>) -> Self {
        let error = Self::media(format!("the file {} {what}", path.display()));
        match source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn with_service(mut self, service: ServiceError) -> Self {
        self.0.service = Some(service);
        self
    }

    pub(crate) fn with_wait(mut self, wait: WaitState) -> Self {
        self.0.wait = Some(wait);
        self
    }

    /// Adds the handle of a generation that has not been polled yet.
    pub(crate) fn about(self, handle: GenerationHandle) -> Self {
        self.with_wait(WaitState {
            handle,
            last: None,
            elapsed: Duration::ZERO,
            polls: 0,
            answered: 0,
            budget_delay: Duration::ZERO,
        })
    }

    pub(crate) fn with_saved(mut self, saved: Vec<Saved>) -> Self {
        self.0.saved = saved;
        self
    }

    /// Wraps the error as the cause of an error of another kind, which ended a wait.
    pub(crate) fn wrap(self, kind: ErrorKind, message: String, wait: WaitState) -> Self {
        let service = self.0.service.clone();
        let mut error = Self::new(kind, message).with_wait(wait);
        error.0.service = service;
        error.with_source(self)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// Shows the message, the causes, the generation and the saved files, one a line, since `fn main() -> Result<(), Error>`
/// prints this form.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, "\ncaused by: {error}")?;
            cause = error.source();
        }
        if let Some(handle) = self.handle() {
            write!(
                f,
                "\ngeneration: {} (route {})",
                handle.id(),
                handle.route()
            )?;
        }
        for saved in self.saved() {
            write!(f, "\nsaved: {}", saved.path.display())?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_message_and_the_chain_of_causes() {
        let reset = std::io::Error::other("connection reset");
        let cause = Error::new(ErrorKind::PollingLost, "the service sent no response");
        let error = Error::new(ErrorKind::PollingLost, "no valid response for 2m")
            .with_source(cause.with_source(reset));
        assert_eq!(
            format!("{error:?}"),
            "no valid response for 2m\ncaused by: the service sent no response\ncaused by: connection reset"
        );
    }

    #[test]
    fn debug_of_a_wait_that_ended_names_the_generation() {
        let state = WaitState {
            handle: GenerationHandle::from("g-1"),
            last: None,
            elapsed: Duration::ZERO,
            polls: 0,
            answered: 0,
            budget_delay: Duration::ZERO,
        };
        let error = Error::new(ErrorKind::DeadlineExceeded, "not completed after 30m");
        assert_eq!(
            format!("{:?}", error.with_wait(state)),
            "not completed after 30m\ngeneration: g-1 (route universal)"
        );
    }
}
