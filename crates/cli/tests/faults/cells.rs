//! One cell of the table: runs a fault at one point over real sockets, and checks the outcome.
//!
//! A cell has a service for the API, a host for the video, and another host for redirects. The fault applies to the service or,
//! for downloads, to the video's host; all other requests get normal responses.

use std::{
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aimlapi_video::{
    Client, CreateRetries, Error, ErrorKind, Generation, GenerationHandle, GenerationRequest,
    Update, WaitOptions, schedule::Fixed, types::KlingaiV2MasterTextToVideo,
};
use serde_json::{Value, json};

use crate::{
    secrets::{self, SIGNATURE},
    support::{
        Request, Server, builder,
        faulty::{Act, Faulty},
        http,
    },
    table::{Acts, CreatedAt, Fault, Row, is_create},
};

/// The requests that a fault applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultPoint {
    Create,
    Poll,
    /// Only the first poll.
    PollOnce,
    Download,
}

/// The expected outcome of a cell, and its expected number of requests or connections.
#[derive(Clone, Debug)]
pub struct Cell {
    pub end: End,
    pub requests: RangeInclusive<usize>,
}

/// The expected outcome of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Succeeds,
    Fails(ErrorKind),
    FailsWithEither(ErrorKind, ErrorKind),
    SucceedsOrFails(ErrorKind),
    /// The operation takes longer than the test waits, or fails; meanwhile no file has the target's name.
    Hangs,
}

/// The request that a fault applies to, and the normal response to it.
pub struct FaultContext<'a> {
    pub request: &'a Request,
    pub number: usize,
    /// The body of the normal response.
    normal: Vec<u8>,
    elsewhere: &'a str,
}

impl FaultContext<'_> {
    pub fn normal(&self) -> Vec<u8> {
        http(200, &[], &self.normal)
    }

    pub fn normal_body(&self) -> &[u8] {
        &self.normal
    }

    pub fn elsewhere(&self) -> String {
        self.elsewhere.to_owned()
    }
}

/// Returns a short video: a complete MP4 file without tracks.
fn video() -> Vec<u8> {
    let data: Vec<u8> = (0..5000u32).flat_map(u32::to_le_bytes).collect();
    let head = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08moov";
    let size = u32::try_from(8 + data.len()).expect("a short video");
    [&head[..], &size.to_be_bytes(), b"mdat", &data].concat()
}

pub fn request() -> GenerationRequest {
    KlingaiV2MasterTextToVideo::builder()
        .prompt("A kite climbs over the dunes")
        .build()
        .unwrap()
        .into()
}

/// Returns a client with short waits: a poll every 200 ms, a tolerance of 2.4 s, a deadline of 5 s.
pub fn client(url: String) -> Client {
    let wait = WaitOptions::default()
        .schedule(Fixed::every(Duration::from_millis(200)))
        .tolerance(Duration::from_millis(2400))
        .deadline(Duration::from_secs(5));
    let retries = CreateRetries::default()
        .first_pause(Duration::from_millis(5))
        .within(Duration::from_secs(4));
    builder(url)
        .create_retries(retries)
        .create_timeout(Duration::from_secs(2))
        .fetch_timeout(Duration::from_secs(2))
        // An endless body reaches this limit before the tolerance of the wait ends.
        .max_answer_bytes(8 * 1024 * 1024)
        .poll_budget(None)
        .wait_options(wait)
        .build()
        .unwrap()
}

/// A client and its service, which successive cells reuse, since the set-up of a client takes time.
pub struct Slot {
    pub service: Faulty,
    pub client: Client,
}

impl Slot {
    pub fn new() -> Self {
        Self::of(Faulty::start(|_, _| Vec::new()))
    }

    fn of(service: Faulty) -> Self {
        let client = client(service.url());
        Self { service, client }
    }

    /// Returns the slot for a cell: this one, or `other` with a service that refuses connections.
    pub fn with<'a>(
        &'a self,
        other: &'a mut Option<Self>,
        (row, point): (&Arc<Row>, FaultPoint),
        url: String,
        elsewhere: String,
    ) -> &'a Self {
        let script = script(row, point, url, elsewhere);
        if is_refusing(row, point) {
            return other.insert(Self::of(Faulty::refusing(script)));
        }
        self.service.play(script);
        self
    }
}

/// Starts the service of a cell.
pub fn service(row: &Arc<Row>, point: FaultPoint, url: String, elsewhere: String) -> Faulty {
    let script = script(row, point, url, elsewhere);
    match is_refusing(row, point) {
        true => Faulty::refusing(script),
        false => Faulty::start(script),
    }
}

fn is_refusing(row: &Row, point: FaultPoint) -> bool {
    matches!(row.fault, Fault::Refuse) && point != FaultPoint::Download
}

/// Returns the script of a cell's service: the fault for the requests it applies to, and normal responses for the others.
fn script(
    row: &Arc<Row>,
    point: FaultPoint,
    url: String,
    elsewhere: String,
) -> impl Fn(usize, Option<&Request>) -> Vec<Act> + Send + Sync + 'static {
    let applies = move |number: usize, request: Option<&Request>| match point {
        FaultPoint::Create => request.is_none_or(is_create),
        FaultPoint::Poll => true,
        FaultPoint::PollOnce => number == 0,
        FaultPoint::Download => false,
    };
    let normal = move |request: &Request, url: &str| match is_create(request) {
        true => json!({ "id": "g1", "status": "queued" }),
        false => json!({ "id": "g1", "status": "completed", "video": { "url": url } }),
    };
    let fault = Arc::clone(row);
    move |number: usize, request: Option<&Request>| {
        let response = |json: Value| vec![Act::Send(http(200, &[], json.to_string()))];
        match (&fault.fault, request) {
            (Fault::Wire(act), Some(request)) if applies(number, Some(request)) => {
                act(&FaultContext {
                    request,
                    number,
                    normal: normal(request, &url).to_string().into_bytes(),
                    elsewhere: &elsewhere,
                })
            }
            (Fault::Wire(act), None) if applies(number, None) => reset_before_read(act),
            // A download starts from the generation in this response.
            (Fault::Response(json), Some(_))
                if applies(number, request) || point == FaultPoint::Download =>
            {
                response(json(number, &url))
            }
            (_, Some(request)) => response(normal(request, &url)),
            (_, None) => Vec::new(),
        }
    }
}

/// Returns the act of a fault that resets the connection before the request is read, if the fault has one.
fn reset_before_read(act: &Acts) -> Vec<Act> {
    let request = Request {
        method: String::new(),
        target: String::new(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let acts = act(&FaultContext {
        request: &request,
        number: 0,
        normal: vec![b' '; 100],
        elsewhere: "",
    });
    let first = acts.into_iter().next();
    first
        .filter(|act| matches!(act, Act::ResetUnread))
        .into_iter()
        .collect()
}

/// Starts the host of the video, which has the fault in the column of downloads.
fn host(row: &Arc<Row>, point: FaultPoint, elsewhere: String) -> Faulty {
    let fault = Arc::clone(row);
    let script = move |number: usize, request: Option<&Request>| match (&fault.fault, request) {
        (Fault::Wire(act), Some(request)) if point == FaultPoint::Download => act(&FaultContext {
            request,
            number,
            normal: video(),
            elsewhere: &elsewhere,
        }),
        (Fault::Wire(act), None) if point == FaultPoint::Download => reset_before_read(act),
        (_, Some(_)) => vec![Act::Send(http(200, &[], video()))],
        (_, None) => Vec::new(),
    };
    match row.fault {
        Fault::Refuse if point == FaultPoint::Download => Faulty::refusing(script),
        _ => Faulty::start(script),
    }
}

/// Runs a cell.
///
/// # Errors
///
/// A message if the outcome differs from the expected one.
pub async fn run(slot: &Slot, row: &Arc<Row>, point: FaultPoint) -> Result<(), String> {
    // The target of redirects returns a video to every request.
    let other = Server::always(http(200, &[], video())).await;
    let elsewhere = format!("{}/v.mp4?signature={SIGNATURE}", other.url());
    let host = host(row, point, elsewhere.clone());
    let url = format!("{}/v.mp4?X-Amz-Signature={SIGNATURE}", host.url());
    let mut refusing = None;
    let Slot { service, client } = slot.with(&mut refusing, (row, point), url, elsewhere);
    let mut output = format!("{client:?}");
    let (expected, requests) = match point {
        FaultPoint::Create => {
            let created = client.create(request()).await;
            check(
                &row.create,
                created.as_ref().map(|_| ()).map_err(|error| error.kind()),
            )?;
            match &created {
                Ok(handle) if handle.id().is_empty() => return Err("no id".into()),
                Ok(handle) => output.push_str(&format!(
                    "{handle:?} {}",
                    serde_json::to_string(handle).unwrap()
                )),
                Err(error) => output.push_str(&secrets::text_of(error)),
            }
            (&row.create, service.connections())
        }
        FaultPoint::Poll | FaultPoint::PollOnce => {
            let cell = if point == FaultPoint::Poll {
                &row.poll
            } else {
                &row.poll_once
            };
            let ended = wait(client, &handle(row, service), (service, point), &mut output).await;
            check(
                cell,
                ended.as_ref().map(|_| ()).map_err(|error| error.kind()),
            )?;
            match &ended {
                Ok(generation) if generation.videos().len() != 1 => return Err("no video".into()),
                Ok(_) => {}
                Err(error) => check_handle(error)?,
            }
            (cell, service.connections())
        }
        FaultPoint::Download => {
            let generation = client
                .fetch(&handle(row, service))
                .await
                .map_err(|error| secrets::text_of(&error))?;
            output.push_str(&format!("{generation:?}"));
            download(row, client, &generation, &mut output).await?;
            (&row.download, host.connections())
        }
    };
    if !expected.requests.contains(&requests) {
        return Err(format!(
            "{requests} requests instead of {:?}",
            expected.requests
        ));
    }
    if let Some(found) = secrets::found_in(&output) {
        return Err(found);
    }
    let requests = host.requests().into_iter().chain(other.requests());
    if point != FaultPoint::Download && other.requests().len() + host.requests().len() > 0 {
        return Err("a redirect of the API was followed".into());
    }
    for request in requests {
        let text = format!("{request:?} {}", String::from_utf8_lossy(&request.body));
        if text.contains(crate::support::KEY) || request.header("authorization").is_some() {
            return Err(format!("the key was sent to another host: {text}"));
        }
    }
    Ok(())
}

/// Returns a stored handle of a generation created at the row's time.
pub fn handle(row: &Row, service: &Faulty) -> GenerationHandle {
    let (now, hour) = (SystemTime::now(), Duration::from_secs(3600));
    let created = match row.created {
        CreatedAt::Now => now,
        CreatedAt::YearAgo => now - hour * 24 * 365,
        CreatedAt::InAnHour => now + hour,
    };
    let stored = json!({
        "id": "g1",
        "model": "klingai/v2-master-text-to-video",
        "created_at": humantime::format_rfc3339_millis(created).to_string(),
        "origin": service.url(),
    });
    serde_json::from_value(stored).unwrap()
}

async fn wait(
    client: &Client,
    handle: &GenerationHandle,
    (service, point): (&Faulty, FaultPoint),
    output: &mut String,
) -> Result<Generation, Error> {
    let mut updates = client.wait(handle).updates();
    loop {
        let update = updates
            .next()
            .await
            .expect("a wait ends with an update or an error")?;
        output.push_str(&format!("{update:?}"));
        match update {
            Update::Completed(generation) => return Ok(*generation),
            Update::PollFailed(failed) => {
                output.push_str(&secrets::text_of(&failed.error));
                // A service that refused the first connection accepts connections from now on.
                if point == FaultPoint::PollOnce {
                    service.listen();
                }
            }
            _ => {}
        }
    }
}

async fn download(
    row: &Row,
    client: &Client,
    generation: &Generation,
    output: &mut String,
) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("v.mp4");
    let saving = client
        .download(generation)
        .max_bytes(20_000_000)
        .to_file(&target);
    // A download may retry for longer than a test should wait.
    let timeout = match row.download.end {
        End::Succeeds => Duration::from_secs(30),
        End::Hangs => Duration::from_millis(500),
        _ => Duration::from_secs(5),
    };
    let saved = tokio::time::timeout(timeout, saving).await;
    match saved {
        Err(_) if row.download.end != End::Succeeds => {}
        Err(_) => return Err("the download does not end".into()),
        Ok(Ok(saved)) => {
            check(&row.download, Ok(()))?;
            let bytes = std::fs::read(&target).map_err(|error| error.to_string())?;
            let is_complete = row.download.end != End::Succeeds || bytes == video();
            if saved.len() != 1 || !is_complete || saved[0].bytes != bytes.len() as u64 {
                return Err(format!("{saved:?} of {} bytes", bytes.len()));
            }
            return Ok(());
        }
        Ok(Err(error)) => {
            check(&row.download, Err(error.kind()))?;
            check_handle(&error)?;
            output.push_str(&secrets::text_of(&error));
        }
    }
    match target.exists() {
        true => Err("an incomplete file has the target's name".into()),
        false => Ok(()),
    }
}

/// Checks an outcome.
fn check(cell: &Cell, end: Result<(), ErrorKind>) -> Result<(), String> {
    let is_expected = match (cell.end, end) {
        (End::Succeeds, Ok(())) | (End::SucceedsOrFails(_), Ok(())) => true,
        (End::Fails(expected) | End::SucceedsOrFails(expected), Err(kind)) => kind == expected,
        (End::FailsWithEither(one, other), Err(kind)) => kind == one || kind == other,
        (End::Hangs, Err(_)) => true,
        _ => false,
    };
    match is_expected {
        true => Ok(()),
        false => Err(format!("{end:?} instead of {:?}", cell.end)),
    }
}

/// Checks that an error carries the handle of its generation.
fn check_handle(error: &Error) -> Result<(), String> {
    match error.handle().map(GenerationHandle::id) {
        Some("g1") => Ok(()),
        other => Err(format!("the id is lost: {other:?} in {error}")),
    }
}
