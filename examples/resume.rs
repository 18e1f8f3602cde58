//! Creates a generation in one process, and downloads its video in another one: later, or on another machine.
//!
//! ```sh
//! export AIML_API_KEY=...
//! cargo run --example resume -- create lantern.json "A paper lantern rises over the harbour"
//! cargo run --example resume -- finish lantern.json lantern.mp4
//! ```
//!
//! `finish` can be stopped and started any number of times; it costs nothing.

use std::{
    env,
    error::Error,
    fs::{self, File},
    io::Write,
};

use aimlapi_video::{Client, GenerationHandle, types::KlingaiV2MasterTextToVideo};

const USAGE: &str = "resume create HANDLE.json PROMPT, or resume finish HANDLE.json VIDEO.mp4";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["create", handle, prompt] => create(handle, prompt).await,
        ["finish", handle, video] => finish(handle, video).await,
        _ => Err(USAGE.into()),
    }
}

async fn create(path: &str, prompt: &str) -> Result<(), Box<dyn Error>> {
    let client = Client::from_env()?;
    let request = KlingaiV2MasterTextToVideo::builder()
        .prompt(prompt)
        .duration(5)
        .build()?;

    // The file is created before the generation, which costs money, and does not overwrite another handle.
    let mut file = File::create_new(path).map_err(|error| format!("{path}: {error}"))?;
    let handle = match client.create(request).await {
        Ok(handle) => handle,
        Err(error) => {
            // An error of the removal must not hide the create's error, which may say that money was spent.
            let _ = fs::remove_file(path);
            return Err(error.into());
        }
    };
    let text = serde_json::to_string(&handle)?;
    println!("created: {text}");
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(())
}

async fn finish(path: &str, video: &str) -> Result<(), Box<dyn Error>> {
    let client = Client::from_env()?;
    // The handle holds no key: the client needs a key of the same account.
    let file = File::open(path).map_err(|error| format!("{path}: {error}"))?;
    let handle: GenerationHandle = serde_json::from_reader(file)?;
    let generation = match client.wait(handle).await {
        Ok(generation) => generation,
        Err(error) if error.is_resumable() => {
            return Err(format!("{error}; run the same command again").into());
        }
        Err(error) => return Err(error.into()),
    };
    for saved in client.save(&generation, video).await? {
        println!("saved: {} ({} bytes)", saved.path.display(), saved.bytes);
    }
    Ok(())
}
