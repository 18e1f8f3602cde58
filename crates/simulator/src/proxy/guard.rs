//! The refusal of requests that deviate.

use axum::{
    body::{Body, Bytes, HttpBody, to_bytes},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::{
    body::{Observed, RequestCapture},
    exchange::Exchange,
};
use crate::{Deviation, Part, Subject, server::MAX_BODY};

/// Receives the body of a request, and returns it if the request does not deviate, else the refusal.
pub(super) async fn admit(
    body: Body,
    capture: RequestCapture,
    exchange: &mut Exchange,
) -> Result<Bytes, Response> {
    let is_long = body.size_hint().lower() > MAX_BODY as u64;
    let observed = Body::new(Observed::new(body, capture.clone()));
    let read = match is_long {
        true => None,
        false => to_bytes(observed, MAX_BODY).await.ok(),
    };
    let Some(bytes) = read else {
        let allowed = format!("a complete body of at most {MAX_BODY} bytes");
        let message = format!("body: expected {allowed}");
        // A caller that left is no deviation.
        if !capture.is_broken() {
            exchange.refuse(Some(Deviation {
                subject: Subject::Request,
                part: Part::Body,
                pointer: String::new(),
                given: Some("more".into()),
                allowed,
                document: None,
            }));
        }
        return Err(exchange.error(StatusCode::PAYLOAD_TOO_LARGE, message));
    };
    let found = exchange.judge_request();
    let Some(first) = found.first() else {
        return Ok(bytes);
    };
    let status = status(first);
    let messages: Vec<String> = found.iter().map(ToString::to_string).collect();
    exchange.refuse(None);
    let mut refusal = exchange.error(status, messages.join("; "));
    // RFC 9110, 15.5.2 and 15.5.6.
    let required = match status {
        StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
        StatusCode::METHOD_NOT_ALLOWED => Some((header::ALLOW, "GET, POST")),
        _ => None,
    };
    if let Some((name, value)) = required {
        let value = HeaderValue::from_static(value);
        refusal.headers_mut().insert(name, value);
    }
    Err(refusal)
}

/// Returns the status with which the simulator refuses such a request.
fn status(deviation: &Deviation) -> StatusCode {
    match deviation.part {
        Part::Path => StatusCode::NOT_FOUND,
        Part::Method => StatusCode::METHOD_NOT_ALLOWED,
        Part::Header if deviation.pointer == "/authorization" => StatusCode::UNAUTHORIZED,
        _ => StatusCode::BAD_REQUEST,
    }
}
