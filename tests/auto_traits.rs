//! Checks at compile time that public types and futures can be sent to other threads and shared between them.

use std::path::PathBuf;

use aimlapi_video::contract::{Constraint, EnforcedBy, JsonType, Property};
use aimlapi_video::{
    BatchEvent, Client, ClientBuilder, CreateRetries, Download, Error, ErrorKind, Failure,
    GenerateAll, GenerateTo, Generation, GenerationHandle, GenerationRequest, Media, Model,
    PollBudget, PollFailed, Progress, Received, ReservedTarget, ResponseMetadata, Role, Route,
    Saved, SavedGeneration, ServiceError, State, Times, Update, Updates, Usage, Video, Violation,
    Wait, WaitAll, WaitOptions, Warning, Written,
    schedule::{Durations, Exponential, Fixed, Learned, Planned, PollState, Pooled, Schedule},
    value::{
        BoundedVec, Int, Integer, InvalidValue, MediaString, OneOrMany, Text, Uri, UriOrBase64,
    },
};

/// Checks the auto traits of a plain type, `Unpin` included.
fn plain<T: Send + Sync + Unpin>() {}

fn sent<F: Send>(_: F) {}

#[test]
fn public_types_are_send_and_sync() {
    plain::<Client>();
    plain::<ClientBuilder>();
    plain::<CreateRetries>();
    plain::<PollBudget>();
    plain::<PollFailed>();
    plain::<WaitOptions>();
    plain::<Wait>();
    plain::<Updates>();
    plain::<Update>();
    plain::<Progress>();
    plain::<Times>();
    plain::<WaitAll>();
    plain::<GenerateAll>();
    plain::<BatchEvent>();
    plain::<Download<'_>>();
    plain::<GenerateTo<'_>>();
    plain::<SavedGeneration>();
    plain::<ReservedTarget>();
    plain::<Received>();
    plain::<Saved>();
    plain::<Written>();
    plain::<Error>();
    plain::<ErrorKind>();
    plain::<ServiceError>();
    plain::<Generation>();
    plain::<GenerationHandle>();
    plain::<State>();
    plain::<Video>();
    plain::<Failure>();
    plain::<Usage>();
    plain::<ResponseMetadata>();
    // Each of these types holds every request type of the compiled-in models.
    plain::<GenerationRequest>();
    plain::<Media>();
    plain::<MediaString>();
    plain::<UriOrBase64>();
    plain::<Uri>();
    plain::<Int<0, 1>>();
    plain::<Integer>();
    plain::<Text<0, 1>>();
    plain::<BoundedVec<Uri, 0, 1>>();
    plain::<OneOrMany<Uri>>();
    plain::<InvalidValue>();
    plain::<Violation>();
    plain::<Warning>();
    plain::<Model>();
    plain::<Property>();
    plain::<JsonType>();
    plain::<Role>();
    plain::<Route>();
    plain::<Constraint>();
    plain::<EnforcedBy>();
    plain::<Box<dyn Schedule>>();
    plain::<Durations>();
    plain::<Exponential>();
    plain::<Fixed>();
    plain::<Learned>();
    plain::<Planned>();
    plain::<PollState<'_>>();
    plain::<Pooled>();
}

#[test]
fn journal_is_send_and_sync() {
    use aimlapi_video::{Journal, JournalEntry, JournalState};

    plain::<Journal>();
    plain::<JournalEntry>();
    plain::<JournalState>();
    #[expect(clippy::unwrap_used, reason = "a test may fail")]
    let folder = tempfile::tempdir().unwrap();
    #[expect(clippy::unwrap_used, reason = "a test may fail")]
    let journal = Journal::open(folder.path().join("journal")).unwrap();
    sent(journal.saved(0, Vec::new()));
    sent(journal.failed(0));
}

#[cfg(feature = "blocking")]
#[test]
fn blocking_types_are_send_and_sync() {
    use aimlapi_video::blocking;

    plain::<blocking::Client>();
    plain::<blocking::Wait>();
    plain::<blocking::Updates>();
    plain::<blocking::WaitAll>();
    plain::<blocking::GenerateAll>();
    plain::<blocking::Download<'_>>();
}

#[test]
fn simulator_is_send_and_sync() {
    plain::<aimlapi_video_simulator::Simulator>();
    plain::<aimlapi_video_simulator::SimulatorBuilder>();
    plain::<aimlapi_video_simulator::Scenario>();
    plain::<aimlapi_video_simulator::InvalidScenario>();
    plain::<aimlapi_video_simulator::Phase>();
    plain::<aimlapi_video_simulator::RecordedRequest>();
    plain::<aimlapi_video_simulator::RecordedRule>();
    plain::<aimlapi_video_simulator::RecordedTask>();
    plain::<aimlapi_video_simulator::KeyView<'_>>();
    plain::<aimlapi_video_simulator::Shape>();
    sent(aimlapi_video_simulator::Simulator::start());
}

/// The futures of all public async functions. They are not awaited, so no request is sent.
#[test]
fn futures_are_send() {
    #[expect(clippy::unwrap_used, reason = "a test may fail")]
    let client = Client::builder().api_key("sk-1").build().unwrap();
    let generation = Generation::from_json(serde_json::json!({ "id": "a" }));
    let request = || Option::<GenerationRequest>::None;
    // A request of a model that may not be compiled in.
    let create = |request: GenerationRequest| {
        sent(client.create(request.clone()));
        sent(client.generate(request));
    };
    request().map(create);
    sent(client.fetch("a"));
    sent(client.wait("a").into_future());
    sent(client.wait("a").updates().next());
    sent(client.wait_all(["a"]).next());
    sent(client.generate_all(request()).next());
    sent(client.save(&generation, PathBuf::new()));
    let download = || client.download(&generation).on_progress(|_| {});
    sent(download().to_file("a.mp4"));
    sent(download().to_folder("."));
    sent(download().to_bytes());
    sent(download().to_writer(tokio::io::sink()));
    #[cfg(feature = "object-store")]
    {
        let store = std::sync::Arc::new(object_store::memory::InMemory::new());
        sent(client.save_to(&generation, store.clone(), "a.mp4"));
        sent(download().to_store(store, "a.mp4"));
    }
}
