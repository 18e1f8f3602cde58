//! The automatic retries of a create, which happen only if nothing can have been created.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::{Error, ErrorKind, budget::Bucket};

/// The policy by which creates are retried automatically.
///
/// A create is retried only if nothing can have been created: the service was not reached (its name was not found, no
/// connection, no TLS), or it refused because there are too many requests (429). In every other case a create is sent once.
///
/// The pause doubles with each retry, up to a minute; a longer `Retry-After` replaces the pause. If the pause would end after
/// [`within`](Self::within), the error is returned at once.
///
/// # Default
///
/// - service not reached: 2 retries
/// - 429: 2 retries
/// - first pause: 1 s
/// - within 30 s
///
/// [Batches](crate::Client::generate_all) are [patient](Self::patient) unless the client's builder says otherwise.
///
/// ```
/// use std::time::Duration;
/// use aimlapi_video::{Client, CreateRetries};
///
/// let retries = CreateRetries::default().rate_limited(5).within(Duration::from_secs(120));
/// let client = Client::builder().api_key("key").create_retries(retries).build()?;
/// # let _ = client;
/// # Ok::<(), aimlapi_video::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "retries do nothing until a client is built with them"]
pub struct CreateRetries {
    unreached: u32,
    rate_limited: u32,
    first_pause: Duration,
    within: Duration,
}

/// The longest pause between two tries, unless the service requests a longer one.
const MAX_PAUSE: Duration = Duration::from_secs(60);

impl Default for CreateRetries {
    fn default() -> Self {
        Self {
            unreached: 2,
            rate_limited: 2,
            first_pause: Duration::from_secs(1),
            within: Duration::from_secs(30),
        }
    }
}

impl CreateRetries {
    /// No retries: every create is sent once.
    pub fn none() -> Self {
        Self::default().unreached(0).rate_limited(0)
    }

    /// Retries for unattended work: the default, but 7 retries after a 429, within 3 minutes.
    pub fn patient() -> Self {
        Self::default()
            .rate_limited(7)
            .within(Duration::from_secs(180))
    }

    /// Sets the number of retries while the service is not reached; 2 by default.
    pub fn unreached(mut self, tries: u32) -> Self {
        self.unreached = tries;
        self
    }

    /// Sets the number of retries while the service responds 429; 2 by default.
    pub fn rate_limited(mut self, tries: u32) -> Self {
        self.rate_limited = tries;
        self
    }

    /// Sets the pause before the first retry, 1 s by default; each further pause is twice as long, up to a minute.
    pub fn first_pause(mut self, pause: Duration) -> Self {
        self.first_pause = pause;
        self
    }

    /// Sets the time from the first try after which no retry begins; 30 s by default.
    pub fn within(mut self, time: Duration) -> Self {
        self.within = time;
        self
    }
}

/// The tries of one create.
pub(super) struct Tries<'a> {
    retries: &'a CreateRetries,
    budget: Option<&'a Bucket>,
    until: Option<Instant>,
    unreached: u32,
    rate_limited: u32,
}

impl<'a> Tries<'a> {
    pub(super) fn new(retries: &'a CreateRetries, budget: Option<&'a Bucket>) -> Self {
        Self {
            retries,
            budget,
            until: Instant::now().checked_add(retries.within),
            unreached: 0,
            rate_limited: 0,
        }
    }

    /// Waits until the create that failed with `error` may be retried; `false` if it may not, or was stopped before that.
    pub(super) async fn again(&mut self, error: &Error, stopped: impl Future<Output = ()>) -> bool {
        let Self {
            unreached,
            rate_limited,
            ..
        } = *self;
        let (tries, max) = match error.kind() {
            ErrorKind::Unreachable => (&mut self.unreached, self.retries.unreached),
            ErrorKind::Refused if error.is_rate_limited() => {
                (&mut self.rate_limited, self.retries.rate_limited)
            }
            _ => return false,
        };
        if *tries == max {
            return false;
        }
        *tries += 1;
        let doubled = 1u32 << (unreached + rate_limited).min(16);
        let own = self.retries.first_pause.saturating_mul(doubled);
        let requested = error.service().and_then(|service| service.retry_after);
        let pause = own.min(MAX_PAUSE).max(requested.unwrap_or_default());
        let at = Instant::now().checked_add(pause);
        // After a 429, creates wait for the pause of all polls, since the service counts the requests of one key together.
        let opens = self.budget.map(Bucket::opens);
        match at.max(at.and(opens)) {
            Some(at) if self.until.is_none_or(|until| at <= until) => {
                timeout_at(at, stopped).await.is_err()
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::ServiceError;

    fn refused(status: u16, retry_after: Option<u64>) -> Error {
        let mut service = ServiceError::read(status, b"");
        service.retry_after = retry_after.map(Duration::from_secs);
        Error::new(ErrorKind::Refused, "refused").with_service(service)
    }

    fn unreachable() -> Error {
        Error::new(ErrorKind::Unreachable, "not reached")
    }

    /// The times in milliseconds at which a create is sent that always fails with `error`.
    async fn sent(retries: CreateRetries, error: impl Fn() -> Error) -> Vec<u128> {
        let began = Instant::now();
        let mut tries = Tries::new(&retries, None);
        let mut sent = vec![0];
        while tries.again(&error(), pending()).await {
            sent.push(began.elapsed().as_millis());
        }
        sent
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_until_the_retries_are_used_up() {
        let default = CreateRetries::default();
        assert_eq!(sent(default.clone(), unreachable).await, [0, 1000, 3000]);
        assert_eq!(
            sent(default.clone(), || refused(429, None)).await,
            [0, 1000, 3000]
        );
        let patient = sent(CreateRetries::patient(), || refused(429, None)).await;
        assert_eq!(
            patient,
            [0, 1000, 3000, 7000, 15_000, 31_000, 63_000, 123_000]
        );
        assert_eq!(sent(CreateRetries::none(), unreachable).await, [0]);
    }

    #[tokio::test(start_paused = true)]
    async fn longer_retry_after_is_obeyed_or_ends_the_retries() {
        let default = CreateRetries::default();
        let retry_after = |seconds| move || refused(429, Some(seconds));
        assert_eq!(
            sent(default.clone(), retry_after(5)).await,
            [0, 5000, 10_000]
        );
        assert_eq!(sent(default.clone(), retry_after(20)).await, [0, 20_000]);
        assert_eq!(sent(default.clone(), retry_after(3600)).await, [0]);
        assert_eq!(
            sent(default.within(Duration::MAX), retry_after(3600)).await,
            [0, 3_600_000, 7_200_000]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn create_is_not_retried_after_it_was_stopped() {
        let (retries, began) = (CreateRetries::default(), Instant::now());
        let mut tries = Tries::new(&retries, None);
        let stopped = tokio::time::sleep(Duration::from_millis(300));
        assert!(!tries.again(&refused(429, None), stopped).await);
        assert_eq!(began.elapsed().as_millis(), 300);
    }

    #[tokio::test(start_paused = true)]
    async fn create_is_not_retried_after_any_other_error() {
        let many = CreateRetries::patient().unreached(99);
        for status in [400, 401, 403, 404, 409, 425] {
            assert_eq!(sent(many.clone(), || refused(status, Some(0))).await, [0]);
        }
        let ambiguous = || {
            let service = ServiceError::read(429, b"");
            Error::new(ErrorKind::AmbiguousCreate, "lost").with_service(service)
        };
        assert_eq!(sent(many, ambiguous).await, [0]);
    }

    #[tokio::test(start_paused = true)]
    async fn retry_of_a_create_waits_for_the_pause_of_all_polls() {
        let bucket = Bucket::new(crate::PollBudget::default());
        bucket.slow(Some(Duration::from_secs(10)));
        let retries = CreateRetries::default();
        let (began, mut tries) = (Instant::now(), Tries::new(&retries, Some(&bucket)));
        assert!(tries.again(&refused(429, None), pending()).await);
        assert_eq!(began.elapsed().as_secs(), 10);
    }
}
