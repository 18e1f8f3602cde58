//! The generations of a recording: a create, and the fetches of its id.

use std::collections::HashMap;

use aimlapi_video::{Generation, Route, State};
use aimlapi_video_codegen::drift::Response;
use aimlapi_video_simulator::RecordedExchange;
use serde_json::Value;

/// The responses to creates and fetches, and the generations of the creates.
#[derive(Default)]
pub(super) struct Recorded<'a> {
    pub(super) responses: Vec<Response<'a>>,
    pub(super) generations: Vec<RecordedGeneration<'a>>,
}

/// A generation whose create is recorded.
pub(super) struct RecordedGeneration<'a> {
    pub(super) route: Route,
    pub(super) model: &'a str,
    /// The body of the create.
    pub(super) request: &'a Value,
    create: &'a RecordedExchange,
    /// The shortest time from create to completed that the recording allows, in seconds.
    min: f64,
    /// The longest one; `None` unless the generation is recorded as completed.
    max: Option<f64>,
}

impl<'a> Recorded<'a> {
    /// Reads exchanges, the first request first. Those with other methods and paths are left out.
    pub(super) fn new(exchanges: &'a [RecordedExchange]) -> Self {
        let mut recorded = Self::default();
        // A simulator gives the same id again after a reset, so fetches are of the newest generation.
        let mut newest: HashMap<(Route, String), usize> = HashMap::new();
        for exchange in exchanges {
            let request = &exchange.request;
            let Some(route) = Route::from_path(&request.path) else {
                continue;
            };
            let read = read(exchange);
            let index = match &*request.method {
                "POST" => RecordedGeneration::new(exchange, route, read.as_ref()).map(
                    |(id, generation)| {
                        recorded.generations.push(generation);
                        let index = recorded.generations.len() - 1;
                        newest.insert((route, id), index);
                        index
                    },
                ),
                "GET" => {
                    let id = request.generation_id.clone().unwrap_or_default();
                    newest.get(&(route, id)).copied()
                }
                _ => continue,
            };
            let generation = index.map(|index| &mut recorded.generations[index]);
            let model = match generation {
                Some(generation) => {
                    generation.observe(exchange, read.as_ref());
                    Some(generation.model)
                }
                None => model(exchange),
            };
            let response = &exchange.response;
            let content = &response.content;
            recorded.responses.push(Response {
                route,
                is_create: request.method == "POST",
                model: model.unwrap_or_default(),
                status: response.status,
                headers: &content.headers,
                body: content.body.as_ref(),
                has_body: content.body.is_some()
                    || content.text.is_some()
                    || content.hash.is_some(),
            });
        }
        recorded
    }
}

impl<'a> RecordedGeneration<'a> {
    /// Returns the generation that a create has started, with its id.
    fn new(
        create: &'a RecordedExchange,
        route: Route,
        response: Option<&Generation>,
    ) -> Option<(String, Self)> {
        let generation = Self {
            route,
            model: model(create)?,
            request: create.request.content.body.as_ref()?,
            create,
            min: 0.0,
            max: None,
        };
        Some((response?.id()?.to_owned(), generation))
    }

    /// Takes account of the state in a response, which it had at some time between the start and the end of the exchange.
    fn observe(&mut self, exchange: &RecordedExchange, response: Option<&Generation>) {
        let since = exchange.at.duration_since(self.create.at);
        let since = since.unwrap_or_default().as_secs_f64();
        match response.map(Generation::state) {
            Some(State::Completed) if self.max.is_none() => {
                self.max = Some(since + exchange.seconds)
            }
            Some(State::Queued | State::Generating) if self.max.is_none() => {
                self.min = self.min.max(since - self.create.seconds);
            }
            _ => {}
        }
    }

    /// Returns the bounds of the time from create to completed in seconds, if the generation is recorded as completed.
    pub(super) fn took(&self) -> Option<(f64, f64)> {
        Some((self.min, self.max?))
    }
}

/// The model that a create names.
fn model(exchange: &RecordedExchange) -> Option<&str> {
    exchange.request.content.body.as_ref()?["model"].as_str()
}

/// Reads a successful response as the library does.
fn read(exchange: &RecordedExchange) -> Option<Generation> {
    let response = &exchange.response;
    let is_success = (200..300).contains(&response.status);
    let body = response.content.body.as_ref().filter(|_| is_success)?;
    Some(Generation::from_json(body.clone()))
}
