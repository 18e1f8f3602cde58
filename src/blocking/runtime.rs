//! The thread of a blocking client: its timers, its connections, and what continues between calls.

use std::{
    fmt, io,
    sync::mpsc,
    thread::{self, JoinHandle, ThreadId},
    time::Duration,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    task,
};

pub(super) struct Runtime {
    handle: Handle,
    thread: ThreadId,
    /// Ends the thread by being dropped.
    _open: oneshot::Sender<()>,
}

impl Runtime {
    pub(super) fn start() -> io::Result<Self> {
        Ok(Self::start_thread()?.0)
    }

    fn start_thread() -> io::Result<(Self, JoinHandle<()>)> {
        let (sender, started) = mpsc::sync_channel(1);
        let (open, closed) = oneshot::channel();
        // The runtime begins and ends there, since it could not end where async code runs.
        let live = move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            // A send fails only if the thread that starts this one has panicked.
            match runtime {
                Ok(runtime) => {
                    _ = sender.send(Ok(runtime.handle().clone()));
                    runtime.block_on(serve(closed));
                }
                Err(error) => _ = sender.send(Err(error)),
            }
        };
        let thread = thread::Builder::new().name("aimlapi-video".to_owned());
        let thread = thread.spawn(live)?;
        let runtime = Self {
            handle: started.recv().map_err(io::Error::other)??,
            thread: thread.thread().id(),
            _open: open,
        };
        Ok((runtime, thread))
    }

    /// Drives `future` on this thread, to its end.
    ///
    /// # Panics
    ///
    /// On the runtime's own thread, where it would wait for itself for ever.
    pub(super) fn block_on<F: IntoFuture>(&self, future: F) -> F::Output {
        assert!(
            thread::current().id() != self.thread,
            "a blocking client was called by what runs inside its own waits, such as a schedule"
        );
        let _entered = self.handle.enter();
        // Inside a task of another runtime, that one's share of turns is not ours to count.
        pollster::block_on(task::unconstrained(future.into_future()))
    }
}

/// Serves until the client is dropped and all tasks have ended: creates in progress, and connections that a client
/// elsewhere still uses.
async fn serve(closed: oneshot::Receiver<()>) {
    // The sender is only ever dropped.
    _ = closed.await;
    let tasks = Handle::current().metrics();
    while tasks.num_alive_tasks() > 0 {
        tokio::time::sleep(LOOK).await;
    }
}

const LOOK: Duration = Duration::from_millis(100);

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thread_ends_when_the_client_is_dropped() {
        let (runtime, thread) = Runtime::start_thread().expect("a thread");
        assert_eq!(runtime.block_on(async { 7 }), 7);
        drop(runtime);
        thread.join().expect("it ends without a panic");
    }

    #[test]
    fn tasks_go_on_between_calls_and_after_the_last_one() {
        let (runtime, thread) = Runtime::start_thread().expect("a thread");
        let (sender, receiver) = mpsc::channel();
        let (go, going) = oneshot::channel::<()>();
        let work = async move {
            going.await.expect("the test sends it");
            sender.send("done").expect("the test receives it");
        };
        runtime.handle.spawn(work);
        drop(runtime);
        go.send(()).expect("the task is still there");
        assert_eq!(receiver.recv(), Ok("done"));
        thread.join().expect("it ends without a panic");
    }

    #[test]
    fn call_from_its_own_thread_panics_instead_of_hanging() {
        let (runtime, _) = Runtime::start_thread().expect("a thread");
        let runtime = std::sync::Arc::new(runtime);
        let inner = std::sync::Arc::clone(&runtime);
        let task = runtime
            .handle
            .spawn(async move { inner.block_on(async {}) });
        let ended = runtime.block_on(task);
        assert!(ended.expect_err("it panicked").is_panic());
    }

    #[test]
    fn calls_inside_a_call_are_answered() {
        let runtime = Runtime::start().expect("a thread");
        let inner = async {
            let pause = tokio::time::sleep(Duration::from_millis(1));
            runtime.block_on(pause);
            tokio::time::sleep(Duration::from_millis(1)).await;
            "done"
        };
        assert_eq!(runtime.block_on(inner), "done");
    }
}
