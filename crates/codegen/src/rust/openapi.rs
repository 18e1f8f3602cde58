//! The input of progenitor: one OpenAPI description with four operations and one component per struct, and the settings
//! that replace its own types by those of the library.

use std::collections::BTreeMap;

use aimlapi_video_contract::{Property, Schema, code_span};
use openapiv3::{
    Components, Info, MediaType, ObjectType, OpenAPI, Operation, Parameter, ParameterData,
    ParameterSchemaOrContent, PathItem, QueryStyle, ReferenceOr, RequestBody, Response, Responses,
    SchemaData, SchemaKind, StatusCode, Type,
};
use progenitor::{GenerationSettings, HooksMode, TypeImpl, TypePatch};

use super::types::{self, GENERATION, REQUEST};
use crate::{
    Route,
    merge::{Merged, Request},
    names,
};

/// What progenitor is called with.
#[allow(
    missing_debug_implementations,
    reason = "progenitor's settings do not implement it"
)]
pub struct ClientInput {
    /// The settings of the generator.
    pub settings: GenerationSettings,
    /// The description for the client. Its operations return every response, whatever its status, as a stream of bytes: the
    /// library reads it with a limit, keeps its bytes, and accepts what the documents do not declare.
    pub client: OpenAPI,
    /// The description for the mocks, which write typed responses.
    pub mocks: OpenAPI,
}

impl ClientInput {
    /// Describes the models of `merged`.
    ///
    /// # Errors
    ///
    /// The settings name a Rust type that cannot be parsed.
    pub fn new(merged: &Merged) -> Result<Self, String> {
        let replaced = replaced(merged);
        Ok(Self {
            settings: settings(merged, &replaced)?,
            client: description(merged, &replaced, byte_responses),
            mocks: description(merged, &replaced, typed_responses),
        })
    }
}

/// The components that stand for types of the library, by the Rust type that replaces them. Several properties share one.
type Replaced = BTreeMap<String, Component>;

struct Component {
    name: String,
    is_enum: bool,
}

fn replaced(merged: &Merged) -> Replaced {
    let mut replaced = Replaced::new();
    let mut replace = |rust: String, is_enum: bool| {
        let number = replaced.len();
        let component = || Component {
            name: format!("OwnType{number}"),
            is_enum,
        };
        replaced.entry(rust).or_insert_with(component);
    };
    for request in &merged.requests {
        types::each_struct(&request.model, &mut |name, properties| {
            let nullable = properties.iter();
            nullable
                .filter_map(|property| types::nullable(name, property))
                .for_each(|rust| replace(rust, false));
        });
        types::each(&request.model, &mut |name, schema| {
            if types::is_own(schema) {
                let is_enum = matches!(
                    schema.typed(),
                    Schema::StringEnum(_) | Schema::IntegerEnum(_)
                );
                replace(types::rust(name, schema), is_enum);
            }
        });
    }
    replaced
}

fn settings(merged: &Merged, replaced: &Replaced) -> Result<GenerationSettings, String> {
    let call = "crate::http::Call".parse();
    let mut settings = GenerationSettings::default();
    settings
        .with_hooks(HooksMode::Expected)
        .with_inner_type(call.map_err(|error| format!("{error}"))?)
        .with_derive("PartialEq");
    for library in [GENERATION, REQUEST] {
        settings.with_replacement(library, format!("crate::{library}"), std::iter::empty());
    }
    for (rust, component) in replaced {
        let display = component.is_enum.then_some(TypeImpl::Display);
        settings.with_replacement(&component.name, rust, display.into_iter());
    }
    let mut open = TypePatch::default();
    open.with_attr("#[non_exhaustive]");
    for request in &merged.requests {
        types::each_struct(&request.model, &mut |name, _| {
            settings.with_patch(name, &open);
        });
    }
    Ok(settings)
}

fn description(merged: &Merged, replaced: &Replaced, responses: fn() -> Responses) -> OpenAPI {
    let mut description = OpenAPI {
        openapi: "3.0.3".into(),
        info: Info {
            title: "AI/ML API video generation".into(),
            version: "2".into(),
            ..Info::default()
        },
        ..OpenAPI::default()
    };
    for route in Route::ALL {
        let operations = operations(route, responses);
        let path = route.path().to_owned();
        let paths = &mut description.paths.paths;
        paths.insert(path, ReferenceOr::Item(operations));
    }
    let mut components = Components::default();
    for (name, schema) in schemas(merged, replaced) {
        components.schemas.insert(name, ReferenceOr::Item(schema));
    }
    description.components = Some(components);
    description
}

/// The pair of operations of a route; they exist whether or not a document declares them.
fn operations(route: Route, responses: fn() -> Responses) -> PathItem {
    let (create, fetch) = match route {
        Route::LegacyKling => (
            "create_legacy_kling_generation",
            "fetch_legacy_kling_generation",
        ),
        Route::Universal => ("create_generation", "fetch_generation"),
    };
    let mut body = RequestBody {
        required: true,
        ..RequestBody::default()
    };
    body.content
        .insert("application/json".into(), json(REQUEST));
    let post = Operation {
        operation_id: Some(create.into()),
        request_body: Some(ReferenceOr::Item(body)),
        responses: responses(),
        ..Operation::default()
    };
    let get = Operation {
        operation_id: Some(fetch.into()),
        parameters: vec![ReferenceOr::Item(generation_id())],
        responses: responses(),
        ..Operation::default()
    };
    PathItem {
        get: Some(get),
        post: Some(post),
        ..PathItem::default()
    }
}

fn generation_id() -> Parameter {
    let string = schema(SchemaKind::Type(Type::String(Default::default())), None);
    Parameter::Query {
        parameter_data: ParameterData {
            name: "generation_id".into(),
            description: None,
            required: true,
            deprecated: None,
            format: ParameterSchemaOrContent::Schema(ReferenceOr::Item(string)),
            example: None,
            examples: Default::default(),
            explode: None,
            extensions: Default::default(),
        },
        allow_reserved: false,
        style: QueryStyle::Form,
        allow_empty_value: None,
    }
}

fn byte_responses() -> Responses {
    let mut response = Response::default();
    response.content.insert("*/*".into(), MediaType::default());
    Responses {
        default: Some(ReferenceOr::Item(response)),
        ..Responses::default()
    }
}

/// The service answers a success with 200 or 201.
fn typed_responses() -> Responses {
    let mut response = Response::default();
    let content = &mut response.content;
    content.insert("application/json".into(), json(GENERATION));
    let mut responses = Responses::default();
    let by_status = &mut responses.responses;
    by_status.insert(StatusCode::Range(2), ReferenceOr::Item(response));
    responses
}

fn json(component: &str) -> MediaType {
    MediaType {
        schema: Some(reference(component)),
        ..MediaType::default()
    }
}

/// The components, in the order of their names.
fn schemas(merged: &Merged, replaced: &Replaced) -> BTreeMap<String, openapiv3::Schema> {
    let any = || schema(SchemaKind::Any(Default::default()), None);
    let mut schemas = BTreeMap::new();
    let mut requests = Vec::new();
    for component in replaced.values() {
        schemas.insert(component.name.clone(), any());
    }
    for request in &merged.requests {
        requests.push(reference(&request.model.type_name));
        types::each_struct(&request.model, &mut |name, properties| {
            let object = object(name, properties, replaced);
            let kind = SchemaKind::Type(Type::Object(object));
            schemas.insert(
                name.into(),
                schema(kind, Some(documentation(name, request))),
            );
        });
    }
    let object = SchemaKind::Type(Type::Object(ObjectType::default()));
    schemas.insert(GENERATION.into(), schema(object, None));
    let one_of = SchemaKind::OneOf { one_of: requests };
    schemas.insert(REQUEST.into(), schema(one_of, None));
    schemas
}

fn object(name: &str, properties: &[Property], replaced: &Replaced) -> ObjectType {
    let mut object = ObjectType::default();
    for property in properties {
        let documentation = property.documentation();
        let nested = names::nested(name, &property.name);
        let nullable = types::nullable(name, property);
        let nullable = nullable.and_then(|rust| replaced.get(&rust));
        let kind = match nullable.map(|component| reference(&component.name)) {
            Some(nullable) => nullable,
            None => kind(&nested, &property.schema, replaced),
        };
        let kind = match kind {
            ReferenceOr::Item(kind) => kind,
            // OpenAPI 3.0 ignores everything beside `$ref`, the documentation too.
            ReferenceOr::Reference { reference } => SchemaKind::AllOf {
                all_of: vec![ReferenceOr::Reference { reference }],
            },
        };
        let schema = schema(kind, Some(documentation));
        let properties = &mut object.properties;
        properties.insert(property.name.clone(), ReferenceOr::boxed_item(schema));
        if property.required {
            object.required.push(property.name.clone());
        }
    }
    object
}

/// A property's schema: a component where a struct or a type of the library holds it.
fn kind(name: &str, schema: &Schema, replaced: &Replaced) -> ReferenceOr<SchemaKind> {
    let component = match schema {
        Schema::Checked { schema, .. } => return kind(name, schema, replaced),
        Schema::Object(properties) if !properties.is_empty() => Some(name),
        schema if types::is_own(schema) => {
            let component = replaced.get(&types::rust(name, schema));
            component.map(|component| component.name.as_str())
        }
        _ => None,
    };
    if let Some(component) = component {
        let reference = format!("#/components/schemas/{component}");
        return ReferenceOr::Reference { reference };
    }
    ReferenceOr::Item(match schema {
        Schema::Boolean => SchemaKind::Type(Type::Boolean(Default::default())),
        Schema::Number { .. } => SchemaKind::Type(Type::Number(Default::default())),
        Schema::String { .. } => SchemaKind::Type(Type::String(Default::default())),
        _ => SchemaKind::Any(Default::default()),
    })
}

fn documentation(name: &str, request: &Request) -> String {
    let create = &request.create;
    if name == request.model.type_name {
        format!(
            "Request body of {} for `POST {}`, as `{}` declares it (feature `{}`).\n\n{}",
            code_span(&create.model),
            create.route.path(),
            create.file,
            request.model.vendor,
            request.model.markdown_table()
        )
    } else {
        format!("Part of [`{}`].", request.model.type_name)
    }
}

fn schema(schema_kind: SchemaKind, description: Option<String>) -> openapiv3::Schema {
    openapiv3::Schema {
        schema_data: SchemaData {
            description,
            ..SchemaData::default()
        },
        schema_kind,
    }
}

fn reference<T>(component: &str) -> ReferenceOr<T> {
    ReferenceOr::Reference {
        reference: format!("#/components/schemas/{component}"),
    }
}
