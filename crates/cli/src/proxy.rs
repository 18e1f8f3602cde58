//! `proxy`: forwards requests to the service and judges both directions, until Ctrl-C.

mod lines;
mod reading;

use std::{io::ErrorKind, process::ExitCode};

use aimlapi_video_simulator::Proxy;

use crate::{
    args,
    documents::Catalogue,
    failure::{Failure, Kind, SERVICE, USAGE},
    interrupt,
    output::{print_note, write_line},
};
use lines::LineFile;

/// `proxy`
pub(crate) async fn proxy(options: args::Proxy) -> ExitCode {
    match run(&options).await {
        Ok(code) => code,
        Err(failure) => failure.report(false, None),
    }
}

async fn run(options: &args::Proxy) -> Result<ExitCode, Failure> {
    let checker = Catalogue::read(&options.documents)?.checker()?;
    let report = options
        .report
        .as_deref()
        .map(LineFile::create)
        .transpose()?;
    let record = options
        .record
        .as_deref()
        .map(LineFile::append)
        .transpose()?;
    let written = report.clone();
    let mut builder = Proxy::builder(&options.upstream)
        .listen(options.listen)
        .checker(checker)
        .guard(options.guard)
        .late_after(options.late_after)
        .reading(reading::reading)
        .on_deviation(move |reported| {
            print_note(format!("deviation: {reported}"));
            if let Some(report) = &written {
                report.write(reported);
            }
        });
    if let Some(record) = record.clone() {
        builder = builder.on_exchange(move |exchange| record.write(&exchange));
    }
    let proxy = builder.start().await.map_err(|error| match error.kind() {
        // No root certificate was found.
        ErrorKind::NotFound => {
            let kind = Kind::Library(aimlapi_video::ErrorKind::MissingRootCertificates);
            Failure::new(SERVICE, kind, error.to_string())
        }
        ErrorKind::InvalidInput | ErrorKind::Other => Failure::usage(error.to_string()),
        _ => Failure::usage(format!(
            "cannot listen on {}: {error}; name another address or port by --listen",
            options.listen
        )),
    })?;
    // A script that starts the proxy may wait for this line.
    let _ = write_line(format!("listening on {}", proxy.url()));
    print_note(format!(
        "forwarding to {}; point a client at it: AIML_API_BASE={}",
        options.upstream,
        proxy.url()
    ));
    if !proxy.address().ip().is_loopback() {
        print_note("other machines can reach it, and /_simulator/ needs no key");
    }
    print_note(format!(
        "its page, and its deviations as JSON: {}/_simulator/",
        proxy.url()
    ));
    print_note("stop with ctrl-c");
    interrupt::stopped().await;
    let counts = proxy.stop().await;
    print_note(format!(
        "exchanges: {}; deviations: {}; failures of the upstream: {}; refused requests: {}",
        counts.exchanges, counts.deviations, counts.upstream_failures, counts.refused
    ));
    let mut files = [report, record].into_iter().flatten();
    if let Some(failure) = files.find_map(|file| file.failure()) {
        return Err(failure);
    }
    Ok(match options.fail {
        true if counts.deviations > 0 => ExitCode::from(USAGE),
        true if counts.upstream_failures > 0 => ExitCode::from(SERVICE),
        _ => ExitCode::SUCCESS,
    })
}
