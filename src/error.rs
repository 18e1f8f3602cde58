//! What can go wrong, told apart by what to do about it.

use std::{error::Error as StdError, fmt, path::Path, time::Duration};

use crate::{Failure, Generation, GenerationHandle, Saved, Violation};

mod service;

pub use service::ServiceError;

/// Why something did not work.
///
/// [`kind`](Self::kind) tells what to do; the accessors give what is known. Once a generation exists, every error about
/// it carries its [`handle`](Self::handle). No error shows the key, or the query of a link.
///
/// Its `Display` tells its own level alone; the cause is its [`source`](StdError::source).
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
///     // It was created: with the handle, nothing is lost.
///     Err(error) if error.is_resumable() => println!("wait again: {:?}", error.handle()),
///     Err(error) => match error.kind() {
///         ErrorKind::AmbiguousCreate => println!("look before you repeat it: {error}"),
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

/// What kind of error it is: each asks for a different act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request breaks its document; nothing was sent. Correct what [`Error::violations`] lists.
    InvalidRequest,
    /// A file or bytes for a request cannot be used; nothing was sent. Give a picture, clip or sound that is not too large.
    InvalidMedia,
    /// No API key was given; nothing was sent. Set `AIML_API_KEY`, or give one to the client's builder.
    MissingKey,
    /// The key, the base URL or another setting cannot be used, or a handle or a journal belongs to another service;
    /// nothing was sent. Correct what the message names.
    Configuration,
    /// There are no root certificates to verify an https server with; nothing was sent to it. Install the system's package
    /// `ca-certificates`, name a PEM file in `SSL_CERT_FILE`, or enable the feature `webpki-roots`, and build another client.
    MissingRootCertificates,
    /// The create did not reach the service. Nothing was created; try again once the network is there.
    Unreachable,
    /// The service refused the create. [`Error::service`] has its words. Nothing was created. What to do, the predicates
    /// tell: [`is_auth`](Error::is_auth), [`is_out_of_credits`](Error::is_out_of_credits),
    /// [`is_rate_limited`](Error::is_rate_limited), [`is_invalid_request`](Error::is_invalid_request).
    Refused,
    /// The create may have been accepted and billed: its answer was lost, or could not be read, or was a server error.
    /// Do not repeat it blindly; look at the account's log first.
    AmbiguousCreate,
    /// The generation ended without a video. [`Error::failure`] has the reason, where one is stated anywhere in the
    /// [answer](Error::last_answer). Waiting again changes nothing; create another one, with another prompt if the reason
    /// lies there.
    GenerationFailed,
    /// The wait's deadline passed. The generation may still finish, and be billed: wait again with the same handle.
    DeadlineExceeded,
    /// The generation's state could not be had: the service was not heard for too long, or refused to tell it
    /// ([`Error::service`] has its words). The generation may go on, and be billed: wait again with the same handle.
    PollingLost,
    /// The generation is completed, but no answer held a video. [`Error::last_answer`] is what came instead; wait again
    /// later with the same handle, or show the answer to the vendor.
    MissingVideo,
    /// The video could not be brought home; the message says what its host did. Wait again with the same handle for a
    /// fresh link; what has arrived is continued where it can be.
    Download,
    /// A file could not be written or read; the message names it. A generation that it was for is in [`Error::handle`].
    Io,
}

/// What a wait knew when it ended.
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
    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Every place where the request breaks its document.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// What the service answered, where it refused.
    pub fn service(&self) -> Option<&ServiceError> {
        self.0.service.as_ref()
    }

    /// The generation that the error is about, once there is one: store it to come back.
    pub fn handle(&self) -> Option<&GenerationHandle> {
        self.0.wait.as_ref().map(|wait| &wait.handle)
    }

    /// The last answer that the wait had.
    pub fn last_answer(&self) -> Option<&Generation> {
        self.0.wait.as_ref()?.last.as_ref()
    }

    /// Why the generation failed, in the service's words.
    pub fn failure(&self) -> Option<&Failure> {
        self.last_answer()?.failure()
    }

    /// How long the wait had lasted.
    pub fn elapsed(&self) -> Option<Duration> {
        self.0.wait.as_ref().map(|wait| wait.elapsed)
    }

    /// How many polls the wait had sent.
    pub fn polls(&self) -> Option<u32> {
        self.0.wait.as_ref().map(|wait| wait.polls)
    }

    /// How many of the polls the service answered, with whatever it was.
    pub fn answered(&self) -> Option<u32> {
        self.0.wait.as_ref().map(|wait| wait.answered)
    }

    /// How long the wait's polls stood in line for the client's [budget](crate::PollBudget), which is part of
    /// [`elapsed`](Self::elapsed).
    pub fn budget_delay(&self) -> Option<Duration> {
        self.0.wait.as_ref().map(|wait| wait.budget_delay)
    }

    /// The videos that were saved although another one was not.
    pub fn saved(&self) -> &[Saved] {
        &self.0.saved
    }

    /// Whether waiting again with the same [`handle`](Self::handle) makes sense: the generation exists, its end was not
    /// seen or its video not saved, and the cause lies in the network, the service, the time given, or the key.
    pub fn is_resumable(&self) -> bool {
        let lasting = match self.0.kind {
            ErrorKind::GenerationFailed | ErrorKind::Configuration => true,
            _ => self
                .service()
                .is_some_and(|service| matches!(service.status, 400 | 404 | 410 | 422)),
        };
        self.handle().is_some() && !lasting
    }

    /// Whether the service refused the key (401). Cause: a key that is mistyped, disabled or of another account; cure: set
    /// `AIML_API_KEY` to a valid one.
    pub fn is_auth(&self) -> bool {
        self.status() == Some(401)
    }

    /// Whether the service allows no more spending, or not this model (402, 403). Cause: no credits, or a limit on the
    /// key; cure: top up, or use a key that may.
    pub fn is_out_of_credits(&self) -> bool {
        matches!(self.status(), Some(402 | 403))
    }

    /// Whether the service asked for fewer requests (429). Cause: too many at once; cure: wait for
    /// [`ServiceError::retry_after`], and send fewer.
    pub fn is_rate_limited(&self) -> bool {
        self.status() == Some(429)
    }

    /// Whether the request itself is wrong, by its document or by the service's word (400, 413, 415, 422). Cause: a value
    /// that the model does not take; cure: correct what [`violations`](Self::violations) or the service's message names,
    /// since the same request is refused again.
    pub fn is_invalid_request(&self) -> bool {
        let local = matches!(
            self.0.kind,
            ErrorKind::InvalidRequest | ErrorKind::InvalidMedia
        );
        let refused = matches!(self.0.kind, ErrorKind::Refused | ErrorKind::PollingLost);
        local || (refused && matches!(self.status(), Some(400 | 413 | 415 | 422)))
    }

    /// Whether the very same call may fare better later, and costs nothing twice. Cause: the network, or a service that is
    /// down or busy (no answer, an answer that cannot be read, 408, 425, 429, 5xx); cure: call again after a while, and
    /// after [`ServiceError::retry_after`] where it is told.
    ///
    /// Never for [`AmbiguousCreate`](ErrorKind::AmbiguousCreate), since a create that is repeated may be billed twice.
    pub fn is_transient(&self) -> bool {
        let passing = self
            .status()
            .is_none_or(|status| matches!(status, 408 | 425 | 429 | 500..));
        match self.0.kind {
            ErrorKind::Unreachable => true,
            ErrorKind::Refused => self.status().is_some() && passing,
            ErrorKind::PollingLost => passing,
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

    /// The error as one about a generation that nobody has waited for yet.
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

    /// The error as another kind, with the wait it ended.
    pub(crate) fn retold(self, kind: ErrorKind, message: String, wait: WaitState) -> Self {
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

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            kind,
            message,
            source,
            violations,
            service,
            wait,
            saved,
        } = &*self.0;
        let mut debug = f.debug_struct("Error");
        debug.field("kind", kind).field("message", message);
        if let Some(source) = source {
            debug.field("source", source);
        }
        if !violations.is_empty() {
            debug.field("violations", violations);
        }
        if let Some(service) = service {
            debug.field("service", service);
        }
        if let Some(wait) = wait {
            debug.field("wait", wait);
        }
        if !saved.is_empty() {
            debug.field("saved", saved);
        }
        debug.finish()
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
