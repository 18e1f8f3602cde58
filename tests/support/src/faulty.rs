//! A server of raw bytes that fails as a script says: resets, pauses, partial and endless responses.

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

/// An action on a connection. After the last action of a script, the connection is closed.
#[derive(Clone, Debug)]
pub enum Act {
    /// Resets the connection before the request is read. It must be the first action.
    ResetUnread,
    Send(Vec<u8>),
    /// Sends these bytes repeatedly until the client closes the connection.
    SendForever(Vec<u8>),
    /// As [`SendForever`](Self::SendForever), with a short pause after each write.
    Drip(Vec<u8>),
    /// Sends nothing more, and keeps the connection open.
    Hang,
    /// Resets the connection.
    Reset,
    /// Resets the connection as soon as the client has read everything and closed its side.
    ResetWhenRead,
}

type Script = dyn Fn(usize, Option<&Request>) -> Vec<Act> + Send + Sync;

/// The server, which serves one request on each connection.
pub struct Faulty {
    address: SocketAddr,
    play: Arc<Mutex<Play>>,
    /// A socket that is bound but does not listen yet, so that connections are refused.
    refusing: Mutex<Option<TcpSocket>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// The current script, and the record of its connections.
#[derive(Clone)]
struct Play {
    script: Arc<Script>,
    record: Arc<Record>,
}

#[derive(Default)]
struct Record {
    connections: AtomicUsize,
    requests: Mutex<Vec<Request>>,
}

impl Faulty {
    /// Starts a server. `script` is called twice for each connection, with its number from 0: first without a request, when it
    /// may return [`Act::ResetUnread`], then with the request.
    pub fn start(
        script: impl Fn(usize, Option<&Request>) -> Vec<Act> + Send + Sync + 'static,
    ) -> Self {
        let server = Self::refusing(script);
        server.listen();
        server
    }

    /// A server that refuses connections until [`listen`](Self::listen) is called.
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

    /// Replaces the script, and restarts the count of connections.
    pub fn play(
        &self,
        script: impl Fn(usize, Option<&Request>) -> Vec<Act> + Send + Sync + 'static,
    ) {
        *self.play.lock().expect("no panic while held") = Play::new(script);
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The number of connections, each with one request.
    pub fn connections(&self) -> usize {
        self.record().connections.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.record()
            .requests
            .lock()
            .expect("no panic while held")
            .clone()
    }

    fn record(&self) -> Arc<Record> {
        let play = self.play.lock().expect("no panic while held");
        Arc::clone(&play.record)
    }
}

impl Play {
    fn new(script: impl Fn(usize, Option<&Request>) -> Vec<Act> + Send + Sync + 'static) -> Self {
        Self {
            script: Arc::new(script),
            record: Arc::default(),
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
        let Play { script, record } = play.lock().expect("no panic while held").clone();
        let number = record.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            if let Some(Act::ResetUnread) = script(number, None).first() {
                return reset(stream);
            }
            let Some(request) = read(&mut stream).await else {
                return;
            };
            record
                .requests
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
    // With a linger time of zero, closing the socket discards unsent data and sends a reset.
    stream.set_zero_linger().expect("a connected socket");
}
