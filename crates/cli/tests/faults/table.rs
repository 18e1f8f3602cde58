//! The table of faults: one row per fault, with the expected outcome at each point where the fault occurs.
//!
//! Three groups of rows: faults of the connection and of the HTTP message (`wire`), statuses and redirects (`refusals`), and JSON
//! responses in unusual shapes (`responses`). The functions here build rows that share their expectations.

mod refusals;
mod responses;
mod wire;

use std::{ops::RangeInclusive, sync::Arc};

use aimlapi_video::ErrorKind::{AmbiguousCreate, Download, PollingLost};
use serde_json::{Value, json};

use crate::{
    cells::{Cell, End, FaultContext},
    secrets::{PASSWORD, SIGNATURE},
    support::{Request, faulty::Act, http},
};

/// The number of rows.
pub const ROWS: usize = 103;

/// A fault, and the expected outcome at each point.
pub struct Row {
    pub name: &'static str,
    pub fault: Fault,
    /// The time of the create that the handle states.
    pub created: CreatedAt,
    pub create: Cell,
    /// A wait during which the fault lasts.
    pub poll: Cell,
    /// A wait with the fault in its first poll only.
    pub poll_once: Cell,
    pub download: Cell,
}

pub enum Fault {
    /// No server listens.
    Refuse,
    /// The bytes and events on the connection.
    Wire(Box<Acts>),
    /// The JSON responses to create and poll, by the number of the poll and the video's URL.
    Response(Box<JsonResponse>),
}

/// The acts of a server on one connection.
pub type Acts = dyn Fn(&FaultContext<'_>) -> Vec<Act> + Send + Sync;
/// The JSON of a response, by the number of the request and the video's URL.
pub type JsonResponse = dyn Fn(usize, &str) -> Value + Send + Sync;

/// The time of a create.
#[derive(Clone, Copy)]
pub enum CreatedAt {
    Now,
    YearAgo,
    InAnHour,
}

/// Returns all rows.
pub fn rows() -> Vec<Arc<Row>> {
    let mut rows = wire::rows();
    rows.extend(refusals::rows());
    rows.extend(responses::rows());
    rows.into_iter().map(Arc::new).collect()
}

/// Polls while the fault lasts, at intervals of 200 ms.
const FEW: RangeInclusive<usize> = 1..=14;

/// Polls until the deadline.
const UNTIL_DEADLINE: RangeInclusive<usize> = 2..=27;

/// Connections for one video: a download may be resumed, but only a limited number of times.
const SOME: RangeInclusive<usize> = 1..=12;

fn once() -> RangeInclusive<usize> {
    1..=1
}

fn fails(kind: aimlapi_video::ErrorKind, requests: RangeInclusive<usize>) -> Cell {
    Cell {
        end: End::Fails(kind),
        requests,
    }
}

fn succeeds(requests: usize) -> Cell {
    Cell {
        end: End::Succeeds,
        requests: requests..=requests,
    }
}

/// Builds a row whose server receives the request and returns no valid response.
fn lost(
    name: &'static str,
    act: impl Fn(&FaultContext<'_>) -> Vec<Act> + Send + Sync + 'static,
) -> Row {
    Row {
        name,
        fault: Fault::Wire(Box::new(act)),
        created: CreatedAt::Now,
        create: fails(AmbiguousCreate, once()),
        poll: fails(PollingLost, FEW),
        poll_once: succeeds(2),
        download: fails(Download, SOME),
    }
}

impl FaultContext<'_> {
    /// Returns a text with the request's key and a URL with a password and a signature.
    pub fn echo(&self) -> String {
        let authorization = self.request.header("authorization").unwrap_or_default();
        format!(
            "no: {authorization}, see https://me:{PASSWORD}@files.example.com/v.mp4?X-Amz-Signature={SIGNATURE} for it"
        )
    }

    /// Returns a response that repeats the request's secrets in headers and body.
    pub fn status(&self, status: u16, headers: &[(&str, &str)]) -> Act {
        let key = self.request.header("authorization").unwrap_or_default();
        let body = json!({ "message": self.echo(), "code": key, "requestId": key, "path": self.request.target });
        let mut all = vec![
            ("content-type", "application/json"),
            ("x-inference-id", key),
        ];
        all.extend(headers);
        Act::Send(http(status, &all, body.to_string()))
    }

    /// Returns the normal response with a `Content-Length` that is `more` bytes too large.
    pub fn with_length(&self, more: isize) -> Vec<u8> {
        let body = self.normal_body();
        let length = (body.len() as isize + more).to_string();
        http(200, &[("content-length", &length)], body)
    }
}

/// Whether a request is a create.
pub fn is_create(request: &Request) -> bool {
    request.method == "POST"
}
