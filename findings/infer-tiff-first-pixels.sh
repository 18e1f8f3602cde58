#!/usr/bin/env bash
# infer: whether a TIFF is a TIFF depends on the colour of its first pixels.
#
# Guess: a TIFF is known by its first four bytes, II*\0 or MM\0*, whatever its pixels are.
# Seen with: infer 0.22.0 (crates.io); the files are written by libtiff, as pillow 13.0.0 (PyPI) has it, and read back.
# Behaviour: to tell a TIFF from a Canon CR2, infer wants byte 8 to be other than 'C' (0x43) and byte 9 other than 'R'
#   (0x52), each by itself. Writers that put the pixels before the directory, as libtiff and ImageMagick do, have the first
#   two pixels there. So a grey picture whose first pixel is 0x43, or whose second is 0x52, is of no known type: 511 of the
#   65536 pairs are.
# Output on 2026-11-27:
#   first pixels 42 42: image/tiff
#   first pixels 43 00: unknown
#   first pixels 00 52: unknown
#   first pixels 43 52: unknown
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip --quiet --disable-pip-version-check install pillow==13.0.0
python/bin/python - <<'PYTHON'
from PIL import Image, TiffImagePlugin

TiffImagePlugin.WRITE_LIBTIFF = True
for first, second in [(0x42, 0x42), (0x43, 0), (0, 0x52), (0x43, 0x52)]:
    picture = Image.new("L", (8, 8), 7)
    picture.putpixel((0, 0), first)
    picture.putpixel((1, 0), second)
    name = f"{first:02x} {second:02x}.tif"
    picture.save(name)
    assert Image.open(name).tobytes() == picture.tobytes()
PYTHON
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"
[dependencies]
infer = "=0.22.0"
[workspace]
TOML
cat >src/main.rs <<'RUST'
fn main() {
    for pixels in ["42 42", "43 00", "00 52", "43 52"] {
        let file = std::fs::read(format!("{pixels}.tif")).expect("a file");
        let kind = infer::get(&file).map_or("unknown", |kind| kind.mime_type());
        println!("first pixels {pixels}: {kind}");
    }
}
RUST
cargo run --quiet >output
cat output
diff output - <<'TEXT'
first pixels 42 42: image/tiff
first pixels 43 00: unknown
first pixels 00 52: unknown
first pixels 43 52: unknown
TEXT
