//! Rust source for what the generator does not make: bounded types, builders, and the table of models.
//!
//! Everything here ends as text that `build.rs` parses and prints, so a slip shows at build time.

use std::{collections::BTreeMap, fmt::Write};

use serde_json::{Value, json};

use crate::{
    Route, Stated,
    constraints::{Check, Field, Object, Shape, float_name},
    merge::{Merged, Request},
    names,
    rules::{Rule, Sourced},
    strip,
};

/// The types that hold bounded numbers and integers from a list.
pub fn bounded(merged: &Merged) -> String {
    let mut floats = BTreeMap::new();
    let mut choices = BTreeMap::new();
    each_shape(merged, &mut |request, shape| match shape {
        Shape::Number { min, max } if shape.is_converted() => {
            floats.insert(float_name(*min, *max), (*min, *max));
        }
        Shape::IntegerChoice { name, values } => {
            choices.insert(name.clone(), (values.clone(), request.object.name.clone()));
        }
        _ => {}
    });
    let mut out = String::from(
        "/// Types that hold the numbers a document allows, and no others.\npub mod bounded {\n",
    );
    for (name, (min, max)) in floats {
        let (min, max) = (float(min, "NEG_INFINITY"), float(max, "INFINITY"));
        let _ = writeln!(out, "crate::bounded::float!({name}, {min}, {max});");
    }
    for (name, (values, model)) in choices {
        let _ = writeln!(
            out,
            "crate::bounded::integer_choice!({name}, {model:?}, {values:?});"
        );
    }
    out.push_str("}\n");
    out
}

/// A builder for every object, and what joins the generated types to ours.
pub fn builders(merged: &Merged) -> String {
    let mut out = String::from(
        "/// Builders of the requests and of the objects in them.\npub mod builders {\nuse super::types;\n",
    );
    for request in &merged.requests {
        request
            .object
            .each(&mut |object| builder(&mut out, object, request));
        each_in(&request.object, &mut |shape| {
            if let Shape::TextChoice { name, values } = shape {
                let _ = writeln!(
                    out,
                    "impl crate::property::Choice for types::{name} {{ const VALUES: &'static [&'static str] = &{values:?}; }}\n\
                     impl crate::property::PropertyType for types::{name} {{}}"
                );
            }
        });
        typed_request(&mut out, request);
    }
    out.push_str("}\n");
    out
}

/// The table of models that the client looks things up in while it runs.
pub fn catalogue(merged: &Merged, durations: &[Stated]) -> String {
    let mut out = String::from("pub(crate) static MODELS: &[crate::catalogue::Model] = &[\n");
    for request in &merged.requests {
        let Request {
            create,
            vendor,
            object,
            rules,
        } = request;
        let _ = writeln!(
            out,
            "crate::catalogue::Model {{ id: {:?}, route: {}, vendor: {vendor:?}, task: {:?}, type_name: {:?}, document: {:?}, \
             properties: {}, checks: {}, durations: &[{}], rules: &[{}] }},",
            create.model,
            route(create.route),
            names::task(&create.model, object.needs_media()),
            object.name,
            create.file,
            properties(object),
            checks(&object.checks),
            stated(durations, &create.model),
            rules.iter().map(rule).collect::<String>(),
        );
    }
    out.push_str("];\n");
    out
}

/// The request schemas after repair and overlay, for whoever judges requests by the documents alone.
pub fn documents(merged: &Merged) -> Value {
    let entry = |request: &Request| {
        let create = &request.create;
        let mut schema = create.schema.clone();
        strip::unmark(&mut schema);
        json!({
            "model": create.model,
            "path": create.route.path(),
            "status": create.status,
            "schema": schema,
        })
    };
    merged.requests.iter().map(entry).collect()
}

/// A function over every generated type, for tests that judge them all.
pub fn typed_door(merged: &Merged) -> String {
    let mut out = String::from(
        "fn read_typed(path: &str, model: &str, body: ::serde_json::Value) \
         -> Option<::std::result::Result<::serde_json::Value, ::serde_json::Error>> {\n\
         fn through<T: ::serde::de::DeserializeOwned + ::serde::Serialize>(body: ::serde_json::Value) \
         -> ::std::result::Result<::serde_json::Value, ::serde_json::Error> {\n\
         ::serde_json::to_value(::serde_json::from_value::<T>(body)?) }\n\
         Some(match (path, model) {\n",
    );
    for request in &merged.requests {
        let (path, model, name) = (
            request.create.route.path(),
            &request.create.model,
            &request.object.name,
        );
        let _ = writeln!(
            out,
            "({path:?}, {model:?}) => through::<::aimlapi_video::types::{name}>(body),"
        );
    }
    out.push_str("_ => return None,\n})\n}\n");
    out
}

fn each_shape<'a>(merged: &'a Merged, visit: &mut dyn FnMut(&'a Request, &'a Shape)) {
    for request in &merged.requests {
        each_in(&request.object, &mut |shape| visit(request, shape));
    }
}

fn each_in<'a>(object: &'a Object, visit: &mut dyn FnMut(&'a Shape)) {
    for field in &object.fields {
        field.shape.each(visit);
    }
}

fn builder(out: &mut String, object: &Object, request: &Request) {
    let name = &object.name;
    let top = *name == request.object.name;
    let (fixed, set): (Vec<&Field>, Vec<&Field>) = object
        .fields
        .iter()
        .partition(|field| top && field.name == "model");
    let article = if top {
        "the request body of"
    } else {
        "a part of the request body of"
    };
    let _ = write!(
        out,
        "#[doc = {:?}]\n#[derive(Clone, Debug, Default)]\n#[must_use = \"a builder does nothing until `build` is called\"]\n\
         pub struct {name}Builder {{\n",
        // An id may hold anything; as a literal it stays text.
        format!(
            "Builds [`{name}`](types::{name}), {article} `{}`.",
            request.create.model
        )
    );
    for field in &set {
        let _ = writeln!(
            out,
            "{}: crate::property::Slot<{}>,",
            field.rust,
            field.shape.rust()
        );
    }
    let _ = write!(out, "}}\nimpl {name}Builder {{\n");
    for field in &set {
        for line in field.documentation().lines() {
            let _ = writeln!(out, "#[doc = {line:?}]");
        }
        let _ = write!(
            out,
            "pub fn {setter}(mut self, value: impl crate::IntoProperty<{kind}>) -> Self {{\n\
             self.{field} = crate::property::Slot::new({property:?}, value); self }}\n",
            setter = names::setter(&field.rust),
            field = field.rust,
            kind = field.shape.rust(),
            property = field.name,
        );
    }
    let _ = write!(
        out,
        "/// The finished value.\n///\n/// # Errors\n///\n\
         /// [`InvalidRequest`](crate::ErrorKind::InvalidRequest) with every missing and every wrong property.\n\
         pub fn build(self) -> ::std::result::Result<types::{name}, crate::Error> {{\n\
         self.finish().map_err(|violations| crate::Error::invalid_request({model:?}, violations)) }}\n\
         pub(crate) fn finish(self) -> ::std::result::Result<types::{name}, ::std::vec::Vec<crate::Violation>> {{\n\
         let mut __found = ::std::vec::Vec::new();\n",
        model = request.create.model,
    );
    // No property's name begins with an underscore once it is in snake case, so `__found` is none of them.
    for field in &set {
        let take = if field.required && !field.nullable {
            "required"
        } else {
            "optional"
        };
        let arguments = if field.required && !field.nullable {
            format!("{:?}, &{}, &mut __found", field.name, schema(&field.shape))
        } else {
            "&mut __found".into()
        };
        let _ = writeln!(
            out,
            "let {field} = self.{field}.{take}({arguments});",
            field = field.rust
        );
    }
    let required: Vec<&str> = set
        .iter()
        .filter(|field| field.required && !field.nullable)
        .map(|field| field.rust.as_str())
        .collect();
    let some: String = required
        .iter()
        .map(|field| format!("Some({field}),"))
        .collect();
    let made: String = fixed
        .iter()
        .map(|field| match &field.shape {
            // A one-value enum, of which the generator makes a unit variant named after the value.
            Shape::TextChoice { name, values } => {
                let variant = names::variants(values).unwrap_or_default().concat();
                format!("{}: types::{name}::{variant},", field.rust)
            }
            _ => String::new(),
        })
        .chain(set.iter().map(|field| format!("{},", field.rust)))
        .collect();
    let _ = write!(
        out,
        "match ({tuple}) {{ ({some}) if __found.is_empty() => Ok(types::{name} {{ {made} }}), _ => Err(__found) }} }} }}\n\
         impl types::{name} {{\n/// Starts an empty builder.\npub fn builder() -> {name}Builder {{ ::std::default::Default::default() }} }}\n\
         impl crate::property::PropertyType for types::{name} {{}}\n\
         impl crate::IntoProperty<types::{name}> for {name}Builder {{\n\
         fn into_property(self) -> ::std::result::Result<::std::option::Option<types::{name}>, ::std::vec::Vec<crate::Violation>> {{\n\
         self.finish().map(Some) }} }}\n",
        tuple = required
            .iter()
            .map(|field| format!("{field},"))
            .collect::<String>(),
    );
}

fn typed_request(out: &mut String, request: &Request) {
    let _ = write!(
        out,
        "crate::request::typed_request!(types::{name}, {route}, {model:?});\n\
         #[cfg(feature = \"schema\")]\ncrate::json_schema::json_schema!({name}, {route}, {model:?});\n",
        route = route(request.create.route),
        name = request.object.name,
        model = request.create.model,
    );
}

fn properties(object: &Object) -> String {
    let mut out = String::from("&[");
    for field in &object.fields {
        let role = match field.role.as_deref() {
            Some("prompt") => "Some(crate::catalogue::Role::Prompt)",
            Some("opening-image") => "Some(crate::catalogue::Role::OpeningImage)",
            Some("duration") => "Some(crate::catalogue::Role::Duration)",
            Some("aspect-ratio") => "Some(crate::catalogue::Role::AspectRatio)",
            _ => "None",
        };
        let _ = write!(
            out,
            "crate::catalogue::Property {{ name: {:?}, required: {}, nullable: {}, schema: {}, description: {:?}, default: {:?}, \
             role: {role}, media: {} }},",
            field.name,
            field.required,
            field.nullable,
            schema(&field.shape),
            field.description.as_deref().unwrap_or_default(),
            field.default.as_ref().map(Value::to_string),
            field.media,
        );
    }
    out.push(']');
    out
}

fn schema(shape: &Shape) -> String {
    let kind = match shape {
        Shape::Any => "Any".into(),
        Shape::Boolean => "Boolean".into(),
        Shape::Integer { min, max } => format!("Integer {{ min: {min:?}, max: {max:?} }}"),
        Shape::Number { min, max } => format!("Number {{ min: {min:?}, max: {max:?} }}"),
        Shape::Text | Shape::MediaText { .. } => "Text".into(),
        Shape::BoundedText { min, max } => format!("BoundedText {{ min: {min}, max: {max:?} }}"),
        Shape::OneOrMany { item, .. } => {
            let item = schema(item);
            format!(
                "Alternatives {{ arms: &[{item}, crate::schema::Schema::List {{ items: &{item}, min: 0, max: None }}], \
                 exactly_one: false }}"
            )
        }
        Shape::Alternatives { arms, exactly_one } => {
            let arms: Vec<String> = arms.iter().map(schema).collect();
            format!(
                "Alternatives {{ arms: &[{}], exactly_one: {exactly_one} }}",
                arms.join(", ")
            )
        }
        Shape::Uri => "Uri".into(),
        Shape::UriOrBase64 => "UriOrBase64".into(),
        Shape::TextChoice { values, .. } => format!("TextChoice(&{values:?})"),
        Shape::IntegerChoice { values, .. } => format!("IntegerChoice(&{values:?})"),
        Shape::List { items, min, max } => {
            format!(
                "List {{ items: &{}, min: {min}, max: {max:?} }}",
                schema(items)
            )
        }
        Shape::Object(object) => format!("Object({})", properties(object)),
        Shape::Values { values } => {
            let values: Vec<String> = values.iter().map(Value::to_string).collect();
            format!("Values(&{values:?})")
        }
        Shape::Null => "Null".into(),
        Shape::Checked {
            shape,
            checks: beside,
        } => {
            format!(
                "Checked {{ typed: &{}, checks: {} }}",
                schema(shape),
                checks(beside)
            )
        }
    };
    format!("crate::schema::Schema::{kind}")
}

fn checks(checks: &[Check]) -> String {
    let check = |check: &Check| {
        let check = match check {
            Check::Above(limit) => format!("Above({limit:?})"),
            Check::Below(limit) => format!("Below({limit:?})"),
            Check::MultipleOf(step) => format!("MultipleOf({step:?})"),
            Check::Unique => "Unique".into(),
            Check::Properties { min, max } => format!("Properties {{ min: {min}, max: {max:?} }}"),
            Check::Closed(known) => format!("Closed(&{known:?})"),
            Check::Also(shape) => format!("Also({})", schema(shape)),
            Check::Told { keyword, value } => {
                format!(
                    "Told {{ keyword: {keyword:?}, value: {:?} }}",
                    value.to_string()
                )
            }
        };
        format!("crate::schema::Check::{check},")
    };
    format!("&[{}]", checks.iter().map(check).collect::<String>())
}

fn stated(durations: &[Stated], model: &str) -> String {
    let of_model = durations.iter().filter(|stated| stated.model == model);
    of_model
        .map(
            |Stated {
                 length, min, max, ..
             }| {
                format!(
                    "crate::catalogue::Stated {{ length: {length:?}, min: {min:?}, max: {max:?} }},"
                )
            },
        )
        .collect()
}

fn rule(Sourced { rule, source }: &Sourced) -> String {
    let rule = match rule {
        Rule::AtMostOne { properties } => format!("AtMostOne(&{properties:?})"),
        Rule::ExactlyOne { properties } => format!("ExactlyOne(&{properties:?})"),
        Rule::Needs {
            property,
            value,
            any_of,
        } => {
            let value = value.as_ref().map(Value::to_string);
            format!("Needs {{ property: {property:?}, value: {value:?}, any_of: &{any_of:?} }}")
        }
        Rule::Excludes {
            property,
            other,
            value,
        } => {
            let value = value.to_string();
            format!("Excludes {{ property: {property:?}, other: {other:?}, value: {value:?} }}")
        }
    };
    format!("crate::rules::Sourced {{ rule: crate::rules::Rule::{rule}, source: {source:?} }},")
}

fn route(route: Route) -> &'static str {
    match route {
        Route::Universal => "crate::Route::Universal",
        Route::LegacyKling => "crate::Route::LegacyKling",
    }
}

fn float(bound: Option<f64>, none: &str) -> String {
    bound.map_or_else(|| format!("f64::{none}"), |bound| format!("{bound:?}"))
}
