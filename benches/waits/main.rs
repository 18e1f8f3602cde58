//! Benchmarks many waits at once, and the cost of a poll.
#![allow(missing_docs, reason = "a bench has no API")]

#[cfg(bench_internals)]
mod measure;

fn main() {
    #[cfg(bench_internals)]
    measure::run();
    #[cfg(not(bench_internals))]
    println!(r#"run it by RUSTFLAGS="--cfg bench_internals" cargo bench --bench waits"#);
}
