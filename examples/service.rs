//! A small web service that generates videos. If the process is killed and restarted, it continues the generations that were
//! created, and creates none of them twice.
//!
//! ```sh
//! AIML_API_KEY=... cargo run --example service -- videos 127.0.0.1:3000
//! curl -d "A heron lands on a frozen lake" http://127.0.0.1:3000/videos   # 202 {"id":"...","state":"accepted"}
//! curl http://127.0.0.1:3000/videos/ID                                    # {"id":"...","state":"generating",...}
//! curl -O http://127.0.0.1:3000/videos/ID/video.mp4
//! ```
//!
//! Each video has a folder with three files: `request.json`, written before the response 202 is sent; `journal.jsonl`, the
//! record of the create; `video.mp4`, which appears when the download is complete. The folders are the whole state of the
//! service; the map in memory is a cache for responses.

use std::{
    collections::HashMap,
    env, io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aimlapi_video::{
    BatchEvent, Client, GenerationRequest, Journal, Update, types::KlingaiV2MasterTextToVideo,
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{fs, net::TcpListener, time};
use uuid::Uuid;

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| "videos".into());
    let address = arguments.next();
    let address = address.unwrap_or_else(|| "127.0.0.1:3000".into());

    let service = Service {
        client: Client::from_env()?,
        folder: folder.into(),
        states: Arc::default(),
    };
    fs::create_dir_all(&service.folder).await?;
    service.resume().await?;

    let router = Router::new()
        .route("/videos", post(create))
        .route("/videos/{id}", get(state))
        .route("/videos/{id}/video.mp4", get(file))
        .with_state(service);
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

#[derive(Clone)]
struct Service {
    client: Client,
    folder: PathBuf,
    /// The JSON state of each video that this process has worked on.
    states: Arc<Mutex<HashMap<Uuid, Value>>>,
}

/// `POST /videos`: the body is the prompt.
async fn create(State(service): State<Service>, prompt: String) -> Response {
    let request = KlingaiV2MasterTextToVideo::builder()
        .prompt(prompt)
        .duration(5)
        .build();
    // A violation of the document is reported at once, and costs nothing.
    let request = match request {
        Ok(request) => GenerationRequest::from(request),
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error),
    };
    let id = Uuid::new_v4();
    if let Err(error) = service.keep(id, &request).await {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, &error);
    }
    let response = service.update(id, [("state", "accepted".into())]);
    let location = [(header::LOCATION, format!("/videos/{id}"))];
    service.begin(id);
    (StatusCode::ACCEPTED, location, Json(response)).into_response()
}

/// `GET /videos/{id}`
async fn state(State(service): State<Service>, Path(id): Path<Uuid>) -> Response {
    match service.known(id).await {
        Some(state) => Json(state).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `GET /videos/{id}/video.mp4`
async fn file(State(service): State<Service>, Path(id): Path<Uuid>) -> Response {
    match fs::read(service.folder_of(id).join("video.mp4")).await {
        Ok(video) => ([(header::CONTENT_TYPE, "video/mp4")], video).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Service {
    /// Continues every video that is not complete yet.
    async fn resume(&self) -> Result<(), Error> {
        let mut folders = fs::read_dir(&self.folder).await?;
        while let Some(folder) = folders.next_entry().await? {
            let id = folder.file_name().to_str().and_then(|id| id.parse().ok());
            if let Some(id) = id
                && !fs::try_exists(folder.path().join("video.mp4")).await?
            {
                self.update(id, [("state", "accepted".into())]);
                self.begin(id);
            }
        }
        Ok(())
    }

    /// Stores a request atomically, so that a killed process leaves a complete request or none.
    async fn keep(&self, id: Uuid, request: &GenerationRequest) -> io::Result<()> {
        let unfinished = self.folder.join(format!("{id}.new"));
        fs::create_dir(&unfinished).await?;
        fs::write(unfinished.join("request.json"), json!(request).to_string()).await?;
        fs::rename(unfinished, self.folder_of(id)).await
    }

    /// Generates a video in a separate task. After an error that may be temporary, such as a lost connection or a passed
    /// deadline, the task tries again.
    fn begin(&self, id: Uuid) {
        let service = self.clone();
        tokio::spawn(async move {
            while let Err(error) = service.make(id).await {
                eprintln!("{id}: {error}");
                let known = error.downcast_ref::<aimlapi_video::Error>();
                let is_temporary =
                    known.is_some_and(|error| error.is_resumable() || error.is_transient());
                let state = if is_temporary { "delayed" } else { "failed" };
                service.update(
                    id,
                    [("state", state.into()), ("error", error.to_string().into())],
                );
                if !is_temporary {
                    break;
                }
                time::sleep(Duration::from_secs(60)).await;
            }
        });
    }

    /// Runs a batch of one request: it creates the generation, or resumes the wait if the journal has its handle.
    async fn make(&self, id: Uuid) -> Result<(), Error> {
        let folder = self.folder_of(id);
        let request = fs::read(folder.join("request.json")).await?;
        let request: GenerationRequest = serde_json::from_slice(&request)?;
        let journal = Journal::open(folder.join("journal.jsonl"))?;
        let mut jobs = self.client.generate_all([request]).journal(journal);
        while let Some((_, job)) = jobs.next().await {
            match job {
                BatchEvent::Created(handle) | BatchEvent::Resumed(handle) => {
                    self.update(
                        id,
                        [("state", "created".into()), ("generation", json!(handle))],
                    );
                }
                BatchEvent::Update(Update::Progress(progress)) => {
                    self.update(id, [("state", progress.to_string().into())]);
                }
                BatchEvent::Unrecorded(error) => eprintln!("{id}: {error}"),
                BatchEvent::Ended(generation) => {
                    let path = folder.join("video.mp4");
                    self.client.save(&generation?, path).await?;
                    self.update(id, [("state", "ready".into()), ("file", file_of(id))]);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The JSON state of a video; `None` if there is no such video. A video that was ready before this process started is found
    /// on disk.
    async fn known(&self, id: Uuid) -> Option<Value> {
        let state = self.lock_states().get(&id).cloned();
        if state.is_some() {
            return state;
        }
        let path = self.folder_of(id).join("video.mp4");
        let is_ready = fs::try_exists(path).await.ok()?;
        is_ready.then(|| json!({ "id": id, "state": "ready", "file": file_of(id) }))
    }

    /// Sets fields of a video's state, and returns the whole state.
    fn update<const N: usize>(&self, id: Uuid, fields: [(&str, Value); N]) -> Value {
        let mut states = self.lock_states();
        let state = states.entry(id).or_insert_with(|| json!({ "id": id }));
        if let Some(state) = state.as_object_mut() {
            state.remove("error");
        }
        for (name, value) in fields {
            state[name] = value;
        }
        state.clone()
    }

    fn lock_states(&self) -> MutexGuard<'_, HashMap<Uuid, Value>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn folder_of(&self, id: Uuid) -> PathBuf {
        self.folder.join(id.to_string())
    }
}

fn file_of(id: Uuid) -> Value {
    format!("/videos/{id}/video.mp4").into()
}

fn problem(status: StatusCode, error: &dyn std::error::Error) -> Response {
    (status, Json(json!({ "error": error.to_string() }))).into_response()
}
