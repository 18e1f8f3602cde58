//! One cell of the table: a fault in one place, run over real sockets, and its end.

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
    table::{Acts, Created, Fault, Row, is_create},
};

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Create,
    Poll,
    /// Only the first poll meets it.
    PollOnce,
    Download,
}

/// What must come of a cell.
#[derive(Clone, Debug)]
pub struct Cell {
    pub end: End,
    pub requests: RangeInclusive<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Well,
    Fails(ErrorKind),
    FailsAs(ErrorKind, ErrorKind),
    /// It ends well or fails.
    Either(ErrorKind),
    /// It goes on for longer than a test waits, or fails: nothing is under the target's name meanwhile.
    Stands,
}

/// What a server under a fault knows of the request it answers.
pub struct Told<'a> {
    pub request: &'a Request,
    pub number: usize,
    /// What a good server answers.
    good: Vec<u8>,
    elsewhere: &'a str,
}

impl Told<'_> {
    pub fn good(&self) -> Vec<u8> {
        http(200, &[], &self.good)
    }

    pub fn good_body(&self) -> &[u8] {
        &self.good
    }

    pub fn elsewhere(&self) -> String {
        self.elsewhere.to_owned()
    }
}

/// A short video: a whole MP4 file without tracks.
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

/// A client whose waits are short: a poll each fifth of a second, 2.4 s of patience, 5 s in all.
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
        // A body without end takes no longer than the patience of the wait.
        .max_answer_bytes(8 * 1024 * 1024)
        .poll_budget(None)
        .wait_options(wait)
        .build()
        .unwrap()
}

/// A client and its service, for one cell after the other: setting up a client takes a while.
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

    /// The slot for a cell: another one where nobody listens.
    pub fn with<'a>(
        &'a self,
        other: &'a mut Option<Self>,
        (row, place): (&Arc<Row>, Place),
        link: String,
        elsewhere: String,
    ) -> &'a Self {
        let script = script(row, place, link, elsewhere);
        if is_refusing(row, place) {
            return other.insert(Self::of(Faulty::refusing(script)));
        }
        self.service.play(script);
        self
    }
}

/// The service of a cell.
pub fn service(row: &Arc<Row>, place: Place, link: String, elsewhere: String) -> Faulty {
    let script = script(row, place, link, elsewhere);
    match is_refusing(row, place) {
        true => Faulty::refusing(script),
        false => Faulty::start(script),
    }
}

fn is_refusing(row: &Row, place: Place) -> bool {
    matches!(row.fault, Fault::Refuse) && place != Place::Download
}

/// What the service of a cell does: the fault as it strikes there, and good answers where it does not.
fn script(
    row: &Arc<Row>,
    place: Place,
    link: String,
    elsewhere: String,
) -> impl Fn(usize, Option<&Request>) -> Vec<Act> + Send + Sync + 'static {
    let strikes = move |number: usize, request: Option<&Request>| match place {
        Place::Create => request.is_none_or(is_create),
        Place::Poll => true,
        Place::PollOnce => number == 0,
        Place::Download => false,
    };
    let good = move |request: &Request, link: &str| match is_create(request) {
        true => json!({ "id": "g1", "status": "queued" }),
        false => json!({ "id": "g1", "status": "completed", "video": { "url": link } }),
    };
    let fault = Arc::clone(row);
    move |number: usize, request: Option<&Request>| {
        let answer = |json: Value| vec![Act::Send(http(200, &[], json.to_string()))];
        match (&fault.fault, request) {
            (Fault::Wire(act), Some(request)) if strikes(number, Some(request)) => act(&Told {
                request,
                number,
                good: good(request, &link).to_string().into_bytes(),
                elsewhere: &elsewhere,
            }),
            (Fault::Wire(act), None) if strikes(number, None) => unread(act),
            // What is downloaded is what such an answer says.
            (Fault::Answer(json), Some(_))
                if strikes(number, request) || place == Place::Download =>
            {
                answer(json(number, &link))
            }
            (_, Some(request)) => answer(good(request, &link)),
            (_, None) => Vec::new(),
        }
    }
}

/// Whether the fault strikes before the request is read.
fn unread(act: &Acts) -> Vec<Act> {
    let request = Request {
        method: String::new(),
        target: String::new(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let acts = act(&Told {
        request: &request,
        number: 0,
        good: vec![b' '; 100],
        elsewhere: "",
    });
    let first = acts.into_iter().next();
    first
        .filter(|act| matches!(act, Act::ResetUnread))
        .into_iter()
        .collect()
}

/// The host of the videos; in the column of downloads, with the fault.
fn host(row: &Arc<Row>, place: Place, elsewhere: String) -> Faulty {
    let fault = Arc::clone(row);
    let script = move |number: usize, request: Option<&Request>| match (&fault.fault, request) {
        (Fault::Wire(act), Some(request)) if place == Place::Download => act(&Told {
            request,
            number,
            good: video(),
            elsewhere: &elsewhere,
        }),
        (Fault::Wire(act), None) if place == Place::Download => unread(act),
        (_, Some(_)) => vec![Act::Send(http(200, &[], video()))],
        (_, None) => Vec::new(),
    };
    match row.fault {
        Fault::Refuse if place == Place::Download => Faulty::refusing(script),
        _ => Faulty::start(script),
    }
}

/// Runs a cell, and says what is not as it should be.
pub async fn run(slot: &Slot, row: &Arc<Row>, place: Place) -> Result<(), String> {
    // Where redirects lead to: a video for whoever comes.
    let other = Server::always(http(200, &[], video())).await;
    let elsewhere = format!("{}/v.mp4?signature={SIGNATURE}", other.url());
    let host = host(row, place, elsewhere.clone());
    let link = format!("{}/v.mp4?X-Amz-Signature={SIGNATURE}", host.url());
    let mut refusing = None;
    let Slot { service, client } = slot.with(&mut refusing, (row, place), link, elsewhere);
    let mut said = format!("{client:?}");
    let (expected, requests) = match place {
        Place::Create => {
            let created = client.create(request()).await;
            check(
                &row.create,
                created.as_ref().map(|_| ()).map_err(|error| error.kind()),
            )?;
            match &created {
                Ok(handle) if handle.id().is_empty() => return Err("no id".into()),
                Ok(handle) => said.push_str(&format!(
                    "{handle:?} {}",
                    serde_json::to_string(handle).unwrap()
                )),
                Err(error) => said.push_str(&secrets::told(error)),
            }
            (&row.create, service.connections())
        }
        Place::Poll | Place::PollOnce => {
            let cell = if place == Place::Poll {
                &row.poll
            } else {
                &row.passing
            };
            let ended = wait(client, &handle(row, service), (service, place), &mut said).await;
            check(
                cell,
                ended.as_ref().map(|_| ()).map_err(|error| error.kind()),
            )?;
            match &ended {
                Ok(generation) if generation.videos().len() != 1 => return Err("no video".into()),
                Ok(_) => {}
                Err(error) => kept(error)?,
            }
            (cell, service.connections())
        }
        Place::Download => {
            let generation = client
                .fetch(&handle(row, service))
                .await
                .map_err(|error| secrets::told(&error))?;
            said.push_str(&format!("{generation:?}"));
            download(row, client, &generation, &mut said).await?;
            (&row.download, host.connections())
        }
    };
    if !expected.requests.contains(&requests) {
        return Err(format!(
            "{requests} requests instead of {:?}",
            expected.requests
        ));
    }
    if let Some(found) = secrets::found_in(&said) {
        return Err(found);
    }
    let strangers = host.requests().into_iter().chain(other.requests());
    if place != Place::Download && other.requests().len() + host.requests().len() > 0 {
        return Err("a redirect of the API was followed".into());
    }
    for stranger in strangers {
        let seen = format!("{stranger:?} {}", String::from_utf8_lossy(&stranger.body));
        if seen.contains(crate::support::KEY) || stranger.header("authorization").is_some() {
            return Err(format!("the key went to another host: {seen}"));
        }
    }
    Ok(())
}

/// A handle as it is stored, of a generation created when the row says.
pub fn handle(row: &Row, service: &Faulty) -> GenerationHandle {
    let (now, hour) = (SystemTime::now(), Duration::from_secs(3600));
    let created = match row.created {
        Created::Now => now,
        Created::YearAgo => now - hour * 24 * 365,
        Created::InAnHour => now + hour,
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
    (service, place): (&Faulty, Place),
    said: &mut String,
) -> Result<Generation, Error> {
    let mut updates = client.wait(handle).updates();
    loop {
        let update = updates.next().await.expect("a wait says how it ends")?;
        said.push_str(&format!("{update:?}"));
        match update {
            Update::Completed(generation) => return Ok(*generation),
            Update::PollFailed(failed) => {
                said.push_str(&secrets::told(&failed.error));
                // A service that is not there for a while comes back now.
                if place == Place::PollOnce {
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
    said: &mut String,
) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("v.mp4");
    let saving = client
        .download(generation)
        .max_bytes(20_000_000)
        .to_file(&target);
    // A download may try on for a while, and a test does not wait for that.
    let patience = match row.download.end {
        End::Well => Duration::from_secs(30),
        End::Stands => Duration::from_millis(500),
        _ => Duration::from_secs(5),
    };
    let saved = tokio::time::timeout(patience, saving).await;
    match saved {
        Err(_) if row.download.end != End::Well => {}
        Err(_) => return Err("it does not end".into()),
        Ok(Ok(saved)) => {
            check(&row.download, Ok(()))?;
            let bytes = std::fs::read(&target).map_err(|error| error.to_string())?;
            let whole = row.download.end != End::Well || bytes == video();
            if saved.len() != 1 || !whole || saved[0].bytes != bytes.len() as u64 {
                return Err(format!("{saved:?} of {} bytes", bytes.len()));
            }
            return Ok(());
        }
        Ok(Err(error)) => {
            check(&row.download, Err(error.kind()))?;
            kept(&error)?;
            said.push_str(&secrets::told(&error));
        }
    }
    match target.exists() {
        true => Err("half a file is under the target's name".into()),
        false => Ok(()),
    }
}

/// Whether an end is the expected one.
fn check(cell: &Cell, end: Result<(), ErrorKind>) -> Result<(), String> {
    let is_right = match (cell.end, end) {
        (End::Well, Ok(())) | (End::Either(_), Ok(())) => true,
        (End::Fails(expected) | End::Either(expected), Err(kind)) => kind == expected,
        (End::FailsAs(one, other), Err(kind)) => kind == one || kind == other,
        (End::Stands, Err(_)) => true,
        _ => false,
    };
    match is_right {
        true => Ok(()),
        false => Err(format!("{end:?} instead of {:?}", cell.end)),
    }
}

/// Whether an error still knows which generation it is about.
fn kept(error: &Error) -> Result<(), String> {
    match error.handle().map(GenerationHandle::id) {
        Some("g1") => Ok(()),
        other => Err(format!("the id is lost: {other:?} in {error}")),
    }
}
