#!/usr/bin/env bash
# mpd-parser (npm, the DASH parser of video.js): which segments does it list for clips that a manifest puts one after another?
#
# Guess: each form of the same presentation gives the same segments. A Period without @duration lasts until the next one starts, and the
#   last one to the end of the presentation (ISO/IEC 23009-1, 5.3.2.1); @presentationTimeOffset only says which media time is the
#   start of the Period (5.3.9.2); @r="-1" repeats a segment to the end of the Period (5.3.9.6).
# Version: mpd-parser 1.4.0.
# Behaviour: only the form that states each duration is right. A Period without @duration gets the duration of the whole presentation,
#   so that each clip is followed by segments that do not exist. With @presentationTimeOffset, @r="-1" gives no segment at all, and
#   numbered segments get times before the start. With Period@duration alone, which is valid, the presentation lasts 0 s. The
#   parser calls its handler of events, which gets warnings, for none of them.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts mpd-parser@1.4.0

cat >parse.cjs <<'NODE'
const { parse } = require("mpd-parser");

// Clip a lasts 4 s, clip b 5 s; segments of 2 s.
const period = (name, attributes, template, timeline = "") => `
  <Period ${attributes}><AdaptationSet mimeType="video/mp4">
    <SegmentTemplate initialization="${name}.mp4" media="${name}$Number$" ${template}>${timeline}</SegmentTemplate>
    <Representation id="v" bandwidth="1000000" codecs="avc1.64001f" width="1280" height="720"/>
  </AdaptationSet></Period>`;
const clip = (name, attributes) => period(name, attributes, 'timescale="1" duration="2"');
const whole = 'mediaPresentationDuration="PT9S"';
const offset = 'timescale="10" presentationTimeOffset="100"';
const repeat = (start) => `<SegmentTimeline><S t="${start}" d="30" r="-1"/></SegmentTimeline>`;
const FORMS = {
  "each duration stated": [whole, clip("a", 'duration="PT4S"'), clip("b", 'duration="PT5S"')],
  "the last one implied": [whole, clip("a", 'duration="PT4S"'), clip("b", "")],
  "starts stated": [whole, clip("a", 'start="PT0S"'), clip("b", 'start="PT4S"')],
  "durations of periods alone": ["", clip("a", 'duration="PT4S"'), clip("b", 'duration="PT5S"')],
  "repeated to the end": [whole, period("c", 'duration="PT9S"', 'timescale="10"', repeat(0))],
  "repeated, with an offset": [whole, period("c", 'duration="PT9S"', offset, repeat(100))],
  "numbered": [whole, period("c", 'duration="PT9S"', 'timescale="10" duration="30"')],
  "numbered, with an offset": [whole, period("c", 'duration="PT9S"', `${offset} duration="30"`)],
};
for (const [form, [attributes, ...periods]] of Object.entries(FORMS)) {
  const text = `<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" minBufferTime="PT2S"
    profiles="urn:mpeg:dash:profile:isoff-live:2011" ${attributes}>${periods.join("")}</MPD>`;
  const eventHandler = ({ message }) => console.log(`${form}: ${message}`);
  const manifest = parse(text, { manifestUri: "https://example.com/clip.mpd", eventHandler });
  const segments = manifest.playlists.flatMap((playlist) => playlist.segments);
  const list = segments.map(({ uri, presentationTime, duration }) => `${uri}@${presentationTime}+${duration}`);
  console.log(`${form}: ${manifest.duration} s: ${list.join(" ") || "no segment"}`);
}
NODE
timeout 50 node parse.cjs >output
cat output
diff output - <<'EXPECTED'
each duration stated: 9 s: a1@0+2 a2@2+2 b1@4+2 b2@6+2 b3@8+1
the last one implied: 9 s: a1@0+2 a2@2+2 b1@4+2 b2@6+2 b3@8+2 b4@10+2 b5@12+1
starts stated: 9 s: a1@0+2 a2@2+2 a3@4+2 a4@6+2 a5@8+1 b1@4+2 b2@6+2 b3@8+2 b4@10+2 b5@12+1
durations of periods alone: 0 s: a1@0+2 a2@2+2 b1@4+2 b2@6+2 b3@8+1
repeated to the end: 9 s: c1@0+3 c2@3+3 c3@6+3
repeated, with an offset: 9 s: no segment
numbered: 9 s: c1@0+3 c2@3+3 c3@6+3
numbered, with an offset: 9 s: c1@-10+3 c2@-7+3 c3@-4+3
EXPECTED
