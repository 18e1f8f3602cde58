//! The store of the command line, checked before anything depends on it.

use std::time::Duration;

use aimlapi_video_worker::store::{Store, StoreError};

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
    Store::open(url).map_err(|error| match error.is_wrong_url() {
        true => Failure::usage(error.to_string()),
        false => Failure::usage(unusable(&error)),
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

const TIMEOUT: Duration = Duration::from_secs(20);

const REMEDY: &str = "check the network, and the endpoint, region, account and credentials in the environment: AWS_*, GOOGLE_* or AZURE_*";
