//! A host of one video file that supports ranges and validators, and truncates or delays responses as a test plans.

use std::sync::{Arc, Mutex};

use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use super::{Request, read};

/// A complete MP4 file of minimal length, for tests that do not depend on the content of a video.
pub const CLIP: &[u8] =
    b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08moov\0\0\0\x1emdatand the rest of a film";

/// A complete MP4 file whose data differs at every position.
#[derive(Clone)]
pub struct Film {
    pub length: u64,
    head: Arc<[u8]>,
    block: Arc<[u8]>,
}

impl Film {
    /// The shortest film has [`HEAD`](Self::HEAD) bytes.
    pub fn new(length: u64, seed: u64) -> Self {
        let head = head(length);
        assert_eq!(head.len() as u64, Self::HEAD);
        assert!(length >= Self::HEAD, "a film of {length} bytes");
        // The length is not a power of two, so that a piece at a wrong position cannot be equal by chance.
        let mut state = seed | 1;
        let block = (0..1_000_003).map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        });
        Self {
            length,
            head: head.into(),
            block: block.collect(),
        }
    }

    /// The number of bytes before the data, which are the same for all films of one length.
    pub const HEAD: u64 = 32 + 8 + 16;

    pub fn piece(&self, from: u64, max: usize) -> Vec<u8> {
        let end = self.length.min(from + max as u64);
        let size = self.block.len() as u64;
        let mut piece = Vec::with_capacity(max);
        let mut at = from;
        while at < end {
            let start = (at % size) as usize;
            let count = (size - at % size).min(end - at) as usize;
            piece.extend_from_slice(&self.block[start..start + count]);
            at += count as u64;
        }
        for (byte, head) in piece.iter_mut().zip(self.head.iter().skip(from as usize)) {
            *byte = *head;
        }
        piece
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.piece(0, self.length as usize)
    }
}

/// The beginning of an MP4 file of `length` bytes: a file type, an index without tracks, and the header of the data.
fn head(length: u64) -> Vec<u8> {
    let file_type = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41";
    let data = length.saturating_sub(32 + 8).to_be_bytes();
    [file_type, &b"\0\0\0\x08moov"[..], b"\0\0\0\x01mdat", &data].concat()
}

/// The response of the host to a request.
#[derive(Clone, Debug)]
pub enum Plan {
    /// Sends the requested range.
    Whole,
    /// Sends this many bytes of the range, and closes the connection.
    Cut(u64),
    /// Sends this many bytes of the range, and the rest after [`Host::release`].
    Hold(u64),
    /// Ignores the requested range.
    NoRange(Box<Self>),
    /// Sends these bytes and closes the connection.
    Raw(Vec<u8>),
}

#[derive(Clone, Debug)]
pub enum Validator {
    Etag(&'static str),
    Modified(&'static str),
    None,
}

pub struct Host {
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    release: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Host {
    /// Starts a host. `plan` gets the number of the request for the film, counted from 0, and the request. A poll of a generation
    /// returns a completed one whose video is `/film.mp4`.
    pub async fn start(
        film: Film,
        validator: Validator,
        plan: impl Fn(usize, &Request) -> Plan + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound address"));
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (release, released) = watch::channel(false);
        let (received, plan, base) = (Arc::clone(&requests), Arc::new(plan), url.clone());
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (received, plan, base) =
                    (Arc::clone(&received), Arc::clone(&plan), base.clone());
                let (film, validator, released) =
                    (film.clone(), validator.clone(), released.clone());
                tokio::spawn(async move {
                    let Some(request) = read(&mut stream).await else {
                        return;
                    };
                    if request.target.starts_with("/v") {
                        let video = serde_json::json!({ "url": format!("{base}/film.mp4") });
                        let answer =
                            serde_json::json!({ "id": "g", "status": "completed", "video": video });
                        let _ = stream.write_all(&super::json(200, answer)).await;
                        return;
                    }
                    let number = {
                        let mut received = received.lock().expect("no panic while held");
                        received.push(request.clone());
                        received.len() - 1
                    };
                    let plan = plan(number, &request);
                    let _ = send(&mut stream, &film, &validator, plan, &request, released).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self {
            url,
            requests,
            release,
            task,
        }
    }

    pub fn link(&self) -> String {
        format!("{}/film.mp4", self.url)
    }

    /// The requests for the film.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no panic while held").clone()
    }

    /// The requested ranges: `bytes=5-`, or `None` for the whole file.
    pub fn ranges(&self) -> Vec<Option<String>> {
        let range = |request: &Request| request.header("range").map(str::to_owned);
        self.requests().iter().map(range).collect()
    }

    pub fn release(&self) {
        self.release.send_replace(true);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn send(
    stream: &mut TcpStream,
    film: &Film,
    validator: &Validator,
    plan: Plan,
    request: &Request,
    mut released: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let (plan, ranged) = match plan {
        Plan::NoRange(plan) => (*plan, false),
        Plan::Raw(bytes) => return stream.write_all(&bytes).await,
        plan => (plan, true),
    };
    let (name, value) = match validator {
        Validator::Etag(etag) => ("etag", *etag),
        Validator::Modified(date) => ("last-modified", *date),
        Validator::None => ("x-none", "x"),
    };
    let is_same = request.header("if-range") == Some(value);
    let requested = request.header("range").filter(|_| ranged && is_same);
    let from = requested.and_then(|range| {
        range
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse()
            .ok()
    });
    let (from, total) = (from.unwrap_or(0), film.length);
    let mut head = match requested {
        Some(_) if from >= total => {
            let head = format!(
                "HTTP/1.1 416 Range\r\ncontent-range: bytes */{total}\r\ncontent-length: 0\r\n\r\n"
            );
            return stream.write_all(head.as_bytes()).await;
        }
        Some(_) => format!(
            "HTTP/1.1 206 Part\r\ncontent-range: bytes {from}-{}/{total}\r\n",
            total - 1
        ),
        None => "HTTP/1.1 200 OK\r\n".to_owned(),
    };
    let length = total - from;
    head.push_str(&format!(
        "content-length: {length}\r\ncontent-type: video/mp4\r\n{name}: {value}\r\nconnection: close\r\n\r\n"
    ));
    stream.write_all(head.as_bytes()).await?;
    let first = match plan {
        Plan::Cut(count) | Plan::Hold(count) => count.min(length),
        _ => length,
    };
    pieces(stream, film, from, from + first).await?;
    if let Plan::Hold(_) = plan {
        let _ = released.wait_for(|released| *released).await;
        pieces(stream, film, from + first, total).await?;
    }
    Ok(())
}

async fn pieces(stream: &mut TcpStream, film: &Film, from: u64, to: u64) -> std::io::Result<()> {
    let mut at = from;
    while at < to {
        let count = (to - at).min(256 * 1024);
        stream.write_all(&film.piece(at, count as usize)).await?;
        at += count;
    }
    stream.flush().await
}
