//! The judgement of a request.

use axum::http::{self, Method, header};
use serde_json::Value;

use super::{Checker, Deviation, JsonBody, Part, Subject, is_json, not_json, without_secrets};
use crate::{documents::Document, record::generation_id, violation::Violation};
use aimlapi_video::contract::Route;

impl Checker {
    /// Judges a request with its parsed body, which is there if a document declares the path.
    pub(crate) fn judge_request<B: AsRef<[u8]>>(
        &self,
        request: &http::Request<B>,
        body: Option<&JsonBody>,
    ) -> Vec<Deviation> {
        let path = request.uri().path();
        let found = match Route::from_path(path) {
            None => {
                let paths = Route::ALL.map(Route::path).join(", ");
                let allowed = format!("one of {paths}");
                vec![deviation(Part::Path, "", Some(path.into()), allowed)]
            }
            Some(route) => match *request.method() {
                Method::POST => self.create(route, request, body),
                Method::GET => self.fetch(route, request),
                ref method => {
                    let given = Some(method.as_str().into());
                    vec![deviation(Part::Method, "", given, "GET or POST")]
                }
            },
        };
        without_secrets(request, found)
    }

    fn fetch<B>(&self, route: Route, request: &http::Request<B>) -> Vec<Deviation> {
        let mut found = Vec::from_iter(authorization(request));
        if generation_id(request.uri()).is_none_or(|id| id.is_empty()) {
            let file = self.0.fetches.get(&route).map(|(file, _)| file.clone());
            let allowed = "a generation's id";
            found.push(Deviation {
                document: file,
                ..deviation(Part::Query, "/generation_id", None, allowed)
            });
        }
        found
    }

    fn create<B: AsRef<[u8]>>(
        &self,
        route: Route,
        request: &http::Request<B>,
        body: Option<&JsonBody>,
    ) -> Vec<Deviation> {
        let mut found = Vec::from_iter(authorization(request));
        let kind = text(request, header::CONTENT_TYPE);
        if !kind.is_some_and(is_json) {
            let given = kind.map(Value::from);
            let allowed = "application/json";
            found.push(deviation(Part::Header, "/content-type", given, allowed));
        }
        let mut violated = |violation: Violation, document: Option<&Document>| {
            let Violation {
                pointer,
                given,
                allowed,
            } = violation;
            found.push(Deviation {
                document: document.map(|document| document.model.document.clone()),
                ..deviation(Part::Body, &pointer, given, allowed)
            });
        };
        match body {
            None => {}
            Some(Err(error)) => violated(not_json(request.body().as_ref(), error), None),
            Some(Ok(body)) => match self.0.documents.find(route, body) {
                Err(violation) => violated(violation, None),
                Ok(document) => document
                    .violations(body)
                    .into_iter()
                    .for_each(|violation| violated(violation, Some(document))),
            },
        }
        found
    }
}

fn authorization<B>(request: &http::Request<B>) -> Option<Deviation> {
    let given = text(request, header::AUTHORIZATION).and_then(|value| value.split_once(' '));
    let is_bearer = |(scheme, key): (&str, &str)| {
        scheme.eq_ignore_ascii_case("bearer") && !key.trim().is_empty()
    };
    if given.is_some_and(is_bearer) {
        return None;
    }
    let scheme = given.map(|(scheme, _)| format!("{scheme} …").into());
    Some(deviation(
        Part::Header,
        "/authorization",
        scheme,
        "Bearer KEY",
    ))
}

fn text<B>(request: &http::Request<B>, name: header::HeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok()
}

fn deviation(
    part: Part,
    pointer: &str,
    given: Option<Value>,
    allowed: impl Into<String>,
) -> Deviation {
    Deviation {
        subject: Subject::Request,
        part,
        pointer: pointer.to_owned(),
        given,
        allowed: allowed.into(),
        document: None,
    }
}
