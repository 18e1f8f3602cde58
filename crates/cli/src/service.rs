//! Whom the commands ask: the real service, or a simulator that ends with the command.

use aimlapi_video::{Client, ClientBuilder};
use aimlapi_video_simulator::Simulator;

use crate::failure::Failure;

/// The simulator, where one is asked for, which is to be kept as long as the client; and the client's settings.
pub(crate) async fn service(
    simulate: bool,
    speed: f64,
) -> Result<(Option<Simulator>, ClientBuilder), Failure> {
    if !simulate {
        return Ok((None, ClientBuilder::from_env()));
    }
    let started = Simulator::builder().speed(speed).start().await;
    let simulator =
        started.map_err(|error| Failure::usage(format!("the simulator cannot start: {error}")))?;
    let client = Client::builder().base_url(simulator.url());
    Ok((Some(simulator), client.api_key("simulated")))
}
