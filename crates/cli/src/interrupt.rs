//! Ctrl-C during a whole command.

use std::io;

use tokio::sync::watch;

/// Returns a future of the end of a command that runs a server: ctrl-c or, on Unix, SIGTERM.
///
/// The signals are handled from the call on.
#[cfg(unix)]
pub(crate) fn stopped() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

#[cfg(windows)]
pub(crate) fn stopped() -> io::Result<impl Future<Output = ()>> {
    let mut interrupted = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupted.recv().await;
    })
}

/// Whether the command was interrupted. An interrupt that arrives between two waits is kept.
#[derive(Clone)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Installs the signal handler.
    pub(crate) fn listen() -> Self {
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                let _ = sender.send(true);
            }
            // A closed channel would look like an interrupt on a system without signals.
            std::future::pending::<()>().await;
        });
        Self(receiver)
    }

    /// Waits until the command is interrupted.
    pub(crate) async fn received(&mut self) {
        if self.0.wait_for(|received| *received).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
