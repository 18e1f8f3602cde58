//! The task of a model: the one that the overlay states as `x-task`, else the one of the media that a request requires.

use aimlapi_video_contract::{Model, Task};

use crate::{Diagnostic, Diagnostics, document::Create};

pub(crate) fn read(create: &Create, model: &Model, diagnostics: &mut Diagnostics) -> Task {
    let media = model.media();
    let required = media.iter().filter(|(_, is_required)| **is_required);
    let required: Vec<_> = required.map(|(kind, _)| *kind).collect();
    let Some(stated) = create.schema.get("x-task") else {
        return Task::from_media(&required);
    };
    serde_json::from_value(stated.clone()).unwrap_or_else(|_| {
        let names: Vec<&str> = Task::ALL.iter().map(|task| task.as_str()).collect();
        let what = format!("`x-task` is {stated}; expected one of {}", names.join(", "));
        let remedy = "correct overlay.json";
        diagnostics.error(Diagnostic::new(&create.file, &create.place, what, remedy));
        Task::from_media(&required)
    })
}
