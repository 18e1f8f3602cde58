#!/usr/bin/env bash
# reqwest 0.13 on a system with root certificates, and an SSL_CERT_FILE that is empty or names no file.
#
# Guess: an empty variable counts as one that is not set, as SSL_CERT_DIR does here and SSL_CERT_FILE does in curl; a file
# that is not there is an error that names it, as in curl.
#
# Versions: reqwest 0.13.5, rustls-platform-verifier 0.7.1, rustls-native-certs 0.8.5; curl 7.88.1 of Debian 12.
#
# Observed: reqwest builds no client in either case, not even for plain http, and the error says that the system has no
# certificates, which it has; neither the variable nor the file is named (both go to the `log` crate alone). An empty
# SSL_CERT_DIR counts as not set. So `SSL_CERT_FILE=${SSL_CERT_FILE}` in a compose file breaks a program that needs no TLS.
#
# Output on 2026-11-27:
#   not set                   reqwest: built
#   SSL_CERT_DIR=             reqwest: built
#   SSL_CERT_FILE=            reqwest: General("No CA certificates were loaded from the system")
#   SSL_CERT_FILE=/nowhere    reqwest: General("No CA certificates were loaded from the system")
#   curl SSL_CERT_FILE=/nowhere names the file; with SSL_CERT_FILE= it uses the system's roots
#
# Needs cargo, and Debian's packages ca-certificates, curl and openssl.
set -euo pipefail
unset SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "builds"
version = "0.0.0"
edition = "2024"
[dependencies]
reqwest = { version = "=0.13.5", default-features = false, features = ["rustls-no-provider"] }
rustls = { version = "0.23", default-features = false, features = ["ring", "std"] }
rustls-native-certs = "=0.8.5"
rustls-platform-verifier = "=0.7.1"
TOML
cat > src/main.rs <<'RUST'
use std::error::Error;

fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    match reqwest::Client::builder().build() {
        Ok(_) => println!("built"),
        Err(error) => println!("{:?}", error.source().unwrap()),
    }
}
RUST
CARGO_TARGET_DIR=$folder/target cargo build --quiet

row() { printf '%-25s reqwest: %s\n' "$1" "$(env "${@:2}" target/debug/builds)"; }
{
  row 'not set'
  row SSL_CERT_DIR= SSL_CERT_DIR=
  row SSL_CERT_FILE= SSL_CERT_FILE=
  row SSL_CERT_FILE=/nowhere SSL_CERT_FILE=/nowhere
} | tee table
diff table - <<'TABLE'
not set                   reqwest: built
SSL_CERT_DIR=             reqwest: built
SSL_CERT_FILE=            reqwest: General("No CA certificates were loaded from the system")
SSL_CERT_FILE=/nowhere    reqwest: General("No CA certificates were loaded from the system")
TABLE

openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out own.pem -days 30 -subj '/CN=localhost' 2>/dev/null
openssl s_server -accept 127.0.0.1:0 -cert own.pem -key key.pem -www >server.log 2>/dev/null &
trap 'kill $!; rm -rf "$folder"' EXIT
until grep -qs "^ACCEPT" server.log; do sleep 0.1; done
port=$(sed -n 's/^ACCEPT.*:\([0-9]*\)$/\1/p' server.log)
# 60: the system's roots are loaded, and do not know the server. 77: the certificates cannot be read.
code=0
SSL_CERT_FILE='' curl -sS "https://127.0.0.1:$port/" 2>/dev/null || code=$?
test "$code" = 60
code=0
SSL_CERT_FILE=/nowhere curl -sS "https://127.0.0.1:$port/" 2>curl.log || code=$?
test "$code" = 77
grep -F /nowhere curl.log
echo 'the finding holds'
