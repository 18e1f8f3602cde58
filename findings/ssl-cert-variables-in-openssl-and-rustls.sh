#!/usr/bin/env bash
# SSL_CERT_FILE and SSL_CERT_DIR name the root certificates to OpenSSL and to rustls, and mean different things there.
#
# Guess: each variable names all the roots that are trusted, in both; a folder holds PEM files of any name.
#
# Versions: rustls-native-certs 0.8.5 (what rustls-platform-verifier, and so reqwest 0.13, loads roots with); OpenSSL 3.0.19,
# ca-certificates 20230311+deb12u1 of Debian 12.
#
# Observed:
# - OpenSSL: SSL_CERT_FILE replaces the default file alone. The default folder is still read, and on Debian it holds the same
#   roots. So a program that is pinned to one private root by SSL_CERT_FILE goes on to trust every public one. Both variables
#   have to be set.
# - rustls-native-certs: either variable replaces both, so SSL_CERT_FILE pins.
# - OpenSSL reads of SSL_CERT_DIR only files that are named by their subject's hash (`openssl rehash`); rustls-native-certs
#   reads every file, so a copied `root.pem` is trusted by rustls and not by OpenSSL.
#
# Output on 2026-11-27:
#   SSL_CERT_FILE=own          openssl: own trusted, public trusted    rustls: 1 root
#   SSL_CERT_FILE+DIR=own      openssl: own trusted, public refused    rustls: 1 root
#   SSL_CERT_DIR=unhashed      openssl: own refused, public trusted    rustls: 1 root
#   SSL_CERT_DIR=hashed        openssl: own trusted, public trusted    rustls: 1 root
#
# Needs cargo, and Debian's packages openssl and ca-certificates.
set -euo pipefail
unset SSL_CERT_FILE SSL_CERT_DIR

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

mkdir -p loads/src
cat > loads/Cargo.toml <<'TOML'
[package]
name = "loads"
version = "0.0.0"
edition = "2024"
[dependencies]
rustls-native-certs = "=0.8.5"
TOML
echo 'fn main() { println!("{}", rustls_native_certs::load_native_certs().certs.len()); }' > loads/src/main.rs
CARGO_TARGET_DIR=$folder/target cargo build --quiet --manifest-path loads/Cargo.toml

openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out own.pem -days 30 -subj '/CN=Private Root' 2>req.log
public=/etc/ssl/certs/ISRG_Root_X1.pem
mkdir unhashed hashed empty
cp own.pem unhashed/root.pem
cp own.pem hashed/root.pem
openssl rehash hashed

verdict() { if "${@:2}" openssl verify "$1" >verify.log 2>&1; then echo trusted; else echo refused; fi; }
row() {
  printf '%-26s openssl: own %s, public %s    rustls: %s root\n' "$1" \
    "$(verdict own.pem env "${@:2}")" "$(verdict $public env "${@:2}")" "$(env "${@:2}" target/debug/loads)"
}
{
  row SSL_CERT_FILE=own SSL_CERT_FILE=own.pem
  row SSL_CERT_FILE+DIR=own SSL_CERT_FILE=own.pem SSL_CERT_DIR=empty
  row SSL_CERT_DIR=unhashed SSL_CERT_DIR=unhashed
  row SSL_CERT_DIR=hashed SSL_CERT_DIR=hashed
} | tee table
diff table - <<'TABLE'
SSL_CERT_FILE=own          openssl: own trusted, public trusted    rustls: 1 root
SSL_CERT_FILE+DIR=own      openssl: own trusted, public refused    rustls: 1 root
SSL_CERT_DIR=unhashed      openssl: own refused, public trusted    rustls: 1 root
SSL_CERT_DIR=hashed        openssl: own trusted, public trusted    rustls: 1 root
TABLE
echo 'the finding holds'
