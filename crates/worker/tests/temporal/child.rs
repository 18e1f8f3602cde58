//! A worker in a process of its own, which a test can kill and freeze.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command},
};

use aimlapi_video_worker::temporal::worker;

use crate::{engine, world};

/// A worker process, which ends with this value.
pub struct WorkerProcess(Child);

impl WorkerProcess {
    pub fn start(world: &world::World, spool: &Path) -> Self {
        let program = std::env::current_exe().expect("this program");
        let process = Command::new(program)
            .args(["--exact", "child::worker_process", "--include-ignored"])
            .env(ENGINE, world.engine.address())
            .env("SERVICE", world.simulator.url())
            .env("SPOOL", spool)
            .env("STORE", world.store())
            .spawn();
        Self(process.expect("the process starts"))
    }

    /// Sends a signal by its name, such as `KILL`.
    pub fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.expect("kill runs").success());
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a worker process runs; it never ends by itself.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "only for the processes that other tests start"]
async fn worker_process() {
    let Ok(address) = std::env::var(ENGINE) else {
        return;
    };
    let path = |name: &str| PathBuf::from(std::env::var_os(name).expect("set"));
    let service = std::env::var("SERVICE").expect("set");
    let options = world::options(&service, path("SPOOL"), path("STORE"));
    let client = engine::connect(&address).await;
    let never = std::future::pending();
    worker::run(client, options, never).await.expect("no error");
}

const ENGINE: &str = "ENGINE";
