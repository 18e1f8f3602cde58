#!/usr/bin/env bash
# google-cloud-storage (PyPI): an integer `expiration` means one thing to version 2 and another to version 4.
#
# Guess: `generate_signed_url(expiration=3600)` is a link for an hour, or an error, in both versions; the documentation
# calls the parameter, an integer too, the point in time when the link expires.
# Version: google-cloud-storage 3.17.1.
# Behaviour: version 2 takes the integer as seconds since 1970 and signs `Expires=3600`, a link that ended in 1970,
# without a word. Version 4 takes it as seconds from now, and refuses the point in time as longer than seven days.
# A timedelta means the same to both.
# Output on 2026-11-27:
#   v2 3600: Expires=3600
#   v4 3600: X-Goog-Expires=3600
#   v2 the time in an hour: Expires is in an hour
#   v4 the time in an hour: ValueError: Max allowed expiration interval is seven days 604800
#   v2 timedelta of an hour: Expires is in an hour
#   v4 timedelta of an hour: X-Goog-Expires=3600
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check google-cloud-storage==3.17.1 cryptography==50.0.2

venv/bin/python - >output 2>/dev/null <<'PYTHON'
import datetime, re, time
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.cloud import storage
from google.oauth2 import service_account

pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
credentials = service_account.Credentials.from_service_account_info({
    "client_email": "signer@example.com", "private_key": pem.decode(), "token_uri": "https://example.com"})
blob = storage.Client("example", credentials).bucket("clips").blob("clip.mp4")
in_an_hour = int(time.time()) + 3600
for name, expiration in {
    "3600": 3600, "the time in an hour": in_an_hour, "timedelta of an hour": datetime.timedelta(hours=1)
}.items():
    for version in ["v2", "v4"]:
        try:
            url = blob.generate_signed_url(version=version, expiration=expiration)
            told = re.search(r"[?&]((?:X-Goog-)?Expires)=(\d+)", url)
            near = abs(int(told[2]) - in_an_hour) < 60
            print(f"{version} {name}: {told[1]}" + (" is in an hour" if near else f"={told[2]}"))
        except ValueError as error:
            print(f"{version} {name}: ValueError: {error}")
PYTHON
cat output
diff output - <<'EXPECTED'
v2 3600: Expires=3600
v4 3600: X-Goog-Expires=3600
v2 the time in an hour: Expires is in an hour
v4 the time in an hour: ValueError: Max allowed expiration interval is seven days 604800
v2 timedelta of an hour: Expires is in an hour
v4 timedelta of an hour: X-Goog-Expires=3600
EXPECTED
