//! The protection of the endpoints that change something from the pages of other origins (cross-site request forgery).

use std::net::IpAddr;

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header, uri::Authority},
    middleware::Next,
    response::Response,
};

use crate::responses::{ErrorResponse, Stamp};

/// Refuses requests that are not safe (RFC 9110, 9.2.1) and come from a page of another origin, with 403.
///
/// Browsers state the origin of a page in each such request; other programs state none, and are not restricted. The host of a
/// page's request must be an IP address or `localhost`: any other name may be one that its owner points at this machine (DNS
/// rebinding), so that a foreign page has the origin of the server.
pub(crate) async fn refuse_others(request: Request, next: Next) -> Response {
    match judge(request.headers()) {
        Err(message) if !request.method().is_safe() => {
            let error = ErrorResponse::new(StatusCode::FORBIDDEN, message);
            error.into_response(request.uri(), request.headers(), Stamp::random())
        }
        _ => next.run(request).await,
    }
}

fn judge(headers: &HeaderMap) -> Result<(), String> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = String::from_utf8_lossy(origin.as_bytes());
    let host = headers.get(header::HOST);
    let host = host.map_or_else(Default::default, |host| {
        String::from_utf8_lossy(host.as_bytes())
    });
    if !origin.eq_ignore_ascii_case(&format!("http://{host}")) {
        return Err(format!(
            "origin: expected http://{host}, or no Origin header; received {origin} (a simulator with CORS allows any origin)"
        ));
    }
    match is_address(&host) {
        true => Ok(()),
        false => Err(format!(
            "host: expected an IP address or localhost from a page; received {host}"
        )),
    }
}

/// Whether a host is not a name that DNS resolves.
pub(crate) fn is_address(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}
