//! The cost of inspecting the container of a download, compared with the download itself.
#![allow(missing_docs, reason = "a bench has no API")]

#[cfg(bench_internals)]
mod measure;

fn main() {
    #[cfg(bench_internals)]
    measure::run();
    #[cfg(not(bench_internals))]
    println!(r#"run with RUSTFLAGS="--cfg bench_internals" cargo bench --bench container"#);
}
