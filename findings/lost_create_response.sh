#!/usr/bin/env bash
# How often the clients of video services send a create whose response is lost.
#
# Guess: the clients that Stainless generates send it three times (they document two retries), the others once, since a
# create costs money and none of them sends an idempotency key; and no client retries a lost response more often than a
# plain 503, which at least says that the service did not take the request.
#
# Versions: fal-client 1.0.3, replicate 1.0.7, runwayml 5.24.0 (PyPI), CPython 3.11.
#
# Behaviour: the server reads each POST whole and closes the connection without a response. fal-client sends the create
# ten times, so that one call to `submit` queues up to ten generations, although the same client sends it once when the
# answer is 503: a connection that breaks counts as retryable in `_should_retry`, a 503 that is not nginx's does not.
# runwayml sends it three times in both cases, replicate once. None sends an Idempotency-Key.
#
# Output on 2026-11-27:
#   fal-client lost: 10 POSTs, with idempotency key: 0
#   fal-client 503: 1 POSTs, with idempotency key: 0
#   replicate lost: 1 POSTs, with idempotency key: 0
#   replicate 503: 1 POSTs, with idempotency key: 0
#   runwayml lost: 3 POSTs, with idempotency key: 0
#   runwayml 503: 3 POSTs, with idempotency key: 0
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check fal-client==1.0.3 replicate==1.0.7 runwayml==5.24.0 trustme==1.2.1

cat >run.py <<'PYTHON'
import os, socket, ssl, sys, threading
import trustme

client, mode = sys.argv[1:]
posts = []
authority = trustme.CA()
authority.cert_pem.write_to_path("root.pem")
os.environ["SSL_CERT_FILE"] = os.path.abspath("root.pem")
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
authority.issue_cert("localhost").configure_cert(tls)


def serve(connection):
    with tls.wrap_socket(connection, server_side=True) as stream:
        received = b""
        while b"\r\n\r\n" not in received:
            received += stream.recv(65536)
        head, body = received.split(b"\r\n\r\n", 1)
        lines = head.decode().lower().split("\r\n")
        length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length:"))
        while len(body) < length:
            body += stream.recv(65536)
        posts.append(lines)
        if mode == "503":
            stream.sendall(b"HTTP/1.1 503 Busy\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")


def accept(listener):
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=accept, args=(listener,), daemon=True).start()
host = f"localhost:{listener.getsockname()[1]}"


def create():
    if client == "fal-client":
        os.environ["FAL_RUN_HOST"] = os.environ["FAL_QUEUE_RUN_HOST"] = host
        import fal_client

        # Shorter pauses; their number stays.
        fal_client.client.BASE_DELAY = 0.01
        fal_client.SyncClient(key="key").submit("owner/video", arguments={"prompt": "a kite"})
    elif client == "replicate":
        import replicate

        service = replicate.Client(api_token="key", base_url=f"https://{host}")
        service.predictions.create(version="version", input={"prompt": "a kite"})
    else:
        import runwayml

        service = runwayml.RunwayML(api_key="key", base_url=f"https://{host}")
        service.text_to_video.create(model="veo3.1", prompt_text="a kite", ratio="1280:720", duration=4)


try:
    create()
except Exception as error:
    print(f"  ended with {type(error).__name__}: {str(error)[:100]}", file=sys.stderr)
assert all(lines[0].startswith("post ") for lines in posts), posts
keys = sum(line.startswith("idempotency-key:") for lines in posts for line in lines)
print(f"{client} {mode}: {len(posts)} POSTs, with idempotency key: {keys}")
PYTHON

for client in fal-client replicate runwayml; do
  for mode in lost 503; do
    venv/bin/python run.py "$client" "$mode"
  done
done | tee observed
diff observed - <<'END'
fal-client lost: 10 POSTs, with idempotency key: 0
fal-client 503: 1 POSTs, with idempotency key: 0
replicate lost: 1 POSTs, with idempotency key: 0
replicate 503: 1 POSTs, with idempotency key: 0
runwayml lost: 3 POSTs, with idempotency key: 0
runwayml 503: 3 POSTs, with idempotency key: 0
END
echo "as observed on 2026-11-27"
