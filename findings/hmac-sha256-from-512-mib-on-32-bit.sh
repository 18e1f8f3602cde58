#!/usr/bin/env bash
# hmac-sha256 (crates.io) on 32-bit targets: the SHA-256 of 512 MiB and more is a wrong one, without an error.
#
# Guess: a SHA-256 library counts in 64 bits everywhere, as FIPS 180-4 states the length of the message.
# Version: hmac-sha256 1.1.15, beside sha2 0.11.0, on wasm32-wasip1 in Node.js; a release build.
# Behaviour: the length is kept in `usize`, and its bits are computed in `usize` as well. On a 32-bit target the number of bits
# wraps at 512 MiB, so the padding states another length. One block less is hashed correctly. On 64-bit targets both agree.
# Output on 2026-11-27 (zero bytes; the first eight digits of each digest):
#   511 MiB: hmac-sha256 6a28ee8f, sha2 6a28ee8f
#   512 MiB: hmac-sha256 754b83b4, sha2 9acca8e8
# Needs Node.js and rustup, which adds the target wasm32-wasip1.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
rustup target add wasm32-wasip1 >/dev/null 2>&1
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "digests"
version = "0.0.0"
edition = "2024"

[dependencies]
hmac-sha256 = "=1.1.15"
sha2 = "=0.11.0"

[workspace]
TOML
cat >src/main.rs <<'RUST'
use sha2::Digest;

fn main() {
    let block = vec![0; 1 << 20];
    for blocks in [511, 512] {
        let (mut lean, mut other) = (hmac_sha256::Hash::new(), sha2::Sha256::new());
        for _ in 0..blocks {
            lean.update(&block);
            other.update(&block);
        }
        let text = |digest: &[u8]| digest[..4].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        println!("{blocks} MiB: hmac-sha256 {}, sha2 {}", text(&lean.finalize()), text(&other.finalize()));
    }
}
RUST
cargo build --quiet --release --target wasm32-wasip1
cat >run.mjs <<'NODE'
import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const wasi = new WASI({ version: "preview1" });
const bytes = await readFile("target/wasm32-wasip1/release/digests.wasm");
const { instance } = await WebAssembly.instantiate(bytes, wasi.getImportObject());
wasi.start(instance);
NODE
node --no-warnings run.mjs >output
cat output
diff output - <<'EXPECTED'
511 MiB: hmac-sha256 6a28ee8f, sha2 6a28ee8f
512 MiB: hmac-sha256 754b83b4, sha2 9acca8e8
EXPECTED
