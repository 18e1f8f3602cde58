//! The models that a command knows: those of this build, or those of the documents that `--documents` names.

use std::{path::Path, sync::Arc};

use aimlapi_video::{
    Error, GenerationRequest, Model, Route,
    documents::{Document, FetchDocument},
    models,
};
use aimlapi_video_codegen::{Diagnostic, Facts, document::may_be_of_this_client};
use aimlapi_video_simulator::{Checker, SimulatorBuilder};
use serde_json::Value;

use crate::{
    args::Documents,
    failure::{Failure, shell_path},
    output::print_note,
    specs::{Described, refused, require_path},
};

#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogue {
    given: Option<Arc<Given>>,
}

/// Models that were read at run time, each with its document at the same index.
#[derive(Debug)]
struct Given {
    folder: String,
    models: Vec<Arc<Model>>,
    documents: Vec<Document>,
    fetches: Vec<FetchDocument>,
}

impl Catalogue {
    /// Reads the documents, if a folder is named; once for each command, since both its flags and its request need them.
    pub(crate) fn read(documents: &Documents) -> Result<Self, Failure> {
        if let Some(catalogue) = documents.catalogue.get() {
            return Ok(catalogue.clone());
        }
        let catalogue = match &documents.folder {
            None => Self::default(),
            Some(folder) => Self::read_folder(folder)?,
        };
        Ok(documents.catalogue.get_or_init(|| catalogue).clone())
    }

    /// What cannot be used is left out with a note, and other JSON files without one.
    fn read_folder(folder: &Path) -> Result<Self, Failure> {
        let shown = folder.display().to_string();
        let advice = "name a folder of OpenAPI documents, as the vendor publishes them";
        require_path(folder).map_err(Failure::usage)?;
        let Described {
            merged,
            mut diagnostics,
            ..
        } = Described::read(folder);
        // Without its corrections and durations, a document allows other requests than the folder states.
        let is_of_facts = |error: &Diagnostic| Facts::FILES.contains(&&*error.file);
        if diagnostics.errors.iter().any(is_of_facts) {
            diagnostics.errors.retain(is_of_facts);
            return Err(refused(&shown, &diagnostics));
        }
        let may_be_own = |error: &Diagnostic| may_be_of_this_client(&folder.join(&error.file));
        diagnostics.errors.retain(may_be_own);
        match diagnostics.errors.as_slice() {
            [] if merged.requests.is_empty() => {
                let message = format!("{shown} contains no document of a video model; {advice}");
                return Err(Failure::usage(message));
            }
            [_, ..] if merged.requests.is_empty() => return Err(refused(&shown, &diagnostics)),
            errors => errors
                .iter()
                .for_each(|error| print_note(format!("note: cannot be used: {error}"))),
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
            given: Some(Arc::new(Given {
                folder: shown,
                models,
                documents,
                fetches,
            })),
        })
    }

    /// The folder that `--documents` names.
    pub(crate) fn folder(&self) -> Option<&str> {
        self.given.as_ref().map(|given| &*given.folder)
    }

    /// The command that lists the models.
    pub(crate) fn listing(&self) -> String {
        let given = self.folder().map(shell_path);
        let option = given.map(|folder| format!(" --documents {folder}"));
        format!("aimlapi-video models{}", option.unwrap_or_default())
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
