#!/usr/bin/env bash
# m3u8-rs (crates.io): a segment whose title has a comma becomes two segments, the first of which does not exist.
#
# Guess: the title of #EXTINF is all text after the first comma up to the end of the line (RFC 8216, 4.3.2.1), as hls_m3u8, m3u8 and
#   hls-parser read it. Titles made of prompts, as "a red kite, in the wind", often have commas.
# Versions: m3u8-rs 6.0.1 and hls_m3u8 0.7.0 (crates.io), m3u8 6.0.0 (PyPI), hls-parser 0.16.1 (npm).
# Behaviour: m3u8-rs takes the title up to the next comma, and the rest of the line as the URI. The real URI becomes a segment of 0 s
#   without a title. So a playlist of two segments has three, one of them a name that no server has, and the text that m3u8-rs writes
#   back has the rest of the title on a line of its own, as a URI. No error is returned.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check m3u8==6.0.0
npm install --silent --no-audit --no-fund --ignore-scripts hls-parser@0.16.1
cat >clips.m3u8 <<'PLAYLIST'
#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:5
#EXTINF:5.0,a red kite, in the wind
kite.ts
#EXTINF:4.0,a boat
boat.ts
#EXT-X-ENDLIST
PLAYLIST
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
    let text = std::fs::read_to_string("clips.m3u8").expect("a file");
    let playlist = hls_m3u8::MediaPlaylist::try_from(text.as_str()).expect("a playlist");
    for (_, segment) in &playlist.segments {
        let title = segment.duration.title().as_deref().unwrap_or_default();
        println!("hls_m3u8: {} {} [{title}]", segment.uri(), segment.duration.duration().as_secs());
    }
    let playlist = m3u8_rs::parse_media_playlist_res(text.as_bytes()).expect("a playlist");
    for segment in &playlist.segments {
        println!("m3u8-rs: {} {} [{}]", segment.uri, segment.duration, segment.title.as_deref().unwrap_or_default());
    }
    let mut written = Vec::new();
    playlist.write_to(&mut written).expect("a text");
    println!("written by m3u8-rs:\n{}", String::from_utf8(written).expect("a text"));
}
RUST
{
  venv/bin/python -c '
import m3u8
for segment in m3u8.load("clips.m3u8").segments:
    print(f"m3u8: {segment.uri} {segment.duration:g} [{segment.title}]")'
  node -e '
const { segments } = require("hls-parser").parse(require("fs").readFileSync("clips.m3u8", "utf8"));
for (const { uri, duration, title } of segments) console.log(`hls-parser: ${uri} ${duration} [${title}]`);'
  cargo run --quiet
} >output
cat output
diff output - <<'EXPECTED'
m3u8: kite.ts 5 [a red kite, in the wind]
m3u8: boat.ts 4 [a boat]
hls-parser: kite.ts 5 [a red kite, in the wind]
hls-parser: boat.ts 4 [a boat]
hls_m3u8: kite.ts 5 [a red kite, in the wind]
hls_m3u8: boat.ts 4 [a boat]
m3u8-rs: in the wind 5 [a red kite]
m3u8-rs: kite.ts 0 []
m3u8-rs: boat.ts 4 [a boat]
written by m3u8-rs:
#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:5
#EXTINF:5,a red kite
in the wind
#EXTINF:0,
kite.ts
#EXTINF:4,a boat
boat.ts
#EXT-X-ENDLIST

EXPECTED
