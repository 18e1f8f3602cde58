//! `simulate`: a local server until it is stopped.

use std::process::ExitCode;

use aimlapi_video::simulator::Simulator;

use crate::{args::Simulate, failure::Failure};

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
            return Failure::usage(format!("cannot listen on {}: {error}", simulate.listen))
                .report(false, None);
        }
    };
    println!("listening on {}", simulator.url());
    eprintln!(
        "any key does; time runs {} times faster than the service's; state is in memory and goes with this process",
        simulate.speed
    );
    eprintln!(
        "point a client at it: AIML_API_BASE={} AIML_API_KEY=any",
        simulator.url()
    );
    eprintln!("stop with ctrl-c");
    let _ = tokio::signal::ctrl_c().await;
    ExitCode::SUCCESS
}
