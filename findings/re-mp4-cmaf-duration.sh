#!/usr/bin/env bash
# re_mp4 (crates.io): how long is a CMAF clip of three seconds?
#
# Guess: 3 s, give or take a frame, whether the movie is in one piece or in fragments; B-frames do not matter.
# Versions: re_mp4 0.5.1, beside mp4box 2.4.1 (npm); written by ffmpeg 9.0.2 (imageio-ffmpeg 0.8.1, PyPI).
# Behaviour: 349528 s, four days, without an error, with `-movflags cmaf`, and right otherwise. CMAF replaces the edit list by negative
#   composition offsets, which are signed in version 1 of `trun` (ISO/IEC 14496-12, 8.8.8); with re_mp4 each frame shown before its place
#   in the file moves ahead by about 2^32 units of 1/12288 s, as if they were unsigned. Negative offsets in a movie in one piece are right.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check imageio-ffmpeg==0.8.1
npm install --silent --no-audit --no-fund --ignore-scripts mp4box@2.4.1
ffmpeg=$(venv/bin/python -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
run() { "$ffmpeg" -nostdin -v error "$@"; }
run -f lavfi -i testsrc2=s=160x120:r=24:d=3 -c:v libx264 -bf 2 -g 24 movie.mp4
run -i movie.mp4 -c copy -movflags negative_cts_offsets negative.mp4
run -i movie.mp4 -c copy -movflags frag_keyframe+empty_moov+default_base_moof fragments.mp4
run -i movie.mp4 -c copy -movflags frag_keyframe+empty_moov+default_base_moof+cmaf cmaf.mp4

mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"
[dependencies]
re_mp4 = "=0.5.1"
[workspace]
TOML
cat >src/main.rs <<'RUST'
fn main() {
    for name in std::env::args().skip(1) {
        let bytes = std::fs::read(&name).expect("a file");
        let movie = re_mp4::Mp4::read_bytes(&bytes).expect("a movie");
        let track = movie.tracks().values().next().expect("a track");
        let seconds = |units: i64| units as f64 / track.timescale as f64;
        let times: Vec<_> = track.samples.iter().take(4).map(|sample| format!("{:.2}", seconds(sample.composition_timestamp))).collect();
        println!("re_mp4: {name}: {:.2} s, first frames at {}", seconds(track.duration as i64), times.join(" "));
    }
}
RUST
cat >read.mjs <<'NODE'
import { readFileSync } from "node:fs";
import { createFile } from "mp4box";
const bytes = readFileSync("cmaf.mp4");
const file = createFile();
const samples = [];
file.onReady = (info) => {
  file.setExtractionOptions(info.tracks[0].id);
  file.start();
};
file.onSamples = (id, user, more) => samples.push(...more);
const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
buffer.fileStart = 0;
file.appendBuffer(buffer);
file.flush();
const times = samples.slice(0, 4).map(({ cts, timescale }) => (cts / timescale).toFixed(2));
console.log(`mp4box: cmaf.mp4: first frames at ${times.join(" ")}`);
NODE
{
  cargo run --quiet -- movie.mp4 negative.mp4 fragments.mp4 cmaf.mp4
  timeout 20 node read.mjs
} >output
cat output
diff output - <<'EXPECTED'
re_mp4: movie.mp4: 3.00 s, first frames at 0.00 0.12 0.04 0.08
re_mp4: negative.mp4: 3.00 s, first frames at 0.00 0.12 0.04 0.08
re_mp4: fragments.mp4: 3.04 s, first frames at 0.08 0.21 0.12 0.17
re_mp4: cmaf.mp4: 349528.29 s, first frames at 0.00 0.12 349525.38 349525.42
mp4box: cmaf.mp4: first frames at 0.00 0.13 0.04 0.08
EXPECTED
