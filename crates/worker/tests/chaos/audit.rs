//! What the simulator's lists and the store say about the jobs afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use aimlapi_video::GenerationHandle;
use aimlapi_video_simulator::{RecordedTask, Simulator};
use aimlapi_video_worker::temporal::{
    jobs::Jobs,
    protocol::{Decision, JobState, JobView, Verdict},
};
use sha2::{Digest, Sha256};

use super::is_final;

pub struct Audit<'a> {
    jobs: &'a Jobs,
    simulator: &'a Simulator,
    store: PathBuf,
    keys: Vec<String>,
}

impl<'a> Audit<'a> {
    pub fn new(jobs: &'a Jobs, simulator: &'a Simulator, store: PathBuf, keys: Vec<String>) -> Self {
        Self { jobs, simulator, store, keys }
    }

    /// Waits until each job has ended or is parked.
    pub async fn settle(&self, within: Duration) {
        let deadline = Instant::now() + within;
        loop {
            let views = self.views().await;
            let open: Vec<_> = views.iter().filter(|(_, view)| !is_final(view.state)).collect();
            if open.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "{} jobs have not ended, such as {:?}", open.len(), open[0]);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Decides about parked jobs as a person would: adopts what the service's list shows, repeats the rest. Returns their number.
    pub async fn decide(&self) -> usize {
        let tasks = self.tasks();
        let mut parked = 0;
        for (key, view) in self.views().await {
            if !matches!(view.state, JobState::Ambiguous | JobState::Lost) {
                continue;
            }
            parked += 1;
            let verdict = match tasks.get(&key).and_then(|tasks| tasks.first()) {
                Some(task) => Verdict::Adopt(GenerationHandle::new(&task.id).with_route(task.route)),
                None => Verdict::Repeat,
            };
            let decision = Decision { verdict, by: "Ada".into(), why: "the list of the service".into() };
            self.jobs.resolve(&key, decision).await.unwrap_or_else(|error| panic!("{key}: {error:?}"));
        }
        parked
    }

    /// Checks that nothing was bought twice, that each generation is known and that each video is whole.
    pub async fn check(&self, budget: f64) -> Figures {
        let tasks = self.tasks();
        let mut figures = Figures::default();
        for (key, view) in self.views().await {
            assert_eq!(view.state, JobState::Saved, "{key}: {view:?}");
            let bought = tasks.get(&key).map_or(&[][..], Vec::as_slice);
            let repeats = view.decisions.iter().filter(|one| one.verdict == Verdict::Repeat).count();
            figures.bought += bought.len();
            figures.repeats += repeats;
            figures.doubled += usize::from(bought.len() > 1 + repeats);
            let known: BTreeSet<_> = view.handle.iter().chain(view.extra.iter().map(|one| &one.handle)).map(|one| one.id()).collect();
            let adopted = view.decisions.iter().any(|one| matches!(one.verdict, Verdict::Adopt(_)));
            figures.adopted += usize::from(adopted);
            for task in bought {
                assert!(known.contains(&*task.id), "{key}: generation {} is unknown to the job: {view:?}", task.id);
            }
            assert!(!view.saved.is_empty(), "{key}: {view:?}");
            for object in &view.saved {
                let bytes = fs::read(self.store.join(&object.key)).unwrap();
                let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!((digest, bytes.len() as u64), (object.sha256.clone(), object.bytes), "{key}");
            }
        }
        assert_eq!(figures.doubled, 0, "jobs whose generation was bought more than once");
        figures.busiest_minute = self.busiest_minute();
        assert!(figures.busiest_minute as f64 <= 1.1 * budget, "{figures}");
        figures
    }

    /// The maximum number of polls in one minute of real time.
    fn busiest_minute(&self) -> usize {
        let requests = self.simulator.requests();
        let polls: Vec<_> = requests.iter().filter(|one| one.method == "GET" && one.target.contains("generation_id")).map(|one| one.at).collect();
        let mut first = 0;
        let mut most = 0;
        for last in 0..polls.len() {
            while polls[last].duration_since(polls[first]).is_ok_and(|time| time > Duration::from_secs(60)) {
                first += 1;
            }
            most = most.max(last + 1 - first);
        }
        most
    }

    /// The generations of each job, whose key begins the prompt.
    fn tasks(&self) -> BTreeMap<String, Vec<RecordedTask>> {
        let mut tasks: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for task in self.simulator.tasks() {
            let key = task.prompt.as_deref().unwrap_or_default().split(' ').next().unwrap_or_default();
            tasks.entry(key.to_owned()).or_default().push(task);
        }
        tasks
    }

    async fn views(&self) -> Vec<(String, JobView)> {
        let mut views = Vec::new();
        for key in &self.keys {
            let view = self.jobs.show(key).await.unwrap_or_else(|error| panic!("{key}: {error:?}"));
            views.push((key.clone(), view));
        }
        views
    }
}

#[derive(Default)]
pub struct Figures {
    bought: usize,
    doubled: usize,
    repeats: usize,
    adopted: usize,
    busiest_minute: usize,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bought, doubled, repeats, adopted, busiest_minute } = self;
        write!(f, "{bought} generations bought, {doubled} twice, {repeats} repeats, {adopted} adopted by a person, {busiest_minute} polls in the busiest minute")
    }
}
