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

use aimlapi_video_contract::code_span;
use serde_json::Value;

use crate::{Document, Merged, Route, document::Create, step, strip};
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
    /// Whether there is a body, JSON or not.
    pub has_body: bool,
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
    /// What was not compared, in words, with the number of responses: those that no document declares, bodies of which their
    /// document declares nothing, and bodies that are missing or not JSON although the document declares one.
    pub not_compared: BTreeMap<String, usize>,
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
    /// The type that was received, or as JSON the value in place of one of an enum; empty for other kinds, and for a long text,
    /// which may be a prompt.
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
    let mut operations: BTreeMap<Operation<'_>, Declared> = BTreeMap::new();
    let mut differences: BTreeMap<Key<'_>, usize> = BTreeMap::new();
    let mut received: BTreeMap<(&str, Route), BTreeMap<Operation<'_>, Vec<&Response<'_>>>> =
        BTreeMap::new();
    for response in responses {
        let operation = Operation::of(merged, response);
        let found =
            operation.and_then(|operation| Some((operation, operation.responses(documents)?)));
        let Some((operation, declared)) = found else {
            *drift.not_compared.entry(undeclared(response)).or_default() += 1;
            continue;
        };
        let declared = operations
            .entry(operation)
            .or_insert_with(|| Declared::new(declared));
        let mut parts = BTreeSet::new();
        let not_compared = admit(&mut declared.responses.clone(), response, &mut |part| {
            parts.insert(part);
        });
        if let Some(body) = not_compared {
            let what = format!("{} {} {body}", response.method(), response.status);
            *drift.not_compared.entry(what).or_default() += 1;
        }
        admit(&mut declared.corrected, response, &mut |_| {});
        let Response {
            route,
            model,
            status,
            ..
        } = *response;
        for part in parts {
            let key = (model, route, response.method(), status, part);
            *differences.entry(key).or_default() += 1;
        }
        let of_model = received.entry((model, route)).or_default();
        of_model.entry(operation).or_default().push(response);
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
        let received = received.into_iter();
        let received: Vec<_> = received
            .map(|(operation, responses)| (&operations[&operation].responses, responses))
            .collect();
        for declaration in unreceived::declarations(&received) {
            let model = model.to_owned();
            drift.unreceived.push(Unreceived {
                model,
                route,
                declaration,
            });
        }
    }
    drift.actions = actions(operations, merged);
    drift
}

/// Drafts the actions. Operations that need the same ones share them.
fn actions(operations: BTreeMap<Operation<'_>, Declared>, merged: &Merged) -> Vec<Value> {
    let mut shared: Vec<(Vec<draft::Action>, Vec<Operation<'_>>)> = Vec::new();
    for (operation, mut declared) in operations {
        widen::finish(&mut declared.corrected);
        let actions = draft::actions(&declared.responses, &declared.corrected);
        let is_same = |(others, operations): &&mut (Vec<draft::Action>, Vec<Operation<'_>>)| {
            *others == actions && operations[0].is_like(&operation)
        };
        match shared.iter_mut().find(is_same) {
            Some((_, operations)) => operations.push(operation),
            None => shared.push((actions, vec![operation])),
        }
    }
    let targeted = shared.iter().flat_map(|(actions, operations)| {
        let target = target(operations, merged);
        actions.iter().map(move |action| action.json(&target))
    });
    targeted.collect()
}

/// The JSONPath of the responses of like operations.
fn target(operations: &[Operation<'_>], merged: &Merged) -> String {
    let Operation {
        route, is_create, ..
    } = operations[0];
    let path = format!("$.paths[{}]", draft::quoted(route.path()));
    if !is_create {
        return format!("{path}.get.responses");
    }
    // The documents of a route differ in their models alone.
    let model = |operation: &Operation<'_>| {
        let mut creates = merged.requests.iter().map(|request| &request.create);
        let is_own = |create: &&Create| create.route == route && create.file == operation.file;
        let model = creates.find(is_own).map_or("", |create| &create.model);
        format!("@ == {}", draft::quoted(model))
    };
    let models: Vec<String> = operations.iter().map(model).collect();
    let models = models.join(" || ");
    format!("{path}[?@.requestBody.content[*].schema..model.enum[?{models}]].responses")
}

/// A difference without the number of responses that have it.
type Key<'a> = (&'a str, Route, &'static str, u16, Part);

/// The responses that an operation declares, without prose.
struct Declared {
    responses: Value,
    /// The same, changed so that they declare all that was received.
    corrected: Value,
}

impl Declared {
    fn new(responses: &Value) -> Self {
        let mut responses = responses.clone();
        strip::without_prose(&mut responses);
        Self {
            corrected: responses.clone(),
            responses,
        }
    }
}

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

    fn responses<'d>(&self, documents: &'d [Document]) -> Option<&'d Value> {
        let document = documents
            .iter()
            .find(|document| document.file == self.file)?;
        let method = if self.is_create { "post" } else { "get" };
        let pointer = format!("/paths{}/{method}/responses", step(self.route.path()));
        document.value.pointer(&pointer)
    }

    /// Whether both are creates, or both are fetches, on the same URL.
    fn is_like(&self, other: &Self) -> bool {
        (self.route, self.is_create) == (other.route, other.is_create)
    }
}

/// Names a model or an operation that no document declares.
fn undeclared(response: &Response<'_>) -> String {
    let path = response.route.path();
    match (response.is_create, response.model) {
        (false, _) => format!("GET {path}"),
        (true, "") => format!("POST {path} without a model"),
        (true, model) => format!("{} on {path}", code_span(model)),
    }
}
