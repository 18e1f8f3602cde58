//! What `simulate` and `proxy` share: the line that scripts wait for, and the end of the command.

use std::net::SocketAddr;

use futures_util::future::OptionFuture;
use serde_json::json;

use crate::{
    args::LocalServer,
    failure::Failure,
    interrupt,
    output::{print_note, write_line},
};

/// Returns a future of the end: ctrl-c, SIGTERM, or the exit of the parent process.
///
/// A signal that arrives between the call and the first poll is kept.
pub(crate) fn end(options: &LocalServer) -> Result<impl Future<Output = ()>, Failure> {
    let parent = OptionFuture::from(options.exit_with_parent.then(parent_exit));
    let stopped = interrupt::stopped()
        .map_err(|error| Failure::usage(format!("signals cannot be received: {error}")))?;
    Ok(async {
        tokio::select! {
            () = stopped => {}
            Some(()) = parent => {}
        }
    })
}

/// Prints the line that scripts wait for, and returns whether the command goes on.
pub(crate) fn announce(options: &LocalServer, url: &str, address: SocketAddr) -> bool {
    let ready = match options.json {
        true => json!({
            "url": url,
            "address": address.ip(),
            "port": address.port(),
            "pid": std::process::id(),
            "version": env!("CARGO_PKG_VERSION"),
        })
        .to_string(),
        false => format!("listening on {url}"),
    };
    let written = write_line(ready);
    // A parent that exited before this process looked for it reads no line, and its exit is not noticed.
    !options.exit_with_parent || written.is_ok()
}

/// Warns of an address that other machines can reach.
pub(crate) fn print_reach(address: SocketAddr) {
    if !address.ip().is_loopback() {
        print_note("other machines can reach it, and /_simulator/ needs no key");
    }
}

/// Returns a future of the exit of the present parent process, after which the system shows another one.
#[cfg(unix)]
fn parent_exit() -> impl Future<Output = ()> {
    use std::{os::unix::process::parent_id, time::Duration};

    let parent = parent_id();
    async move {
        let mut interval = tokio::time::interval(Duration::from_millis(100));
        while parent_id() == parent {
            interval.tick().await;
        }
    }
}

/// Returns a future of the end of standard input, which ends when the process that holds its other end exits.
#[cfg(not(unix))]
fn parent_exit() -> impl Future<Output = ()> {
    use std::io;

    // A thread of its own: the runtime would wait for a blocking task.
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = sender.send(());
    });
    async {
        let _ = receiver.await;
    }
}
