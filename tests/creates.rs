//! Creates whose connection breaks, whose future is dropped or whose runtime ends, against real servers.
#![cfg(feature = "kling")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use aimlapi_video::{
    BatchEvent, Client, ClientBuilder, CreateRetries, Error, ErrorKind, GenerationHandle,
    GenerationRequest, Model, Route, Update,
    contract::StatedDuration,
    reqwest::dns::{Addrs, Name, Resolve, Resolving},
    types::{KlingaiV2MasterTextToVideo, LegacyKlingaiV2MasterTextToVideo},
};
use serde_json::json;
use support::{Server, builder, http};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::{Notify, mpsc, watch},
    time::timeout,
};

fn request() -> KlingaiV2MasterTextToVideo {
    let request = KlingaiV2MasterTextToVideo::builder().prompt("a kite");
    request.build().unwrap()
}

/// A request that is larger than the buffers of a socket.
fn large_request() -> GenerationRequest {
    let prompt = "a kite".repeat(700_000);
    GenerationRequest::unchecked(Route::Universal, "m", serde_json::Map::new())
        .with_property("prompt", prompt)
}

/// A client's builder whose `on_created` sends each id to the returned receiver.
fn collecting(url: impl Into<String>) -> (mpsc::UnboundedReceiver<String>, ClientBuilder) {
    let (sender, created) = mpsc::unbounded_channel();
    let on_created = move |handle: &GenerationHandle| {
        _ = sender.send(handle.id().to_owned());
    };
    (created, builder(url).on_created(on_created))
}

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let outcome = timeout(Duration::from_secs(20), future).await;
    outcome.unwrap_or_else(|_| panic!("{what} within 20 s"))
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// Reads a request; `None` if the connection closes first.
async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; 65536]);
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(bytes);
            }
        }
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}

/// A response after which the connection stays open.
fn kept(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} Status\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
        .into_bytes()
}

const CREATED: &str = r#"{"id":"g1","status":"queued"}"#;

/// A server that keeps connections open, and resets a connection as soon as a second request arrives on it. The
/// function `respond` gets the number of the request.
struct Keeping {
    url: String,
    /// The number of requests on each connection.
    connections: Arc<Mutex<Vec<usize>>>,
}

impl Keeping {
    async fn start(respond: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let (listener, url) = listen().await;
        let connections: Arc<Mutex<Vec<usize>>> = Arc::default();
        let (counts, respond) = (Arc::clone(&connections), Arc::new(respond));
        tokio::spawn(async move {
            let requests = Arc::new(AtomicUsize::new(0));
            while let Ok((mut stream, _)) = listener.accept().await {
                let (counts, respond) = (Arc::clone(&counts), Arc::clone(&respond));
                let requests = Arc::clone(&requests);
                let number = {
                    let mut counts = counts.lock().unwrap();
                    counts.push(0);
                    counts.len() - 1
                };
                tokio::spawn(async move {
                    while read_request(&mut stream).await.is_some() {
                        counts.lock().unwrap()[number] += 1;
                        if counts.lock().unwrap()[number] > 1 {
                            stream.set_zero_linger().unwrap();
                            return;
                        }
                        let response = respond(requests.fetch_add(1, Ordering::SeqCst));
                        stream.write_all(&response).await.unwrap();
                    }
                });
            }
        });
        Self { url, connections }
    }

    fn connections(&self) -> Vec<usize> {
        self.connections.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn create_after_429_is_accepted_although_the_kept_connection_is_reset() {
    let server = Keeping::start(|number| match number {
        0 | 1 => kept(429, "retry-after-ms: 1\r\n", "{}"),
        _ => kept(201, "", CREATED),
    })
    .await;
    let client = builder(&server.url).build().unwrap();
    let handle = client.create(request()).await.unwrap();
    assert_eq!(handle.id(), "g1");
    assert_eq!(server.connections(), [1, 1, 1]);
}

#[tokio::test]
async fn create_does_not_reuse_an_open_connection() {
    let server = Keeping::start(|_| kept(200, "", CREATED)).await;
    let client = builder(&server.url)
        // With any setting, a create opens a new connection.
        .configure_http(|http| http.pool_max_idle_per_host(10))
        .build()
        .unwrap();
    client.fetch("g1").await.unwrap();
    for _ in 0..3 {
        client.create(request()).await.unwrap();
    }
    let legacy = LegacyKlingaiV2MasterTextToVideo::builder().prompt("a kite");
    let legacy = legacy.build().unwrap();
    client.create(legacy).await.unwrap();
    assert_eq!(server.connections(), [1; 5]);
}

#[tokio::test]
async fn polls_share_a_connection() {
    let server = Keeping::start(|_| kept(200, "", CREATED)).await;
    let client = builder(&server.url).build().unwrap();
    client.fetch("g1").await.unwrap();
    client.fetch("g1").await.unwrap_err();
    assert_eq!(server.connections(), [2]);
}

/// The progress of a server with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Accepted,
    ReadSome,
    ReadHalf,
    ReadAll,
    SentStatus,
    SentHead,
    SentHalf,
    SentAll,
}

const STAGES: [Stage; 8] = [
    Stage::Accepted,
    Stage::ReadSome,
    Stage::ReadHalf,
    Stage::ReadAll,
    Stage::SentStatus,
    Stage::SentHead,
    Stage::SentHalf,
    Stage::SentAll,
];

/// Serves one request slowly: reports each stage, and continues on a signal; returns whether the request was received.
async fn serve_slowly(
    listener: Arc<TcpListener>,
    stages: mpsc::UnboundedSender<Stage>,
    go: Arc<Notify>,
) -> bool {
    let reach = async |stage| {
        _ = stages.send(stage);
        go.notified().await;
    };
    let (mut stream, _) = listener.accept().await.unwrap();
    reach(Stage::Accepted).await;
    let mut head = vec![0; 1000];
    if stream.read_exact(&mut head).await.is_err() {
        return false;
    }
    reach(Stage::ReadSome).await;
    let text = String::from_utf8_lossy(&head);
    let (lines, body) = text.split_once("\r\n\r\n").unwrap();
    let length = lines.lines().find_map(|line| {
        let length = line.to_ascii_lowercase();
        let length = length.strip_prefix("content-length:")?.trim();
        Some(length.parse::<usize>().unwrap())
    });
    let left = length.unwrap() - body.len();
    let mut rest = vec![0; left / 2];
    stream.read_exact(&mut rest).await.unwrap();
    reach(Stage::ReadHalf).await;
    let mut rest = vec![0; left - left / 2];
    stream.read_exact(&mut rest).await.unwrap();
    reach(Stage::ReadAll).await;
    let head = format!("content-length: {}\r\n\r\n", CREATED.len());
    let (first, second) = CREATED.split_at(10);
    for (part, stage) in [
        ("HTTP/1.1 201 Created\r\n", Stage::SentStatus),
        (&*head, Stage::SentHead),
        (first, Stage::SentHalf),
        (second, Stage::SentAll),
    ] {
        stream.write_all(part.as_bytes()).await.unwrap();
        reach(stage).await;
    }
    true
}

/// Drops creates at each stage of the server: a handle is reported if and only if the server received the request.
async fn drop_at_each_stage() {
    let (listener, url) = listen().await;
    let listener = Arc::new(listener);
    let (mut created, builder) = collecting(url);
    let client = builder.build().unwrap();
    for stage in STAGES {
        let (sender, mut stages) = mpsc::unbounded_channel();
        let go = Arc::new(Notify::new());
        let served = serve_slowly(Arc::clone(&listener), sender, Arc::clone(&go));
        let server = tokio::spawn(served);
        {
            let mut create = pin!(client.create(large_request()));
            loop {
                tokio::select! {
                    reached = stages.recv() => match reached.unwrap() {
                        reached if reached == stage => break,
                        _ => go.notify_one(),
                    },
                    // After the last byte, either event may be first.
                    outcome = &mut create => {
                        assert_eq!(stage, Stage::SentAll, "{outcome:?}");
                        break;
                    }
                }
            }
        }
        go.notify_one();
        while stages.recv().await.is_some() {
            go.notify_one();
        }
        let came = soon("the server ends", server).await.unwrap();
        if came {
            let id = soon("the handle is reported", created.recv()).await;
            assert_eq!(id.as_deref(), Some("g1"), "{stage:?}");
        }
        assert!(came || stage == Stage::Accepted, "{stage:?}");
        // The handle is not reported twice, and the request is not sent twice.
        let again = timeout(Duration::from_millis(20), listener.accept()).await;
        assert!(again.is_err(), "{stage:?}");
        assert!(created.try_recv().is_err(), "{stage:?}");
    }
}

#[tokio::test]
async fn create_that_is_dropped_at_any_stage_reports_its_handle_or_is_not_sent() {
    drop_at_each_stage().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn create_that_is_dropped_at_any_stage_on_threads_reports_its_handle_or_is_not_sent() {
    drop_at_each_stage().await;
}

/// On one thread, each poll of the create is followed by one turn of all other tasks, so that each count of polls drops
/// the create at another point. The server responds only after the drop.
#[tokio::test]
async fn create_that_is_dropped_after_any_number_of_polls_reports_its_handle_or_is_not_sent() {
    let (listener, url) = listen().await;
    let (mut created, builder) = collecting(url);
    let client = builder.build().unwrap();
    let request_count = Arc::new(AtomicUsize::new(0));
    let (responds, mut responding) = watch::channel(false);
    let count = Arc::clone(&request_count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            if read_request(&mut stream).await.is_none() {
                continue;
            }
            let number = count.fetch_add(1, Ordering::SeqCst);
            responding.wait_for(|is_on| *is_on).await.unwrap();
            let created = json!({ "id": number.to_string() }).to_string();
            for byte in kept(201, "", &created) {
                stream.write_all(&[byte]).await.unwrap();
            }
        }
    });
    let (mut unsent, mut sent) = (0, 0);
    for polls in 0..200 {
        let before = request_count.load(Ordering::SeqCst);
        responds.send_replace(false);
        {
            let mut create = pin!(client.create(request()));
            for _ in 0..polls {
                let outcome = poll_fn(|context| Poll::Ready(create.as_mut().poll(context))).await;
                assert!(outcome.is_pending(), "{outcome:?}");
                tokio::task::yield_now().await;
            }
        }
        responds.send_replace(true);
        // A second create, whose response is the last, shows that the first create does not arrive later.
        let second = soon("the second create ends", client.create(request())).await;
        let second = second.unwrap();
        let came = request_count.load(Ordering::SeqCst) - before;
        assert_eq!(
            second.id(),
            (before + came - 1).to_string(),
            "{polls} polls"
        );
        for number in before..before + came {
            let id = soon("every create that came is reported", created.recv()).await;
            assert_eq!(id, Some(number.to_string()), "{polls} polls");
        }
        assert!(created.try_recv().is_err(), "{polls} polls");
        match came {
            1 => unsent += 1,
            2 => sent += 1,
            more => panic!("{more} creates after {polls} polls"),
        }
    }
    // Otherwise the counts of polls do not cover both outcomes.
    assert!(unsent > 0 && sent > 0, "{unsent} unsent, {sent} sent");
}

/// A resolver that does not resolve names before it gets a signal.
struct Waiting(Arc<Notify>, u16);

impl Resolve for Waiting {
    fn resolve(&self, _: Name) -> Resolving {
        let (found, port) = (Arc::clone(&self.0), self.1);
        Box::pin(async move {
            found.notified().await;
            let here = std::net::SocketAddr::from(([127, 0, 0, 1], port));
            Ok(Box::new([here].into_iter()) as Addrs)
        })
    }
}

#[tokio::test]
async fn create_that_is_dropped_while_it_connects_is_not_sent() {
    let (listener, url) = listen().await;
    let port: u16 = url.rsplit(':').next().unwrap().parse().unwrap();
    let found = Arc::new(Notify::new());
    let resolver = Arc::new(Waiting(Arc::clone(&found), port));
    let (mut created, builder) = collecting(format!("http://service.invalid:{port}"));
    let client = builder
        .allow_insecure_http()
        .configure_http(move |http| http.dns_resolver(Arc::clone(&resolver)))
        .build()
        .unwrap();
    let create = client.create(request());
    assert!(
        timeout(Duration::from_millis(100), create).await.is_err(),
        "the name is not found yet"
    );
    found.notify_one();
    let connection = timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(connection.is_err(), "the client has closed the connection");
    assert!(created.try_recv().is_err());
}

#[tokio::test]
async fn create_that_is_dropped_after_a_refusal_is_not_sent_again() {
    let server = Server::start(|number, _| match number {
        0 => http(429, &[("retry-after-ms", "50")], "{}"),
        _ => support::json(201, json!({ "id": "g1" })),
    })
    .await;
    let (mut created, builder) = collecting(server.url());
    let client = builder.build().unwrap();
    {
        let mut create = pin!(client.create(request()));
        while server.requests().is_empty() {
            assert!(
                timeout(Duration::from_millis(1), &mut create)
                    .await
                    .is_err()
            );
        }
    }
    assert!(
        timeout(Duration::from_millis(300), created.recv())
            .await
            .is_err()
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn every_accepted_create_is_reported_once_before_it_returns() {
    let server = Server::start(|number, _| match number {
        1 => http(400, &[], "{}"),
        2 => http(200, &[], "no json"),
        _ => support::json(
            201,
            json!({ "id": format!("g{number}"), "status": "failed" }),
        ),
    })
    .await;
    let (mut created, builder) = collecting(server.url());
    let client = builder.build().unwrap();
    client.create(request()).await.unwrap();
    assert_eq!(created.try_recv().unwrap(), "g0");
    for _ in 0..2 {
        client.create(request()).await.unwrap_err();
        assert!(created.try_recv().is_err(), "nothing was accepted for sure");
    }
    let legacy = LegacyKlingaiV2MasterTextToVideo::builder().prompt("a kite");
    let legacy = legacy.build().unwrap();
    client.create(legacy).await.unwrap();
    assert_eq!(created.try_recv().unwrap(), "g3");
    client.generate(request()).await.unwrap_err();
    assert_eq!(created.try_recv().unwrap(), "g4");
    let mut batch = client.generate_all([request(), request()]);
    let mut ids = Vec::new();
    while let Some((_, event)) = batch.next().await {
        if let BatchEvent::Created(handle) = event {
            let mut reported = std::iter::from_fn(|| created.try_recv().ok());
            ids.extend(reported.by_ref());
            assert!(ids.contains(&handle.id().to_owned()), "{ids:?}");
        }
    }
    assert_eq!(ids.len(), 2);
}

#[tokio::test]
async fn panic_in_on_created_does_not_lose_the_handle() {
    let server = Server::always(support::json(201, json!({ "id": "g1" }))).await;
    let client = builder(server.url())
        .on_created(|_| panic!("the caller's own"))
        .build()
        .unwrap();
    assert_eq!(client.create(request()).await.unwrap().id(), "g1");
    let mut batch = client.generate_all([request()]);
    assert!(matches!(
        batch.next().await,
        Some((0, BatchEvent::Created(_)))
    ));
}

/// Polls a create once in another runtime than the test's.
async fn poll_within(
    runtime: &tokio::runtime::Handle,
    create: Pin<&mut impl Future<Output = Result<GenerationHandle, Error>>>,
) -> Poll<Result<GenerationHandle, Error>> {
    let mut create = create;
    poll_fn(|context| {
        let _entered = runtime.enter();
        Poll::Ready(create.as_mut().poll(context))
    })
    .await
}

#[test]
fn create_whose_runtime_is_shut_down_after_it_is_sent_is_ambiguous() {
    let (ours, theirs) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    ours.block_on(async {
        let (listener, url) = listen().await;
        let client = builder(url).build().unwrap();
        let (sender, mut stages) = mpsc::unbounded_channel();
        let go = Arc::new(Notify::new());
        let server = tokio::spawn(serve_slowly(Arc::new(listener), sender, Arc::clone(&go)));
        let mut create = pin!(client.create(large_request()));
        let first = poll_within(theirs.handle(), create.as_mut()).await;
        assert!(first.is_pending());
        while stages.recv().await != Some(Stage::ReadHalf) {
            go.notify_one();
        }
        theirs.shutdown_background();
        let error = create.await.unwrap_err();
        server.abort();
        assert_eq!(error.kind(), ErrorKind::AmbiguousCreate);
        assert!(error.to_string().contains("was shut down"), "{error}");
    });
}

#[test]
fn create_whose_runtime_is_shut_down_before_it_is_sent_is_not_ambiguous() {
    let (ours, theirs) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    ours.block_on(async {
        let (listener, url) = listen().await;
        let builder = builder(url).create_retries(CreateRetries::none());
        let client = builder.build().unwrap();
        let handle = theirs.handle().clone();
        theirs.shutdown_background();
        let mut create = pin!(client.create(request()));
        let outcome = match poll_within(&handle, create.as_mut()).await {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => create.await,
        };
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unreachable);
        let connection = timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(connection.is_err());
    });
}

#[cfg(feature = "blocking")]
#[test]
fn blocking_create_is_reported_and_uses_a_separate_connection() {
    let servers = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let server = servers.block_on(Keeping::start(|number| match number {
        0 => kept(429, "retry-after-ms: 1\r\n", "{}"),
        _ => kept(201, "", CREATED),
    }));
    let (mut created, builder) = collecting(&server.url);
    let client = builder.build_blocking().unwrap();
    assert_eq!(client.create(request()).unwrap().id(), "g1");
    assert_eq!(created.try_recv().unwrap(), "g1");
    assert_eq!(server.connections(), [1, 1]);
}

#[tokio::test]
async fn wait_expects_the_durations_of_a_model_that_was_read_at_run_time() {
    let state = support::json(200, json!({ "id": "g1", "status": "queued" }));
    let server = Server::always(state).await;
    let client = builder(server.url()).build().unwrap();
    let mut model = Model::new(Route::Universal, "acme/newest");
    model.durations = vec![StatedDuration::new(None, 1200.0..=1260.0)];
    let body = json!({ "model": "acme/newest" });
    let request = GenerationRequest::from_json_with(&[Arc::new(model)], Route::Universal, body);
    let handle = client.create(request.unwrap()).await.unwrap();
    let first = client.wait(&handle).updates().next().await;
    let Some(Ok(Update::Progress(progress))) = first else {
        panic!("{first:?}");
    };
    // The speed of the waits is 1000.
    let expected = Duration::from_millis(1200)..=Duration::from_millis(1260);
    assert_eq!(progress.times.expected, Some(expected));
    assert!(progress.times.remaining.unwrap() > Duration::from_secs(1));
}

/// A web framework drops the handler when its client disconnects.
#[tokio::test]
async fn handler_that_is_aborted_loses_no_generation() {
    let (go, received) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (listener, url) = listen().await;
    let (gone, arrived) = (Arc::clone(&go), Arc::clone(&received));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
        arrived.notify_one();
        gone.notified().await;
        stream.write_all(&kept(201, "", CREATED)).await.unwrap();
    });
    let (mut created, builder) = collecting(url);
    let client: Client = builder.build().unwrap();
    let handler = tokio::spawn(async move { client.generate(request()).await });
    soon("the request arrives", received.notified()).await;
    handler.abort();
    assert!(handler.await.unwrap_err().is_cancelled());
    go.notify_one();
    assert_eq!(
        soon("it is reported", created.recv()).await.unwrap(),
        "g1",
        "although the client is dropped"
    );
}
