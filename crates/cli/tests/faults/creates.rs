//! When a create is sent again, when never, and what goes along.

use std::time::Duration;

use aimlapi_video::{Client, CreateRetries, ErrorKind};
use serde_json::json;

use crate::{
    cells::{client, request},
    support::{
        KEY, Request,
        faulty::{Act, Faulty},
        http,
    },
};

fn created() -> Vec<Act> {
    vec![Act::Send(http(
        201,
        &[],
        json!({ "id": "g1", "status": "queued" }).to_string(),
    ))]
}

fn quick() -> CreateRetries {
    CreateRetries::default().first_pause(Duration::from_millis(1))
}

fn builder(url: String) -> aimlapi_video::ClientBuilder {
    Client::builder()
        .api_key(KEY)
        .base_url(url)
        .poll_budget(None)
        .create_retries(quick())
}

#[tokio::test]
async fn a_create_that_reached_nobody_is_sent_when_somebody_is_there() {
    let service = Faulty::refusing(|_, _| created());
    let client = builder(service.url())
        .create_retries(CreateRetries::default().first_pause(Duration::from_millis(200)))
        .build()
        .unwrap();
    let mut create = Box::pin(client.create(request()));
    let first = tokio::time::timeout(Duration::from_millis(60), &mut create).await;
    assert!(first.is_err(), "it waits for the next try");
    service.listen();
    assert_eq!(create.await.unwrap().id(), "g1");
    assert_eq!(service.connections(), 1);
}

/// What listens speaks no TLS: the handshake fails, and no byte of the request leaves.
#[tokio::test]
async fn a_create_whose_handshake_fails_is_tried_again_and_bought_never() {
    for (retries, connections) in [
        (quick(), 3),
        (CreateRetries::none(), 1),
        (quick().unreached(4), 5),
    ] {
        let service = Faulty::start(|_, request| {
            assert!(
                request.is_none(),
                "no request comes over a handshake that fails"
            );
            vec![Act::ResetUnread]
        });
        let url = service.url().replace("http://", "https://");
        let client = builder(url).create_retries(retries).build().unwrap();
        let error = client.create(request()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error:?}");
        assert!(error.is_transient() && error.to_string().contains("nothing was created"));
        assert_eq!(
            (service.connections(), service.requests().len()),
            (connections, 0)
        );
    }
}

#[tokio::test]
async fn a_name_that_is_not_found_is_unreachable() {
    let client = builder("https://nowhere.invalid".into()).build().unwrap();
    let error = client.create(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
}

#[tokio::test]
async fn a_create_refused_for_too_many_requests_is_sent_when_there_are_fewer() {
    let service = Faulty::start(|number, _| match number {
        0 | 1 => vec![Act::Send(http(429, &[("retry-after-ms", "1")], "{}"))],
        _ => created(),
    });
    let handle = client(service.url()).create(request()).await.unwrap();
    assert_eq!((handle.id(), service.requests().len()), ("g1", 3));
    let bodies: Vec<_> = service
        .requests()
        .into_iter()
        .map(|request| request.body)
        .collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]));
}

#[tokio::test]
async fn create_whose_connection_breaks_under_it_is_lost_and_not_repeated() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let answer = r#"{"id":"g1","status":"queued"}"#;
    let kept = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}",
        answer.len()
    );
    // The poll's connection is kept; the create comes on another one, is read, and then that connection is gone.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let mut bytes = [0; 65536];
        let (mut poll, _) = listener.accept().await.unwrap();
        assert!(poll.read(&mut bytes).await.unwrap() > 0);
        poll.write_all(kept.as_bytes()).await.unwrap();
        let (mut create, _) = listener.accept().await.unwrap();
        let read = create.read(&mut bytes).await.unwrap();
        let creates = usize::from(bytes[..read].starts_with(b"POST"));
        drop(create);
        let again = tokio::time::timeout(Duration::from_millis(300), listener.accept()).await;
        drop(poll);
        (creates, again.is_ok())
    });
    let client = builder(url).build().unwrap();
    client.fetch("g1").await.unwrap();
    let error = client.create(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AmbiguousCreate);
    assert!(!error.is_transient() && error.to_string().contains("accepted and billed"));
    assert_eq!(
        served.await.unwrap(),
        (1, false),
        "one create, and no further connection"
    );
}

#[tokio::test]
async fn a_key_of_idempotency_is_the_same_for_each_try_and_fresh_for_each_create() {
    let service = Faulty::start(|number, _| match number {
        0 | 2 => vec![Act::Send(http(429, &[], "{}"))],
        _ => created(),
    });
    let client = builder(service.url())
        .idempotency_header("Idempotency-Key")
        .build()
        .unwrap();
    client.create(request()).await.unwrap();
    client.create(request()).await.unwrap();
    client.fetch("g1").await.unwrap();
    let sent = |request: Request| request.header("idempotency-key").map(str::to_owned);
    let sent: Vec<Option<String>> = service.requests().into_iter().map(sent).collect();
    assert_eq!(sent.len(), 5);
    assert_eq!((&sent[0], &sent[2]), (&sent[1], &sent[3]));
    assert_ne!(sent[0], sent[2]);
    assert_eq!(sent[0].as_ref().map(String::len), Some(36), "a UUID");
    assert_eq!(sent[4], None, "a poll needs none");
}

#[tokio::test]
async fn no_key_of_idempotency_is_sent_unless_asked_for_and_no_odd_name_taken() {
    let service = Faulty::start(|_, _| created());
    client(service.url()).create(request()).await.unwrap();
    assert_eq!(service.requests()[0].header("idempotency-key"), None);
    for name in ["", "two words", "Authorization", "content-length", "a\nb"] {
        let error = builder(service.url())
            .idempotency_header(name)
            .build()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{name:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_told_without_what_is_secret_in_it() {
    let service = Faulty::start(|_, _| {
        let target = "https://me:password-4713@b.example/v2/x?signature-4712#signature-4712";
        vec![Act::Send(http(307, &[("location", target)], ""))]
    });
    let error = client(service.url()).create(request()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the service refused the request: 307: redirected to https://b.example/v2/x?…, which is not followed"
    );
}

#[tokio::test]
async fn what_was_not_asked_for_compressed_is_told_as_such() {
    for status in [200, 500] {
        let service = Faulty::start(move |_, request| {
            let asked = request.and_then(|request| request.header("accept-encoding"));
            assert_eq!(asked, None);
            vec![Act::Send(http(
                status,
                &[("content-encoding", "gzip")],
                b"\x1f\x8b\x08",
            ))]
        });
        let error = client(service.url()).create(request()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AmbiguousCreate);
        assert!(
            error
                .to_string()
                .contains("compressed (gzip), which was not requested"),
            "{error}"
        );
    }
}
