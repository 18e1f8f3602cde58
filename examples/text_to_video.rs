//! Creates a video from a prompt, prints the updates of its generation, and saves the file.
//!
//! ```sh
//! AIML_API_KEY=... cargo run --example text_to_video -- "A paper boat sails down a rain gutter at dusk"
//! ```
//!
//! Or free of charge, against a simulator in another terminal (`cargo run -- simulate`):
//!
//! ```sh
//! export AIML_API_BASE=http://127.0.0.1:8080 AIML_API_KEY=any AIML_API_SPEED=60
//! cargo run --example text_to_video
//! ```

use std::{env, error::Error};

use aimlapi_video::{Client, Update, types::KlingaiV2MasterTextToVideo};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let prompt = env::args().nth(1);
    let prompt = prompt.unwrap_or_else(|| "A paper boat sails down a rain gutter at dusk".into());

    let client = Client::from_env()?;
    let request = KlingaiV2MasterTextToVideo::builder()
        .prompt(prompt)
        .duration(5)
        .build()?;

    // The create costs money. The handle is printed at once, since any later process can resume the wait with it.
    let handle = client.create(request).await?;
    println!("created: {}", serde_json::to_string(&handle)?);

    let mut updates = client.wait(handle).updates();
    while let Some(update) = updates.next().await {
        match update? {
            Update::Progress(progress) => println!("{progress}"),
            Update::PollFailed(failed) => {
                println!("a poll failed, the wait continues: {}", failed.error)
            }
            Update::Completed(generation) => {
                // The file name contains model and id, so that no video overwrites another one.
                for saved in client.download(&generation).to_folder(".").await? {
                    println!("saved: {} ({} bytes)", saved.path.display(), saved.bytes);
                }
            }
            _ => {}
        }
    }
    Ok(())
}
