#!/usr/bin/env bash
# object_store: a multipart upload to a folder whose `complete` fails, then `abort` and drop. Does the incomplete file stay?
#
# Guess: `abort`, or else the drop, removes the incomplete file NAME#1, as the documentation says of `abort` and as both do before
#   `complete`; a failed `put` removes it, too.
# Version: object_store 0.14.2 (crates.io), LocalFileSystem.
# Behaviour: `complete` forgets the file's name before its rename. If the rename fails (here the name belongs to a folder; a full
#   quota or a read-only mount are the same), `abort` fails with "Upload aborted" and the drop does nothing: NAME#1 stays with all
#   bytes, and `list` does not show it. A failed `put` under the same conditions leaves nothing.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "probe"
version = "0.0.0"
edition = "2024"

[dependencies]
futures-util = "0.3"
object_store = "=0.14.2"
tokio = { version = "1", features = ["macros", "rt"] }
TOML
cat >src/main.rs <<'RUST'
use futures_util::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, local::LocalFileSystem, path::Path};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let root = std::env::args().nth(1).unwrap();
    let store = LocalFileSystem::new_with_prefix(&root).unwrap();
    std::fs::create_dir_all(format!("{root}/a.mp4/folder")).unwrap();
    let path = Path::from("a.mp4");
    println!("put fails: {}", store.put(&path, "video".into()).await.is_err());
    println!("files after the put: {:?}", files(&root));
    let mut upload = store.put_multipart(&path).await.unwrap();
    upload.put_part("video".into()).await.unwrap();
    println!("complete fails: {}", upload.complete().await.is_err());
    println!("abort: {:?}", upload.abort().await.map_err(|error| error.to_string()));
    drop(upload);
    // The drop removes files on another thread.
    tokio::task::spawn_blocking(|| std::thread::sleep(std::time::Duration::from_secs(1))).await.unwrap();
    println!("files after the upload: {:?}", files(&root));
    println!("listed: {:?}", store.list(None).try_collect::<Vec<_>>().await.unwrap().len());
}

fn files(root: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap());
    entries.filter(|entry| entry.path().is_file()).map(|entry| entry.file_name().into_string().unwrap()).collect()
}
RUST
mkdir store
cargo run --quiet -- store
# put fails: true
# files after the put: []
# complete fails: true
# abort: Err("Generic LocalFileSystem error: Upload aborted")
# files after the upload: ["a.mp4#1"]
# listed: 0
