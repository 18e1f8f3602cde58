#!/usr/bin/env bash
# Libraries of video services whose methods take a file: what do they send for a path, as text and as pathlib.Path?
#
# Guess: the file at that path, or an error. The type of the parameter allows `str`, and no video is a `str`, so that it means a path.
# Versions (PyPI): elevenlabs 2.78.0, twelvelabs 1.3.6, syncsdk 0.3.0 (Fern generates all three); openai 3.57.0 (Stainless).
# Behaviour: for the text, the three of Fern send the letters of the path, "clip.mp4", as the content of a file named "upload", and report
#   success, since httpx, to which they pass it on, takes a `str` for content. The service has a job on a video of 8 bytes. A
#   pathlib.Path, which their type does not allow, is an error in the middle of the request. openai refuses the text and opens the Path.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile elevenlabs==2.78.0 twelvelabs==1.3.6 syncsdk==0.3.0 openai==3.57.0
head -c 300000 /dev/urandom >clip.mp4

cat >send.py <<'PYTHON'
import email
import http.server
import json
import pathlib
import threading

import elevenlabs
import openai
import sync
import twelvelabs

files = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form = email.message_from_bytes(b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n" + body)
        files.extend(part.get_payload(decode=True) for part in form.get_payload() if part.get_filename())
        body = json.dumps({"id": "job", "_id": "job", "dubbing_id": "job", "expected_duration_sec": 1}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.handle_error = lambda *_: None
threading.Thread(target=server.serve_forever, daemon=True).start()
options = {"api_key": "key", "base_url": f"http://127.0.0.1:{server.server_address[1]}"}
dubbing = elevenlabs.ElevenLabs(**options).dubbing
tasks = twelvelabs.TwelveLabs(**options).tasks
generations = sync.Sync(**options).generations
videos = openai.OpenAI(**options).videos
calls = {
    "elevenlabs": lambda file: dubbing.create(file=file, target_lang="de"),
    "twelvelabs": lambda file: tasks.create(index_id="index", video_file=file),
    "syncsdk": lambda file: generations.create_with_files(model="lipsync-2", video=file),
    "openai": lambda file: videos.create(prompt="sea", input_reference=file),
}
for name, call in calls.items():
    outcomes = []
    for kind in (str, pathlib.Path):
        files.clear()
        try:
            call(kind("clip.mp4"))
            outcome = "the file" if len(files[0]) == 300_000 else repr(files[0])
        except Exception:
            outcome = "error"
        outcomes.append(f"{kind.__name__}: {outcome}")
    print(f"{name}: {', '.join(outcomes)}", flush=True)
PYTHON
timeout 60 venv/bin/python -W ignore send.py >output
cat output
diff output - <<'EXPECTED'
elevenlabs: str: b'clip.mp4', Path: error
twelvelabs: str: b'clip.mp4', Path: error
syncsdk: str: b'clip.mp4', Path: error
openai: str: error, Path: the file
EXPECTED
