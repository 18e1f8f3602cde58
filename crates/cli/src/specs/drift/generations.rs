//! The generations of a recording: a create, and the fetches of its id.

use aimlapi_video::{Generation, Route, State};
use aimlapi_video_codegen::drift::Response;
use aimlapi_video_simulator::RecordedExchange;
use serde_json::Value;

/// A generation whose create is recorded.
pub(super) struct RecordedGeneration<'a> {
    pub(super) route: Route,
    pub(super) model: &'a str,
    /// The body of the create.
    pub(super) request: &'a Value,
    id: String,
    /// The shortest and the longest time from create to completed that the recording allows, in seconds; `None` unless the
    /// generation is recorded as completed.
    pub(super) took: Option<(f64, f64)>,
}

/// Returns the generations, in the order of their creates.
pub(super) fn generations(exchanges: &[RecordedExchange]) -> Vec<RecordedGeneration<'_>> {
    let creates = exchanges
        .iter()
        .filter(|exchange| exchange.request.method == "POST");
    let created = creates.filter_map(|create| {
        let route = Route::from_path(&create.request.path)?;
        let request = create.request.content.body.as_ref()?;
        let response = read(create)?;
        Some(RecordedGeneration {
            route,
            model: request["model"].as_str()?,
            request,
            id: response.id()?.to_owned(),
            took: None,
        })
        .map(|generation| RecordedGeneration {
            took: took(create, &generation, exchanges),
            ..generation
        })
    });
    created.collect()
}

/// Returns the response of an exchange with a documented path, for its comparison with the documents.
pub(super) fn response<'a>(
    exchange: &'a RecordedExchange,
    generations: &[RecordedGeneration<'a>],
) -> Option<Response<'a>> {
    let (request, response) = (&exchange.request, &exchange.response);
    let route = Route::from_path(&request.path)?;
    let is_create = match &*request.method {
        "POST" => true,
        "GET" => false,
        _ => return None,
    };
    let model = if is_create {
        let body = request.content.body.as_ref();
        body.and_then(|body| body["model"].as_str())
    } else {
        let mut known = generations.iter();
        known
            .find(|generation| generation.is_fetched_by(exchange))
            .map(|generation| generation.model)
    };
    Some(Response {
        route,
        is_create,
        model: model.unwrap_or_default(),
        status: response.status,
        headers: &response.content.headers,
        body: response.content.body.as_ref(),
    })
}

impl RecordedGeneration<'_> {
    fn is_fetched_by(&self, exchange: &RecordedExchange) -> bool {
        let request = &exchange.request;
        request.method == "GET"
            && request.path == self.route.path()
            && request.generation_id.as_ref() == Some(&self.id)
    }
}

/// The bounds of the time from create to completed. A state is reported between the start and the end of an exchange.
fn took(
    create: &RecordedExchange,
    generation: &RecordedGeneration<'_>,
    exchanges: &[RecordedExchange],
) -> Option<(f64, f64)> {
    let since = |exchange: &RecordedExchange| {
        let since = exchange.at.duration_since(create.at);
        since.unwrap_or_default().as_secs_f64()
    };
    let mut min: f64 = 0.0;
    let fetches = exchanges
        .iter()
        .filter(|exchange| generation.is_fetched_by(exchange));
    for exchange in [create].into_iter().chain(fetches) {
        match read(exchange).map(|response| response.state()) {
            Some(State::Completed) => return Some((min, since(exchange) + exchange.seconds)),
            Some(State::Queued | State::Generating) => {
                min = min.max(since(exchange) - create.seconds);
            }
            _ => {}
        }
    }
    None
}

/// Reads a successful response as the library does.
fn read(exchange: &RecordedExchange) -> Option<Generation> {
    let response = &exchange.response;
    let is_success = (200..300).contains(&response.status);
    let body = response.content.body.as_ref().filter(|_| is_success)?;
    Some(Generation::from_json(body.clone()))
}
