//! Writes the source that progenitor does not generate: bounded types and builders; and the data files of the build.

use std::{collections::BTreeMap, fmt::Write};

use serde_json::{Value, json};

use aimlapi_video_contract::{Model, Property, Schema, code_span};

use super::types;
use crate::{
    Route,
    merge::{Fetched, Merged, Request},
    names,
};

/// The types of bounded numbers and of enums.
pub(super) fn bounded(merged: &Merged) -> String {
    let mut floats = BTreeMap::new();
    let mut enums = BTreeMap::new();
    for Request { model, .. } in &merged.requests {
        types::each(model, &mut |name, schema| match schema {
            Schema::Number { min, max } if types::is_own(schema) => {
                floats.insert(types::float_name(*min, *max), (*min, *max));
            }
            Schema::IntegerEnum(values) => {
                let owner = &model.type_name;
                let definition =
                    format!("crate::request::value::integer_enum!({name}, {owner:?}, {values:?});");
                enums.insert(name.to_owned(), definition);
            }
            Schema::StringEnum(values) => {
                let variants = names::variants(values).unwrap_or_default();
                let pairs: Vec<String> = variants
                    .iter()
                    .zip(values)
                    .map(|(variant, value)| format!("{variant} = {value:?}"))
                    .collect();
                let (owner, pairs) = (&model.type_name, pairs.join(", "));
                let definition = format!(
                    "crate::request::value::string_enum!({name}, {owner:?}, [{pairs}]);\n\
                     impl crate::request::property::PropertyType for {name} {{}}"
                );
                enums.insert(name.to_owned(), definition);
            }
            schema => {
                if let Some((tag, _)) = schema.tagged() {
                    let definition = tagged(name, &model.type_name, tag, schema);
                    enums.insert(name.to_owned(), definition);
                }
            }
        });
    }
    let mut out = String::from(
        "/// Types that hold the values a document allows, and no others.\npub mod bounded {\n",
    );
    for (name, (min, max)) in floats {
        let (min, max) = (float(min, "NEG_INFINITY"), float(max, "INFINITY"));
        let _ = writeln!(out, "crate::request::value::float!({name}, {min}, {max});");
    }
    for definition in enums.values() {
        let _ = writeln!(out, "{definition}");
    }
    out.push_str("}\n");
    out
}

/// A builder for every struct, and the conversions of requests. `#[inline]` keeps the code of models that a program does not
/// use out of its build.
pub(super) fn builders(merged: &Merged) -> String {
    let mut out = String::from(
        "/// Builders of the requests and of the objects in them.\npub mod builders {\nuse super::types;\n\
         use crate::{Violation, request::property::{Properties, PropertyType}, value::IntoProperty};\n",
    );
    for request in &merged.requests {
        let model = &request.model;
        let mut fixed = BTreeMap::from([(model.type_name.clone(), ("model", &*model.id))]);
        types::each(model, &mut |name, schema| {
            let tag = schema.tagged().map(|(tag, _)| tag).unwrap_or_default();
            let arms = types::arms(name, schema).into_iter();
            fixed.extend(arms.map(|arm| (arm.name, (tag, arm.value))));
        });
        types::each_struct(model, &mut |name, properties| {
            builder(&mut out, name, properties, fixed.get(name), model);
        });
        typed_request(&mut out, model);
    }
    out.push_str("}\n");
    out
}

/// The conversions of every struct from and to JSON.
pub(super) fn conversions(merged: &Merged) -> String {
    let mut out = String::new();
    for request in &merged.requests {
        types::each_struct(&request.model, &mut |name, properties| {
            let properties: String = properties
                .iter()
                .map(|property| {
                    let kind = match (property.required, property.nullable) {
                        (true, _) => "required",
                        (false, true) => "nullable",
                        (false, false) => "optional",
                    };
                    let (field, name) = (names::field(&property.name), &property.name);
                    format!("{field}: {kind} {name:?}, ")
                })
                .collect();
            let _ = writeln!(
                out,
                "crate::request::object::object!(types::{name} {{ {properties} }});"
            );
        });
    }
    out
}

/// The contract of every model as JSON, which the library reads at run time.
///
/// The text is read back here, since a library that cannot read it would check nothing.
pub(super) fn contract(merged: &Merged) -> Result<String, serde_json::Error> {
    let models: Vec<&Model> = merged
        .requests
        .iter()
        .map(|request| &request.model)
        .collect();
    let text = aimlapi_video_contract::to_json(&models)?;
    aimlapi_video_contract::from_json(&text)?;
    Ok(text)
}

/// The schemas of requests and responses after repair and overlay, for validators that use the documents alone.
pub(super) fn documents(merged: &Merged) -> Value {
    let entry = |request: &Request| {
        let create = &request.create;
        json!({
            "model": create.model,
            "path": create.route.path(),
            "status": create.status,
            "schema": create.schema,
            "response": create.answer,
        })
    };
    let fetch = |(route, fetched): (&Route, &Fetched)| json!({ "path": route.path(), "file": fetched.file, "response": fetched.schema });
    json!({
        "documents": merged.requests.iter().map(entry).collect::<Value>(),
        "fetches": merged.fetched.iter().map(fetch).collect::<Value>(),
    })
}

/// The documentation of the library's module `types`: an index of the request types, by vendor.
pub(super) fn types_index(merged: &Merged) -> String {
    let mut out = String::from(
        "Request types and builders, one per route and model, generated from the vendor's documents.\n\n\
         The type of an object in a request is named after the request's type and the property that holds it.\n",
    );
    let mut by_vendor: BTreeMap<&str, Vec<&Model>> = BTreeMap::new();
    for Request { model, .. } in &merged.requests {
        by_vendor.entry(&model.vendor).or_default().push(model);
    }
    for (vendor, models) in by_vendor {
        let _ = write!(
            out,
            "\n# Feature `{vendor}`\n\n| type | model | task | route |\n|---|---|---|---|\n"
        );
        for model in models {
            let (name, task, route) = (&model.type_name, model.task, model.route);
            let id = code_span(&model.id);
            let _ = writeln!(out, "| [`{name}`] | {id} | {task} | {route} |");
        }
    }
    out
}

/// The function `read_typed`, which reads a body into the type of its model and writes it back, for tests of all types.
pub(super) fn typed_requests(merged: &Merged) -> String {
    let mut out = String::from(
        "fn read_typed(path: &str, model: &str, body: ::serde_json::Value) \
         -> Option<::std::result::Result<::serde_json::Value, ::serde_json::Error>> {\n\
         fn round_trip<T: ::serde::de::DeserializeOwned + ::serde::Serialize>(body: ::serde_json::Value) \
         -> ::std::result::Result<::serde_json::Value, ::serde_json::Error> {\n\
         ::serde_json::to_value(::serde_json::from_value::<T>(body)?) }\n\
         Some(match (path, model) {\n",
    );
    for request in &merged.requests {
        let (path, model, name) = (
            request.create.route.path(),
            &request.create.model,
            &request.model.type_name,
        );
        let _ = writeln!(
            out,
            "({path:?}, {model:?}) => round_trip::<::aimlapi_video::types::{name}>(body),"
        );
    }
    out.push_str("_ => return None,\n})\n}\n");
    out
}

/// The enum of tagged alternatives.
fn tagged(name: &str, owner: &str, tag: &str, schema: &Schema) -> String {
    let variant = |arm: types::Arm<'_>| {
        let types::Arm { variant, name, .. } = arm;
        format!("{variant} = {:?}: {name}, {name}Builder", arm.value)
    };
    let variants: Vec<String> = types::arms(name, schema).into_iter().map(variant).collect();
    format!(
        "crate::request::tagged::tagged!({name}, {owner:?}, {tag:?}, [{}]);",
        variants.join(", ")
    )
}

/// A builder holds JSON values and reads the struct from them at the end, since a field per property would make the generated
/// code twice as long and as slow to compile. It fills in the property `fixed`.
fn builder(
    out: &mut String,
    name: &str,
    properties: &[Property],
    fixed: Option<&(&str, &str)>,
    model: &Model,
) {
    let is_fixed = |property: &Property| fixed.is_some_and(|(fixed, _)| *fixed == property.name);
    let set = || properties.iter().filter(|property| !is_fixed(property));
    let with_fixed = fixed.map(|(name, value)| format!(".with({name:?}, {value:?})"));
    let with_fixed = with_fixed.unwrap_or_default();
    let article = if name == model.type_name {
        "the request body of"
    } else {
        "a part of the request body of"
    };
    let _ = write!(
        out,
        "#[doc = {:?}]\n#[derive(Clone, Debug, Default)]\n#[must_use = \"a builder does nothing until `build` is called\"]\n\
         pub struct {name}Builder(Properties);\nimpl {name}Builder {{\n",
        // An id may hold anything; as a literal it stays text.
        format!(
            "Builds [`{name}`](types::{name}), {article} `{}`.",
            model.id
        )
    );
    for property in set() {
        for line in property.documentation().lines() {
            let _ = writeln!(out, "#[doc = {line:?}]");
        }
        let set = match types::nullable(name, property) {
            Some(_) => "set_nullable",
            None => "set",
        };
        let _ = writeln!(
            out,
            "pub fn {setter}(self, value: impl IntoProperty<{kind}>) -> Self {{ Self(self.0.{set}({property:?}, value)) }}",
            setter = names::setter(&names::field(&property.name)),
            kind = types::rust(&names::nested(name, &property.name), &property.schema),
            property = property.name,
        );
    }
    let required: String = set()
        .filter(|property| property.required)
        .map(|property| {
            let allowed = property.schema_with_null().allowed();
            format!("({:?}, {allowed:?}),", property.name)
        })
        .collect();
    let _ = write!(
        out,
        "/// The finished value.\n///\n/// # Errors\n///\n\
         /// [`InvalidRequest`](crate::ErrorKind::InvalidRequest) with every missing and every wrong property.\n\
         #[inline]\npub fn build(self) -> Result<types::{name}, crate::Error> {{\n\
         self.finish().map_err(|violations| crate::Error::invalid_request({model:?}, violations)) }}\n\
         #[inline]\nfn finish(self) -> Result<types::{name}, Vec<Violation>> {{ self.0{with_fixed}.finish(&[{required}]) }} }}\n\
         impl types::{name} {{\n/// Starts an empty builder.\n#[inline]\npub fn builder() -> {name}Builder {{ Default::default() }} }}\n\
         impl PropertyType for types::{name} {{}}\n\
         impl IntoProperty<types::{name}> for {name}Builder {{\n\
         #[inline]\nfn into_property(self) -> Result<Option<types::{name}>, Vec<Violation>> {{\n\
         self.finish().map(Some) }} }}\n",
        model = model.id,
    );
}

fn typed_request(out: &mut String, model: &Model) {
    let _ = write!(
        out,
        "crate::request::typed_request!(types::{name}, {route}, {model:?});\n\
         #[cfg(feature = \"schema\")]\ncrate::contract::json_schema!({name}, {route}, {model:?});\n",
        route = route(model.route),
        name = model.type_name,
        model = model.id,
    );
}

fn route(route: Route) -> &'static str {
    match route {
        Route::LegacyKling => "crate::Route::LegacyKling",
        Route::Universal => "crate::Route::Universal",
    }
}

fn float(bound: Option<f64>, none: &str) -> String {
    bound.map_or_else(|| format!("f64::{none}"), |bound| format!("{bound:?}"))
}
