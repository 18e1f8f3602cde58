//! The signals that stop a worker: SIGINT and SIGTERM.

use std::io;

use super::{failure::INTERRUPTED, output::note};

/// Returns a future of the first signal. The second one ends the process. The signals are handled from the call on.
pub(crate) fn requested(on_stop: String) -> io::Result<impl Future<Output = ()>> {
    let mut signals = Signals::new()?;
    Ok(async move {
        signals.next().await;
        note(on_stop);
        tokio::spawn(async move {
            signals.next().await;
            note(
                "stopped at once; the job of a create in flight may be ambiguous, see `jobs --state ambiguous`",
            );
            std::process::exit(INTERRUPTED.into());
        });
    })
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
