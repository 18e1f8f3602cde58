//! The requests of a file, composed from its rows and the options that all of them share.

use std::path::Path;

use aimlapi_video::{GenerationRequest, Model, Role, Route, Violation, contract::Property};
use serde_json::{Map, Value};

use super::Content;
use crate::{
    documents::Catalogue,
    failure::{Failure, error_line},
    request::{self, model_id},
};

pub(crate) struct Composer<'a> {
    /// The model of the requests that name none.
    pub(crate) model: Option<&'a str>,
    /// Parameters of every request, as `NAME=VALUE`.
    pub(crate) set: &'a [String],
    /// The names of a table's columns.
    pub(crate) columns: &'a [String],
    /// The maximum size of each file that is sent, in MiB.
    pub(crate) max_media: u64,
    pub(crate) route: Route,
    pub(crate) catalogue: &'a Catalogue,
}

/// Why a request cannot be sent.
pub(crate) struct Refused {
    pub(crate) message: String,
    pub(crate) violations: Vec<Violation>,
}

impl From<String> for Refused {
    fn from(message: String) -> Self {
        Self {
            message,
            violations: Vec::new(),
        }
    }
}

impl Composer<'_> {
    /// The request with the settings of one combination of `--each`.
    pub(crate) fn request(
        &self,
        content: &Content,
        combination: &[(&str, &str)],
    ) -> Result<GenerationRequest, Refused> {
        self.checked(self.body(content, combination)?, content)
    }

    /// The body, not yet checked.
    pub(crate) fn body(
        &self,
        content: &Content,
        combination: &[(&str, &str)],
    ) -> Result<Value, Refused> {
        let body = match content {
            Content::Body(Value::Object(body)) => body.clone(),
            Content::Body(other) => return Ok(other.clone()),
            Content::Cells(_) | Content::Prompt(_) => Map::new(),
        };
        Ok(self.completed(body, content, combination)?.into())
    }

    fn checked(&self, body: Value, content: &Content) -> Result<GenerationRequest, Refused> {
        let request = self.catalogue.request(self.route, body);
        request.map_err(|error| {
            let mut message = error_line(&error);
            if let Content::Cells(_) = content {
                for violation in error.violations() {
                    message = self.by_column(&message, violation);
                }
                let given = error
                    .violations()
                    .iter()
                    .filter_map(|wrong| wrong.given.as_ref());
                let mut texts = given.filter_map(Value::as_str);
                if let Some(file) = texts.find(|text| Path::new(text).is_file()) {
                    message += &format!("; the file {file} is written as @{file}");
                }
            }
            let missing = error
                .violations()
                .iter()
                .find(|wrong| wrong.given.is_none());
            if let (Content::Prompt(_), Some(missing)) = (content, missing) {
                let name = missing.pointer.trim_start_matches('/');
                message += &format!("; --set {name}=VALUE sets it for all");
            }
            Refused {
                message,
                violations: error.violations().to_vec(),
            }
        })
    }

    fn completed(
        &self,
        mut body: Map<String, Value>,
        content: &Content,
        combination: &[(&str, &str)],
    ) -> Result<Map<String, Value>, Refused> {
        let cells = match content {
            Content::Cells(cells) => cells.as_slice(),
            _ => &[],
        };
        let cells = cells
            .iter()
            .map(|(index, cell)| (&*self.columns[*index], cell));
        if let Some((_, model)) = cells.clone().find(|(column, _)| is_model(column)) {
            body.insert("model".into(), model.as_str().into());
        }
        let of_combination = combination.iter().find(|(name, _)| *name == "model");
        let of_combination = of_combination.map(|(_, model)| ("--each model=", *model));
        let of_option = self.model.map(|model| ("--model ", model));
        for (option, given) in of_option.into_iter().chain(of_combination) {
            let stated = body.entry("model").or_insert_with(|| given.into());
            if stated != given {
                let message = format!(
                    "the model is {stated}, and {option}{given} names another; name one model"
                );
                return Err(message.into());
            }
        }
        if !body.contains_key("model") && !matches!(content, Content::Body(_)) {
            return Err("names no model; add --model MODEL".to_owned().into());
        }
        let model = self.catalogue.model(self.route, &model_id(&body));
        // The check of the body reports an unknown model, with the nearest names.
        let Some(model) = model else {
            return Ok(body);
        };
        for (column, cell) in cells.filter(|(column, _)| !is_model(column)) {
            self.set_part(&parameter(column, model), cell, model, &mut body)
                .map_err(|failure| format!("column {column:?}: {}", failure.message))?;
        }
        if let Content::Prompt(prompt) = content {
            let Some(property) = model.property(Role::Prompt) else {
                return Err(format!("{} has no parameter for the prompt", model.id).into());
            };
            body.insert(property.name.clone(), prompt.as_str().into());
        }
        for given in self.set {
            request::apply(given, model, self.max_media, &mut body)
                .map_err(|failure| failure.message)?;
        }
        for (name, value) in combination.iter().filter(|(name, _)| *name != "model") {
            let first = name.split('.').next();
            let mut properties = model.properties.iter().map(|property| &*property.name);
            if !properties.any(|property| property == *name || Some(property) == first) {
                return Err(format!(
                    "{0} has no parameter {name:?}, so --each would create the same video several times; \
                     `aimlapi-video schema {0}` lists the parameters",
                    model.id
                )
                .into());
            }
            self.set_part(name, value, model, &mut body)
                .map_err(|failure| failure.message)?;
        }
        Ok(body)
    }

    /// Sets a property as `--set` does; a dotted name is that of a property of an object.
    fn set_part(
        &self,
        name: &str,
        text: &str,
        model: &Model,
        body: &mut Map<String, Value>,
    ) -> Result<(), Failure> {
        let is_own = model
            .properties
            .iter()
            .any(|property| property.name == name);
        let nested = name.rsplit_once('.').filter(|_| !is_own);
        let Some((objects, leaf)) = nested else {
            return request::apply(&format!("{name}={text}"), model, self.max_media, body);
        };
        let mut object = body;
        for name in objects.split('.') {
            let value = object.entry(name).or_insert(Value::Null);
            if !value.is_object() {
                *value = Map::new().into();
            }
            let Value::Object(below) = value else {
                return Ok(());
            };
            object = below;
        }
        let paths = model.paths().into_iter();
        let property = paths
            .filter(|(path, _)| path == name)
            .map(|(_, property)| property);
        let properties: Vec<Property> = property.take(1).cloned().collect();
        let mut part = Model::new(model.route, &*model.id);
        part.properties = properties;
        request::apply(&format!("{leaf}={text}"), &part, self.max_media, object)
    }

    /// The message with the column of a violation in place of its JSON pointer.
    fn by_column(&self, message: &str, violation: &Violation) -> String {
        let path = violation.pointer.trim_start_matches('/').replace('/', ".");
        let is_within = |path: &str, other: &str| {
            let rest = path.strip_prefix(other);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let is_at = |column: &&String| is_within(&path, column) || is_within(column, &path);
        let column = self
            .columns
            .iter()
            .filter(is_at)
            .max_by_key(|column| column.len());
        let text = violation.to_string();
        match (column, text.strip_prefix(&violation.pointer)) {
            (Some(column), Some(rest)) => {
                message.replacen(&text, &format!("column {column:?}{rest}"), 1)
            }
            _ => message.to_owned(),
        }
    }
}

fn is_model(column: &str) -> bool {
    column.eq_ignore_ascii_case("model")
}

/// The parameter that a column names. Spreadsheets and their users write capitals.
fn parameter(column: &str, model: &Model) -> String {
    let paths = model.paths();
    let mut names = paths.iter().map(|(path, _)| path);
    let exact = names.clone().find(|path| **path == column);
    let found = exact.or_else(|| names.find(|path| path.eq_ignore_ascii_case(column)));
    found.map_or_else(|| column.to_owned(), String::clone)
}
