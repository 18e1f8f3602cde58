//! `simulate`: a local server that runs until Ctrl-C, SIGTERM, or the exit of its parent process.

use std::{io::ErrorKind, net::Ipv4Addr, process::ExitCode};

use aimlapi_video_simulator::{Recording, Scenario, Simulator, SimulatorBuilder};

use crate::{
    args::Simulate, documents::Catalogue, failure::Failure, local_server, output::print_note, text,
};

/// `simulate`
pub(crate) async fn simulate(simulate: Simulate) -> ExitCode {
    match run(&simulate).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(simulate.server.json, None),
    }
}

async fn run(simulate: &Simulate) -> Result<(), Failure> {
    let end = local_server::end(&simulate.server)?;
    let started = settings(simulate)?.start().await;
    let simulator = started.map_err(|error| match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::Other => Failure::usage(error.to_string()),
        _ => Failure::usage(format!(
            "cannot listen on {}: {error}; name another address or port by --listen",
            simulate.listen
        )),
    })?;
    let mut local = simulator.address();
    if local.ip().is_unspecified() {
        local.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    if !local_server::announce(&simulate.server, &simulator.url(), simulator.address()) {
        return Ok(());
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
    local_server::print_reach(simulator.address());
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
    end.await;
    Ok(())
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
        let scenario: Scenario = text::parse(path, "the scenario").map_err(Failure::usage)?;
        builder = builder.scenario(scenario);
    }
    if let Some(path) = &simulate.replay {
        let recording: Recording = text::parse(path, "the recording").map_err(Failure::usage)?;
        builder = builder.replay(recording).replay_only(simulate.replay_only);
    }
    Ok(builder)
}
