//! The store of the command line, checked before anything depends on it.

use std::time::Duration;

use aimlapi_video_worker::store::Store;

use super::failure::Failure;

/// Opens the store, and checks that its bucket exists.
pub(crate) async fn open(url: &str) -> Result<Store, Failure> {
    let store = Store::open(url).map_err(|error| Failure::usage(error.to_string()))?;
    match tokio::time::timeout(TIMEOUT, store.check()).await {
        Ok(Ok(())) => Ok(store),
        Ok(Err(error)) if error.is_missing() => Err(Failure::usage(error.to_string())),
        Ok(Err(error)) => Err(Failure::service(format!("{error}; {REMEDY}"))),
        Err(_) => Err(Failure::service(format!(
            "the store {url} has not responded within {} s; {REMEDY}",
            TIMEOUT.as_secs()
        ))),
    }
}

const TIMEOUT: Duration = Duration::from_secs(20);

const REMEDY: &str =
    "check the network, and the endpoint, region and credentials in the environment";
