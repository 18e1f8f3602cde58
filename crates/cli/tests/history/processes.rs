//! Many processes that write at once and are killed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Condvar, Mutex},
};

use serde_json::Value;

use crate::{
    answer, generate, history, prompt,
    support::{Server, cli::Cli},
};

/// When the server kills the process of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    BeforeTheResponse,
    DuringTheWait,
    DuringTheDownload,
    Saved,
}

/// The processes by their prompts, and what becomes of each.
#[derive(Default)]
struct Fates {
    processes: Mutex<BTreeMap<String, (u32, Fate)>>,
    started: Condvar,
}

impl Fates {
    /// Kills the process of a prompt if its time has come.
    fn reached(&self, prompt: &str, now: Fate) {
        let processes = self.processes.lock().unwrap();
        let mut processes = self
            .started
            .wait_while(processes, |processes| !processes.contains_key(prompt))
            .unwrap();
        let (process, fate) = processes[prompt];
        if fate == now {
            let kill = std::process::Command::new("kill")
                .args(["-9", &process.to_string()])
                .status();
            assert!(kill.unwrap().success());
            processes.insert(prompt.to_owned(), (process, Fate::Saved));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_processes_that_are_killed_at_any_time_lose_no_create() {
    const FATES: [Fate; 4] = [
        Fate::BeforeTheResponse,
        Fate::DuringTheWait,
        Fate::DuringTheDownload,
        Fate::Saved,
    ];
    let fates: Arc<Fates> = Arc::default();
    let shared = Arc::clone(&fates);
    let server = Server::start(move |_, request| {
        tokio::task::block_in_place(|| {
            if request.method == "POST" {
                let prompt = prompt(request);
                shared.reached(&prompt, Fate::BeforeTheResponse);
            } else if let Some((_, id)) = request.target.split_once("generation_id=") {
                shared.reached(id, Fate::DuringTheWait);
            } else {
                let name = request.target.split(['/', '.']).nth(1).unwrap();
                shared.reached(name, Fate::DuringTheDownload);
            }
        });
        answer(request, true)
    })
    .await;
    let cli = Cli::at(server.url());
    let seed = std::process::id() as usize;
    let mut expected = BTreeMap::new();
    for round in 0..4 {
        let mut children = Vec::new();
        for number in 0..8 {
            let prompt = format!("r{round}n{number}");
            let fate = FATES[(seed + round * 3 + number * number) % FATES.len()];
            let file = format!("{prompt}.mp4");
            let mut command = cli.command(&generate(&prompt, &file));
            command
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null());
            let child = command.spawn().unwrap();
            let process = (child.id().unwrap(), fate);
            fates
                .processes
                .lock()
                .unwrap()
                .insert(prompt.clone(), process);
            fates.started.notify_all();
            children.push(child);
            expected.insert(prompt, fate);
        }
        for mut child in children {
            child.wait().await.unwrap();
        }
    }
    let listed = cli.run(&["history", "--json"]).await;
    let damaged = listed.stderr.contains("damaged");
    assert!(!damaged, "no line was being written at a kill: {listed:?}");
    let entries: Vec<Value> = serde_json::from_value(listed.json()).unwrap();
    let states: BTreeMap<String, &str> = entries
        .iter()
        .map(|entry| {
            let prompt = entry["request"]["prompt"].as_str().unwrap().to_owned();
            (prompt, entry["state"].as_str().unwrap())
        })
        .collect();
    assert_eq!(entries.len(), 32);
    for (prompt, fate) in &expected {
        let state = match fate {
            Fate::BeforeTheResponse => "ambiguous",
            Fate::DuringTheWait | Fate::DuringTheDownload => "unfinished",
            Fate::Saved => "saved",
        };
        assert_eq!(states[prompt], state, "{prompt}: {fate:?}");
    }
    assert_eq!(
        expected.values().collect::<BTreeSet<_>>().len(),
        FATES.len()
    );
    let ran = cli.run(&["resume", "--speed", "1000"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let open = history(&cli).await;
    assert!(open.iter().all(|entry| entry["state"] != "unfinished"));
}
