//! `simulate`: a local server until it is stopped.

use std::{net::Ipv4Addr, process::ExitCode};

use aimlapi_video::simulator::Simulator;

use crate::{
    args::Simulate,
    failure::Failure,
    output::{answer, note},
};

/// `simulate`
pub(crate) async fn simulate(simulate: Simulate) -> ExitCode {
    let started = Simulator::builder()
        .listen(simulate.listen)
        .speed(simulate.speed)
        .videos(simulate.videos)
        .start()
        .await;
    let simulator = match started {
        Ok(simulator) => simulator,
        Err(error) => {
            let message = format!("cannot listen on {}: {error}", simulate.listen);
            return Failure::usage(message).report(false, None);
        }
    };
    let mut near = simulator.address();
    if near.ip().is_unspecified() {
        near.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    // Whoever started it may wait for this line.
    let _ = answer(format!("listening on {}", simulator.url()));
    note(format!(
        "time runs {} times faster than the service's; any key does; state is in memory and goes with this process",
        simulate.speed
    ));
    note(format!(
        "point a client on this machine at it: AIML_API_BASE=http://{near} AIML_API_KEY=any"
    ));
    note("stop with ctrl-c");
    let _ = tokio::signal::ctrl_c().await;
    ExitCode::SUCCESS
}
