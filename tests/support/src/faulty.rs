//! A server of raw bytes that fails in every way there is, as a script tells it.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
};

use super::{Request, read};

/// What happens on a connection, one after the other. After the last one it is closed.
#[derive(Clone, Debug)]
pub enum Act {
    /// Only as the first: the connection is reset before anything was read of the request.
    ResetUnread,
    Send(Vec<u8>),
    /// Sends this again and again until the other side has enough.
    SendForever(Vec<u8>),
    /// As that, with a short pause after each.
    Drip(Vec<u8>),
    /// Nothing more comes, and the connection stays open.
    Hang,
    /// The connection is reset.
    Reset,
    /// The connection is reset as soon as the other side has read everything and closed its own.
    ResetWhenRead,
}

type Script = dyn Fn(usize, Option<&Request>) -> Vec<Act> + Send + Sync;

/// Serves one request on each connection.
pub struct Faulty {
    address: SocketAddr,
    play: Arc<Mutex<Play>>,
    /// Bound, but not listening yet: whoever connects is refused.
    refusing: Mutex<Option<TcpSocket>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What is played, and what was seen of it.
#[derive(Clone)]
struct Play {
    script: Arc<Script>,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<Request>>,
}

impl Faulty {
    /// Starts one. `script` gets the number of the connection, counted from 0, and its request; before a request is read,
    /// it is asked without one, and may say to reset.
    pub fn start(
        script: impl Fn(usize, Option<&Request>) -> Vec<Act> + Send + Sync + 'static,
    ) -> Self {
        let server = Self::refusing(script);
        server.listen();
        server
    }

    /// One that refuses connections until it is told to [listen](Self::listen).
    pub fn refusing(
        script: impl Fn(usize, Option<&Request>) -> Vec<Act> + Send + Sync + 'static,
    ) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .expect("a free port");
        Self {
            address: socket.local_addr().expect("a bound address"),
            play: Arc::new(Mutex::new(Play::new(script))),
            refusing: Mutex::new(Some(socket)),
            task: Mutex::default(),
        }
    }

    pub fn listen(&self) {
        let Some(socket) = self.refusing.lock().expect("no panic while held").take() else {
            return;
        };
        let listener = socket.listen(128).expect("a bound socket listens");
        let task = serve(listener, Arc::clone(&self.play));
        *self.task.lock().expect("no panic while held") = Some(tokio::spawn(task));
    }

    /// Plays another script from now on, and begins to count anew.
    pub fn play(
        &self,
        script: impl Fn(usize, Option<&Request>) -> Vec<Act> + Send + Sync + 'static,
    ) {
        *self.play.lock().expect("no panic while held") = Play::new(script);
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections were made, each for one request.
    pub fn connections(&self) -> usize {
        self.seen().connections.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.seen()
            .requests
            .lock()
            .expect("no panic while held")
            .clone()
    }

    fn seen(&self) -> Arc<Seen> {
        let play = self.play.lock().expect("no panic while held");
        Arc::clone(&play.seen)
    }
}

impl Play {
    fn new(script: impl Fn(usize, Option<&Request>) -> Vec<Act> + Send + Sync + 'static) -> Self {
        Self {
            script: Arc::new(script),
            seen: Arc::default(),
        }
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().expect("no panic while held").take() {
            task.abort();
        }
    }
}

async fn serve(listener: TcpListener, play: Arc<Mutex<Play>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let Play { script, seen } = play.lock().expect("no panic while held").clone();
        let number = seen.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            if let Some(Act::ResetUnread) = script(number, None).first() {
                return reset(stream);
            }
            let Some(request) = read(&mut stream).await else {
                return;
            };
            seen.requests
                .lock()
                .expect("no panic while held")
                .push(request.clone());
            for act in script(number, Some(&request)) {
                match act {
                    Act::Send(bytes) => {
                        if stream.write_all(&bytes).await.is_err() {
                            return;
                        }
                    }
                    Act::SendForever(bytes) => while stream.write_all(&bytes).await.is_ok() {},
                    Act::Drip(bytes) => {
                        while stream.write_all(&bytes).await.is_ok() {
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                    }
                    Act::Hang => std::future::pending().await,
                    Act::Reset | Act::ResetUnread => return reset(stream),
                    Act::ResetWhenRead => {
                        let _ = stream.shutdown().await;
                        let _ = stream.read(&mut [0]).await;
                        return reset(stream);
                    }
                }
            }
            let _ = stream.shutdown().await;
        });
    }
}

fn reset(stream: TcpStream) {
    // Closing it now throws away what is unsent, and tells the other side so.
    stream.set_zero_linger().expect("a connected socket");
}
