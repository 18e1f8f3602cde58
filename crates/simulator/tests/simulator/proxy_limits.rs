//! Tests of what a `Proxy` does not judge, does not store, and does not forward.

use std::io::Write;

use aimlapi_video_simulator::{Part, Proxy, Subject};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    proxy::{PATH, caller, found, json_response, post, proxy},
    support::Server,
    text,
};

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// Posts a create that the document allows to an upstream with this response; returns what is found, and how many responses
/// are not judged.
async fn judged(status: u16, encoding: &str, body: &[u8]) -> (Vec<(Subject, Part, String)>, u64) {
    let head = format!(
        "HTTP/1.1 {status} Own\r\ncontent-type: application/json\r\n{encoding}content-length: {}\r\n\r\n",
        body.len()
    );
    let upstream = Server::always([head.as_bytes(), body].concat()).await;
    let proxy = proxy(&upstream.url()).await;
    let response = post(&proxy, &text(json!({})).to_string()).await.unwrap();
    assert_eq!(response.bytes().await.unwrap(), body);
    (found(&proxy), proxy.counts().not_judged)
}

#[tokio::test]
async fn response_in_a_known_coding_is_judged() {
    let wrong = gzip(br#"{"id":"1","status":"done"}"#);
    let twice = gzip(&wrong);
    for (encoding, body) in [
        ("GZIP", &wrong),
        ("identity, x-gzip", &wrong),
        ("gzip, gzip", &twice),
        ("gzip\r\ncontent-encoding: gzip", &twice),
    ] {
        let encoding = format!("content-encoding: {encoding}\r\n");
        let expected = (Subject::Response, Part::Body, "/status".to_owned());
        assert_eq!(judged(200, &encoding, body).await, (vec![expected], 0));
    }
}

#[tokio::test]
async fn response_in_an_unknown_coding_is_judged_by_its_head_and_counted() {
    for encoding in ["br", "gzip, zstd"] {
        let encoding = format!("content-encoding: {encoding}\r\n");
        assert_eq!(judged(200, &encoding, b"\x1b\0").await, (vec![], 1));
        let expected = (Subject::Response, Part::Status, String::new());
        let of_head = judged(202, &encoding, b"\x1b\0").await;
        assert_eq!(of_head, (vec![expected], 1));
    }
}

#[tokio::test]
async fn empty_body_has_no_coding() {
    let expected = (Subject::Response, Part::Status, String::new());
    for encoding in ["gzip", "br"] {
        let encoding = format!("content-encoding: {encoding}\r\n");
        assert_eq!(
            judged(304, &encoding, b"").await,
            (vec![expected.clone()], 0)
        );
    }
}

#[tokio::test]
async fn long_response_is_forwarded_and_counted_as_not_judged() {
    let long = vec![b' '; 16 * 1024 * 1024 + 1];
    assert_eq!(judged(200, "", &long).await, (vec![], 1));
    let encoding = "content-encoding: gzip\r\n";
    assert_eq!(judged(200, encoding, &gzip(&long)).await, (vec![], 1));
}

#[tokio::test]
async fn deviations_are_bounded() {
    let upstream = Server::always(json_response(&json!({ "id": "1", "status": "queued" }))).await;
    let proxy = proxy(&upstream.url()).await;
    let long = "m".repeat(100_000);
    let wrong = json!({ "prompt": vec!["a"; 10_000], "model": "klingai/v2-master-text-to-video" });
    for body in [json!({ "model": long }), wrong] {
        post(&proxy, &body.to_string()).await.unwrap();
    }
    let (_, stored) = caller(&proxy)
        .send("GET", "/_simulator/deviations", None)
        .await;
    assert_eq!(stored.as_array().unwrap().len(), 2, "{stored}");
    assert!(stored.to_string().len() < 15_000, "{stored}");
    assert!(
        stored[1]["given"]
            .as_str()
            .unwrap()
            .starts_with("[\"a\",\"a\""),
        "{stored}"
    );
}

#[tokio::test]
async fn deviations_of_one_exchange_are_bounded() {
    let upstream = Server::always(json_response(&json!({}))).await;
    let proxy = Proxy::builder(upstream.url()).reading(|_, _| {
        let one = |index: usize| {
            aimlapi_video_simulator::Deviation::of_reading(format!("/{index}"), None, "one")
        };
        (0..1000).map(one).collect()
    });
    let proxy = proxy.start().await.unwrap();
    post(&proxy, &text(json!({})).to_string()).await.unwrap();
    assert_eq!(proxy.deviations().len(), 100);
}

/// Sends a request to a proxy and returns the response, up to the close of the connection.
async fn exchange(proxy: &Proxy, request: &str) -> String {
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn guard_refuses_and_reports_a_body_that_is_too_long() {
    let upstream = Server::always(json_response(&json!({}))).await;
    let proxy = Proxy::builder(upstream.url()).guard(true);
    let proxy = proxy.start().await.unwrap();
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 268435457\r\n\r\n"
    );
    let response = exchange(&proxy, &request).await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    let expected = (Subject::Request, Part::Body, String::new());
    assert_eq!(found(&proxy), [expected]);
    assert_eq!(proxy.counts().refused, 1);
    assert_eq!(upstream.requests().len(), 0);
}

#[tokio::test]
async fn refusals_of_the_guard_have_the_required_headers() {
    let proxy = Proxy::builder("http://127.0.0.1:9").guard(true);
    let proxy = proxy.start().await.unwrap();
    for (method, status, header) in [
        ("DELETE", 405, "allow: GET, POST"),
        ("GET", 401, "www-authenticate: Bearer"),
    ] {
        let request = format!("{method} {PATH} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        let response = exchange(&proxy, &request).await;
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "{response}"
        );
        assert!(
            response.contains(&format!("\r\n{header}\r\n")),
            "{response}"
        );
    }
}

#[tokio::test]
async fn request_for_another_host_is_not_forwarded() {
    let upstream = Server::always(json_response(&json!({}))).await;
    let proxy = proxy(&upstream.url()).await;
    let port = proxy.address().port();
    for (authority, status) in [
        ("a.test".to_owned(), 501),
        (format!("a.test:{port}"), 501),
        (upstream.url().replace("http://", ""), 501),
        (format!("127.0.0.1:{port}"), 200),
        (format!("localhost:{port}"), 200),
    ] {
        let request = format!(
            "GET http://{authority}/a HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n"
        );
        let response = exchange(&proxy, &request).await;
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "{response}"
        );
    }
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test]
async fn path_that_is_too_long_for_the_upstream_is_refused() {
    let upstream = Server::always(json_response(&json!({}))).await;
    let proxy = proxy(&format!("{}/base", upstream.url())).await;
    let path = "a".repeat(65_530);
    let request = format!("GET /{path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let response = exchange(&proxy, &request).await;
    assert!(response.starts_with("HTTP/1.1 414 "), "{response}");
    assert_eq!(upstream.requests().len(), 0);
}

#[tokio::test]
async fn own_endpoints_refuse_as_those_of_the_simulator_do() {
    let proxy = proxy("http://127.0.0.1:9").await;
    let caller = caller(&proxy);
    for (method, target, status, message) in [
        ("DELETE", "/_simulator/reset", 405, "does not allow"),
        ("POST", "/_simulator/", 405, "does not allow"),
        (
            "GET",
            "/_simulator/page/state?since=x",
            400,
            "invalid digit",
        ),
        ("GET", "/_simulator/page/state?sinse=1", 400, "sinse"),
        ("GET", "/_simulator/deviations?bogus=1", 400, "bogus"),
        ("GET", "/_simulator/?bogus=1", 400, "bogus"),
        ("POST", "/_simulator/reset?key=1", 400, "key"),
    ] {
        let response = caller.response(method, target, None).await.unwrap();
        assert_eq!(response.status(), status, "{target}");
        assert_eq!(response.headers().contains_key("allow"), status == 405);
        let error: Value = response.json().await.unwrap();
        assert_eq!(error["statusCode"], status);
        let text = error["message"].as_str().unwrap();
        assert!(text.contains(message), "{text}");
    }
}
