//! `simulate`: a local server that runs until Ctrl-C.

use std::{io::ErrorKind, net::Ipv4Addr, process::ExitCode};

use aimlapi_video_simulator::{Recording, Scenario, Simulator, SimulatorBuilder};

use crate::{
    args::Simulate,
    documents::Catalogue,
    failure::Failure,
    output::{print_note, write_line},
    text,
};

/// `simulate`
pub(crate) async fn simulate(simulate: Simulate) -> ExitCode {
    let builder = match settings(&simulate) {
        Ok(builder) => builder,
        Err(failure) => return failure.report(false, None),
    };
    let simulator = match builder.start().await {
        Ok(simulator) => simulator,
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Other) => {
            return Failure::usage(error.to_string()).report(false, None);
        }
        Err(error) => {
            let message = format!(
                "cannot listen on {}: {error}; name another address or port by --listen",
                simulate.listen
            );
            return Failure::usage(message).report(false, None);
        }
    };
    let mut local = simulator.address();
    if local.ip().is_unspecified() {
        local.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    // A script that starts the simulator may wait for this line.
    let _ = write_line(format!("listening on {}", simulator.url()));
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
        "its requests and tasks: http://{local}/_simulator/"
    ));
    print_note("stop with ctrl-c");
    let _ = tokio::signal::ctrl_c().await;
    ExitCode::SUCCESS
}

fn settings(simulate: &Simulate) -> Result<SimulatorBuilder, Failure> {
    let builder = Catalogue::read(&simulate.documents)?.simulated_by(Simulator::builder());
    let mut builder = builder
        .listen(simulate.listen)
        .speed(simulate.speed)
        .strict(simulate.strict)
        .seed(simulate.seed)
        .spread(simulate.spread)
        .url_lifetime(simulate.url_lifetime)
        .shapes(simulate.shapes.0.iter().copied())
        .videos(simulate.videos)
        .max_tasks(simulate.max_tasks as usize)
        .max_requests(simulate.max_requests as usize);
    if simulate.manual_clock {
        builder = builder.manual_clock();
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
