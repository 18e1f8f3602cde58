//! Worker processes, which can be killed and frozen.

use std::{
    fs::File,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// How long a worker stays frozen: longer than every timeout of the test.
const FREEZE: Duration = Duration::from_secs(9);

/// The exit code of a worker that cannot reach the engine at its start.
const NO_ENGINE: i32 = 5;

pub struct Settings {
    pub engine: SocketAddr,
    pub service: SocketAddr,
    pub folder: PathBuf,
    pub speed: f64,
    pub budget: f64,
    pub workers: usize,
}

pub struct Fleet {
    settings: Settings,
    workers: Vec<Worker>,
}

enum Worker {
    Running(Child),
    Frozen(Child, Instant),
    Dead,
}

impl Fleet {
    pub fn start(settings: Settings) -> Self {
        let workers = (0..settings.workers)
            .map(|number| Worker::Running(spawn(&settings, number)))
            .collect();
        Self { settings, workers }
    }

    /// Starts killed workers again, and continues those that were frozen for long enough.
    pub fn tick(&mut self) {
        for (number, worker) in self.workers.iter_mut().enumerate() {
            *worker = match std::mem::replace(worker, Worker::Dead) {
                Worker::Frozen(child, since) if since.elapsed() >= FREEZE => {
                    signal(&child, Signal::CONT);
                    Worker::Running(child)
                }
                Worker::Running(mut child) => match child.try_wait().expect("works") {
                    None => Worker::Running(child),
                    // The engine was away when the worker started; a supervisor starts it again.
                    Some(status) if status.code() == Some(NO_ENGINE) => Worker::Dead,
                    Some(status) => panic!(
                        "worker {number} has ended with {status}; see its log in {}",
                        self.settings.folder.display()
                    ),
                },
                Worker::Dead => Worker::Running(spawn(&self.settings, number)),
                frozen => frozen,
            };
        }
    }

    /// Kills a running worker, unless it is the only one; returns whether it did.
    pub fn kill(&mut self, number: usize) -> bool {
        self.strike(number, |mut child| {
            child.kill().expect("works");
            child.wait().expect("works");
            Worker::Dead
        })
    }

    /// Freezes a running worker, unless it is the only one; returns whether it did.
    pub fn freeze(&mut self, number: usize) -> bool {
        self.strike(number, |child| {
            signal(&child, Signal::STOP);
            Worker::Frozen(child, Instant::now())
        })
    }

    fn strike(&mut self, number: usize, how: impl FnOnce(Child) -> Worker) -> bool {
        let running = self
            .workers
            .iter()
            .filter(|one| matches!(one, Worker::Running(_)))
            .count();
        if running < 2 || !matches!(self.workers[number], Worker::Running(_)) {
            return false;
        }
        if let Worker::Running(child) = std::mem::replace(&mut self.workers[number], Worker::Dead) {
            self.workers[number] = how(child);
        }
        true
    }

    /// Waits until all workers run.
    pub async fn recover(&mut self) {
        while !self
            .workers
            .iter()
            .all(|one| matches!(one, Worker::Running(_)))
        {
            tokio::time::sleep(Duration::from_millis(200)).await;
            self.tick();
        }
    }

    /// Stops all workers gracefully.
    pub async fn stop(mut self) {
        for worker in self.workers.drain(..) {
            if let Worker::Running(mut child) = worker {
                signal(&child, Signal::TERM);
                let status = tokio::task::spawn_blocking(move || child.wait())
                    .await
                    .expect("works")
                    .expect("works");
                assert!(
                    status.success(),
                    "a worker that is asked to stop ends with {status}"
                );
            }
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            if let Worker::Running(child) | Worker::Frozen(child, _) = worker {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

/// Each worker has a spool of its own, as on a machine of its own, which it finds again after a kill.
fn spawn(settings: &Settings, number: usize) -> Child {
    let folder = &settings.folder;
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join(format!("worker-{number}.log")))
        .expect("works");
    Command::new(env!("CARGO_BIN_EXE_aimlapi-video-worker"))
        .arg("worker")
        .args([
            "--queue",
            &format!("temporal://{}/default", settings.engine),
        ])
        .args(["--base-url", &format!("http://{}", settings.service)])
        .args([
            "--store",
            &format!("file://{}", folder.join("store").display()),
        ])
        .args(["--speed", &settings.speed.to_string()])
        .args(["--budget", &settings.budget.to_string()])
        .args(["--concurrency", "50"])
        .arg("--spool")
        .arg(folder.join(format!("spool-{number}")))
        .env("AIML_API_KEY", "sk-chaos")
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("works"))
        .stderr(log)
        .spawn()
        .expect("works")
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("works");
}
