//! What the benches share: the runtime, a request, and a client that writes plain HTTP, which costs little compared with a
//! server's work.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const PATH: &str = "/v2/video/generations";
const HEAD: &str = "host: a\r\nauthorization: Bearer any-key\r\ncontent-type: application/json\r\n";

/// Runs a bench on two threads.
pub(crate) fn run(bench: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(bench);
}

/// A create.
pub(crate) fn create() -> String {
    let body =
        r#"{"model":"klingai/v2-master-text-to-video","prompt":"A lantern rises","duration":5}"#;
    let length = body.len();
    format!("POST {PATH} HTTP/1.1\r\n{HEAD}content-length: {length}\r\n\r\n{body}")
}

/// A poll of a generation.
pub(crate) fn poll(id: &str) -> String {
    let id = id.replace(':', "%3A").replace('/', "%2F");
    format!("GET {PATH}?generation_id={id} HTTP/1.1\r\n{HEAD}\r\n")
}

/// A persistent HTTP connection.
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            received: Vec::with_capacity(4096),
        }
    }

    /// Sends a request and receives the whole response, which must be a success and state its length.
    pub(crate) async fn send(&mut self, request: &str) {
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.received.clear();
        loop {
            assert_ne!(self.stream.read_buf(&mut self.received).await.unwrap(), 0);
            let text = std::str::from_utf8(&self.received).unwrap();
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            assert!(head.starts_with("HTTP/1.1 20"), "{head}");
            let mut lines = head.lines();
            let length = lines.find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.unwrap().parse::<usize>().unwrap() {
                return;
            }
        }
    }
}
