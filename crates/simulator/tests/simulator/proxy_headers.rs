//! Tests of what the upstream and the caller of a `Proxy` receive, byte by byte (RFC 9110, 7.6).

use aimlapi_video_simulator::Proxy;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Sends a request through a proxy to an upstream that sends this response and closes the connection.
///
/// Returns what the upstream and what the caller received, with the headers sorted. The authority of the upstream is `upstream`.
async fn pass(request: &str, response: &str) -> (String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let proxy = Proxy::builder(format!("http://{authority}"));
    let proxy = proxy.start().await.unwrap();
    let upstream = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut received = String::new();
        while !is_whole(&received) {
            let mut part = [0; 1024];
            let read = stream.read(&mut part).await.unwrap();
            received.push_str(std::str::from_utf8(&part[..read]).unwrap());
        }
        stream.write_all(response.as_bytes()).await.unwrap();
        received
    };
    let caller = async {
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut received = String::new();
        stream.read_to_string(&mut received).await.unwrap();
        received
    };
    let (received, returned) = tokio::join!(upstream, caller);
    (
        sorted(&received).replace(&authority, "upstream"),
        sorted(&returned),
    )
}

/// Whether a request is complete.
fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    match length {
        Some(length) => body.len() >= length.parse::<usize>().unwrap(),
        None => !head.contains("transfer-encoding") || body.ends_with("\r\n\r\n"),
    }
}

/// Returns a message with its headers sorted, in lines that end with `\n`, and without `Date`, which the proxy adds to a response
/// without one, as RFC 9110, 6.6.1, requires.
fn sorted(message: &str) -> String {
    let (head, body) = message.split_once("\r\n\r\n").unwrap();
    let (start, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    let mut headers: Vec<&str> = headers.lines().collect();
    headers.retain(|line| !line.starts_with("date: "));
    headers.sort_unstable();
    let lines = [vec![start], headers, vec!["", body]].concat();
    lines.join("\n").replace("\r\n", "\n")
}

const EMPTY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn request_reaches_the_upstream_without_additions() {
    for (request, expected) in [
        // No `accept`, `user-agent` or `accept-encoding` is added.
        (
            "GET /a%2fb/../c?d=%20 HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n",
            "GET /a%2fb/../c?d=%20 HTTP/1.1\nhost: upstream\n\n",
        ),
        (
            "DELETE /a HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n",
            "DELETE /a HTTP/1.1\nhost: upstream\n\n",
        ),
        (
            "POST /a HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            "POST /a HTTP/1.1\ncontent-length: 0\nhost: upstream\n\n",
        ),
        // A stated length is kept, and so is the absence of one.
        (
            "POST /a HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc",
            "POST /a HTTP/1.1\ncontent-length: 3\nhost: upstream\n\nabc",
        ),
        (
            "POST /a HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "POST /a HTTP/1.1\nhost: upstream\ntransfer-encoding: chunked\n\n3\nabc\n0\n\n",
        ),
        // A field that concerns one connection is removed, and so is each that `Connection` names.
        (
            "GET /a HTTP/1.1\r\nhost: proxy\r\nconnection: close, x-hop, TE\r\nconnection: upgrade\r\nx-hop: 1\r\nx-own: 1\r\n\
             te: trailers\r\nupgrade: websocket\r\nkeep-alive: 1\r\nproxy-connection: close\r\nproxy-authorization: Basic QQ==\r\n\r\n",
            "GET /a HTTP/1.1\nhost: upstream\nx-own: 1\n\n",
        ),
        // The values of one name stay in their order.
        (
            "GET /a HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\naccept: a/b\r\nuser-agent: c\r\naccept-encoding: br\r\n\
             x-own: 2\r\nx-own: 1\r\nvia: 1.1 other\r\nx-empty:\r\n\r\n",
            "GET /a HTTP/1.1\naccept-encoding: br\naccept: a/b\nhost: upstream\nuser-agent: c\nvia: 1.1 other\nx-empty: \nx-own: 1\nx-own: 2\n\n",
        ),
        // The upstream connection has its own version.
        (
            "POST /a HTTP/1.0\r\ncontent-length: 1\r\n\r\na",
            "POST /a HTTP/1.1\ncontent-length: 1\nhost: upstream\n\na",
        ),
        (
            "POST /a HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-sum: 1\r\n\r\n",
            "POST /a HTTP/1.1\nhost: upstream\ntrailer: x-sum\ntransfer-encoding: chunked\n\n1\na\n0\nx-sum: 1\n\n",
        ),
        (
            "OPTIONS * HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n",
            "OPTIONS * HTTP/1.1\nhost: upstream\n\n",
        ),
    ] {
        let (received, _) = pass(request, EMPTY).await;
        assert_eq!(received, expected);
    }
}

#[tokio::test]
async fn response_reaches_the_caller_without_additions() {
    for (method, response, expected) in [
        (
            "GET",
            "200 OK\r\ncontent-length: 3\r\nserver: a\r\nset-cookie: b=1\r\nset-cookie: c=2\r\nconnection: x-hop\r\nx-hop: 1\r\nkeep-alive: 1\r\n\r\nabc",
            "200 OK\nconnection: close\ncontent-length: 3\nserver: a\nset-cookie: b=1\nset-cookie: c=2\n\nabc",
        ),
        (
            "GET",
            "200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "200 OK\nconnection: close\ntransfer-encoding: chunked\n\n3\nabc\n0\n\n",
        ),
        // The length of the body that a GET would have is kept, without a body.
        (
            "HEAD",
            "200 OK\r\ncontent-length: 3\r\n\r\n",
            "200 OK\nconnection: close\ncontent-length: 3\n\n",
        ),
        (
            "GET",
            "304 Not Modified\r\netag: a\r\n\r\n",
            "304 Not Modified\nconnection: close\netag: a\n\n",
        ),
        (
            "GET",
            "204 No Content\r\n\r\n",
            "204 No Content\nconnection: close\n\n",
        ),
        // An interim response concerns the proxy's own connection, unless it is one that no client of the service expects.
        (
            "GET",
            "103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "200 OK\nconnection: close\ncontent-length: 0\n\n",
        ),
        (
            "GET",
            "299 Own Reason\r\ncontent-length: 0\r\ncontent-encoding: br\r\nx-own: \u{e9}\r\n\r\n",
            "299 Own Reason\nconnection: close\ncontent-encoding: br\ncontent-length: 0\nx-own: \u{e9}\n\n",
        ),
    ] {
        let request = format!("{method} /a HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n");
        let (_, returned) = pass(&request, &format!("HTTP/1.1 {response}")).await;
        assert_eq!(returned, format!("HTTP/1.1 {expected}"));
    }
}

#[tokio::test]
async fn trailers_reach_a_caller_that_accepts_them() {
    let request = "GET /a HTTP/1.1\r\nhost: proxy\r\nconnection: close, te\r\nte: trailers\r\n\r\n";
    let response = "HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-sum: 1\r\n\r\n";
    let (_, returned) = pass(request, response).await;
    assert!(returned.contains("trailer: x-sum"), "{returned}");
    assert!(returned.ends_with("1\na\n0\nx-sum: 1\n\n"), "{returned}");
}

#[tokio::test]
async fn response_that_the_close_of_the_connection_ends_is_whole() {
    let request = "GET /a HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n";
    let (_, returned) = pass(request, "HTTP/1.0 200 OK\r\n\r\nabc").await;
    assert!(returned.ends_with("\n\n3\nabc\n0\n\n"), "{returned}");
}

#[tokio::test]
async fn caller_that_expects_to_continue_may_send_its_body() {
    let request = "POST /a HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\na";
    let (received, returned) = pass(request, EMPTY).await;
    assert_eq!(
        received,
        "POST /a HTTP/1.1\ncontent-length: 1\nexpect: 100-continue\nhost: upstream\n\na"
    );
    assert!(
        returned.starts_with("HTTP/1.1 100 Continue\n"),
        "{returned}"
    );
    assert!(returned.contains("HTTP/1.1 200 OK"), "{returned}");
}

#[tokio::test]
async fn tunnel_is_refused_with_the_way_to_use_the_proxy() {
    let proxy = Proxy::builder("http://127.0.0.1:9").start().await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let request = "CONNECT a.test:443 HTTP/1.1\r\nhost: a.test:443\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 501 "), "{response}");
    assert!(response.contains("base URL of the client"), "{response}");
}
