//! The state that the simulator keeps for each API key, so that programs with different keys do not affect each other.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    clock::Clock,
    key::KeyHash,
    rate_limit::RateLimit,
    responses::Stamp,
    scenario::{Rule, Scenario},
    script::{RecordedRule, Script},
    signature::{Rejected, Signer},
    tasks::{File, RecordedTask, Settings, Tasks, uuid},
};

/// The state of one key.
#[derive(Debug)]
pub(super) struct Account {
    /// `None` for the base.
    pub(super) key: Option<KeyHash>,
    pub(super) clock: Arc<Clock>,
    pub(super) rate_limit: Option<RateLimit>,
    pub(super) tasks: Tasks,
    seed: Option<u64>,
    /// The number of stamped responses since the start or the last reset.
    responses: AtomicU64,
}

/// Distinguishes the numbers of responses from those of generations, so that their ids differ.
const RESPONSES: u64 = 1 << 63;

impl Account {
    /// Returns the time and the id of the next response. With a seed, the ids repeat in every run.
    pub(super) fn stamp(&self) -> Stamp {
        let number = self.responses.fetch_add(1, Ordering::Relaxed);
        Stamp {
            at: self.clock.unix(),
            id: uuid(self.seed, self.key, RESPONSES | number),
        }
    }
}

/// The accounts of all keys. Where a method takes `None` for the key, it concerns all keys, later ones included.
#[derive(Debug)]
pub(super) struct Accounts {
    settings: Arc<Settings>,
    signer: Signer,
    /// The rules of the initial scenario.
    rules: Vec<Arc<Rule>>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The clock and the rules with which the account of a new key starts.
    base: Arc<Account>,
    by_key: BTreeMap<KeyHash, Arc<Account>>,
}

impl Accounts {
    pub(super) fn new(mut settings: Settings) -> Self {
        let rules = shared(std::mem::take(&mut settings.scenario));
        let settings = Arc::new(settings);
        let signer = Signer::new(uuid(settings.seed, None, 0));
        let base = initial(&settings, &signer, &rules, None);
        let state = Mutex::new(State {
            base,
            by_key: BTreeMap::new(),
        });
        Self {
            settings,
            signer,
            rules,
            state,
        }
    }

    /// Returns the account of a key, which is created for its first request.
    pub(super) fn of(&self, key: KeyHash) -> Arc<Account> {
        let State { base, by_key } = &mut *self.lock();
        let start = || {
            let clock = Clock::clone(&base.clock);
            account(
                &self.settings,
                &self.signer,
                clock,
                base.tasks.script(),
                Some(key),
            )
        };
        Arc::clone(by_key.entry(key).or_insert_with(start))
    }

    /// Returns the account of a key, or the base if the key has none.
    pub(super) fn find(&self, key: Option<KeyHash>) -> Arc<Account> {
        let state = self.lock();
        let account = key.and_then(|key| state.by_key.get(&key));
        Arc::clone(account.unwrap_or(&state.base))
    }

    /// Returns the clocks of all keys that have an account, in the order of their hashes.
    pub(super) fn clocks(&self) -> Vec<(KeyHash, Arc<Clock>)> {
        let state = self.lock();
        let accounts = state.by_key.iter();
        accounts
            .map(|(key, account)| (*key, Arc::clone(&account.clock)))
            .collect()
    }

    /// Returns the accounts that a change for `key` concerns.
    fn changed(&self, key: Option<KeyHash>) -> Vec<Arc<Account>> {
        match key {
            Some(key) => vec![self.of(key)],
            None => self.all().collect(),
        }
    }

    /// Returns the accounts that a list for `key` concerns.
    fn listed(&self, key: Option<KeyHash>) -> Vec<Arc<Account>> {
        match key {
            Some(_) => vec![self.find(key)],
            None => self.all().collect(),
        }
    }

    /// Returns the base and the accounts of all keys.
    fn all(&self) -> impl Iterator<Item = Arc<Account>> + use<> {
        let state = self.lock();
        let accounts: Vec<_> = state.by_key.values().map(Arc::clone).collect();
        std::iter::once(Arc::clone(&state.base)).chain(accounts)
    }

    /// Appends the rules of a scenario.
    pub(super) fn play(&self, key: Option<KeyHash>, scenario: Scenario) {
        let rules = shared(scenario);
        for account in self.changed(key) {
            account.tasks.play(&rules);
        }
    }

    /// Removes all rules.
    pub(super) fn stop_scenario(&self, key: Option<KeyHash>) {
        for account in self.changed(key) {
            account.tasks.stop_scenario();
        }
    }

    /// Returns the rules that are left: of several keys, those left to each of them.
    pub(super) fn scenario(&self, key: Option<KeyHash>) -> Scenario {
        self.script(key).left()
    }

    /// Lists the rules with their counts.
    pub(super) fn rules(&self, key: Option<KeyHash>) -> Vec<RecordedRule> {
        self.script(key).list()
    }

    fn script(&self, key: Option<KeyHash>) -> Script {
        let scripts = self.listed(key).into_iter();
        Script::merge(scripts.map(|account| account.tasks.script()))
    }

    /// Moves the clock forward.
    pub(super) fn advance(&self, key: Option<KeyHash>, by: Duration) {
        for account in self.changed(key) {
            account.clock.advance(by);
        }
    }

    /// Returns the credits left, `None` if they are unlimited: of several keys, the least.
    pub(super) fn credits(&self, key: Option<KeyHash>) -> Option<f64> {
        let credits = self.listed(key).into_iter();
        credits
            .filter_map(|account| account.tasks.credits())
            .reduce(f64::min)
    }

    /// Lists the generations in the order of their creates, each with the number of its create's request.
    pub(super) fn tasks(&self, key: Option<KeyHash>) -> Vec<(u64, RecordedTask)> {
        let accounts = self.listed(key).into_iter();
        let mut tasks: Vec<_> = accounts.flat_map(|account| account.tasks.list()).collect();
        tasks.sort_by_key(|(request, _)| *request);
        tasks
    }

    /// Returns the account that holds a generation.
    pub(super) fn with_task(&self, id: &str) -> Option<Arc<Account>> {
        self.all().find(|account| account.tasks.find(id).is_some())
    }

    /// Verifies a signed URL, counts the download, and returns the file; `None` if the generation was removed.
    ///
    /// # Errors
    ///
    /// If the signature does not match or the URL has expired.
    pub(super) fn file(
        &self,
        (id, name): (&str, &str),
        expires: u64,
        signature: &str,
    ) -> Result<Option<File>, Rejected> {
        let account = self.with_task(id).unwrap_or_else(|| self.find(None));
        let now = account.clock.unix().as_secs();
        self.signer.check((id, name), expires, signature, now)?;
        Ok(account.tasks.file(id))
    }

    /// Restores the initial state.
    pub(super) fn reset(&self, key: Option<KeyHash>) {
        let fresh = |key| initial(&self.settings, &self.signer, &self.rules, key);
        let mut state = self.lock();
        match key {
            Some(key) => {
                state.by_key.insert(key, fresh(Some(key)));
            }
            None => {
                state.base = fresh(None);
                state.by_key.clear();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns an account in its initial state.
fn initial(
    settings: &Arc<Settings>,
    signer: &Signer,
    rules: &[Arc<Rule>],
    key: Option<KeyHash>,
) -> Arc<Account> {
    let mut script = Script::default();
    script.add(rules);
    account(settings, signer, settings.clock(), script, key)
}

fn account(
    settings: &Arc<Settings>,
    signer: &Signer,
    clock: Clock,
    script: Script,
    key: Option<KeyHash>,
) -> Arc<Account> {
    let clock = Arc::new(clock);
    let tasks = Tasks::new(
        Arc::clone(settings),
        Arc::clone(&clock),
        signer.clone(),
        script,
        key,
    );
    Arc::new(Account {
        key,
        clock,
        rate_limit: settings.rate_limit.map(RateLimit::new),
        tasks,
        seed: settings.seed,
        responses: AtomicU64::new(0),
    })
}

fn shared(scenario: Scenario) -> Vec<Arc<Rule>> {
    scenario.next.into_iter().map(Arc::new).collect()
}
