//! `simulate`: a local server that runs until Ctrl-C, or until its parent process exits.

use std::{io::ErrorKind, net::Ipv4Addr, process::ExitCode};

use aimlapi_video_simulator::{Recording, Scenario, Simulator, SimulatorBuilder};
use futures_util::future::OptionFuture;
use serde_json::json;

use crate::{
    args::Simulate,
    documents::Catalogue,
    failure::Failure,
    output::{print_note, write_line},
    text,
};

/// `simulate`
pub(crate) async fn simulate(simulate: Simulate) -> ExitCode {
    let parent = OptionFuture::from(simulate.exit_with_parent.then(parent_exit));
    let builder = match settings(&simulate) {
        Ok(builder) => builder,
        Err(failure) => return failure.report(simulate.json, None),
    };
    let simulator = match builder.start().await {
        Ok(simulator) => simulator,
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Other) => {
            return Failure::usage(error.to_string()).report(simulate.json, None);
        }
        Err(error) => {
            let message = format!(
                "cannot listen on {}: {error}; name another address or port by --listen",
                simulate.listen
            );
            return Failure::usage(message).report(simulate.json, None);
        }
    };
    let mut local = simulator.address();
    if local.ip().is_unspecified() {
        local.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    // A script that starts the simulator may wait for this line.
    let ready = match simulate.json {
        true => json!({
            "url": simulator.url(),
            "address": simulator.address().ip(),
            "port": simulator.address().port(),
            "pid": std::process::id(),
            "version": env!("CARGO_PKG_VERSION"),
        })
        .to_string(),
        false => format!("listening on {}", simulator.url()),
    };
    let written = write_line(ready);
    // A parent that exited before this process looked for it reads no line, and its exit is not noticed.
    if simulate.exit_with_parent && written.is_err() {
        return ExitCode::SUCCESS;
    }
    let time = match simulate.manual_clock {
        true => "time is stopped until POST /_simulator/clock moves it".to_owned(),
        false => format!(
            "time runs {} times faster than the service's",
            simulate.speed
        ),
    };
    let key = match simulate.key {
        Some(_) => "only the given key is accepted",
        None => "any key is accepted",
    };
    print_note(format!(
        "{time}; {key}; state is in memory and ends with this process"
    ));
    if !simulator.address().ip().is_loopback() {
        print_note("other machines can reach it, and /_simulator/ needs no key");
    }
    let key = simulate.key.as_deref().map_or("any", |_| "...");
    let speed = match simulate.manual_clock {
        true => String::new(),
        false => format!(" AIML_API_SPEED={}", simulate.speed),
    };
    print_note(format!(
        "point a client on this machine at it: AIML_API_BASE=http://{local} AIML_API_KEY={key}{speed}"
    ));
    print_note(format!(
        "its page, and its requests and tasks as JSON: http://{local}/_simulator/"
    ));
    print_note("stop with ctrl-c");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        Some(()) = parent => {}
    }
    ExitCode::SUCCESS
}

/// Returns a future of the exit of the present parent process, after which the system shows another one.
#[cfg(unix)]
fn parent_exit() -> impl Future<Output = ()> {
    use std::{os::unix::process::parent_id, time::Duration};

    let parent = parent_id();
    async move {
        let mut interval = tokio::time::interval(Duration::from_millis(100));
        while parent_id() == parent {
            interval.tick().await;
        }
    }
}

/// Returns a future of the end of standard input, which ends when the process that holds its other end exits.
#[cfg(not(unix))]
fn parent_exit() -> impl Future<Output = ()> {
    use std::io;

    // A thread of its own: the runtime would wait for a blocking task.
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = sender.send(());
    });
    async {
        let _ = receiver.await;
    }
}

fn settings(simulate: &Simulate) -> Result<SimulatorBuilder, Failure> {
    let builder = Catalogue::read(&simulate.documents)?.simulated_by(Simulator::builder());
    let mut builder = builder
        .listen(simulate.listen)
        .speed(simulate.speed)
        .strict(simulate.strict)
        .cors(simulate.cors)
        .spread(simulate.spread)
        .url_lifetime(simulate.url_lifetime)
        .shapes(simulate.shapes.0.iter().copied())
        .videos(simulate.videos)
        .max_tasks(simulate.max_tasks as usize)
        .max_requests(simulate.max_requests as usize);
    if simulate.manual_clock {
        builder = builder.manual_clock();
    }
    if let Some(seed) = simulate.seed {
        builder = builder.seed(seed);
    }
    if let Some(key) = &simulate.key {
        builder = builder.api_key(key);
    }
    if let Some(slots) = simulate.slots {
        builder = builder.slots(slots as usize);
    }
    if let Some(per_minute) = simulate.rate_limit {
        builder = builder.rate_limit(per_minute);
    }
    if let Some(credits) = simulate.credits {
        builder = builder.credits(credits as f64);
    }
    if let Some(path) = &simulate.scenario {
        let path = path.display().to_string();
        let text =
            text::read(&path).map_err(|error| Failure::usage(format!("the scenario {error}")))?;
        let scenario: Scenario = text
            .parse()
            .map_err(|error| Failure::usage(format!("{path}: {error}")))?;
        builder = builder.scenario(scenario);
    }
    if let Some(path) = &simulate.replay {
        let path = path.display().to_string();
        let text =
            text::read(&path).map_err(|error| Failure::usage(format!("the recording {error}")))?;
        let recording: Recording = text
            .parse()
            .map_err(|error| Failure::usage(format!("{path}: {error}")))?;
        builder = builder.replay(recording).replay_only(simulate.replay_only);
    }
    Ok(builder)
}
