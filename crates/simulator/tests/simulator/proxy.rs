//! Tests of `Proxy`: what it forwards and what it reports.

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use aimlapi_video_simulator::{Deviation, Part, Proxy, Simulator, Subject};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    Caller, MODEL,
    support::{KEY, Server},
    text,
};

pub(crate) const PATH: &str = "/v2/video/generations";

pub(crate) async fn proxy(upstream: &str) -> Proxy {
    Proxy::builder(upstream).start().await.unwrap()
}

pub(crate) fn caller(proxy: &Proxy) -> Caller {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    Caller {
        url: proxy.url(),
        key: KEY.to_owned(),
        http,
    }
}

pub(crate) async fn post(proxy: &Proxy, body: &str) -> reqwest::Result<reqwest::Response> {
    let http = caller(proxy).http;
    let request = http.post(format!("{}{PATH}", proxy.url())).bearer_auth(KEY);
    let request = request.header("content-type", "application/json");
    request.body(body.to_owned()).send().await
}

/// A response with a JSON body and its length.
pub(crate) fn json_response(body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into()
}

pub(crate) fn found(proxy: &Proxy) -> Vec<(Subject, Part, String)> {
    let reported = proxy.deviations().into_iter();
    reported
        .map(|one| {
            (
                one.deviation.subject,
                one.deviation.part,
                one.deviation.pointer,
            )
        })
        .collect()
}

#[tokio::test]
async fn simulator_behind_the_proxy_has_no_deviation() {
    let simulator = Simulator::builder().manual_clock().start().await.unwrap();
    let proxy = proxy(&simulator.url()).await;
    let created: Value = post(&proxy, &text(json!({})).to_string())
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    simulator.advance(Duration::from_secs(100_000));
    let id = created["id"].as_str().unwrap().replace('/', "%2F");
    let target = format!("{PATH}?generation_id={id}");
    let (status, fetched) = caller(&proxy).send("GET", &target, None).await;
    assert_eq!((status, &fetched["status"]), (200, &json!("completed")));
    assert_eq!(proxy.deviations(), []);
    assert_eq!(proxy.counts().exchanges, 2);
    assert_eq!(simulator.requests()[1].target, target);
}

#[tokio::test]
async fn bodies_and_end_to_end_headers_are_unchanged_and_others_are_removed() {
    let upstream = Server::start(|_, _| {
        b"HTTP/1.1 418 I'm a teapot\r\nx-own: 1\r\nx-own: 2\r\nconnection: x-hop, close\r\nx-hop: 1\r\nkeep-alive: 1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".to_vec()
    })
    .await;
    let proxy = proxy(&format!("{}/base/", upstream.url())).await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let request = format!(
        "POST /other?a=%2F HTTP/1.1\r\nhost: proxy\r\nauthorization: Bearer {KEY}\r\naccept: a/b\r\nx-own: 1\r\nx-own: 2\r\n\
         connection: close, x-hop\r\nx-hop: 1\r\nte: trailers\r\ncontent-length: 5\r\n\r\n\0\u{1}\u{2}\"\\"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 418"), "{head}");
    assert!(head.contains("x-own: 1\r\nx-own: 2"), "{head}");
    for hop in ["x-hop", "keep-alive"] {
        assert!(!head.contains(hop), "{head}");
    }
    assert!(body.contains("abc") && body.contains("de"), "{body}");

    let received = &upstream.requests()[0];
    assert_eq!(received.target, "/base/other?a=%2F");
    assert_eq!(received.body, b"\0\x01\x02\"\\");
    let mut headers = received.headers.clone();
    headers.retain(|(name, _)| name != "host");
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = [
        pair("authorization", &format!("Bearer {KEY}")),
        pair("accept", "a/b"),
        pair("x-own", "1"),
        pair("x-own", "2"),
        pair("content-length", "5"),
    ];
    headers.sort();
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(headers, expected);
    assert_eq!(
        received.header("host").unwrap(),
        upstream.url().strip_prefix("http://").unwrap()
    );
}

#[tokio::test]
async fn response_reaches_the_caller_while_the_upstream_sends_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = proxy(&format!("http://{}", listener.local_addr().unwrap())).await;
    let target = format!("{PATH}?generation_id=1");
    let caller = caller(&proxy);
    let upstream = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 30\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(br#"{"id":"1","#).await.unwrap();
        stream
    };
    let (response, mut stream) = tokio::join!(caller.response("GET", &target, None), upstream);
    let mut response = response.unwrap();
    assert_eq!(
        &response.chunk().await.unwrap().unwrap()[..],
        br#"{"id":"1","#
    );
    assert_eq!(proxy.counts().exchanges, 0);
    stream.write_all(br#""status":"queued"}  "#).await.unwrap();
    while response.chunk().await.unwrap().is_some() {}
    // The exchange is judged before the caller has the last byte.
    assert_eq!(proxy.counts().exchanges, 1);
    assert_eq!(proxy.deviations(), []);
}

#[tokio::test]
async fn every_deviation_is_reported_without_the_key() {
    let upstream = Server::always(json_response(&json!({ "id": KEY, "status": KEY }))).await;
    let reported: Arc<Mutex<Vec<Value>>> = Arc::default();
    let seen = Arc::clone(&reported);
    let proxy = Proxy::builder(upstream.url())
        .on_deviation(move |one| {
            seen.lock()
                .unwrap()
                .push(serde_json::to_value(one).unwrap())
        })
        .reading(|_, response| {
            let body: Value = serde_json::from_slice(response.body()).unwrap();
            vec![Deviation::of_reading(
                "/status",
                Some(body["status"].clone()),
                "a known state",
            )]
        })
        .start()
        .await
        .unwrap();
    let body = text(json!({ "duration": 7, "negative_prompt": [KEY] })).to_string();
    assert_eq!(post(&proxy, &body).await.unwrap().status(), 200);
    let mut expected = vec![
        (Subject::Request, Part::Body, "/duration".to_owned()),
        (Subject::Request, Part::Body, "/negative_prompt".to_owned()),
        (Subject::Response, Part::Body, "/status".to_owned()),
        (Subject::Reading, Part::Body, "/status".to_owned()),
    ];
    let mut all = found(&proxy);
    all.sort_by_key(|one| format!("{one:?}"));
    expected.sort_by_key(|one| format!("{one:?}"));
    assert_eq!(all, expected);
    let (_, listed) = caller(&proxy)
        .send("GET", "/_simulator/deviations", None)
        .await;
    let reported = Value::from(reported.lock().unwrap().clone());
    assert_eq!(listed, reported);
    assert!(!listed.to_string().contains(KEY), "{listed}");
    let first = &listed[0];
    assert_eq!(first["exchange"], 1);
    assert_eq!(first["method"], "POST");
    assert_eq!(first["path"], PATH);
    assert_eq!(first["model"], MODEL);
    assert_eq!(first["status"], 200);
    assert_eq!(first["document"], "kling/v2-master-text-to-video.json");

    let (_, overview) = caller(&proxy).send("GET", "/_simulator/", None).await;
    assert_eq!(overview["counts"]["deviations"], 4);
    assert_eq!(overview["upstream"], upstream.url());
    let reset = caller(&proxy)
        .response("POST", "/_simulator/reset", None)
        .await
        .unwrap();
    assert_eq!(reset.status(), 204);
    assert_eq!(proxy.deviations(), []);
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn guard_refuses_a_request_that_deviates_and_forwards_others() {
    let upstream = Server::always(json_response(&json!({ "id": "1", "status": "queued" }))).await;
    let proxy = Proxy::builder(upstream.url())
        .guard(true)
        .start()
        .await
        .unwrap();
    let refused = post(&proxy, &text(json!({ "duration": 7 })).to_string())
        .await
        .unwrap();
    assert_eq!(refused.status(), 400);
    let error: Value = refused.json().await.unwrap();
    assert_eq!(error["statusCode"], 400);
    assert_eq!(error["path"], PATH);
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("/duration: expected one of 5, 10; received 7"),
        "{message}"
    );
    let caller = caller(&proxy);
    assert_eq!(caller.send("GET", PATH, None).await.0, 400);
    assert_eq!(caller.send("DELETE", PATH, None).await.0, 405);
    assert_eq!(caller.send("GET", "/v2/video", None).await.0, 404);
    assert_eq!(upstream.requests().len(), 0);
    assert_eq!(proxy.counts().refused, 4);

    let body = text(json!({ "duration": 5 })).to_string();
    assert_eq!(post(&proxy, &body).await.unwrap().status(), 200);
    assert_eq!(upstream.requests()[0].body, body.as_bytes());
    assert_eq!(proxy.counts().exchanges, 5);
    assert_eq!(proxy.deviations().len(), 4);
}

#[tokio::test]
async fn compressed_response_is_forwarded_as_it_is_and_judged() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(br#"{"id":"1","status":"done"}"#).unwrap();
    let body = encoder.finish().unwrap();
    for (encoding, part, pointer) in [
        ("gzip", Part::Body, "/status"),
        ("deflate", Part::Header, "/content-encoding"),
    ] {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let upstream = Server::always([head.as_bytes(), &body].concat()).await;
        let proxy = proxy(&upstream.url()).await;
        let response = post(&proxy, &text(json!({})).to_string()).await.unwrap();
        assert_eq!(response.headers()["content-encoding"], encoding);
        assert_eq!(response.bytes().await.unwrap(), body);
        assert_eq!(
            found(&proxy),
            [(Subject::Response, part, pointer.to_owned())]
        );
    }
}

#[tokio::test]
async fn response_without_a_body_is_judged() {
    for status in [
        "204 No Content",
        "200 OK\r\ncontent-length: 0",
        "304 Not Modified",
    ] {
        let answer = format!("HTTP/1.1 {status}\r\n\r\n");
        let upstream = Server::always(answer.into()).await;
        let proxy = proxy(&upstream.url()).await;
        let response = post(&proxy, &text(json!({})).to_string()).await.unwrap();
        assert_eq!(response.bytes().await.unwrap(), "");
        assert_eq!(proxy.counts().exchanges, 1, "{status}");
        assert_ne!(proxy.deviations(), [], "{status}");
    }
}

#[tokio::test]
async fn wrong_upstream_is_refused_at_the_start() {
    for upstream in [
        "api.aimlapi.com",
        "ftp://a.test",
        "https://user@a.test",
        "https://a.test?q=1",
        "",
    ] {
        let error = Proxy::builder(upstream).start().await.unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("expected a base URL such as https://api.aimlapi.com"),
            "{message}"
        );
    }
}
