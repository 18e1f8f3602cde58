//! Tests of the end of a `Proxy`.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aimlapi_video_simulator::{Proxy, Subject};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::Instant,
};

use crate::{
    proxy::{caller, json_response, post, proxy},
    support::Server,
    text,
};

/// Starts a create at a proxy whose upstream has received it and does not respond by itself.
async fn creating(
    listener: &TcpListener,
    proxy: &Proxy,
) -> (
    TcpStream,
    tokio::task::JoinHandle<reqwest::Result<reqwest::Response>>,
) {
    let request = caller(proxy)
        .http
        .post(format!("{}{}", proxy.url(), crate::proxy::PATH));
    let request = request.bearer_auth("key").json(&text(json!({})));
    let caller = tokio::spawn(request.send());
    let (mut upstream, _) = listener.accept().await.unwrap();
    let mut received = Vec::new();
    while !received.ends_with(b"}") {
        upstream.read_buf(&mut received).await.unwrap();
    }
    (upstream, caller)
}

#[tokio::test]
async fn stop_waits_for_the_response_of_a_create() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = proxy(&format!("http://{}", listener.local_addr().unwrap())).await;
    let address = proxy.address();
    let (mut upstream, caller) = creating(&listener, &proxy).await;
    let stopping = tokio::spawn(proxy.stop());
    while TcpStream::connect(address).await.is_ok() {}
    let response = json_response(&json!({ "id": "1", "status": "queued" }));
    upstream.write_all(&response).await.unwrap();
    assert_eq!(caller.await.unwrap().unwrap().status(), 200);
    let counts = stopping.await.unwrap();
    assert_eq!((counts.exchanges, counts.upstream_failures), (1, 0));
}

#[tokio::test]
async fn create_without_a_response_is_reported_when_the_proxy_stops() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let reported = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reported);
    let proxy = Proxy::builder(format!("http://{}", listener.local_addr().unwrap()))
        .on_deviation(move |one| seen.lock().unwrap().push(one.deviation.clone()));
    let proxy = proxy.start().await.unwrap();
    let (_upstream, caller) = creating(&listener, &proxy).await;
    tokio::time::pause();
    let counts = proxy.stop().await;
    assert_eq!((counts.exchanges, counts.upstream_failures), (1, 1));
    assert!(caller.await.unwrap().is_err());
    let reported = reported.lock().unwrap();
    assert_eq!(reported[0].subject, Subject::Upstream);
    assert_eq!(
        reported[0].given,
        Some("not complete when the proxy stopped".into())
    );
}

#[tokio::test]
async fn counts_since_the_start_are_kept_over_a_reset() {
    let upstream = Server::always(json_response(&json!({ "id": "1", "status": "done" }))).await;
    let proxy = proxy(&upstream.url()).await;
    for _ in 0..2 {
        post(&proxy, &text(json!({})).to_string()).await.unwrap();
        let caller = caller(&proxy);
        let reset = caller.response("POST", "/_simulator/reset", None).await;
        assert_eq!(reset.unwrap().status(), 204);
    }
    assert_eq!(proxy.counts().exchanges, 0);
    let counts = proxy.stop().await;
    assert_eq!((counts.exchanges, counts.deviations), (2, 2));
}

#[tokio::test]
async fn stop_does_not_wait_for_a_connection_without_a_complete_request() {
    for sent in ["", "POST /v2/video/generations HTTP/1.1\r\nhost: a\r\n"] {
        let proxy = proxy("http://127.0.0.1:1").await;
        let mut caller = TcpStream::connect(proxy.address()).await.unwrap();
        caller.write_all(sent.as_bytes()).await.unwrap();
        // A response on a later connection: the proxy has accepted the earlier one.
        post(&proxy, "{}").await.unwrap();
        tokio::time::pause();
        let started = Instant::now();
        let counts = proxy.stop().await;
        assert_eq!(counts.exchanges, 1, "{sent}");
        assert_eq!(started.elapsed(), Duration::ZERO, "{sent}");
        tokio::time::resume();
    }
}
