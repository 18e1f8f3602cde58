//! Documents to Rust: read, repair, overlay, merge, constrain and name, generate, write.
//!
//! Reads `openapi/`, or the folder named by `AIMLAPI_VIDEO_OPENAPI_DIR`; writes to `OUT_DIR` and nowhere else.

use std::{env, error::Error, fs, path::PathBuf, process::ExitCode};

use progenitor::{GenerationSettings, Generator, HooksMode, TypeImpl, TypePatch};
use serde_json::Value;

#[path = "src/spec/mod.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "the tools built on the same files use more of them"
)]
mod spec;

use spec::{
    Facts, Trouble,
    constraints::Shape,
    document, emit,
    merge::{self, Merged},
    overlay, repair,
};

const FOLDER: &str = "AIMLAPI_VIDEO_OPENAPI_DIR";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(troubles) => {
            for trouble in troubles {
                println!("cargo::error={trouble}");
            }
            ExitCode::SUCCESS
        }
    }
}

fn run() -> Result<(), Vec<Trouble>> {
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("openapi");
    let given = env::var_os(FOLDER).map(PathBuf::from);
    println!("cargo::rerun-if-env-changed={FOLDER}");
    let folder = given.as_ref().unwrap_or(&own);
    if folder.is_relative() {
        let what = format!(
            "`{}` is a relative path, and a build has no folder of its own to start from",
            folder.display()
        );
        return Err(vec![Trouble::new(
            FOLDER,
            "",
            what,
            "give the absolute path",
        )]);
    }
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed=openapi");

    let facts = Facts::read(folder, &own)?;
    let mut documents = document::read(folder)?;
    for document in &mut documents {
        repair::mend(document);
    }
    overlay::apply(&facts.overlay, &mut documents)?;
    let wanted = |vendor: &str| {
        let feature = vendor
            .to_uppercase()
            .replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        given.is_some() || env::var_os(format!("CARGO_FEATURE_{feature}")).is_some()
    };
    let merged = merge::merge(&documents, &facts.glossary, wanted)?;
    println!("cargo::rustc-check-cfg=cfg(no_models)");
    if merged.requests.is_empty() {
        println!("cargo::rustc-cfg=no_models");
    }
    write(&merged, &facts).map_err(|error| {
        let remedy = "report it with the documents at hand; it is a defect of this crate";
        vec![Trouble::new(
            "the merged document",
            "",
            error.to_string(),
            remedy,
        )]
    })
}

fn write(merged: &Merged, facts: &Facts) -> Result<(), Box<dyn Error>> {
    let openapi = serde_json::from_value(merged.openapi.clone())?;
    let mut generator = Generator::new(&settings(merged)?);
    let client = generator.generate_tokens(&openapi)?;
    let mocks = generator.httpmock(&openapi, "crate::generated")?;
    let ours = [
        emit::bounded(merged),
        emit::builders(merged),
        emit::catalogue(merged, &facts.durations),
    ]
    .concat();

    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo set no OUT_DIR")?);
    let mut file: syn::File = syn::parse2(client)?;
    file.items.extend(syn::parse_file(&ours)?.items);
    fs::write(out.join("generated.rs"), prettyplease::unparse(&file))?;
    fs::write(
        out.join("httpmock.rs"),
        prettyplease::unparse(&syn::parse2(mocks)?),
    )?;
    fs::write(
        out.join("documents.json"),
        serde_json::to_vec(&emit::documents(merged))?,
    )?;
    fs::write(out.join("typed_door.rs"), emit::typed_door(merged))?;
    Ok(())
}

/// What the generator must know: which schemas are held by types of ours, and that its own may grow.
fn settings(merged: &Merged) -> Result<GenerationSettings, Box<dyn Error>> {
    let mut settings = GenerationSettings::default();
    settings
        .with_hooks(HooksMode::Expected)
        .with_inner_type("crate::transport::Call".parse()?);
    settings.with_derive("PartialEq");
    for ours in [
        merge::ANSWER,
        merge::union(spec::Route::Universal),
        merge::union(spec::Route::LegacyKling),
    ] {
        settings.with_replacement(ours, format!("crate::{ours}"), std::iter::empty());
    }
    let mut open = TypePatch::default();
    open.with_attr("#[non_exhaustive]");
    let mut convert: Vec<(Value, String)> = Vec::new();
    for request in &merged.requests {
        request.object.each(&mut |object| {
            settings.with_patch(&object.name, &open);
            for field in &object.fields {
                field.shape.each(&mut |shape| match shape {
                    Shape::TextChoice { name, .. } => {
                        settings.with_patch(name, &open);
                    }
                    Shape::IntegerChoice { name, .. } => {
                        settings.with_replacement(
                            name,
                            shape.rust(),
                            [TypeImpl::Display].into_iter(),
                        );
                    }
                    Shape::MediaText { name } | Shape::OneOrMany { name, .. } => {
                        settings.with_replacement(name, shape.rust(), std::iter::empty());
                    }
                    _ if shape.is_converted() => convert.push((shape.schema(), shape.rust())),
                    _ => {}
                });
            }
        });
    }
    for (schema, rust) in convert {
        settings.with_conversion(serde_json::from_value(schema)?, rust, std::iter::empty());
    }
    Ok(settings)
}
