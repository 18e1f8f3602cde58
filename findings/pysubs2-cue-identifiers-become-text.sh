#!/usr/bin/env bash
# pysubs2 (PyPI): the name of a WebVTT cue is shown as the last line of the cue before it.
#
# Guess: an identifier, the line before the times of a cue (WebVTT, 4.1), is dropped or kept, as numbers are, and is no text.
# Versions: pysubs2 1.8.1, beside webvtt-py 0.6.0 and pycaption 2.3.14 (PyPI).
# Behaviour: only identifiers made of digits are dropped. Any other one is added to the text of the cue before, and appears in
#   whatever is written from it, SRT or a burnt-in subtitle; that of the first cue is lost. Chapters and the cues of scenes, shots or
#   speakers usually have such names. The other two libraries read the same file right.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pysubs2==1.8.1 webvtt-py==0.6.0 pycaption==2.3.14
cat >numbered.vtt <<'VTT'
WEBVTT

1
00:01.000 --> 00:02.500
A kite rises.

2
00:03.000 --> 00:04.000
It turns.

3
00:05.000 --> 00:06.000
It falls.
VTT
sed 's/^[123]$/scene-&/' numbered.vtt >named.vtt
cat >read.py <<'PYTHON'
import pycaption
import pysubs2
import webvtt

for name in ["numbered.vtt", "named.vtt"]:
    text = open(name).read()
    cues = {
        "webvtt-py": [cue.text for cue in webvtt.read(name)],
        "pycaption": [cue.get_text() for cue in pycaption.WebVTTReader().read(text).get_captions("en-US")],
        "pysubs2": [event.plaintext for event in pysubs2.SSAFile.from_string(text)],
    }
    for library, texts in cues.items():
        print(f"{name}: {library}: {texts}")
print(pysubs2.load("named.vtt").to_string("srt"))
PYTHON
timeout 50 venv/bin/python read.py >output
cat output
diff output - <<'EXPECTED'
numbered.vtt: webvtt-py: ['A kite rises.', 'It turns.', 'It falls.']
numbered.vtt: pycaption: ['A kite rises.', 'It turns.', 'It falls.']
numbered.vtt: pysubs2: ['A kite rises.', 'It turns.', 'It falls.']
named.vtt: webvtt-py: ['A kite rises.', 'It turns.', 'It falls.']
named.vtt: pycaption: ['A kite rises.', 'It turns.', 'It falls.']
named.vtt: pysubs2: ['A kite rises.\n\nscene-2', 'It turns.\n\nscene-3', 'It falls.']
1
00:00:01,000 --> 00:00:02,500
A kite rises.
scene-2

2
00:00:03,000 --> 00:00:04,000
It turns.
scene-3

3
00:00:05,000 --> 00:00:06,000
It falls.


EXPECTED
