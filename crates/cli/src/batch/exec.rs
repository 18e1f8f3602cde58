//! `--exec` in a batch: one program runs at a time, while the other jobs go on.

use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write, stderr, stdout},
    path::Path,
    pin::Pin,
    sync::Arc,
};

use serde_json::Value;
use tokio::sync::Mutex;

use super::run::{Run, worse};
use crate::{
    exec::{self, Exec},
    failure::Failure,
    output::print_note,
    progress::BatchProgress,
    style::{Line, Meaning},
};

/// The program of a batch, and the turn to run it.
pub(super) struct ExecQueue {
    exec: Arc<Exec>,
    turn: Arc<Mutex<()>>,
    /// The jobs whose programs have not ended.
    open: BTreeMap<usize, SavedFiles>,
}

/// The videos of a job, and the object that `--json` prints for it.
pub(super) struct SavedFiles {
    pub(super) line: usize,
    pub(super) files: Vec<String>,
    pub(super) object: Value,
}

/// A job whose programs have run.
pub(super) struct Executed {
    pub(super) line: usize,
    /// What the programs have written.
    pub(super) written: Vec<u8>,
    pub(super) outcome: Result<(), Failure>,
}

impl ExecQueue {
    pub(super) fn new(exec: &Exec) -> Self {
        Self {
            exec: Arc::new(exec.clone()),
            turn: Arc::default(),
            open: BTreeMap::new(),
        }
    }

    /// Runs the program for the videos of a job once its turn has come.
    pub(super) fn start(
        &mut self,
        saved: SavedFiles,
        progress: &mut BatchProgress,
    ) -> Pin<Box<dyn Future<Output = Executed>>> {
        let (line, files) = (saved.line, saved.files.clone());
        progress.set_activity(line, &format!("--exec {}", self.exec.program()));
        self.open.insert(line, saved);
        let (exec, turn) = (self.exec.clone(), self.turn.clone());
        Box::pin(async move {
            let _turn = turn.lock().await;
            let (written, outcome) = exec.collect(files.iter().map(Path::new)).await;
            Executed {
                line,
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
            line,
            written,
            outcome,
        } = executed;
        self.progress.remove(line);
        // The program may have written colours of its own.
        self.progress.suspend(|| {
            let end: &[u8] = if written.ends_with(b"\n") { b"" } else { b"\n" };
            if !written.is_empty() {
                let _ = stderr().write_all(&[&written, end].concat());
            }
        });
        let open = self.exec.as_mut().map(|exec| &mut exec.open);
        let Some(mut saved) = open.and_then(|open| open.remove(&line)) else {
            return;
        };
        if let Err(failure) = outcome {
            self.exit_code = worse(self.exit_code, failure.code);
            let error = Line::new(Meaning::Error, "error: ").plain(&*failure.message);
            self.progress.print_of(line, error);
            saved.object["error"] = failure.error_json();
        }
        self.print_saved(saved);
    }

    /// Prints the result of a job whose videos are saved.
    pub(super) fn print_saved(&self, saved: SavedFiles) {
        // On a terminal a line names the files already.
        if self.json || !(stdout().is_terminal() && stderr().is_terminal()) {
            self.print_result(saved.object, &saved.files.join("\n"));
        }
    }

    /// Ends the programs that an interrupt has kept from ending, and prints the results of their jobs.
    pub(super) fn interrupt_exec(&mut self) {
        self.executing.clear();
        let open = self.exec.take().map(|exec| exec.open).unwrap_or_default();
        let videos: usize = open.values().map(|saved| saved.files.len()).sum();
        if videos > 0 {
            print_note(format!(
                "note: --exec has not ended for {videos} saved videos, and later runs do not repeat it"
            ));
        }
        for mut saved in open.into_values() {
            saved.object["error"] = exec::interrupted().error_json();
            self.print_saved(saved);
        }
    }
}
