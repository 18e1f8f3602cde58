//! The protection of the server's own endpoints from the pages of other origins (cross-site request forgery, DNS rebinding).

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{StatusCode, header, uri::Authority},
    middleware::Next,
    response::Response,
};

use crate::responses::{ErrorResponse, Stamp};

/// Refuses requests of pages of other origins, with 403.
///
/// Browsers state the origin of a page in each request that is not safe (RFC 9110, 9.2.1); other programs state none. A page of
/// another origin can read nothing, unless its owner points its name at this machine (DNS rebinding), so that it has the origin of
/// the server. So the host has to be an IP address or `localhost`: for such an action, and on a loopback address for every
/// request, with or without an origin. Elsewhere programs may use a name, such as that of a container.
pub(crate) async fn refuse_others(
    State(is_loopback): State<bool>,
    request: Request,
    next: Next,
) -> Response {
    match judge(&request, is_loopback) {
        Err(message) => ErrorResponse::new(StatusCode::FORBIDDEN, message).into_response(
            request.uri(),
            request.headers(),
            Stamp::random(),
        ),
        Ok(()) => next.run(request).await,
    }
}

fn judge(request: &Request, is_loopback: bool) -> Result<(), String> {
    let text = |name| {
        let value = request.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()))
    };
    let origin = text(header::ORIGIN).filter(|_| !request.method().is_safe());
    let host = text(header::HOST);
    // Browsers always state a host.
    let needs_address = origin.is_some() || (is_loopback && host.is_some());
    let host = host.unwrap_or_default();
    if let Some(origin) = origin
        && !origin.eq_ignore_ascii_case(&format!("http://{host}"))
    {
        return Err(format!(
            "origin: expected http://{host}, or no Origin header; received {origin} (a simulator with CORS allows any origin)"
        ));
    }
    match needs_address && !is_address(&host) {
        false => Ok(()),
        true => Err(format!(
            "host: expected an IP address or localhost; received {host} (a simulator with CORS allows any host)"
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
