//! `--exec` in a batch: one program runs at a time, while the other jobs go on.

use std::{
    io::{Write, stderr},
    path::Path,
    pin::Pin,
    sync::Arc,
};

use serde_json::Value;
use tokio::sync::Mutex;

use super::run::{Run, worse};
use crate::{
    exec::Exec,
    failure::Failure,
    progress::BatchProgress,
    style::{Line, Meaning},
};

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

impl Run {
    /// Ends a job whose programs have run.
    pub(super) fn executed(&mut self, executed: Executed) {
        let Executed {
            mut saved,
            written,
            outcome,
        } = executed;
        self.progress.remove(saved.line);
        // The program may have written colours of its own.
        self.progress.suspend(|| {
            let end: &[u8] = if written.ends_with(b"\n") { b"" } else { b"\n" };
            if !written.is_empty() {
                let _ = stderr().write_all(&[&written, end].concat());
            }
        });
        if let Err(failure) = outcome {
            self.exit_code = worse(self.exit_code, failure.code);
            let error = Line::new(Meaning::Error, "error: ").plain(&*failure.message);
            self.progress.print_of(saved.line, error);
            saved.object["error"] = failure.error_json();
        }
        self.print_saved(saved);
    }
}
