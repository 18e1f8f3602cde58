//! How to wait.

use std::{sync::Arc, time::Duration};

use crate::schedule::{Planned, Pooled, Schedule};

/// How to wait.
///
/// # Default
///
/// - deadline: 30 minutes from the start of the wait, twice the longest time the vendor's pages state
/// - queue deadline: none
/// - tolerance: 120 s without a good answer
/// - schedule: [`Planned`], with what is stated of the models compiled in for one of which nothing is known
/// - speed: 1
///
/// ```
/// use std::time::Duration;
/// use aimlapi_video::{WaitOptions, schedule::Fixed};
///
/// let options = WaitOptions::default()
///     .deadline(Duration::from_secs(3600))
///     .queue_deadline(Duration::from_secs(600))
///     .schedule(Fixed::every(Duration::from_secs(15)));
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until a wait is given them"]
pub struct WaitOptions {
    pub(super) deadline: Option<Duration>,
    pub(super) queue_deadline: Option<Duration>,
    pub(super) tolerance: Duration,
    pub(crate) speed: f64,
    pub(super) schedule: Arc<dyn Schedule>,
}

impl Default for WaitOptions {
    fn default() -> Self {
        Self {
            deadline: Some(Duration::from_secs(30 * 60)),
            queue_deadline: None,
            tolerance: Duration::from_secs(120),
            speed: 1.0,
            schedule: Arc::new(Planned::default().pooled(Pooled::stated())),
        }
    }
}

impl WaitOptions {
    /// The time from the start of the wait after which nothing starts any more; 30 minutes by default. A last poll is sent at the deadline and
    /// may run past it, by 10 s at most; every earlier call ends by it.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Waits until the generation ends, however long that takes.
    pub fn no_deadline(mut self) -> Self {
        self.deadline = None;
        self
    }

    /// The time since the create after which the wait gives up on a generation that is still queued. A poll is sent then,
    /// and if it finds the generation at work, the wait goes on to its deadline. None by default.
    pub fn queue_deadline(mut self, deadline: Duration) -> Self {
        self.queue_deadline = Some(deadline);
        self
    }

    /// How long polls may fail for passing reasons (no connection, 408, 425, 429, 5xx, answers that cannot be read) before
    /// the wait gives up. Counted from the last good answer; but of a planned pause before the first failure a quarter of
    /// this at most counts, and time in line for the [poll budget](crate::PollBudget) does not. A failed poll is made up for
    /// within a quarter of it, however long the schedule would have paused. 120 s by default.
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// When to poll.
    pub fn schedule(mut self, schedule: impl Schedule + 'static) -> Self {
        self.schedule = Arc::new(schedule);
        self
    }

    /// Divides every interval of the schedule, the expected time and both deadlines by `speed`, for a simulator whose time
    /// runs faster. The tolerance stays as it is, since networks run no faster. 1 for the real service; values that are
    /// not positive count as 1.
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = if speed.is_finite() && speed > 0.0 {
            speed
        } else {
            1.0
        };
        self
    }
}
