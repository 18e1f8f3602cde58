//! The options of a wait: deadlines, tolerance, schedule and speed.

use std::{sync::Arc, time::Duration};

use super::{Planned, Pooled, Schedule, clock::Clock};

/// The options of a wait.
///
/// # Default
///
/// - deadline: 30 minutes from the start of the wait, twice the longest time the vendor's pages state
/// - queue deadline: none
/// - tolerance: 120 s without a valid response
/// - schedule: [`Planned`], with the durations that the documents of the compiled-in models state for an unknown model
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
#[must_use = "options do nothing until they are set on a wait or a client"]
pub struct WaitOptions {
    pub(crate) deadline: Option<Duration>,
    pub(crate) queue_deadline: Option<Duration>,
    pub(crate) tolerance: Duration,
    pub(crate) clock: Clock,
    pub(crate) schedule: Arc<dyn Schedule>,
}

impl Default for WaitOptions {
    fn default() -> Self {
        Self {
            deadline: Some(Duration::from_secs(30 * 60)),
            queue_deadline: None,
            tolerance: Duration::from_secs(120),
            clock: Clock::REAL_TIME,
            schedule: Arc::new(Planned::default().pooled(Pooled::stated())),
        }
    }
}

impl WaitOptions {
    /// Sets the time after the start of the wait at which the wait gives up; 30 minutes by default. A last poll is sent at the
    /// deadline and may take up to 10 s; every earlier call ends by the deadline.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Removes the deadline: waits until the generation ends.
    pub fn no_deadline(mut self) -> Self {
        self.deadline = None;
        self
    }

    /// Sets the time since the create after which the wait gives up on a generation that is still queued. A poll is sent at that
    /// time; if the generation has left the queue, the wait continues until its deadline. None by default.
    pub fn queue_deadline(mut self, deadline: Duration) -> Self {
        self.queue_deadline = Some(deadline);
        self
    }

    /// Sets how long polls may fail for transient reasons (no connection, 408, 425, 429, 5xx, unreadable responses) before the
    /// wait gives up; 120 s by default. The time counts from the last valid response. Of the planned pause before the first
    /// failed poll, at most a quarter of the tolerance counts; time in the queue of the [poll budget](crate::PollBudget) does
    /// not count. A failed poll is repeated within a quarter of the tolerance, even if the schedule would pause for longer.
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Sets the schedule of polls.
    pub fn schedule(mut self, schedule: impl Schedule + 'static) -> Self {
        self.schedule = Arc::new(schedule);
        self
    }

    /// Divides every interval of the schedule, the expected time and both deadlines by `speed`, for a simulator whose time
    /// runs faster. The tolerance is not divided, because the network is not faster. 1 for the real service; a value that is
    /// not positive and finite counts as 1.
    pub fn speed(mut self, speed: f64) -> Self {
        self.clock = Clock::at_speed(speed);
        self
    }
}
