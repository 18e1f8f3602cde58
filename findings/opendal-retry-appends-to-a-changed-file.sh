#!/usr/bin/env bash
# opendal (crates.io): what does its RetryLayer return when a body breaks and the server does not continue where it stopped?
#
# Guess: the retry sends If-Match or If-Range with the ETag of the first response, or compares it afterwards (object_store 0.14.2 does
#   the latter), and a 200 to the Range request is an error or a fresh start.
# Version: opendal 0.59.5 with services-http, http-transport-reqwest and layers-retry.
# Behaviour: the Range request has no condition, and neither the status, nor the ETag, nor the total in Content-Range of its response
#   is compared with anything. read() returns Ok with two versions joined; and where the server ignores Range, as many do, it returns
#   Ok with the first part of the file followed by the whole file, longer than the Content-Length of both responses.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null || :; rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "retry"
version = "0.0.0"
edition = "2021"

[dependencies]
opendal = { version = "=0.59.5", default-features = false, features = ["services-http", "http-transport-reqwest", "layers-retry"] }
tokio = { version = "1", features = ["rt-multi-thread", "macros"] }

[profile.dev]
debug = 0
TOML
cat >src/main.rs <<'RUST'
#[tokio::main]
async fn main() {
    let origin = std::env::args().nth(1).expect("the origin is the first argument");
    opendal::install_default();
    for path in ["same-file", "new-file", "longer-file", "range-ignored"] {
        let service = opendal::services::Http::default().endpoint(&origin);
        let operator = opendal::Operator::new(service).expect("the endpoint is valid");
        let operator = operator.layer(opendal::layers::RetryLayer::new());
        match operator.read(path).await {
            Ok(body) => {
                let body = body.to_vec();
                let old = body.iter().filter(|byte| **byte == b'o').count();
                println!("{path}: Ok, {old} bytes of the old file, {} of the new", body.len() - old);
            }
            Err(error) => println!("{path}: Err, {}", error.kind()),
        }
    }
}
RUST
cat >server.py <<'PYTHON'
import http.server, re

LENGTH = 1_000_000
FIRST_PART = 600_000
broken = set()

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        first = self.path not in broken
        new = not first and self.path in ("/new-file", "/longer-file")
        total = LENGTH + (1000 if new and self.path == "/longer-file" else 0)
        asked = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked and self.path != "/range-ignored" else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.send_header("Content-Length", str(total - start))
        self.send_header("ETag", '"new"' if new else '"old"')
        self.end_headers()
        body = (b"n" if new else b"o") * (total - start)
        if first:
            broken.add(self.path)
            body = body[:FIRST_PART]
            self.close_connection = True
        self.wfile.write(body)

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
PYTHON
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$folder/target} cargo build --quiet
binary=${CARGO_TARGET_DIR:-$folder/target}/debug/retry
python3 server.py >port 2>server.log &
server=$!
for _ in $(seq 100); do test -s port && break; sleep 0.1; done
timeout 120 "$binary" "http://127.0.0.1:$(cat port)" >output
cat output
diff output - <<'EXPECTED'
same-file: Ok, 1000000 bytes of the old file, 0 of the new
new-file: Ok, 600000 bytes of the old file, 400000 of the new
longer-file: Ok, 600000 bytes of the old file, 401000 of the new
range-ignored: Ok, 1600000 bytes of the old file, 0 of the new
EXPECTED
