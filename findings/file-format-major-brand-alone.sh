#!/usr/bin/env bash
# file-format and infer: an MP4 whose major brand is not in their lists is unknown, whatever brands it is compatible with.
#
# Guess: a file that begins with an `ftyp` box is at least an MP4; ISO/IEC 14496-12 (4.3) has a reader look at the list of
#   compatible brands, since the major brand only names the best use.
# Seen with: file-format 0.29.0 (all readers) and infer 0.22.0 (crates.io); the files are written by the ffmpeg of
#   imageio-ffmpeg 0.8.1 (PyPI).
# Behaviour: both look at the major brand alone. One movie that is compatible with iso2 throughout is video/mp4 under some
#   major brands and unknown under others, newer ones (iso8) and CMAF's (cmfc) among them; so is what ffmpeg's muxer of
#   Smooth Streaming (`-f ismv`) writes without being asked for a brand.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip --quiet --disable-pip-version-check install imageio-ffmpeg==0.8.1
ffmpeg=$(python/bin/python -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
run() { "$ffmpeg" -hide_banner -loglevel error -y "$@"; }
run -f lavfi -i testsrc=size=64x64:rate=5:duration=1 -c:v mpeg4 isom.mp4
for brand in iso6 iso8 cmfc hvc1; do run -i isom.mp4 -c copy -brand "$brand" "$brand.mp4"; done
run -i isom.mp4 -c copy -f ismv ismv.mp4
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"
[dependencies]
file-format = { version = "=0.29.0", features = ["reader"] }
infer = "=0.22.0"
[workspace]
TOML
cat >src/main.rs <<'RUST'
fn main() {
    for name in ["isom", "iso6", "iso8", "cmfc", "hvc1", "ismv"] {
        let file = std::fs::read(format!("{name}.mp4")).expect("a file");
        let length = u32::from_be_bytes(file[..4].try_into().expect("four bytes")) as usize;
        let brands: Vec<_> = file[16..length].chunks(4).map(String::from_utf8_lossy).collect();
        let format = file_format::FileFormat::from_bytes(&file);
        let kind = infer::get(&file).map_or("unknown", |kind| kind.mime_type());
        let major = String::from_utf8_lossy(&file[8..12]);
        println!("{major}, compatible with {}: {format}, {kind}", brands.join(" "));
    }
}
RUST
cargo run --quiet >output
cat output
diff output - <<'TEXT'
isom, compatible with isom iso2 mp41: MPEG-4 Part 14 Video, video/mp4
iso6, compatible with iso6 iso2 mp41: MPEG-4 Part 14 Video, video/mp4
iso8, compatible with iso8 iso2 mp41: Arbitrary Binary Data, unknown
cmfc, compatible with cmfc iso2 mp41: Arbitrary Binary Data, unknown
hvc1, compatible with hvc1 iso2 mp41: Arbitrary Binary Data, unknown
isml, compatible with isml piff: Arbitrary Binary Data, unknown
TEXT
