//! Creates a video from an image file.
//!
//! ```sh
//! AIML_API_KEY=... cargo run --example image_to_video -- lighthouse.png "Fog rolls in from the sea"
//! ```
//!
//! The image is sent inside the request; its format (PNG, JPEG and others) is recognised by its content, not by its name. For an
//! image on the web, set its URL instead: `.image_url("https://...")`.

use std::{env, error::Error};

use aimlapi_video::{Client, Media, types::KlingVideoV21StandardImageToVideo};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let picture = arguments
        .next()
        .ok_or("name an image: image_to_video IMAGE [PROMPT]")?;
    let prompt = arguments
        .next()
        .unwrap_or_else(|| "The camera moves in slowly".into());

    let client = Client::from_env()?;
    // A file that is not an image, or is too large, is an error here, before anything is sent.
    let request = KlingVideoV21StandardImageToVideo::builder()
        .image_url(Media::from_file(&picture)?)
        .prompt(prompt)
        .duration(5)
        .build()?;

    let generation = client.generate(request).await?;
    for saved in client.download(&generation).to_folder(".").await? {
        println!("saved: {} ({} bytes)", saved.path.display(), saved.bytes);
    }
    Ok(())
}
