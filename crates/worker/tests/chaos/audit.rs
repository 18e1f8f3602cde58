//! What the simulator's lists and the store say about the jobs afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use aimlapi_video::GenerationHandle;
use aimlapi_video_simulator::{RecordedTask, Simulator};
use aimlapi_video_worker::{
    job::{Decision, End, JobState, Verdict},
    temporal::jobs::{JobError, JobSummary, Jobs},
};
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use super::{budget::assert_budget, key, most_polls};

pub struct Audit<'a> {
    client: &'a Jobs,
    simulator: &'a Simulator,
    store: PathBuf,
    count: usize,
}

impl<'a> Audit<'a> {
    pub fn new(client: &'a Jobs, simulator: &'a Simulator, store: PathBuf, count: usize) -> Self {
        Self {
            client,
            simulator,
            store,
            count,
        }
    }

    /// Waits until each job has ended or is parked. At least one has to do so within each period of this length.
    pub async fn settle(&self, within: Duration) {
        let mut last = (usize::MAX, Instant::now());
        loop {
            let jobs = self.list().await;
            let open: Vec<_> = jobs.iter().filter(|job| !is_final(job.state)).collect();
            // The engine lists a new job with a delay.
            if open.is_empty() && jobs.len() == self.count {
                return;
            }
            if open.len() < last.0 {
                last = (open.len(), Instant::now());
            }
            if last.1.elapsed() > within {
                for job in &open {
                    println!(
                        "{} has not ended: {:?}",
                        job.key,
                        self.client.show(&job.key).await
                    );
                }
                panic!("{} jobs have not ended", open.len());
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Decides about parked jobs as a person would: adopts what the service's list shows, repeats the rest. Returns their number.
    pub async fn decide(&self) -> usize {
        let tasks = self.tasks();
        let mut decided = 0;
        for job in self.list().await {
            if job.state == JobState::Saved {
                continue;
            }
            let key = &job.key;
            let job = self.client.show(key).await.expect(key);
            println!(
                "{key} is {:?}: {:?}",
                job.phase().state(),
                job.phase().reason()
            );
            let verdict = match tasks.get(key).and_then(|tasks| tasks.first()) {
                Some(task) => {
                    Verdict::Adopt(GenerationHandle::new(&*task.id).with_route(task.route))
                }
                None => Verdict::Repeat,
            };
            let decision = Decision {
                verdict,
                by: "Ada".into(),
                why: "the list of the service".into(),
                revision: job.revision(),
            };
            match self.client.resolve(key, decision).await {
                Ok(_) | Err(JobError::NotAllowed(_)) => decided += 1,
                Err(error) => panic!("{key}: {error:?}"),
            }
        }
        decided
    }

    /// Checks that nothing was bought twice, that each generation is known and that each video is whole.
    pub async fn check(&self, budget: f64) -> Figures {
        let tasks = self.tasks();
        let mut figures = Figures::default();
        for number in 0..self.count {
            let key = key(number);
            let job = self.client.show(&key).await.expect(&key);
            assert_eq!(job.phase().state(), JobState::Saved, "{job:?}");
            let bought = tasks.get(job.key()).map_or(&[][..], Vec::as_slice);
            let decided = |wanted: fn(&Verdict) -> bool| {
                job.decisions()
                    .iter()
                    .filter(|one| wanted(&one.verdict))
                    .count()
            };
            let repeats = decided(|one| matches!(one, Verdict::Repeat));
            figures.bought += bought.len();
            figures.repeats += repeats;
            figures.doubled += usize::from(bought.len() > 1 + repeats);
            figures.adopted += decided(|one| matches!(one, Verdict::Adopt(_)));
            let known: BTreeSet<_> = job
                .generations()
                .iter()
                .map(|one| one.handle.id())
                .collect();
            for task in bought {
                assert!(
                    known.contains(&*task.id),
                    "the generation {} is unknown to its job: {job:?}",
                    task.id
                );
            }
            let ends = job.generations().iter().filter_map(|one| one.end.as_ref());
            let saved: Vec<_> = ends
                .filter_map(|end| match end {
                    End::Saved(objects) => Some(objects),
                    _ => None,
                })
                .flatten()
                .collect();
            assert!(!saved.is_empty(), "{job:?}");
            for object in saved {
                let bytes = fs::read(self.store.join(&object.key)).expect("a file");
                let digest: String = Sha256::digest(&bytes)
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                assert_eq!(
                    (&digest, bytes.len() as u64),
                    (&object.sha256, object.bytes),
                    "{}",
                    object.key
                );
            }
        }
        assert_eq!(
            figures.doubled, 0,
            "jobs whose generation was bought more than once"
        );
        figures.busiest_minute = most_polls(self.simulator, Duration::from_secs(60));
        if budget.is_finite() {
            assert_budget(figures.busiest_minute, budget);
        }
        figures
    }

    /// The generations of each job, whose key begins the prompt.
    fn tasks(&self) -> BTreeMap<String, Vec<RecordedTask>> {
        let mut tasks: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for task in self.simulator.tasks() {
            let key = task
                .prompt
                .as_deref()
                .unwrap_or_default()
                .split(' ')
                .next()
                .unwrap_or_default();
            tasks.entry(key.to_owned()).or_default().push(task);
        }
        tasks
    }

    async fn list(&self) -> Vec<JobSummary> {
        let listed = self.client.list(None, self.count + 1).await;
        listed.expect("the engine is there")
    }
}

fn is_final(state: JobState) -> bool {
    use JobState::{Ambiguous, Failed, Lost, Refused, Saved};
    matches!(state, Saved | Ambiguous | Failed | Refused | Lost)
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
        let Self {
            bought,
            doubled,
            repeats,
            adopted,
            busiest_minute,
        } = self;
        write!(
            f,
            "{bought} generations bought, {doubled} twice, {repeats} repeats, {adopted} adopted by a person, {busiest_minute} polls in the busiest minute"
        )
    }
}
