#!/usr/bin/env bash
# A DASH manifest of two clips, one Period each: which clips are in the file that a downloader saves?
#
# Guess: both; static manifests of several periods are DASH's way to join clips, and a tool that cannot read them says so.
# Versions: ffmpeg 9.0.2 (imageio-ffmpeg 0.8.1), yt-dlp 2026.10.26, streamlink 8.6.3 (PyPI), dasha 3.1.9 (npm).
# Behaviour: each of the four takes one clip, ffmpeg the longest, yt-dlp the last, streamlink and dasha the first; dasha, a parser, lists
#   its segments, and the others save them and exit with 0. yt-dlp joins periods whose representations differ in nothing, not in BaseURL
#   either, and ffmpeg then decodes 96 of the 120 frames. A video of several generated clips is saved in part, and the exit
#   status does not show it.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || :
  rm -rf "$folder"
}
trap finish EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check imageio-ffmpeg==0.8.1 yt-dlp==2026.10.26 streamlink==8.6.3
npm install --silent --no-audit --no-fund --ignore-scripts dasha@3.1.9
ffmpeg=$(venv/bin/python -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')

clip() {
  mkdir "$1"
  "$ffmpeg" -nostdin -v error -f lavfi -i "color=$2:s=160x120:r=24:d=$3" -c:v libx264 -preset ultrafast -g 24 -f dash -seg_duration 1 \
    -use_timeline 0 -init_seg_name init.mp4 -media_seg_name "\$Number\$.m4s" "$1/alone.mpd"
}
clip short black 2
clip long white 3
# The clip's name, its start and its duration; where its segments are, in BaseURL and in the template.
period() {
  cat <<XML
<Period id="$1" start="PT$2S" duration="PT$3S">$4<AdaptationSet contentType="video" mimeType="video/mp4">
<SegmentTemplate timescale="1" duration="1" initialization="$5init.mp4" media="$5\$Number\$.m4s"/>
<Representation id="v" bandwidth="100000" codecs="avc1.64000b" width="160" height="120" frameRate="24"/>
</AdaptationSet></Period>
XML
}
manifest() {
  echo '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT5S" minBufferTime="PT1S"' \
    'profiles="urn:mpeg:dash:profile:isoff-live:2011">'
  cat
  echo '</MPD>'
}
{ period short 0 2 '<BaseURL>short/</BaseURL>' ''; period long 2 3 '<BaseURL>long/</BaseURL>' ''; } | manifest >short-long.mpd
{ period long 0 3 '<BaseURL>long/</BaseURL>' ''; period short 3 2 '<BaseURL>short/</BaseURL>' ''; } | manifest >long-short.mpd
{ period short 0 2 '' short/; period long 2 3 '' long/; } | manifest >without-base-urls.mpd

venv/bin/python -u -c '
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
print(server.server_port)
server.serve_forever()' >port 2>log &
server=$!
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
base=http://127.0.0.1:$(cat port)

# The runs of frames in the order of their times, as "48 short".
content() {
  "$ffmpeg" -nostdin -v quiet -i "$1" -fps_mode passthrough -vf scale=1:1,format=gray -f rawvideo - | venv/bin/python -c '
import itertools, sys
names = ("short" if pixel < 128 else "long" for pixel in sys.stdin.buffer.read())
runs = [(name, len(list(run))) for name, run in itertools.groupby(names)]
print(", ".join(f"{count} {name}" for name, count in runs) if len(runs) < 4 else f"{len(runs)} runs of both")'
}
for name in short-long long-short without-base-urls; do
  url=$base/$name.mpd
  status=0
  "$ffmpeg" -nostdin -v quiet -i "$url" -c copy -y saved.mp4 || status=$?
  echo "$name: ffmpeg: exit $status, $(content saved.mp4)"
  rm -f saved.mp4
  status=0
  timeout 30 venv/bin/yt-dlp --quiet --fixup never --no-cache-dir -o saved.mp4 "$url" >>log 2>&1 || status=$?
  echo "$name: yt-dlp: exit $status, $(content saved.mp4)"
  status=0
  timeout 30 venv/bin/streamlink --no-config -f -o saved.mp4 "dash://$url" best >>log 2>&1 || status=$?
  echo "$name: streamlink: exit $status, $(content saved.mp4)"
  node --input-type=module -e '
import { readFileSync } from "node:fs";
import { parse } from "dasha";
const [name] = process.argv.slice(1);
const { tracks } = await parse(readFileSync(`${name}.mpd`, "utf8"), "https://example.com/");
const urls = tracks.all.flatMap(({ segments }) => segments.map(({ url }) => new URL(url).pathname));
console.log(`${name}: dasha: ${urls.join(" ")}`);' "$name"
done >output
cat output
diff output - <<'EXPECTED'
short-long: ffmpeg: exit 0, 72 long
short-long: yt-dlp: exit 0, 72 long
short-long: streamlink: exit 0, 48 short
short-long: dasha: /short/init.mp4 /short/1.m4s /short/2.m4s
long-short: ffmpeg: exit 0, 72 long
long-short: yt-dlp: exit 0, 48 short
long-short: streamlink: exit 0, 72 long
long-short: dasha: /long/init.mp4 /long/1.m4s /long/2.m4s /long/3.m4s
without-base-urls: ffmpeg: exit 0, 72 long
without-base-urls: yt-dlp: exit 0, 48 short, 48 long
without-base-urls: streamlink: exit 0, 48 short
without-base-urls: dasha: /short/init.mp4 /short/1.m4s /short/2.m4s
EXPECTED
