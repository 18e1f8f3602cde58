//! The background thread of a blocking client: a tokio runtime for its timers, its connections and the tasks that
//! continue between calls.

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

/// A tokio runtime on a background thread, which ends after this value is dropped and all tasks have ended.
pub(super) struct Runtime {
    handle: Handle,
    thread: ThreadId,
    /// Dropping the sender ends the thread.
    _open: oneshot::Sender<()>,
}

impl Runtime {
    pub(super) fn start() -> io::Result<Self> {
        Ok(Self::start_thread()?.0)
    }

    fn start_thread() -> io::Result<(Self, JoinHandle<()>)> {
        let (sender, started) = mpsc::sync_channel(1);
        let (open, closed) = oneshot::channel();
        // The runtime is created and dropped on its own thread, since it must not be dropped inside async code.
        let run = move || {
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
        let thread = thread.spawn(run)?;
        let runtime = Self {
            handle: started.recv().map_err(io::Error::other)??,
            thread: thread.thread().id(),
            _open: open,
        };
        Ok((runtime, thread))
    }

    /// Drives `future` on the calling thread until it completes.
    ///
    /// # Panics
    ///
    /// On the runtime's own thread, where the call would block forever.
    pub(super) fn block_on<F: IntoFuture>(&self, future: F) -> F::Output {
        assert!(
            thread::current().id() != self.thread,
            "a blocking client was called from code that runs inside its own waits, such as a schedule"
        );
        let _entered = self.handle.enter();
        // Inside a task of another runtime, that runtime's cooperative budget must not apply to this future.
        pollster::block_on(task::unconstrained(future.into_future()))
    }
}

/// Completes when the client is dropped and all tasks have ended: creates in progress, and connections that an async
/// client still uses.
async fn serve(closed: oneshot::Receiver<()>) {
    // The sender never sends; the error of its drop is the signal.
    _ = closed.await;
    let tasks = Handle::current().metrics();
    while tasks.num_alive_tasks() > 0 {
        tokio::time::sleep(CHECK_INTERVAL).await;
    }
}

const CHECK_INTERVAL: Duration = Duration::from_millis(100);

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
        thread.join().expect("the thread ends without a panic");
    }

    #[test]
    fn tasks_continue_after_the_client_is_dropped() {
        let (runtime, thread) = Runtime::start_thread().expect("a thread");
        let (sender, receiver) = mpsc::channel();
        let (go, going) = oneshot::channel::<()>();
        let work = async move {
            going.await.expect("the test sends it");
            sender.send("done").expect("the test receives it");
        };
        runtime.handle.spawn(work);
        drop(runtime);
        go.send(()).expect("the task is still running");
        assert_eq!(receiver.recv(), Ok("done"));
        thread.join().expect("the thread ends without a panic");
    }

    #[test]
    fn call_on_the_background_thread_panics() {
        let (runtime, _) = Runtime::start_thread().expect("a thread");
        let runtime = std::sync::Arc::new(runtime);
        let inner = std::sync::Arc::clone(&runtime);
        let task = runtime
            .handle
            .spawn(async move { inner.block_on(async {}) });
        let ended = runtime.block_on(task);
        assert!(ended.expect_err("a panic").is_panic());
    }

    #[test]
    fn call_inside_another_call_completes() {
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
