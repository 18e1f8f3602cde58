//! Ctrl-C and, on Unix, SIGTERM during a whole command.

use std::io;

use tokio::sync::watch;

/// Returns a future of ctrl-c or, on Unix, SIGTERM.
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
    /// Installs the signal handlers.
    pub(crate) fn listen() -> Self {
        let (sender, receiver) = watch::channel(false);
        let stopped = stopped();
        tokio::spawn(async move {
            if let Ok(stopped) = stopped {
                stopped.await;
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
