//! Tests an application against the simulator: the requests that it sends, and its reactions to failures.
//!
//! ```sh
//! cargo test --example contract_test
//! ```
//!
//! The application's code comes first, its tests follow, as they would in your crate. There, the package
//! `aimlapi-video-simulator` belongs under `[dev-dependencies]`.

use std::env;

use aimlapi_video::{Client, Error, ErrorKind, types::KlingaiV2MasterTextToVideo};

/// Generates a clip of a scene. If the generation fails, a simpler prompt is tried once.
async fn clip(client: &Client, scene: &str) -> Result<Vec<u8>, Error> {
    let first = client.generate(request(scene)?).await;
    let generation = match first {
        Err(error) if error.kind() == ErrorKind::GenerationFailed => {
            let plain = format!("{scene}, as a plain pencil drawing");
            client.generate(request(&plain)?).await?
        }
        first => first?,
    };
    client.download(&generation).to_bytes().await
}

fn request(scene: &str) -> Result<KlingaiV2MasterTextToVideo, Error> {
    KlingaiV2MasterTextToVideo::builder()
        .prompt(scene)
        .negative_prompt("text")
        .duration(5)
        .build()
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let scene = env::args().nth(1).unwrap_or_else(|| "A red teapot".into());
    let clip = clip(&Client::from_env()?, &scene).await?;
    println!("{} bytes", clip.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use aimlapi_video::WaitOptions;
    use aimlapi_video_simulator::{RecordedRequest, Simulator};
    use serde_json::json;

    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    /// A simulator that plays `scenario`, and a client of it. Both run a thousand times faster than the service.
    async fn simulated(scenario: &str) -> Result<(Simulator, Client), Box<dyn std::error::Error>> {
        let simulator = Simulator::builder()
            .speed(1000.0)
            .scenario(scenario.parse()?)
            .start()
            .await?;
        let client = Client::builder()
            .base_url(simulator.url())
            .api_key("any")
            .wait_options(WaitOptions::default().speed(1000.0))
            .build()?;
        Ok((simulator, client))
    }

    fn creates(simulator: &Simulator) -> Vec<RecordedRequest> {
        let mut requests = simulator.requests();
        requests.retain(|request| request.method == "POST");
        requests
    }

    #[tokio::test]
    async fn scene_is_sent_unchanged() -> Tested {
        let (simulator, client) = simulated(r#"{ "next": [] }"#).await?;

        let clip = clip(&client, "A red teapot").await?;

        assert_eq!(&clip[4..8], b"ftyp", "an MP4 file");
        let sent = creates(&simulator).remove(0);
        let body = json!({
            "model": "klingai/v2-master-text-to-video",
            "prompt": "A red teapot",
            "negative_prompt": "text",
            "duration": 5,
        });
        assert_eq!(sent.body, Some(body));
        Ok(())
    }

    #[tokio::test]
    async fn failed_scene_is_retried_once_with_a_simpler_prompt() -> Tested {
        let failure = r#"{ "next": [{
            "name": "not this scene",
            "when": { "body": { "/prompt": { "matches": "teapot$" } } },
            "times": "always",
            "end": { "fail": { "message": "not this scene" } }
        }] }"#;
        let (simulator, client) = simulated(failure).await?;

        clip(&client, "A red teapot").await?;

        simulator.assert_rule("not this scene", 1);
        let prompts: Vec<_> = creates(&simulator)
            .into_iter()
            .filter_map(|request| Some(request.body?["prompt"].clone()))
            .collect();
        let plainer = "A red teapot, as a plain pencil drawing";
        assert_eq!(prompts, ["A red teapot", plainer]);
        Ok(())
    }

    #[tokio::test]
    async fn create_is_not_repeated_after_a_lost_response() -> Tested {
        let lost = r#"{ "next": [{ "create": { "close": true, "created": true } }] }"#;
        let (simulator, client) = simulated(lost).await?;

        let outcome = clip(&client, "A red teapot").await;

        let kind = outcome.map_err(|error| error.kind());
        assert_eq!(kind, Err(ErrorKind::AmbiguousCreate));
        assert_eq!(creates(&simulator).len(), 1);
        Ok(())
    }

    #[tokio::test]
    async fn wait_continues_after_three_bad_gateways() -> Tested {
        let scenario = r#"{ "next": [{ "polls": [{ "status": 502, "html": "<h1>Bad Gateway</h1>", "times": 3 }] }] }"#;
        let (simulator, client) = simulated(scenario).await?;

        clip(&client, "A red teapot").await?;

        let statuses = simulator
            .requests()
            .into_iter()
            .map(|request| request.status);
        assert_eq!(statuses.filter(|&status| status == Some(502)).count(), 3);
        Ok(())
    }
}
