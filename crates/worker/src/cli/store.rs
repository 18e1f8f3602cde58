//! The store of the command line, checked before anything depends on it.

use std::{path::PathBuf, time::Duration};

use aimlapi_video_worker::temporal::store::Store;
use futures::StreamExt;
use object_store::{Error, ObjectStore};
use url::Url;

use super::{
    failure::{Failure, error_line},
    output::note,
};

/// Opens the store and looks at its folder or bucket.
pub(crate) async fn open(url: &str) -> Result<Store, Failure> {
    let parsed = Url::parse(url).map_err(|error| wrong(url, &error.to_string()))?;
    match parsed.scheme() {
        "file" => check_folder(url, &parsed)?,
        "s3" | "gs" | "az" if parsed.host_str().is_none_or(str::is_empty) => {
            return Err(wrong(url, "no bucket"));
        }
        "s3" | "gs" | "az" => {}
        scheme => return Err(wrong(url, &format!("{scheme} is not a known scheme"))),
    }
    let store = Store::open(url).map_err(|error| wrong(url, &error_line(&error)))?;
    check_bucket(url, &store).await?;
    Ok(store)
}

fn wrong(url: &str, what: &str) -> Failure {
    Failure::usage(format!(
        "--store {url}: {what}; expected file:///FOLDER, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX"
    ))
}

/// The engine's object store would create a missing folder, which may be a mount that is absent.
fn check_folder(url: &str, parsed: &Url) -> Result<(), Failure> {
    let folder: PathBuf = parsed
        .to_file_path()
        .map_err(|()| wrong(url, "not the path of a folder on this machine"))?;
    match folder.is_dir() {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "--store {url}: the folder {} does not exist; create it, or mount it",
            folder.display()
        ))),
    }
}

/// Lists the bucket, which fails if the bucket does not exist.
async fn check_bucket(url: &str, store: &Store) -> Result<(), Failure> {
    let mut objects = store.bucket.list(Some(&store.prefix));
    let Ok(first) = tokio::time::timeout(TIMEOUT, objects.next()).await else {
        return Err(Failure::service(format!(
            "--store {url}: the store has not responded within {} s; check the network, and the region, endpoint and credentials \
             in the environment",
            TIMEOUT.as_secs()
        )));
    };
    match first {
        None | Some(Ok(_)) => Ok(()),
        // The library has no kind of its own for a missing bucket in a list.
        Some(Err(error)) if error_line(&error).contains("404 Not Found") => Err(Failure::usage(
            format!("--store {url}: the bucket does not exist; create it, or correct its name"),
        )),
        // Credentials that may write need not be allowed to list.
        Some(Err(Error::PermissionDenied { .. })) => {
            note(format!(
                "note: --store {url} may not be listed, so it was not checked"
            ));
            Ok(())
        }
        Some(Err(error)) => Err(Failure::service(format!(
            "--store {url}: {}; check the network, and the region, endpoint and credentials in the environment",
            error_line(&error)
        ))),
    }
}

const TIMEOUT: Duration = Duration::from_secs(20);
