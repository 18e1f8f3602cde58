//! `--exec` in a batch: one program runs at a time, while the other jobs go on.

use std::{path::Path, pin::Pin, sync::Arc};

use serde_json::Value;
use tokio::sync::Mutex;

use crate::{exec::Exec, failure::Failure, progress::BatchProgress};

/// The program of a batch, and the turn to run it.
pub(super) struct ExecQueue {
    exec: Arc<Exec>,
    turn: Arc<Mutex<()>>,
}

/// The videos of a job, and the object that `--json` prints for it.
pub(super) struct SavedFiles {
    pub(super) line: usize,
    pub(super) files: Vec<String>,
    pub(super) object: Value,
}

/// A job whose programs have run.
pub(super) struct Executed {
    pub(super) saved: SavedFiles,
    /// What the programs have written.
    pub(super) written: Vec<u8>,
    pub(super) outcome: Result<(), Failure>,
}

impl ExecQueue {
    pub(super) fn new(exec: &Exec) -> Self {
        Self {
            exec: Arc::new(exec.clone()),
            turn: Arc::default(),
        }
    }

    /// Runs the program for the videos of a job once its turn has come.
    pub(super) fn start(
        &self,
        saved: SavedFiles,
        progress: &mut BatchProgress,
    ) -> Pin<Box<dyn Future<Output = Executed>>> {
        progress.set_activity(saved.line, &format!("--exec {}", self.exec.program()));
        let (exec, turn) = (self.exec.clone(), self.turn.clone());
        Box::pin(async move {
            let _turn = turn.lock().await;
            let (written, outcome) = exec.collect(saved.files.iter().map(Path::new)).await;
            Executed {
                saved,
                written,
                outcome,
            }
        })
    }
}
