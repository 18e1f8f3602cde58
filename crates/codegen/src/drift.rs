//! Compares responses of the service with the documents, and drafts the overlay actions that make the documents agree with them.
//!
//! The comparison covers what a document declares of a response: statuses, headers, media types, properties, types and enum
//! values. Limits, patterns and formats are not compared.

mod draft;
mod operation;
mod text;
mod unreceived;
mod widen;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{Document, Merged, Route, document::Create, step};
use operation::admit;

/// A response of the service to a create or a fetch.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// The URL of the operation.
    pub route: Route,
    /// Whether the operation is a create.
    pub is_create: bool,
    /// The id of the model; empty if it is unknown, as for a fetch of a generation whose create was not recorded.
    pub model: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// The headers, by lower-case name.
    pub headers: &'a BTreeMap<String, String>,
    /// The body, if it is JSON.
    pub body: Option<&'a Value>,
}

/// How responses and documents differ.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drift {
    /// What responses have and the documents do not declare, by model.
    pub differences: Vec<Difference>,
    /// What the documents declare and no response has, by model.
    pub unreceived: Vec<Unreceived>,
    /// The overlay actions that make the documents allow every response.
    pub actions: Vec<Value>,
    /// The models and operations that no document declares, with the number of their responses.
    pub undeclared: BTreeMap<String, usize>,
}

/// A part of responses that their document does not declare.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The model's id; empty if it is unknown.
    pub model: String,
    /// The URL of the operation.
    pub route: Route,
    /// The HTTP method of the operation.
    pub method: &'static str,
    /// The HTTP status of the responses.
    pub status: u16,
    /// What differs.
    pub part: Part,
    /// How many responses have the difference.
    pub count: usize,
}

/// A part of a response that its document does not declare.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// The kind of difference.
    pub kind: Kind,
    /// The name of the header, the media type, or the property: its path in the body, with `[]` for the items of an array;
    /// empty for the status and for the whole body.
    pub name: String,
    /// What the document declares, in words; empty if it declares nothing.
    pub declared: String,
    /// The type or the enum value that was received, in words; empty for other kinds. Other values are not copied.
    pub received: String,
}

/// The kind of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The status is not declared.
    UndeclaredStatus,
    /// The header is not declared.
    UndeclaredHeader,
    /// The media type of the body is not declared.
    UndeclaredMediaType,
    /// The property is not declared.
    UndeclaredProperty,
    /// The property is required, and missing.
    MissingProperty,
    /// The value has another type than the declared one.
    OtherType,
    /// The value is not one of the enum.
    OtherValue,
}

/// A declaration that no response of a model makes use of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unreceived {
    /// The model's id; empty if it is unknown.
    pub model: String,
    /// The URL of the operations.
    pub route: Route,
    /// The declaration.
    pub declaration: Declaration,
}

/// A declared part of the responses of a model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Declaration {
    /// What is declared.
    pub kind: DeclarationKind,
    /// The status with its method, such as `POST 200`, the name of the header, or the path of the property.
    pub name: String,
    /// The type, or the enum value as JSON; empty for other kinds.
    pub value: String,
}

/// The kind of a [`Declaration`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeclarationKind {
    /// A status of the create or of the fetch.
    Status,
    /// A header of successful responses.
    Header,
    /// A property of successful responses.
    Property,
    /// A type of a property that has several.
    Type,
    /// An enum value of a property.
    Value,
}

/// Compares responses with the documents, which are repaired, corrected by the overlay, and merged.
pub fn compare(documents: &[Document], merged: &Merged, responses: &[Response<'_>]) -> Drift {
    let mut drift = Drift::default();
    let mut differences: BTreeMap<Key<'_>, usize> = BTreeMap::new();
    let mut corrected: BTreeMap<Operation<'_>, Value> = BTreeMap::new();
    let mut received: BTreeMap<(&str, Route), BTreeMap<Operation<'_>, Received<'_>>> =
        BTreeMap::new();
    for response in responses {
        let operation = Operation::of(merged, response);
        let declared = operation.and_then(|operation| operation.declared(documents));
        let (Some(operation), Some(declared)) = (operation, declared) else {
            *drift.undeclared.entry(undeclared(response)).or_default() += 1;
            continue;
        };
        let mut parts = BTreeSet::new();
        admit(&mut declared.clone(), response, &mut |part| {
            parts.insert(part);
        });
        for part in parts {
            let Response { model, status, .. } = *response;
            let key = (model, operation.route, response.method(), status, part);
            *differences.entry(key).or_default() += 1;
        }
        let corrected = corrected.entry(operation);
        let corrected = corrected.or_insert_with(|| declared.clone());
        admit(corrected, response, &mut |_| {});
        let of_model = received
            .entry((response.model, operation.route))
            .or_default();
        let of_operation = of_model.entry(operation).or_insert((declared, Vec::new()));
        of_operation.1.push(response);
    }
    for ((model, route, method, status, part), count) in differences {
        let model = model.to_owned();
        drift.differences.push(Difference {
            model,
            route,
            method,
            status,
            part,
            count,
        });
    }
    for ((model, route), received) in received {
        let received: Vec<Received<'_>> = received.into_values().collect();
        for declaration in unreceived::declarations(&received) {
            let model = model.to_owned();
            drift.unreceived.push(Unreceived {
                model,
                route,
                declaration,
            });
        }
    }
    for (operation, mut corrected) in corrected {
        widen::finish(&mut corrected);
        if let Some(declared) = operation.declared(documents) {
            let target = operation.target(merged);
            drift
                .actions
                .extend(draft::actions(declared, &corrected, target));
        }
    }
    drift
}

/// A difference without the number of responses that have it.
type Key<'a> = (&'a str, Route, &'static str, u16, Part);

/// An operation as its document declares it, and its responses.
type Received<'a> = (&'a Value, Vec<&'a Response<'a>>);

/// An operation that a document declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Operation<'a> {
    file: &'a str,
    route: Route,
    is_create: bool,
}

impl<'a> Operation<'a> {
    /// Returns the operation that was called.
    fn of(merged: &'a Merged, response: &Response<'_>) -> Option<Self> {
        let Response {
            route,
            is_create,
            model,
            ..
        } = *response;
        let file = if is_create {
            let mut creates = merged.requests.iter().map(|request| &request.create);
            &creates
                .find(|create| create.route == route && create.model == model)?
                .file
        } else {
            &merged.fetched.get(&route)?.file
        };
        Some(Self {
            file,
            route,
            is_create,
        })
    }

    fn declared<'d>(&self, documents: &'d [Document]) -> Option<&'d Value> {
        let document = documents
            .iter()
            .find(|document| document.file == self.file)?;
        let method = if self.is_create { "post" } else { "get" };
        let pointer = format!("/paths{}/{method}", step(self.route.path()));
        document.value.pointer(&pointer)
    }

    /// Returns the JSONPath of the operation in its document.
    fn target(&self, merged: &Merged) -> String {
        let path = format!("$.paths[{}]", draft::quoted(self.route.path()));
        let mut creates = merged.requests.iter().map(|request| &request.create);
        let is_of = |create: &&Create| create.route == self.route && create.file == self.file;
        match creates.find(is_of).filter(|_| self.is_create) {
            // The model is the only difference between the documents of a route.
            Some(create) => {
                let model = draft::quoted(&create.model);
                format!("{path}[?@.requestBody.content[*].schema..model.enum[?@ == {model}]]")
            }
            None => format!("{path}.get"),
        }
    }
}

/// Names a model or an operation that no document declares.
fn undeclared(response: &Response<'_>) -> String {
    let path = response.route.path();
    match (response.is_create, response.model) {
        (false, _) => format!("GET {path}"),
        (true, "") => format!("POST {path} without a model"),
        (true, model) => format!("{model} on {path}"),
    }
}
