//! The store of the command line, checked before anything depends on it.

use std::time::Duration;

use aimlapi_video_contract::redacted_urls;
use aimlapi_video_worker::store::{Store, StoreError};
use temporalio_client::Url;

use super::failure::Failure;

/// Opens the store, and checks that its bucket exists.
pub(crate) async fn open(url: &str) -> Result<Store, Failure> {
    let store = open_unchecked(url)?;
    match tokio::time::timeout(TIMEOUT, store.check()).await {
        Ok(Ok(())) => Ok(store),
        Ok(Err(error)) if error.is_missing() => Err(Failure::usage(error.to_string())),
        Ok(Err(error)) => Err(Failure::service(unusable(&error))),
        Err(_) => Err(Failure::service(format!(
            "the store {url} has not responded within {} s; {REMEDY}",
            TIMEOUT.as_secs()
        ))),
    }
}

/// Opens the store without a request.
pub(crate) fn open_unchecked(url: &str) -> Result<Store, Failure> {
    check(url).map_err(|error| {
        let url = redacted_urls(url, "?…");
        Failure::usage(format!("the store {url}: {error}"))
    })?;
    Store::open(url).map_err(|error| {
        // An error of the URL says what is expected; the others are about settings.
        match error.to_string() {
            line if line.contains("expected ") => Failure::usage(line),
            _ => Failure::usage(unusable(&error)),
        }
    })
}

fn unusable(error: &StoreError) -> String {
    let line = error.to_string();
    let has = |part| line.contains(part);
    let remedy = if has("the store file:") {
        "name a folder that this user may write"
    } else if has("builder error") {
        // A client without a permission for plain http fails to build the request.
        "use https, or set AWS_ALLOW_HTTP=true"
    } else {
        REMEDY
    };
    format!("{line}; {remedy}")
}

/// Refuses the parts of a URL that a store would ignore.
fn check(url: &str) -> Result<(), &'static str> {
    let Ok(parsed) = Url::parse(url) else {
        return Ok(());
    };
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err("a key belongs into the environment, such as AWS_ACCESS_KEY_ID");
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(
            "its settings belong into the environment, such as AWS_REGION; remove the query",
        );
    }
    // A URL parser takes `file:folder` for a folder of the root.
    let path = url.get("file:".len()..).unwrap_or_default();
    if parsed.scheme() == "file" && !path.starts_with('/') {
        return Err("the folder is relative; expected file:///folder");
    }
    Ok(())
}

const TIMEOUT: Duration = Duration::from_secs(20);

const REMEDY: &str = "check the network, and the endpoint, region, account and credentials in the environment: AWS_*, GOOGLE_* or AZURE_*";
