#!/usr/bin/env bash
# mutagen (PyPI), lofty and mp4ameta (crates.io): a title written to a fragmented MP4 ruins its pictures, without an error.
#
# Guess: a library that inserts a tag in `moov` moves the offsets behind it: mutagen has code for those of fragments (`tfhd`, ISO/IEC
#   14496-12, 8.8.7), and the two crates, which read such files, do the same or refuse to write.
# Versions: mutagen 1.48.1, lofty 0.25.5, mp4ameta 0.13.0; the movie is written and read by ffmpeg 9.0.2 (imageio-ffmpeg 0.8.1, PyPI).
# Behaviour: mutagen moves the offset of the FIRST fragment and leaves those of the others; lofty and mp4ameta move none. All three
#   report success, and read the title back. Files like this are what `ffmpeg -movflags frag_keyframe+empty_moov` writes; with
#   `default_base_moof` added (offsets from the fragment itself) or an index in one piece, all three keep each picture.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mutagen==1.48.1 imageio-ffmpeg==0.8.1
ffmpeg=$(venv/bin/python -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"
[dependencies]
lofty = "=0.25.5"
mp4ameta = "=0.13.0"
[workspace]
TOML
cat >src/main.rs <<'RUST'
use lofty::config::WriteOptions;
use lofty::prelude::*;
use lofty::tag::{Tag, TagType};

/// Arguments: library, file, title.
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, library, path, title] = &arguments[..] else { panic!("three arguments") };
    if library == "lofty" {
        let mut file = lofty::read_from_path(path).expect("a readable file");
        if file.primary_tag().is_none() {
            file.insert_tag(Tag::new(TagType::Mp4Ilst));
        }
        file.primary_tag_mut().expect("a tag").set_title(title.clone());
        file.save_to_path(path, WriteOptions::default()).expect("a written file");
    } else {
        let mut tag = mp4ameta::Tag::read_from_path(path).expect("a readable file");
        tag.set_title(title.clone());
        tag.write_to_path(path).expect("a written file");
    }
}
RUST
cargo build --quiet
cat >tag.py <<'PYTHON'
import sys
from mutagen.mp4 import MP4

file = MP4(sys.argv[1])
if len(sys.argv) == 3:
    file["\xa9nam"] = sys.argv[2]
    file.save()
print(*file["\xa9nam"])
PYTHON

title=$(printf 'kite %.0s' {1..400})
pictures() { "$ffmpeg" -nostdin -v quiet -i "$1" -f framemd5 - | sed -n 's/^0,.* //p' || true; }
# With sound, since lofty reads no others.
movie() {
    "$ffmpeg" -nostdin -v error -f lavfi -i testsrc2=s=160x120:r=24:d=3 -f lavfi -i sine=d=3 -c:v libx264 -preset ultrafast -g 12 \
        -c:a aac -movflags "$1" "$2"
}
movie frag_keyframe+empty_moov fragments.mp4
movie frag_keyframe+empty_moov+default_base_moof "fragments with default_base_moof.mp4"
movie faststart "one index.mp4"
for file in "one index.mp4" "fragments with default_base_moof.mp4" fragments.mp4; do
    for library in mutagen lofty mp4ameta; do
        cp "$file" tagged.mp4
        case $library in
            mutagen) venv/bin/python tag.py tagged.mp4 "$title" >log ;;
            *) target/debug/finding $library tagged.mp4 "$title" ;;
        esac
        [ "$(venv/bin/python tag.py tagged.mp4)" = "$title" ] && read_back="title read back" || read_back="no title"
        kept=$(diff <(pictures "$file") <(pictures tagged.mp4) --unchanged-line-format='%L' --old-line-format= --new-line-format= | wc -l || true)
        echo "$file, $library: $read_back, $kept of $(pictures "$file" | wc -l) pictures kept"
    done
done >output
cat output
diff output - <<'EXPECTED'
one index.mp4, mutagen: title read back, 72 of 72 pictures kept
one index.mp4, lofty: title read back, 72 of 72 pictures kept
one index.mp4, mp4ameta: title read back, 72 of 72 pictures kept
fragments with default_base_moof.mp4, mutagen: title read back, 72 of 72 pictures kept
fragments with default_base_moof.mp4, lofty: title read back, 72 of 72 pictures kept
fragments with default_base_moof.mp4, mp4ameta: title read back, 72 of 72 pictures kept
fragments.mp4, mutagen: title read back, 12 of 72 pictures kept
fragments.mp4, lofty: title read back, 0 of 72 pictures kept
fragments.mp4, mp4ameta: title read back, 0 of 72 pictures kept
EXPECTED
