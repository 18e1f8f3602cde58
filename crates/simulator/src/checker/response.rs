//! The judgement of a response.

use axum::http::{self, Method, StatusCode, header};
use serde_json::Value;

use super::{Checker, Deviation, JsonBody, Part, Subject, is_json, not_json, without_secrets};
use crate::violation::{Violation, violations};
use aimlapi_video::contract::Route;

impl Checker {
    /// Judges a response to a request with its parsed body.
    ///
    /// `is_allowed` states whether the request has no deviation.
    pub(crate) fn judge_response<B, C: AsRef<[u8]>>(
        &self,
        request: &http::Request<B>,
        body: &JsonBody,
        response: &http::Response<C>,
        is_allowed: impl FnOnce() -> bool,
    ) -> Vec<Deviation> {
        let Some(route) = Route::from_path(request.uri().path()) else {
            return Vec::new();
        };
        let (declared, file, validator) = match *request.method() {
            Method::POST => {
                let body = body.as_ref().ok();
                let document = body.and_then(|body| self.0.documents.find(route, body).ok());
                let Some(document) = document else {
                    return Vec::new();
                };
                let model = &document.model;
                let validator = self.0.creates.get(&(route, model.id.clone()));
                let file = model.document.clone();
                (document.status, file, validator.map(AsRef::as_ref))
            }
            Method::GET => match self.0.fetches.get(&route) {
                Some((file, validator)) => (200, file.clone(), Some(validator)),
                None => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        let mut found = Vec::new();
        let mut add = |part, pointer: &str, given: Option<Value>, allowed: String| {
            found.push(Deviation {
                subject: Subject::Response,
                part,
                pointer: pointer.to_owned(),
                given,
                allowed,
                document: Some(file.clone()),
            });
        };
        let status = response.status();
        let refused = [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY];
        if refused.contains(&status) && *request.method() == Method::POST {
            if is_allowed() {
                let allowed = format!("{declared}: the document allows the request");
                add(Part::Status, "", Some(status.as_u16().into()), allowed);
            }
        } else if !status.is_client_error() && !status.is_server_error() && status != declared {
            let given = Some(status.as_u16().into());
            add(Part::Status, "", given, declared.to_string());
        }
        if status.is_success() {
            let kind = response.headers().get(header::CONTENT_TYPE);
            let kind = kind.map(|kind| String::from_utf8_lossy(kind.as_bytes()));
            if !kind.as_deref().is_some_and(is_json) {
                let given = kind.map(|kind| kind.into_owned().into());
                let allowed = "application/json".to_owned();
                add(Part::Header, "/content-type", given, allowed);
            }
            let violated: Vec<Violation> = match serde_json::from_slice(response.body().as_ref()) {
                Err(error) => vec![not_json(response.body().as_ref(), &error)],
                Ok::<Value, _>(body) => match validator {
                    // A judgement without reasons takes a fraction of the time.
                    Some(validator) if !validator.is_valid(&body) => validator
                        .iter_errors(&body)
                        .flat_map(|error| violations(&error))
                        .collect(),
                    _ => Vec::new(),
                },
            };
            for violation in violated {
                let given = violation.given;
                add(Part::Body, &violation.pointer, given, violation.allowed);
            }
        }
        without_secrets(request, found)
    }
}
