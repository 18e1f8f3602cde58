//! The cost of the check of a download's container, beside the download.
#![allow(missing_docs, reason = "a bench has no API")]

#[cfg(bench_internals)]
mod measure;

fn main() {
    #[cfg(bench_internals)]
    measure::run();
    #[cfg(not(bench_internals))]
    println!(r#"run it by RUSTFLAGS="--cfg bench_internals" cargo bench --bench container"#);
}
