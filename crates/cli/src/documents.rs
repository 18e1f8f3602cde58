//! The models that a command knows: those of this build, or those of the documents that `--documents` names.

use std::{fs, sync::Arc};

use aimlapi_video::{
    Error, GenerationRequest, Model, Route,
    documents::{Document, FetchDocument},
    models,
};
use aimlapi_video_simulator::{Checker, SimulatorBuilder};
use serde_json::Value;

use crate::{
    args::Documents,
    failure::Failure,
    output::print_note,
    specs::{Described, refused},
};

#[derive(Default)]
pub(crate) struct Catalogue {
    given: Option<Given>,
}

/// Models that were read at run time, each with its document at the same index.
struct Given {
    models: Vec<Arc<Model>>,
    documents: Vec<Document>,
    fetches: Vec<FetchDocument>,
}

impl Catalogue {
    /// Reads the documents, if a folder is named. Documents that cannot be used are left out with a note.
    pub(crate) fn read(documents: &Documents) -> Result<Self, Failure> {
        let Some(folder) = &documents.folder else {
            return Ok(Self::default());
        };
        let shown = folder.display().to_string();
        let advice = "name a folder of OpenAPI documents, as the vendor publishes them";
        if let Err(error) = fs::metadata(folder) {
            let message = format!("{shown} cannot be read: {error}; {advice}");
            return Err(Failure::usage(message));
        }
        let Described {
            merged,
            diagnostics,
            ..
        } = Described::read(folder);
        match diagnostics.errors.as_slice() {
            [] if merged.requests.is_empty() => {
                let message = format!("{shown} contains no document of a video model; {advice}");
                return Err(Failure::usage(message));
            }
            [_, ..] if merged.requests.is_empty() => return Err(refused(&shown, &diagnostics)),
            [] => {}
            [first, rest @ ..] => {
                let more = match rest.len() {
                    0 => String::new(),
                    more => {
                        format!(", and {more} more; `aimlapi-video specs check {shown}` lists all")
                    }
                };
                print_note(format!("note: a document is left out: {first}{more}"));
            }
        }
        let fetches = merged
            .fetched
            .into_iter()
            .map(|(route, fetched)| FetchDocument::new(route.path(), fetched.file, fetched.schema));
        let fetches = fetches.collect();
        let (models, documents) = merged
            .requests
            .into_iter()
            .map(|request| {
                let create = request.create;
                let path = create.route.path();
                let document = Document::new(create.model, path, create.status, create.schema)
                    .with_response(create.answer);
                (Arc::new(request.model), document)
            })
            .unzip();
        Ok(Self {
            given: Some(Given {
                models,
                documents,
                fetches,
            }),
        })
    }

    pub(crate) fn models(&self) -> Vec<&Model> {
        match &self.given {
            None => models().iter().collect(),
            Some(given) => given.models.iter().map(AsRef::as_ref).collect(),
        }
    }

    pub(crate) fn model(&self, route: Route, id: &str) -> Option<&Model> {
        let mut models = self.models().into_iter();
        models.find(|model| model.route == route && model.id == id)
    }

    /// The model that a body names.
    pub(crate) fn model_of(&self, route: Route, body: &Value) -> Option<&Model> {
        self.model(route, body.get("model")?.as_str()?)
    }

    /// Reads a request and checks it against the document of its model.
    pub(crate) fn request(&self, route: Route, body: Value) -> Result<GenerationRequest, Error> {
        match &self.given {
            None => GenerationRequest::from_json(route, body),
            Some(given) => GenerationRequest::from_json_with(&given.models, route, body),
        }
    }

    /// Lets a simulator validate requests by the documents of this catalogue.
    pub(crate) fn simulated_by(&self, builder: SimulatorBuilder) -> SimulatorBuilder {
        match &self.given {
            None => builder,
            Some(given) => builder.documents(given.documents()),
        }
    }

    /// The judge by the documents of this catalogue.
    pub(crate) fn checker(&self) -> Result<Checker, Failure> {
        let checker = match &self.given {
            None => Checker::new(),
            Some(given) => Checker::with_documents(given.documents(), given.fetches.clone()),
        };
        checker.map_err(|error| Failure::usage(error.to_string()))
    }
}

impl Given {
    fn documents(&self) -> impl Iterator<Item = (Model, Document)> {
        let models = self.models.iter().map(|model| Model::clone(model));
        models.zip(self.documents.iter().cloned())
    }
}
