//! The service of a command: the real one, or a simulator that ends with the command.

use aimlapi_video::{Client, ClientBuilder};
use aimlapi_video_simulator::Simulator;

use crate::{documents::Catalogue, failure::Failure};

/// Returns the settings of the client and, with `--simulate`, the simulator, which must live as long as the client.
pub(crate) async fn service(
    simulate: bool,
    speed: f64,
    catalogue: &Catalogue,
) -> Result<(Option<Simulator>, ClientBuilder), Failure> {
    if !simulate {
        return Ok((None, ClientBuilder::from_env()));
    }
    let started = catalogue
        .simulated_by(Simulator::builder().speed(speed))
        .start()
        .await;
    let simulator =
        started.map_err(|error| Failure::usage(format!("the simulator cannot start: {error}")))?;
    let client = Client::builder().base_url(simulator.url());
    Ok((Some(simulator), client.api_key("simulated")))
}
