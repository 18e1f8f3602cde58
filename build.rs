//! Documents to Rust: read, repair, overlay, merge, generate, write.
//!
//! Reads `openapi/`, or the folder that `AIMLAPI_VIDEO_OPENAPI_DIR` names; writes to `OUT_DIR` and nowhere else. The steps are
//! in the package `aimlapi-video-codegen`.

use std::{env, fs, path::PathBuf, process::ExitCode};

use aimlapi_video_codegen::{
    self as codegen, Diagnostic, Diagnostics, Facts, document,
    rust::{ClientInput, ClientTokens},
};

const FOLDER: &str = "AIMLAPI_VIDEO_OPENAPI_DIR";

fn main() -> ExitCode {
    let mut diagnostics = Diagnostics::default();
    run(&mut diagnostics);
    for note in diagnostics.notes() {
        println!("cargo::warning={note}");
    }
    for error in diagnostics.errors {
        println!("cargo::error={error}");
    }
    ExitCode::SUCCESS
}

fn run(diagnostics: &mut Diagnostics) {
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("openapi");
    let given = env::var_os(FOLDER).map(PathBuf::from);
    println!("cargo::rerun-if-env-changed={FOLDER}");
    let folder = given.as_ref().unwrap_or(&own);
    if folder.is_relative() {
        let what = format!(
            "`{}` is a relative path, which a build cannot resolve",
            folder.display()
        );
        return diagnostics.error(Diagnostic::new(FOLDER, "", what, "give the absolute path"));
    }
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed=openapi");

    let facts = Facts::read(
        folder,
        |name| fs::read_to_string(own.join(name)),
        diagnostics,
    );
    let mut documents = document::read(folder, diagnostics);
    let wanted = |vendor: &str| {
        let feature = vendor
            .to_uppercase()
            .replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        given.is_some() || env::var_os(format!("CARGO_FEATURE_{feature}")).is_some()
    };
    let merged = codegen::read(&mut documents, &facts, wanted, diagnostics);
    println!("cargo::rustc-check-cfg=cfg(some_models)");
    if given.is_some() || env::var_os("CARGO_FEATURE_ALL_VENDORS").is_none() {
        println!("cargo::rustc-cfg=some_models");
    }
    if !diagnostics.errors.is_empty() {
        return;
    }
    let Some(source) = codegen::rust::generate(&merged, &client, diagnostics) else {
        return;
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    for (name, text) in source.files {
        if let Err(error) = fs::write(out.join(name), text) {
            let what = format!("cannot be written: {error}");
            let remedy = "make room in the target folder";
            diagnostics.error(Diagnostic::new(name, "", what, remedy));
        }
    }
}

/// The client with the types of its requests, and typed mocks of its operations.
fn client(input: &ClientInput) -> Result<ClientTokens, progenitor::Error> {
    let mut generator = progenitor::Generator::new(&input.settings);
    let client = generator.generate_tokens(&input.client)?;
    let mocks = generator.httpmock(&input.mocks, "crate::generated")?;
    Ok(ClientTokens { client, mocks })
}
