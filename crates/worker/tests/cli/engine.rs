//! An engine that records the calls of the program, over TLS or without. It knows no job, and completes other calls with an empty
//! response.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use bytes::Bytes;
use h2::{RecvStream, server::SendResponse};
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    runtime::Runtime,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

pub struct Engine {
    /// The port on 127.0.0.1.
    pub port: u16,
    calls: mpsc::Receiver<Call>,
    _runtime: Runtime,
}

/// A call of the program.
#[derive(Debug)]
pub struct Call {
    /// The name of the method, such as `GetSystemInfo`.
    pub method: String,
    /// The header with the API key.
    pub authorization: Option<String>,
}

/// What the engine responds.
#[derive(Clone, Copy)]
pub enum Answer {
    /// An empty response, or that there is no such job.
    Empty,
    /// The call is not authorized.
    Refused,
}

impl Engine {
    pub fn start(tls: Option<ServerConfig>, answer: Answer) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let acceptor = tls.map(|tls| TlsAcceptor::from(Arc::new(tls)));
        let (sender, calls) = mpsc::channel();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, sender, answer).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, sender, answer).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            port,
            calls,
            _runtime: runtime,
        }
    }

    /// The URL of a queue at `host`, which is a name of this machine.
    pub fn queue(&self, host: &str) -> String {
        format!("temporal://{host}:{}/default", self.port)
    }

    /// The calls since the last time.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.try_iter().collect()
    }

    /// Waits for a call of this method, and returns it.
    pub fn wait_for(&self, method: &str) -> Call {
        loop {
            let call = self.calls.recv_timeout(Duration::from_secs(60));
            let call = call.expect("a call within a minute");
            if call.method == method {
                return call;
            }
        }
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    sender: mpsc::Sender<Call>,
    answer: Answer,
) {
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    while let Some(Ok((request, response))) = connection.accept().await {
        let header = request.headers().get("authorization");
        let call = Call {
            method: request
                .uri()
                .path()
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .into(),
            authorization: header.map(|value| value.to_str().expect("ASCII").into()),
        };
        // A test that has ended receives no more calls.
        let _ = sender.send(call);
        tokio::spawn(respond(request, response, answer));
    }
}

/// Reads the request and sends the response. A client that has gone is not an error.
async fn respond(
    request: Request<RecvStream>,
    mut response: SendResponse<Bytes>,
    answer: Answer,
) -> Option<()> {
    let is_job = request.uri().path().ends_with("/DescribeWorkflowExecution");
    let mut body = request.into_body();
    while let Some(data) = body.data().await {
        let bytes = data.ok()?.len();
        body.flow_control().release_capacity(bytes).ok()?;
    }
    let head = Response::builder().header("content-type", "application/grpc");
    match answer {
        Answer::Empty if is_job => {
            let head = head.header("grpc-status", "5");
            response.send_response(head.body(()).ok()?, true).ok()?;
            Some(())
        }
        Answer::Empty => {
            let mut stream = response.send_response(head.body(()).ok()?, false).ok()?;
            // A message of no bytes.
            stream.send_data(Bytes::from_static(&[0; 5]), false).ok()?;
            let status = ("grpc-status".parse().ok()?, HeaderValue::from_static("0"));
            stream.send_trailers(HeaderMap::from_iter([status])).ok()
        }
        Answer::Refused => {
            let head = head
                .header("grpc-status", "16")
                .header("grpc-message", "who are you");
            response.send_response(head.body(()).ok()?, true).ok()?;
            Some(())
        }
    }
}
