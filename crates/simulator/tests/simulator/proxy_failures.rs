//! Tests of `Proxy` with an upstream or a caller that fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aimlapi_video_simulator::{Part, Proxy, Subject};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::{
    MODEL,
    proxy::{PATH, found, json_response, post, proxy},
    support::{KEY, Server},
    text,
};

/// A proxy whose upstream is down.
async fn proxy_of_nothing() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    proxy(&format!("http://{address}")).await
}

#[tokio::test]
async fn upstream_that_is_down_gets_502_and_a_report() {
    let proxy = proxy_of_nothing().await;
    let response = post(&proxy, &text(json!({})).to_string()).await.unwrap();
    assert_eq!(response.status(), 502);
    let error: Value = response.json().await.unwrap();
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("cannot be reached") && message.contains("refused"),
        "{message}"
    );
    assert_eq!(
        found(&proxy),
        [(Subject::Upstream, Part::Body, String::new())]
    );
    let counts = proxy.counts();
    assert_eq!((counts.deviations, counts.upstream_failures), (0, 1));
}

#[tokio::test]
async fn request_is_judged_although_the_upstream_is_down() {
    let proxy = proxy_of_nothing().await;
    let body = text(json!({ "duration": 7 })).to_string();
    assert_eq!(post(&proxy, &body).await.unwrap().status(), 502);
    let expected = [
        (Subject::Request, Part::Body, "/duration".to_owned()),
        (Subject::Upstream, Part::Body, String::new()),
    ];
    assert_eq!(found(&proxy), expected);
    assert_eq!(proxy.deviations()[0].model.as_deref(), Some(MODEL));
}

#[tokio::test]
async fn upstream_that_closes_early_does_so_for_the_caller_and_is_reported() {
    let cut =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{\"id\""
            .to_vec();
    for (answer, has_response, given) in [
        (Vec::new(), false, "closed without a response"),
        (cut, true, "closed after 5 of 50 bytes"),
    ] {
        let upstream = Server::always(answer).await;
        let proxy = proxy(&upstream.url()).await;
        let response = post(&proxy, &text(json!({})).to_string()).await;
        assert_eq!(response.is_ok(), has_response, "{given}");
        if let Ok(response) = response {
            assert!(response.bytes().await.is_err());
        }
        let reported = proxy.deviations();
        assert_eq!(reported.len(), 1, "{reported:?}");
        assert_eq!(reported[0].deviation.subject, Subject::Upstream);
        let text = reported[0]
            .deviation
            .given
            .as_ref()
            .unwrap()
            .as_str()
            .unwrap();
        assert!(text.starts_with(given), "{text}");
        assert_eq!(upstream.requests().len(), 1);
    }
}

#[tokio::test]
async fn late_response_is_reported_while_the_caller_waits() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    let late = Arc::new(Notify::new());
    let notify = Arc::clone(&late);
    let proxy = Proxy::builder(upstream)
        .late_after(Duration::from_millis(1))
        .on_deviation(move |_| notify.notify_one())
        .start()
        .await
        .unwrap();
    let respond = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        late.notified().await;
        let response = json_response(&json!({ "id": "1", "status": "queued" }));
        stream.write_all(&response).await.unwrap();
        stream
    };
    let body = text(json!({})).to_string();
    let (response, _stream) = tokio::join!(post(&proxy, &body), respond);
    assert_eq!(response.unwrap().bytes().await.unwrap().len(), 28);
    let allowed: Vec<String> = proxy
        .deviations()
        .into_iter()
        .map(|one| one.deviation.allowed)
        .collect();
    assert_eq!(allowed, ["a response within 1ms"]);
}

/// A server that does not respond by itself, a proxy to it, and a notification of each deviation.
async fn silent() -> (TcpListener, Proxy, Arc<Notify>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let reported = Arc::new(Notify::new());
    let notify = Arc::clone(&reported);
    let proxy = Proxy::builder(format!("http://{}", listener.local_addr().unwrap()))
        .late_after(Duration::from_millis(1))
        .on_deviation(move |_| notify.notify_one());
    (listener, proxy.start().await.unwrap(), reported)
}

/// Waits until the proxy has ended an exchange.
async fn ended(proxy: &Proxy) {
    while proxy.counts().exchanges == 0 {
        tokio::task::yield_now().await;
    }
}

fn create() -> String {
    let body = text(json!({})).to_string();
    let length = body.len();
    format!(
        "POST {PATH} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn caller_that_does_not_wait_for_a_late_response_ends_the_request_to_the_upstream() {
    let (listener, proxy, late) = silent().await;
    let mut caller = TcpStream::connect(proxy.address()).await.unwrap();
    caller.write_all(create().as_bytes()).await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    late.notified().await;
    drop(caller);
    let mut received = Vec::new();
    upstream.read_to_end(&mut received).await.unwrap();
    ended(&proxy).await;
    let reported = proxy.deviations();
    assert_eq!(reported.len(), 1, "{reported:?}");
    assert_eq!(reported[0].deviation.allowed, "a response within 1ms");
    assert_eq!(proxy.counts().upstream_failures, 1);
}

#[tokio::test]
async fn every_late_response_on_a_connection_is_reported() {
    let (listener, proxy, late) = silent().await;
    let mut caller = TcpStream::connect(proxy.address()).await.unwrap();
    let response = json_response(&json!({ "id": "1", "status": "queued" }));
    let mut upstream = None;
    for number in 1..=3 {
        caller.write_all(create().as_bytes()).await.unwrap();
        // The proxy keeps its connection to the upstream, too.
        let stream = match &mut upstream {
            Some(stream) => stream,
            None => upstream.insert(listener.accept().await.unwrap().0),
        };
        late.notified().await;
        stream.write_all(&response).await.unwrap();
        let mut received = Vec::new();
        while !received.ends_with(b"\"queued\"}") {
            assert_ne!(caller.read_buf(&mut received).await.unwrap(), 0);
        }
        let reported = proxy.deviations().into_iter();
        let reported = reported.map(|one| (one.exchange, one.deviation.allowed));
        let expected = (1..=number).map(|number| (number, "a response within 1ms".to_owned()));
        assert_eq!(reported.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn response_that_stalls_is_reported_once() {
    let (listener, proxy, late) = silent().await;
    let mut caller = TcpStream::connect(proxy.address()).await.unwrap();
    caller.write_all(create().as_bytes()).await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{";
    upstream.write_all(head.as_bytes()).await.unwrap();
    late.notified().await;
    upstream.write_all(b" ").await.unwrap();
    drop(upstream);
    let mut received = Vec::new();
    let _ = caller.read_to_end(&mut received).await;
    let reported = proxy.deviations().into_iter();
    let given = reported.map(|one| one.deviation.given.unwrap().as_str().unwrap().to_owned());
    let given: Vec<String> = given.collect();
    assert_eq!(given.len(), 2, "{given:?}");
    assert!(given[0].contains("after 1ms"), "{given:?}");
    assert!(
        given[1].starts_with("closed after 2 of 50 bytes"),
        "{given:?}"
    );
}

#[tokio::test]
async fn caller_that_leaves_within_a_message_is_not_a_failure_of_the_upstream() {
    let request = create();
    let (cut, _) = request.split_at(request.len() - 10);
    for (request, response) in [
        (cut, ""),
        (&request, "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = proxy(&format!("http://{}", listener.local_addr().unwrap())).await;
        let mut caller = TcpStream::connect(proxy.address()).await.unwrap();
        caller.write_all(request.as_bytes()).await.unwrap();
        let (mut upstream, _) = listener.accept().await.unwrap();
        upstream.write_all(response.as_bytes()).await.unwrap();
        if !response.is_empty() {
            assert_ne!(caller.read(&mut [0; 1024]).await.unwrap(), 0);
        }
        drop(caller);
        let mut received = Vec::new();
        upstream.read_to_end(&mut received).await.unwrap();
        ended(&proxy).await;
        assert_eq!(proxy.deviations(), []);
    }
}

#[tokio::test]
async fn response_that_is_not_http_or_cut_in_a_chunk_is_reported_on_every_path() {
    for (response, given) in [
        ("220 mail.test ESMTP\r\n", "closed without a response"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
            "closed without a response",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
            "closed after 2 bytes",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\nxyz\r\n",
            "closed after 2 bytes",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab",
            "closed after 2 of 5 bytes",
        ),
    ] {
        for path in [PATH, "/other"] {
            let upstream = Server::always(response.into()).await;
            let proxy = proxy(&upstream.url()).await;
            let mut caller = TcpStream::connect(proxy.address()).await.unwrap();
            let request = create().replace(PATH, path);
            caller.write_all(request.as_bytes()).await.unwrap();
            let mut received = Vec::new();
            // The connection ends, by a reset or in order.
            let _ = caller.read_to_end(&mut received).await;
            let received = String::from_utf8(received).unwrap();
            assert!(!received.ends_with("0\r\n\r\n"), "{received}");
            assert_eq!(
                received.is_empty(),
                given.ends_with("response"),
                "{received}"
            );
            let reported = proxy.deviations();
            let last = &reported.last().unwrap().deviation;
            assert_eq!(last.subject, Subject::Upstream, "{response}");
            let text = last.given.as_ref().unwrap().as_str().unwrap();
            assert!(text.starts_with(given), "{text}");
        }
    }
}

#[tokio::test]
async fn bytes_beyond_the_stated_length_are_not_part_of_the_response() {
    let response =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n{\"id\": 1}";
    let upstream = Server::always(response.into()).await;
    let proxy = proxy(&upstream.url()).await;
    let body = text(json!({})).to_string();
    let response = post(&proxy, &body).await.unwrap();
    assert_eq!(response.bytes().await.unwrap(), "{\"id\"");
    let expected = (Subject::Response, Part::Body, String::new());
    assert_eq!(found(&proxy), [expected]);
}

#[tokio::test]
async fn response_by_http_1_0_is_judged() {
    let head = "HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n";
    for (status, expected) in [
        ("queued", &[][..]),
        (
            "done",
            &[(Subject::Response, Part::Body, "/status".to_owned())],
        ),
    ] {
        let body = json!({ "id": "1", "status": status }).to_string();
        let upstream = Server::always(format!("{head}{body}").into()).await;
        let proxy = proxy(&upstream.url()).await;
        let response = post(&proxy, &text(json!({})).to_string()).await.unwrap();
        assert_eq!(response.version(), reqwest::Version::HTTP_11);
        assert_eq!(response.text().await.unwrap(), body);
        assert_eq!(found(&proxy), expected);
    }
}

#[tokio::test]
async fn response_before_the_end_of_the_request_reaches_the_caller() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = proxy(&format!("http://{}", listener.local_addr().unwrap())).await;
    let mut caller = TcpStream::connect(proxy.address()).await.unwrap();
    let request = create();
    let (begin, _) = request.split_at(request.len() - 10);
    caller.write_all(begin.as_bytes()).await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    let response =
        "HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno";
    upstream.write_all(response.as_bytes()).await.unwrap();
    let mut received = String::new();
    while !received.ends_with("\r\n\r\nno") {
        let mut part = [0; 1024];
        let read = caller.read(&mut part).await.unwrap();
        assert_ne!(read, 0, "{received}");
        received.push_str(std::str::from_utf8(&part[..read]).unwrap());
    }
    assert!(received.starts_with("HTTP/1.1 413 "), "{received}");
    assert_eq!(proxy.deviations(), []);
    assert_eq!(proxy.counts().not_judged, 1);
}

#[tokio::test]
async fn upstream_is_not_late_while_the_caller_sends_its_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let is_sent = Arc::new(AtomicBool::new(false));
    let sent = Arc::clone(&is_sent);
    let (report, mut reports) = tokio::sync::mpsc::unbounded_channel();
    let proxy = Proxy::builder(format!("http://{}", listener.local_addr().unwrap()))
        .late_after(Duration::ZERO)
        .on_deviation(move |_| report.send(sent.load(Ordering::SeqCst)).unwrap());
    let proxy = proxy.start().await.unwrap();
    let mut caller = TcpStream::connect(proxy.address()).await.unwrap();
    let request = create();
    let (begin, end) = request.split_at(request.len() - 10);
    caller.write_all(begin.as_bytes()).await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    let mut received = Vec::new();
    while !received.ends_with(&begin.as_bytes()[begin.len() - 10..]) {
        upstream.read_buf(&mut received).await.unwrap();
    }
    is_sent.store(true, Ordering::SeqCst);
    caller.write_all(end.as_bytes()).await.unwrap();
    assert_eq!(reports.recv().await, Some(true));
}
