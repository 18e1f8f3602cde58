//! `status`: one question and its answer.

use std::process::ExitCode;

use aimlapi_video::{Client, ErrorKind, Generation, State};

use crate::{
    args::Status,
    failure::{self, Failure, line},
    output::said,
    request::handle,
};

/// `status`
pub(crate) async fn status(status: Status) -> ExitCode {
    let generation = match ask(&status).await {
        Ok(generation) => generation,
        Err(failure) => return failure.report(status.json, None),
    };
    said(if status.json {
        generation.as_json().to_string()
    } else {
        told(&generation)
    })
}

async fn ask(status: &Status) -> Result<Generation, Failure> {
    let handle = handle(&status.generation, status.legacy)?;
    let client = Client::from_env().map_err(|error| Failure::creating(&error))?;
    client.fetch(&handle).await.map_err(|error| {
        let code = match error.kind() {
            ErrorKind::Configuration => failure::USAGE,
            _ => failure::SERVICE,
        };
        let is_unheard = code == failure::SERVICE && error.answered() == Some(0);
        Failure::new(
            code,
            match is_unheard {
                true => failure::unheard(&error),
                false => line(&error),
            },
        )
    })
}

/// The state, why it failed, and the links, a line each.
fn told(generation: &Generation) -> String {
    let mut lines = vec![match (generation.state(), generation.status()) {
        (State::Unknown, status) => format!("unknown state {}", status.unwrap_or("(none)")),
        (state, _) => state.to_string(),
    }];
    let is_without_video = generation.state() == State::Completed && generation.videos().is_empty();
    if generation.state() == State::Failed || is_without_video {
        lines.push(match generation.failure() {
            Some(failure) => failure.to_string(),
            None => format!("the answer began: {}", generation.excerpt(400)),
        });
    }
    lines.extend(generation.videos().iter().map(|video| video.url.clone()));
    lines.join("\n")
}
