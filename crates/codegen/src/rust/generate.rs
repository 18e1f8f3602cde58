//! Runs progenitor and the emitters, and returns the source files of a build.

use std::{
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe},
};

use proc_macro2::TokenStream;

use super::{emit, openapi::ClientInput, types};
use crate::{
    Diagnostic, Diagnostics,
    merge::{Merged, Request},
    names,
};

/// The files that a build writes.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The name and the text of each.
    pub files: Vec<(&'static str, String)>,
}

/// What progenitor generates.
#[derive(Debug)]
pub struct ClientTokens {
    /// The client, with a struct per object of a request.
    pub client: TokenStream,
    /// Typed mocks of the client's operations.
    pub mocks: TokenStream,
}

/// The call of progenitor, which the caller makes.
type Client<'a> = &'a dyn Fn(&ClientInput) -> Result<ClientTokens, progenitor::Error>;

/// Generates the source for `merged`; `client` calls progenitor.
///
/// Where that fails or panics, `diagnostics` names the models that it fails for.
pub fn generate(
    merged: &Merged,
    client: Client<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Source> {
    let error = match guarded(|| source(merged, client)) {
        Ok(source) => return Some(source),
        Err(error) => error,
    };
    let remedy = "remove the model, or correct its document by an overlay action";
    let before = diagnostics.errors.len();
    for request in &merged.requests {
        let alone = Merged {
            requests: vec![request.clone()],
            fetched: BTreeMap::new(),
        };
        if let Err(error) = guarded(|| source(&alone, client)) {
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

/// progenitor panics on input that it does not expect; a build reports that as an error.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let caught = panic::catch_unwind(AssertUnwindSafe(work));
    caught.unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or(payload.downcast_ref::<&str>().copied());
        Err(text.unwrap_or("the generator panicked").to_owned())
    })
}

fn source(merged: &Merged, client: Client<'_>) -> Result<Source, String> {
    let tokens = client(&ClientInput::new(merged)?).map_err(text)?;
    let mut generated: syn::File = syn::parse2(tokens.client).map_err(text)?;
    let types = generated.items.iter_mut().find_map(|item| match item {
        syn::Item::Mod(module) if module.ident == "types" => module.content.as_mut(),
        _ => None,
    });
    let types = types.map_or(&mut [][..], |(_, items)| items);
    same_fields(merged, types)?;
    without_serde(types);
    let own = [
        emit::bounded(merged),
        emit::conversions(merged),
        emit::builders(merged),
    ]
    .concat();
    let own = syn::parse_file(&own).map_err(text)?;
    generated.items.extend(own.items);
    let mocks = syn::parse2(tokens.mocks).map_err(text)?;
    Ok(Source {
        files: vec![
            ("generated.rs", prettyplease::unparse(&generated)),
            ("httpmock.rs", prettyplease::unparse(&mocks)),
            ("contract.json", emit::contract(merged).map_err(text)?),
            ("documents.json", emit::documents(merged).to_string()),
            ("typed_requests.rs", emit::typed_requests(merged)),
            ("types.md", emit::types_index(merged)),
        ],
    })
}

/// Removes serde's derives, whose expansion takes a large part of a consumer's build; [`emit::conversions`] has their place.
fn without_serde(types: &mut [syn::Item]) {
    for item in types {
        let syn::Item::Struct(item) = item else {
            continue;
        };
        for attribute in item
            .attrs
            .iter_mut()
            .filter(|attribute| attribute.path().is_ident("derive"))
        {
            *attribute = syn::parse_quote!(#[derive(Clone, Debug, PartialEq)]);
        }
        for field in &mut item.fields {
            field
                .attrs
                .retain(|attribute| !attribute.path().is_ident("serde"));
        }
    }
}

/// Checks that progenitor names structs and fields as [`names`] does, since the builders fill its structs.
fn same_fields(merged: &Merged, types: &[syn::Item]) -> Result<(), String> {
    let mut structs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for item in types {
        if let syn::Item::Struct(item) = item {
            let fields = item.fields.iter().filter_map(|field| field.ident.as_ref());
            let mut fields: Vec<String> = fields.map(ToString::to_string).collect();
            fields.sort_unstable();
            structs.insert(item.ident.to_string(), fields);
        }
    }
    let differing = |request: &Request| {
        let mut differing = None;
        types::each_struct(&request.model, &mut |name, properties| {
            let fields = properties.iter();
            let mut fields: Vec<String> = fields
                .map(|property| names::field(&property.name))
                .collect();
            fields.sort_unstable();
            if structs.get(name) != Some(&fields) {
                differing = Some(name.to_owned());
            }
        });
        differing
    };
    match merged.requests.iter().find_map(differing) {
        Some(name) => Err(format!(
            "progenitor gives `{name}` or its fields other names than this crate"
        )),
        None => Ok(()),
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
