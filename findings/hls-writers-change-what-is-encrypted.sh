#!/usr/bin/env bash
# HLS libraries: a playlist is read and written back without a change, and no longer plays.
#
# Guess: reading and writing keeps what each tag applies to. EXT-X-KEY applies to the segments and to the initialization section of each
#   EXT-X-MAP that follow it (RFC 8216, 4.3.2.4 and 4.3.2.5), so that the order of the two states whether the section is encrypted.
# Versions: m3u8 6.0.0 (PyPI), hls-parser 0.16.1 (npm), m3u8-rs 6.0.1 and hls_m3u8 0.7.0 (crates.io); read by ffmpeg 9.0.2
#   (imageio-ffmpeg 0.8.1, PyPI).
# Behaviour: each library has one order for all playlists. m3u8, hls-parser and hls_m3u8 write the key first, which declares a plain
#   section encrypted; m3u8-rs writes the section first, which declares an encrypted one plain. Nothing is reported, and a service
#   that inserts or removes segments with them breaks the playlists of the other order.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check m3u8==6.0.0 imageio-ffmpeg==0.8.1
npm install --silent --no-audit --no-fund --ignore-scripts hls-parser@0.16.1
ffmpeg=$(venv/bin/python -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
"$ffmpeg" -nostdin -v error -f lavfi -i testsrc2=s=160x120:r=24:d=2 -c:v libx264 -preset ultrafast -g 24 \
  -f hls -hls_segment_type fmp4 -hls_time 1 -hls_playlist_type vod plain.m3u8

iv=00000000000000000000000000000001
node -e '
const { createCipheriv, randomBytes } = require("crypto");
const { readFileSync, writeFileSync } = require("fs");
const key = randomBytes(16);
writeFileSync("key", key);
for (const name of ["init.mp4", "plain0.m4s", "plain1.m4s"]) {
  const cipher = createCipheriv("aes-128-cbc", key, Buffer.from(process.argv[1], "hex"));
  writeFileSync(`secret-${name}`, Buffer.concat([cipher.update(readFileSync(name)), cipher.final()]));
}' "$iv"
KEY="#EXT-X-KEY:METHOD=AES-128,URI=\"key\",IV=0x$iv"
playlist() {
  printf '%s\n' '#EXTM3U' '#EXT-X-VERSION:7' '#EXT-X-TARGETDURATION:1' "$@" \
    '#EXTINF:1,' secret-plain0.m4s '#EXTINF:1,' secret-plain1.m4s '#EXT-X-ENDLIST'
}
playlist '#EXT-X-MAP:URI="init.mp4"' "$KEY" >plain-section.m3u8
playlist "$KEY" '#EXT-X-MAP:URI="secret-init.mp4"' >encrypted-section.m3u8

mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"
[dependencies]
hls_m3u8 = "=0.7.0"
m3u8-rs = "=6.0.1"
[workspace]
TOML
cat >src/main.rs <<'RUST'
fn main() {
    for name in ["plain-section", "encrypted-section"] {
        let text = std::fs::read_to_string(format!("{name}.m3u8")).expect("a file");
        let playlist = m3u8_rs::parse_media_playlist_res(text.as_bytes()).expect("a playlist");
        let mut written = Vec::new();
        playlist.write_to(&mut written).expect("a text");
        std::fs::write(format!("{name}.m3u8-rs.m3u8"), written).expect("a file");
        let playlist = hls_m3u8::MediaPlaylist::try_from(text.as_str()).expect("a playlist");
        std::fs::write(format!("{name}.hls_m3u8.m3u8"), playlist.to_string()).expect("a file");
    }
}
RUST
cargo run --quiet
venv/bin/python -c '
import m3u8
for name in ["plain-section", "encrypted-section"]:
    m3u8.load(f"{name}.m3u8").dump(f"{name}.m3u8.m3u8")'
node -e '
const { parse, stringify } = require("hls-parser");
const { readFileSync, writeFileSync } = require("fs");
for (const name of ["plain-section", "encrypted-section"])
  writeFileSync(`${name}.hls-parser.m3u8`, stringify(parse(readFileSync(`${name}.m3u8`, "utf8"))));'

frames() {
  "$ffmpeg" -nostdin -v quiet -allowed_extensions ALL -protocol_whitelist file,crypto -i "$1" -f framemd5 - | grep -vc '^#' || true
}
for name in plain-section encrypted-section; do
  echo "$name: $(frames "$name.m3u8") frames as it is; written by m3u8: $(frames "$name.m3u8.m3u8"), by hls-parser:" \
    "$(frames "$name.hls-parser.m3u8"), by m3u8-rs: $(frames "$name.m3u8-rs.m3u8"), by hls_m3u8: $(frames "$name.hls_m3u8.m3u8")"
done >output
cat output
diff output - <<'EXPECTED'
plain-section: 48 frames as it is; written by m3u8: 0, by hls-parser: 0, by m3u8-rs: 48, by hls_m3u8: 0
encrypted-section: 48 frames as it is; written by m3u8: 48, by hls-parser: 48, by m3u8-rs: 0, by hls_m3u8: 48
EXPECTED
