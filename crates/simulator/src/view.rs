//! `KeyView`: the part of a simulator that belongs to one API key.

use std::time::Duration;

use super::{
    RecordedRequest, RecordedRule, RecordedTask, Scenario, key::KeyHash, lists::Filter,
    server::Service,
};

/// The part of a [`Simulator`](super::Simulator) that belongs to one API key, from
/// [`Simulator::for_key`](super::Simulator::for_key).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use aimlapi_video::{Client, types::KlingaiV2MasterTextToVideo};
/// use aimlapi_video_simulator::Simulator;
///
/// // One simulator serves all tests, each of which has a key of its own.
/// let simulator = Simulator::start().await?;
/// let view = simulator.for_key("test-1");
/// view.play(r#"{ "next": [{ "name": "refused", "create": { "status": 403 } }] }"#.parse()?);
///
/// let request = || KlingaiV2MasterTextToVideo::builder().prompt("Rain").build();
/// let client = |key| Client::builder().base_url(simulator.url()).api_key(key).build();
/// assert!(client("test-2")?.create(request()?).await.is_ok());
/// assert!(client("test-1")?.create(request()?).await.is_err());
/// view.assert_rule("refused", 1);
/// assert_eq!(view.requests().len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct KeyView<'a> {
    pub(super) service: &'a Service,
    /// `None` for all keys.
    pub(super) key: Option<KeyHash>,
}

impl KeyView<'_> {
    /// Lists the key's generations, the oldest first.
    pub fn tasks(self) -> Vec<RecordedTask> {
        self.service.tasks(&Filter::of_key(self.key))
    }

    /// Lists the requests with the key, the oldest first.
    pub fn requests(self) -> Vec<RecordedRequest> {
        self.service.requests(&Filter::of_key(self.key))
    }

    /// Returns the credits that the key has left, or `None` if credits are unlimited.
    pub fn credits_left(self) -> Option<f64> {
        self.service.accounts.credits(self.key)
    }

    /// Appends the rules of a scenario, which apply to the key's next creates.
    pub fn play(self, scenario: Scenario) {
        self.service.accounts.play(self.key, scenario);
    }

    /// Lists the rules for the key, with the creates that each applied to.
    pub fn rules(self) -> Vec<RecordedRule> {
        self.service.accounts.rules(self.key)
    }

    /// Asserts how many of the key's creates the rules of this name applied to.
    ///
    /// # Panics
    ///
    /// If it was another number, or no rule has the name. The message lists all rules with their counts.
    #[track_caller]
    pub fn assert_rule(self, name: &str, applied: u64) {
        let rules = self.rules();
        let named = rules
            .iter()
            .filter(|rule| rule.name.as_deref() == Some(name));
        let counts: Vec<u64> = named.map(|rule| rule.applied).collect();
        let all: Vec<_> = rules
            .iter()
            .map(|rule| (&rule.name, rule.applied))
            .collect();
        assert!(
            !counts.is_empty(),
            "no rule has the name {name:?}; the rules: {all:?}"
        );
        let count: u64 = counts.iter().sum();
        assert!(
            count == applied,
            "the rule {name:?} applied to {count} creates; expected {applied}; the rules: {all:?}"
        );
    }

    /// Moves the key's clock forward.
    pub fn advance(self, by: Duration) {
        self.service.accounts.advance(self.key, by);
    }

    /// Returns the key to its initial state, as [`Simulator::reset`](super::Simulator::reset) does with all keys.
    pub fn reset(self) {
        self.service.reset(self.key);
    }
}
