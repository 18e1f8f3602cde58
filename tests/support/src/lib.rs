//! Helpers that the tests share: servers on loopback whose responses a test scripts, and clients for them.
#![allow(
    clippy::new_without_default,
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "only tests use the crate, and a test may fail"
)]

#[cfg(target_os = "linux")]
pub mod chroot;
pub mod cli;
pub mod faulty;
pub mod files;
pub mod judge;
pub mod paid;
pub mod recorded;
pub mod shapes;
#[cfg(unix)]
pub mod terminal;
pub mod tls;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use aimlapi_video::{Client, ClientBuilder, CreateRetries, WaitOptions};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

/// The key, which tests must find only in the `Authorization` header of the API's requests.
pub const KEY: &str = "sk-do-not-leak-4711";

/// A request that a server received.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query, byte for byte.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// The bytes that a server writes as the response before it closes the connection.
pub type Bytes = Vec<u8>;

/// A response that makes the server send nothing and keep the connection open.
pub const SILENCE: &[u8] = b"silence";

/// A server under the test's control. Each connection serves one request.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a server; `answer` gets the number of the request, counted from 0, and the request, and returns the response.
    pub async fn start(answer: impl Fn(usize, &Request) -> Bytes + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (received, answer) = (Arc::clone(&requests), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (received, answer) = (Arc::clone(&received), Arc::clone(&answer));
                tokio::spawn(async move {
                    let Some(request) = read(&mut stream).await else {
                        return;
                    };
                    let number = {
                        let mut received = received.lock().expect("no panic while held");
                        received.push(request.clone());
                        received.len() - 1
                    };
                    let answer = answer(number, &request);
                    if answer == SILENCE {
                        std::future::pending::<()>().await;
                    }
                    let _ = stream.write_all(&answer).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self {
            address,
            requests,
            task,
        }
    }

    /// Starts a server that sends the same response to every request.
    pub async fn always(answer: Bytes) -> Self {
        Self::start(move |_, _| answer.clone()).await
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no panic while held").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A complete HTTP response.
pub fn http(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Bytes {
    let body = body.as_ref();
    let mut answer = format!("HTTP/1.1 {status} Status\r\nconnection: close\r\n");
    if !headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-length"))
    {
        answer.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    for (name, value) in headers {
        answer.push_str(&format!("{name}: {value}\r\n"));
    }
    answer.push_str("\r\n");
    let mut answer = answer.into_bytes();
    answer.extend_from_slice(body);
    answer
}

pub fn json(status: u16, body: serde_json::Value) -> Bytes {
    http(
        status,
        &[("content-type", "application/json")],
        body.to_string(),
    )
}

/// A client of `url` whose waits run a thousand times faster.
pub fn client(url: impl Into<String>) -> Client {
    builder(url).build().expect("a client")
}

pub fn builder(url: impl Into<String>) -> ClientBuilder {
    Client::builder()
        .base_url(url)
        .api_key(KEY)
        .wait_options(WaitOptions::default().speed(1000.0))
        .create_retries(CreateRetries::patient().first_pause(Duration::from_millis(1)))
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let mut chunk = [0; 4096];
        let count = stream
            .read(&mut chunk)
            .await
            .ok()
            .filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect();
    let mut request = Request {
        method,
        target,
        headers,
        body: bytes.split_off(head + 4),
    };
    let length: usize = request
        .header("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    while request.body.len() < length {
        let mut chunk = [0; 65536];
        let count = stream
            .read(&mut chunk)
            .await
            .ok()
            .filter(|count| *count > 0)?;
        request.body.extend_from_slice(&chunk[..count]);
    }
    Some(request)
}
