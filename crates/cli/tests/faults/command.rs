//! Tests of the command line under every fault: the exit code, and no secret on standard output or standard error.

use std::sync::Arc;

use aimlapi_video::ErrorKind;
use futures_util::{StreamExt, stream};

use crate::{
    cells::{self, End, FaultPoint},
    secrets::{self, SIGNATURE},
    support::{Server, cli::Cli, http},
    table::{self, Row},
};

/// Whether only a timeout ends the fault; the timeouts of the command line are too long for a test.
fn hangs(row: &Row) -> bool {
    row.download.end == End::Hangs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn command_prints_no_secret_under_every_fault() {
    let rows = table::rows();
    let rows = rows.iter().filter(|row| !hangs(row));
    let runs = rows.map(|row| async move {
        let failure = commands(row).await.err();
        failure.map(|failure| format!("{}: {failure}", row.name))
    });
    let results: Vec<Option<String>> = stream::iter(runs).buffer_unordered(6).collect().await;
    let hanging = table::rows().iter().filter(|row| hangs(row)).count();
    assert_eq!(results.len() + hanging, table::ROWS);
    let failures: Vec<String> = results.into_iter().flatten().collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Runs `generate`, `status` and `wait` under a fault.
async fn commands(row: &Arc<Row>) -> Result<(), String> {
    let other = Server::always(http(200, &[], "")).await;
    let url = format!("{}/v.mp4?X-Amz-Signature={SIGNATURE}", other.url());
    let elsewhere = format!("{}/elsewhere?signature={SIGNATURE}", other.url());

    let service = cells::service(row, FaultPoint::Create, url.clone(), elsewhere.clone());
    let cli = Cli::at(service.url());
    let model = "klingai/v2-master-text-to-video";
    let ran = cli
        .run(&["generate", model, "--prompt", "x", "--no-wait"])
        .await;
    let code = match row.create.end {
        End::Succeeds => 0,
        End::Fails(ErrorKind::AmbiguousCreate) => 6,
        End::FailsWithEither(..) if ran.code == 6 => 6,
        // A request that the service reports as invalid is a usage error.
        _ if ["400", "413", "422"].contains(&row.name) => 2,
        _ => 5,
    };
    let text = format!("{}{}", ran.stdout, ran.stderr);
    if ran.code != code {
        return Err(format!(
            "generate exits with {} instead of {code}: {text}",
            ran.code
        ));
    }
    secrets::found_in(&text).map_or(Ok(()), Err)?;
    // The command line retries a 429 longer than the library.
    let max = match row.name.starts_with("429") {
        true => 3,
        false => *row.create.requests.end(),
    };
    if service.connections() > max {
        return Err(format!("{} creates", service.connections()));
    }

    let service = cells::service(row, FaultPoint::Poll, url, elsewhere);
    let cli = Cli::at(service.url());
    // Standard output of `status` is the whole response, including signed URLs, so only standard error is checked.
    let status = cli.run(&["status", "g1"]).await;
    secrets::found_in(&status.stderr).map_or(Ok(()), Err)?;
    let wait = cli
        .run(&["wait", "g1", "-o", "v.mp4", "--deadline", "300ms"])
        .await;
    let text = format!("{}{}", wait.stdout, wait.stderr);
    if wait.code == 0 || cli.path("v.mp4").exists() {
        return Err(format!("expected no saved file and an error; got: {text}"));
    }
    secrets::found_in(&text).map_or(Ok(()), Err)?;
    let requests = format!("{:?}", other.requests());
    match requests.contains(crate::support::KEY) || requests.contains("authorization") {
        true => Err(format!("the key was sent to another host: {requests}")),
        false => Ok(()),
    }
}
