//! The command line under every fault: an exit code that tells, and no secret on its streams.

use std::sync::Arc;

use aimlapi_video::ErrorKind;
use futures_util::{StreamExt, stream};

use crate::{
    cells::{self, End, Place},
    secrets::{self, SIGNATURE},
    support::{Server, cli::Cli, http},
    table::{self, Row},
};

/// Whether the fault is one that only a timeout ends, which the command line has long ones for.
fn hangs(row: &Row) -> bool {
    row.download.end == End::Stands
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_shows_no_secret_whatever_happens() {
    let rows = table::rows();
    let rows = rows.iter().filter(|row| !hangs(row));
    let ran = rows.map(|row| async move {
        let wrong = commands(row).await.err();
        wrong.map(|wrong| format!("{}: {wrong}", row.name))
    });
    let ended: Vec<Option<String>> = stream::iter(ran).buffer_unordered(6).collect().await;
    let hanging = table::rows().iter().filter(|row| hangs(row)).count();
    assert_eq!(ended.len() + hanging, table::ROWS);
    let wrong: Vec<String> = ended.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn commands(row: &Arc<Row>) -> Result<(), String> {
    let other = Server::always(http(200, &[], "")).await;
    let link = format!("{}/v.mp4?X-Amz-Signature={SIGNATURE}", other.url());
    let elsewhere = format!("{}/elsewhere?signature={SIGNATURE}", other.url());

    let service = cells::service(row, Place::Create, link.clone(), elsewhere.clone());
    let cli = Cli::at(service.url());
    let model = "klingai/v2-master-text-to-video";
    let ran = cli
        .run(&["generate", model, "--prompt", "x", "--no-wait"])
        .await;
    let code = match row.create.end {
        End::Well => 0,
        End::Fails(ErrorKind::AmbiguousCreate) => 6,
        End::FailsAs(..) if ran.code == 6 => 6,
        // What the service calls a bad request is a usage error.
        _ if ["400", "413", "422"].contains(&row.name) => 2,
        _ => 5,
    };
    let text = format!("{}{}", ran.stdout, ran.stderr);
    if ran.code != code {
        return Err(format!(
            "generate ends with {} instead of {code}: {text}",
            ran.code
        ));
    }
    secrets::found_in(&text).map_or(Ok(()), Err)?;
    // The command line has more patience with a service that asks to come back.
    let most = match row.name.starts_with("429") {
        true => 3,
        false => *row.create.requests.end(),
    };
    if service.connections() > most {
        return Err(format!("{} creates", service.connections()));
    }

    let service = cells::service(row, Place::Poll, link, elsewhere);
    let cli = Cli::at(service.url());
    // Its standard output is the answer that was asked for, links and all.
    let status = cli.run(&["status", "g1"]).await;
    secrets::found_in(&status.stderr).map_or(Ok(()), Err)?;
    let wait = cli
        .run(&["wait", "g1", "-o", "v.mp4", "--deadline", "300ms"])
        .await;
    let text = format!("{}{}", wait.stdout, wait.stderr);
    if wait.code == 0 || cli.path("v.mp4").exists() {
        return Err(format!("nothing could be saved, but: {text}"));
    }
    secrets::found_in(&text).map_or(Ok(()), Err)?;
    let seen = format!("{:?}", other.requests());
    match seen.contains(crate::support::KEY) || seen.contains("authorization") {
        true => Err(format!("the key went to another host: {seen}")),
        false => Ok(()),
    }
}
