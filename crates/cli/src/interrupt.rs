//! Ctrl-C, heard from the start of a command to its end.

use tokio::sync::watch;

/// Whether the command was interrupted. One that is heard while nobody listens is not forgotten.
#[derive(Clone)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Starts to listen.
    pub(crate) fn listen() -> Self {
        let (heard, interrupt) = watch::channel(false);
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                let _ = heard.send(true);
            }
            // Keeps the channel open, so that a system without signals is no interrupt.
            std::future::pending::<()>().await;
        });
        Self(interrupt)
    }

    /// Returns once the command has been interrupted.
    pub(crate) async fn heard(&mut self) {
        if self.0.wait_for(|heard| *heard).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
