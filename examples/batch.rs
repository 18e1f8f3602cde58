//! Creates a video for each line of a file, with a journal: after Ctrl-C, a crash or a power failure, the same command
//! continues the batch. No generation is created twice.
//!
//! ```sh
//! printf '%s\n' "A kite climbs over the dunes" "Snow falls on a tin roof" > prompts.txt
//! AIML_API_KEY=... cargo run --example batch -- prompts.txt videos
//! ```

use std::{env, error::Error, fs, path::Path, pin::pin};

use aimlapi_video::{BatchEvent, Client, Journal, JournalState, types::KlingaiV2MasterTextToVideo};
use tokio::{signal, task::JoinSet};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(prompts), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("batch PROMPTS.txt FOLDER".into());
    };
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;

    // Every line is checked against the model's document before the first create, which costs money.
    let prompts = fs::read_to_string(&prompts)?;
    let request = |(index, prompt): (usize, &str)| {
        if prompt.trim().is_empty() {
            return Err(format!("line {} is blank", index + 1));
        }
        let request = KlingaiV2MasterTextToVideo::builder().prompt(prompt);
        let request = request.duration(5).build();
        request.map_err(|error| format!("line {}: {error}", index + 1))
    };
    let requests = prompts.lines().enumerate().map(request);
    let requests = requests.collect::<Result<Vec<_>, _>>()?;

    let client = Client::from_env()?;
    let journal = Journal::open(folder.join("journal.jsonl"))?;
    // The journal counts lines from 1, the batch counts requests from 0.
    let known = journal.entries();
    let path_of = |line: usize| folder.join(format!("{line}.mp4"));
    for line in 1..=requests.len() {
        let (path, entry) = (path_of(line), known.get(&line));
        let is_own = entry.is_some_and(|entry| entry.saving.as_ref() == Some(&path));
        if path.exists() && !is_own {
            return Err(format!("{} exists already", path.display()).into());
        }
    }
    let saved = known
        .into_iter()
        .filter(|(_, entry)| matches!(entry.state, JournalState::Saved { .. }))
        .map(|(line, _)| line - 1);
    let mut jobs = client
        .generate_all(requests)
        .journal(journal.clone())
        .skip_indices(saved);

    let mut interrupt = pin!(signal::ctrl_c());
    let mut downloads = JoinSet::new();
    let mut failed = 0;
    let mut interrupted = false;
    // After Ctrl-C, the loop waits only for the creates that are in flight, so that no id is lost; after a second Ctrl-C, it
    // ends at once.
    while !interrupted || jobs.is_creating() {
        let job = tokio::select! {
            job = jobs.next() => job,
            _ = &mut interrupt => {
                if interrupted {
                    break;
                }
                interrupt.set(signal::ctrl_c());
                interrupted = true;
                jobs.stop();
                continue;
            }
        };
        let Some((index, job)) = job else { break };
        let line = index + 1;
        match job {
            BatchEvent::Created(handle) => println!("{line}: created {}", handle.id()),
            BatchEvent::Resumed(handle) => println!("{line}: resumed {}", handle.id()),
            BatchEvent::Unrecorded(error) => eprintln!("{line}: {error}"),
            BatchEvent::Ended(Ok(generation)) => {
                // In a separate task, so that a slow download does not delay the other generations.
                let (client, journal) = (client.clone(), journal.clone());
                let path = path_of(line);
                downloads.spawn(async move {
                    let saved = async {
                        // This record marks the file as the job's own, even if the process crashes before `saved`.
                        journal.saving(index, path.clone()).await?;
                        let saved = client.download(&generation).overwrite(true).to_file(path);
                        let files = saved.await?.into_iter().map(|saved| saved.path);
                        journal.saved(index, files.collect()).await
                    };
                    (line, saved.await)
                });
            }
            // A failure does not affect the other generations.
            BatchEvent::Ended(Err(error)) => {
                eprintln!("{line}: {error}");
                failed += 1;
            }
            _ => {}
        }
    }
    while !interrupted {
        let download = tokio::select! {
            download = downloads.join_next() => download,
            _ = &mut interrupt => {
                interrupted = true;
                continue;
            }
        };
        match download.transpose()? {
            Some((line, Ok(()))) => println!("{line}: saved"),
            Some((line, Err(error))) => {
                eprintln!("{line}: {error}");
                failed += 1;
            }
            None => break,
        }
    }
    if interrupted {
        return Err("interrupted; run the same command again to continue".into());
    }
    match failed {
        0 => Ok(()),
        _ => Err(format!("videos missing: {failed}; see the errors above").into()),
    }
}
