//! Documents to Rust: read, repair, overlay, merge, constrain and name, generate, write.
//!
//! Reads `openapi/`, or the folder named by `AIMLAPI_VIDEO_OPENAPI_DIR`; writes to `OUT_DIR` and nowhere else. The steps
//! themselves are in the package `aimlapi-video-codegen`.

use std::{env, fs, path::PathBuf, process::ExitCode};

use aimlapi_video_codegen::{self as codegen, Diagnostic, Diagnostics, Facts, document, generate};

const FOLDER: &str = "AIMLAPI_VIDEO_OPENAPI_DIR";

fn main() -> ExitCode {
    let mut diagnostics = Diagnostics::default();
    run(&mut diagnostics);
    for warning in diagnostics.warnings {
        println!("cargo::warning={warning}");
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
            "`{}` is a relative path, and a build has no folder of its own to start from",
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
    println!("cargo::rustc-check-cfg=cfg(no_models)");
    if merged.requests.is_empty() {
        println!("cargo::rustc-cfg=no_models");
    }
    if !diagnostics.errors.is_empty() {
        return;
    }
    let Some(source) = generate::generate(&merged, diagnostics) else {
        return;
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    for (name, text) in source.files {
        if let Err(error) = fs::write(out.join(name), text) {
            let what = format!("cannot be written: {error}");
            diagnostics.error(Diagnostic::new(
                name,
                "",
                what,
                "make room in the target folder",
            ));
        }
    }
}
