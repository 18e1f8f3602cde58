//! Tests of retries of creates: which failures are retried, which are not, and the idempotency key.

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
async fn refused_create_is_retried_until_a_server_listens() {
    let service = Faulty::refusing(|_, _| created());
    let client = builder(service.url())
        .create_retries(CreateRetries::default().first_pause(Duration::from_millis(200)))
        .build()
        .unwrap();
    let mut create = Box::pin(client.create(request()));
    let first = tokio::time::timeout(Duration::from_millis(60), &mut create).await;
    assert!(first.is_err(), "the create waits for its retry");
    service.listen();
    assert_eq!(create.await.unwrap().id(), "g1");
    assert_eq!(service.connections(), 1);
}

/// The server does not speak TLS: the handshake fails, so that no byte of the request is sent.
#[tokio::test]
async fn create_is_retried_after_a_failed_handshake_and_never_charged() {
    for (retries, connections) in [
        (quick(), 3),
        (CreateRetries::none(), 1),
        (quick().unreached(4), 5),
    ] {
        let service = Faulty::start(|_, request| {
            assert!(
                request.is_none(),
                "no request is received after a failed handshake"
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
async fn create_to_an_unknown_host_is_unreachable() {
    let client = builder("https://nowhere.invalid".into()).build().unwrap();
    let error = client.create(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
}

#[tokio::test]
async fn create_is_retried_after_429() {
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
async fn create_is_not_retried_after_its_connection_breaks() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let response = r#"{"id":"g1","status":"queued"}"#;
    let kept = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{response}",
        response.len()
    );
    // The poll's connection is kept alive; the create uses another connection, which is closed after the request is read.
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
async fn idempotency_key_is_kept_across_retries_and_new_for_each_create() {
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
    assert_eq!(sent[4], None, "a poll has no key");
}

#[tokio::test]
async fn idempotency_key_is_not_sent_by_default_and_invalid_header_names_are_refused() {
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
async fn redirect_error_omits_secrets_of_the_location() {
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
async fn compressed_response_is_reported_as_not_requested() {
    for status in [200, 500] {
        let service = Faulty::start(move |_, request| {
            let accepted = request.and_then(|request| request.header("accept-encoding"));
            assert_eq!(accepted, None);
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
