//! From the one description to Rust source: progenitor's part, and ours.

use std::{
    collections::HashSet,
    panic::{self, AssertUnwindSafe},
};

use aimlapi_video_contract::Schema;
use progenitor::{GenerationSettings, Generator, HooksMode, TypeImpl, TypePatch};
use serde_json::Value;

use crate::{
    Diagnostic, Diagnostics, emit,
    merge::{self, Merged, Request},
    names, rust_types,
};

/// What a build writes, by file name.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    pub files: Vec<(&'static str, String)>,
}

/// Generates the source for `merged`. Where the generator cannot, `diagnostics` tells which model is to blame.
pub fn generate(merged: &Merged, diagnostics: &mut Diagnostics) -> Option<Source> {
    let error = match guarded(|| source(merged)) {
        Ok(source) => return Some(source),
        Err(error) => error,
    };
    let remedy = "take the model out, or correct what is odd about it by an overlay action";
    let before = diagnostics.errors.len();
    for request in &merged.requests {
        let alone = merge::alone(request);
        if let Err(error) = guarded(|| source(&alone)) {
            let create = &request.create;
            let what = format!("no types can be generated for `{}`: {error}", create.model);
            diagnostics.error(Diagnostic::new(&create.file, &create.place, what, remedy));
        }
    }
    if diagnostics.errors.len() == before {
        let what = format!("no types can be generated for all models together: {error}");
        diagnostics.error(Diagnostic::new("", "", what, remedy));
    }
    None
}

/// The generator panics at what it did not expect; here that is an error like the others.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let caught = panic::catch_unwind(AssertUnwindSafe(work));
    caught.unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or(payload.downcast_ref::<&str>().copied());
        Err(text.unwrap_or("the generator panicked").to_owned())
    })
}

fn source(merged: &Merged) -> Result<Source, String> {
    let mut generator = Generator::new(&settings(merged)?);
    let bytes =
        serde_json::from_value(merge::with_byte_responses(&merged.openapi)).map_err(text)?;
    let client = generator.generate_tokens(&bytes).map_err(text)?;
    // A mock writes responses, so that it needs their type.
    let typed = serde_json::from_value(merged.openapi.clone()).map_err(text)?;
    let mocks = generator
        .httpmock(&typed, "crate::generated")
        .map_err(text)?;
    let ours = [emit::bounded(merged), emit::builders(merged)].concat();

    let mut generated: syn::File = syn::parse2(client).map_err(text)?;
    named_alike(merged, &generated)?;
    generated
        .items
        .extend(syn::parse_file(&ours).map_err(text)?.items);
    let mocks = syn::parse2(mocks).map_err(text)?;
    Ok(Source {
        files: vec![
            ("generated.rs", prettyplease::unparse(&generated)),
            ("httpmock.rs", prettyplease::unparse(&mocks)),
            ("contract.json", emit::contract(merged).map_err(text)?),
            ("documents.json", emit::documents(merged).to_string()),
            ("typed_requests.rs", emit::typed_requests(merged)),
        ],
    })
}

/// What the generator must know: which schemas are held by types of ours, and that its own may grow.
fn settings(merged: &Merged) -> Result<GenerationSettings, String> {
    let mut settings = GenerationSettings::default();
    settings
        .with_hooks(HooksMode::Expected)
        .with_inner_type("crate::http::Call".parse().map_err(text)?);
    settings.with_derive("PartialEq");
    for ours in [merge::ANSWER, merge::REQUEST] {
        settings.with_replacement(ours, format!("crate::{ours}"), std::iter::empty());
    }
    let mut open = TypePatch::default();
    open.with_attr("#[non_exhaustive]");
    let mut convert: Vec<(Value, String)> = Vec::new();
    for request in &merged.requests {
        rust_types::each_struct(&request.model, &mut |name, _| {
            settings.with_patch(name, &open);
        });
        rust_types::each(&request.model, &mut |name, schema| {
            let rust = rust_types::rust(name, schema);
            match schema {
                Schema::StringEnum(_) | Schema::IntegerEnum(_) => {
                    settings.with_replacement(name, rust, [TypeImpl::Display].into_iter());
                }
                Schema::Media | Schema::OneOrMany(_) => {
                    settings.with_replacement(name, rust, std::iter::empty());
                }
                _ if rust_types::is_converted(schema) => {
                    convert.push((rust_types::openapi(name, schema), rust));
                }
                _ => {}
            }
        });
    }
    // The generator looks through all of them for each property, and most are the same few.
    let mut known = HashSet::new();
    convert.retain(|pair| known.insert(pair.clone()));
    for (schema, rust) in convert {
        let schema = serde_json::from_value(schema).map_err(text)?;
        settings.with_conversion(schema, rust, std::iter::empty());
    }
    Ok(settings)
}

/// Our builders fill the generator's structs, so both must call the fields alike.
fn named_alike(merged: &Merged, generated: &syn::File) -> Result<(), String> {
    let types = generated.items.iter().find_map(|item| match item {
        syn::Item::Mod(module) if module.ident == "types" => module.content.as_ref(),
        _ => None,
    });
    let structs = types.into_iter().flat_map(|(_, items)| items);
    let made: Vec<(String, Vec<String>)> = structs
        .filter_map(|item| match item {
            syn::Item::Struct(made) => Some(made),
            _ => None,
        })
        .map(|made| {
            let fields = made.fields.iter().filter_map(|field| field.ident.as_ref());
            (
                made.ident.to_string(),
                fields.map(ToString::to_string).collect(),
            )
        })
        .collect();
    let check = |request: &Request| {
        let mut odd = None;
        rust_types::each_struct(&request.model, &mut |name, properties| {
            let mut ours: Vec<String> = properties
                .iter()
                .map(|property| names::field(&property.name))
                .collect();
            ours.sort_unstable();
            let fits = made.iter().any(|(made, fields)| {
                let mut fields = fields.clone();
                fields.sort_unstable();
                made == name && fields == ours
            });
            if !fits {
                odd = Some(format!(
                    "the generator names `{name}` or its fields otherwise"
                ));
            }
        });
        odd
    };
    merged.requests.iter().find_map(check).map_or(Ok(()), Err)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
