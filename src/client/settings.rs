//! The checks of a client's settings; each error says what is allowed.

use std::net::IpAddr;

use reqwest::{
    Url,
    header::{HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};

use super::Client;
use crate::{Error, ErrorKind, http::BEARER};

/// The `Authorization` header with the key.
pub(super) fn authorization(key: Option<&SecretString>) -> Result<HeaderValue, Error> {
    let Some(key) = key
        .map(ExposeSecret::expose_secret)
        .filter(|key| !key.is_empty())
    else {
        return Err(Error::new(
            ErrorKind::MissingKey,
            "no API key; set AIML_API_KEY",
        ));
    };
    let is_clean = key.bytes().all(|byte| byte.is_ascii_graphic());
    let header = is_clean.then(|| HeaderValue::try_from(format!("{BEARER}{key}")));
    let Some(Ok(mut header)) = header else {
        return Err(Error::new(
            ErrorKind::Configuration,
            "the API key holds a space, a line break or a non-ASCII character; copy it again",
        ));
    };
    header.set_sensitive(true);
    Ok(header)
}

pub(super) fn idempotency_header(name: &str) -> Result<HeaderName, Error> {
    let taken = [
        "accept",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
        "user-agent",
        "x-client-request-id",
    ];
    let wrong = |what: &str| {
        let what = format!("the idempotency header {name:?} {what}, such as Idempotency-Key");
        Error::new(ErrorKind::Configuration, what)
    };
    let name = name
        .parse::<HeaderName>()
        .map_err(|_| wrong("is not a header name; give one"))?;
    match taken.contains(&name.as_str()) {
        true => Err(wrong("is reserved; give another one")),
        false => Ok(name),
    }
}

pub(super) fn base_url(given: &str, allow_http: bool) -> Result<Url, Error> {
    let shown = crate::urls::redacted_text(given);
    let wrong = |what: &str| {
        Err(Error::new(
            ErrorKind::Configuration,
            format!("the base URL {shown} {what}"),
        ))
    };
    let trimmed = given.trim().trim_end_matches('/');
    let trimmed = trimmed
        .strip_suffix("/v1")
        .or_else(|| trimmed.strip_suffix("/v2"))
        .unwrap_or(trimmed);
    let Ok(url) = Url::parse(trimmed) else {
        return wrong("is not a URL; give one such as https://api.aimlapi.com");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return wrong("is neither https nor http; give one such as https://api.aimlapi.com");
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return wrong("has a user, a query or a fragment; remove that part");
    }
    if url.scheme() == "http" && !allow_http && !is_loopback(&url) {
        return wrong(
            "is plain http, which shows the key to anyone on the network path; use https (a Rust program can also allow http, by \
             `ClientBuilder::allow_insecure_http`)",
        );
    }
    Ok(url)
}

/// Refuses any speed but 1 for the service itself, where a faster wait would poll too often and end too soon.
pub(super) fn check_speed(speed: Option<&str>, base: &Url) -> Result<(), Error> {
    let Some(speed) = speed else {
        return Ok(());
    };
    let wrong = |what: &str| {
        let what = format!("AIML_API_SPEED is {speed:?}, but {what}");
        Err(Error::new(ErrorKind::Configuration, what))
    };
    let service = Url::parse(Client::BASE_URL).map(|url| url.origin());
    match number(speed) {
        None => wrong("it takes a number above 0, such as 60"),
        Some(times) if times != 1.0 && service.is_ok_and(|service| service == base.origin()) => {
            wrong("it is for a simulator; unset it, or set AIML_API_BASE to the simulator's URL")
        }
        Some(_) => Ok(()),
    }
}

pub(super) fn number(speed: &str) -> Option<f64> {
    let speed = speed.trim().parse().ok()?;
    (f64::is_finite(speed) && speed > 0.0).then_some(speed)
}

pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
