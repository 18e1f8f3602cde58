//! Points in time. The state machine reads no clock: callers pass the time in.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// A point in time, in whole milliseconds since 1970. The default is 1970, which means "at once" where a time is awaited.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use aimlapi_video_worker::job::Timestamp;
///
/// let later = Timestamp::from(SystemTime::UNIX_EPOCH) + Duration::from_secs(2);
/// assert_eq!(serde_json::to_string(&later)?, "2000");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time that is `millis` after 1970.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// The time from `earlier` to this point; zero if `earlier` is later, as after a clock was set back.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl From<SystemTime> for Timestamp {
    /// A time before 1970 counts as 1970.
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        Self::default() + since.unwrap_or_default()
    }
}

impl From<Timestamp> for SystemTime {
    /// A time that the platform cannot represent counts as 1970.
    fn from(time: Timestamp) -> Self {
        let since = Duration::from_millis(time.0);
        Self::UNIX_EPOCH
            .checked_add(since)
            .unwrap_or(Self::UNIX_EPOCH)
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    /// The result is at most the latest time that can be represented.
    fn add(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }
}
