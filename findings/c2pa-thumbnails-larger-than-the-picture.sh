#!/usr/bin/env bash
# c2pa-python (PyPI, the binding of Rust's c2pa): how large is the thumbnail of a small picture?
#
# Guess: the thumbnail that signing adds fits into 1024 by 1024 pixels, and is no larger than the picture, since it can show no more.
# Versions: c2pa-python 0.38.1, cryptography 50.0.2, pillow 13.0.0 (PyPI).
# Behaviour: every picture is scaled to 1024 pixels on the longer side, up as well as down. A poster of 64 by 64 pixels gets a
#   thumbnail of 1024 by 1024, 256 times its pixels, and an animation is signed with a still that can be larger than all its frames
#   (WebP thumbnails are lossless). MP4 files get no thumbnail. The setting `builder.thumbnail.enabled` leaves it out.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check c2pa-python==0.38.1 cryptography==50.0.2 pillow==13.0.0

cat >sign.py <<'PYTHON'
import datetime, io, json, os
import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

NOW = datetime.datetime.now(datetime.timezone.utc)

def certificate(name, issuer=None, issuer_key=None):
    is_root = issuer is None
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name), x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if is_root else issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=1))
        .not_valid_after(NOW + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(is_root, None), True)
        .add_extension(x509.KeyUsage(True, False, False, False, False, is_root, is_root, False, False), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer_key or key).public_key()), False)
    )
    if not is_root:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
    return builder.sign(issuer_key or key, hashes.SHA256()), key

root, root_key = certificate("Root")
leaf, leaf_key = certificate("Leaf", root.subject, root_key)
pem = serialization.Encoding.PEM
signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(
    alg=b"es256",
    sign_cert=leaf.public_bytes(pem) + root.public_bytes(pem),
    private_key=leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    ta_url=None,
))
source = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
manifest = {
    "claim_generator_info": [{"name": "example", "version": "1"}],
    "assertions": [{"label": "c2pa.actions", "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": source}]}}],
}
noise = Image.effect_noise((2048, 1024), 64)
for extension in ["png", "jpg", "webp", "gif"]:
    for size in [(64, 64), (160, 120), (2048, 1024)]:
        is_animated = extension in ("webp", "gif")
        frames = [noise.rotate(angle).resize(size) for angle in (0, 90, 180)]
        more = {"save_all": True, "append_images": frames[1:], "duration": 100} if is_animated else {}
        plain, signed = f"plain.{extension}", f"signed.{extension}"
        frames[0].save(plain, **more)
        if os.path.exists(signed):
            os.remove(signed)
        c2pa.Builder(json.dumps(manifest)).sign_file(plain, signed, signer)
        reader = c2pa.Reader(signed)
        states = json.loads(reader.json())
        thumbnail = io.BytesIO()
        reader.resource_to_stream(states["manifests"][states["active_manifest"]]["thumbnail"]["identifier"], thumbnail)
        width, height = Image.open(thumbnail).size
        compared = "larger" if len(thumbnail.getvalue()) > os.path.getsize(plain) else "smaller"
        print(f"{extension} of {size[0]}x{size[1]}: thumbnail of {width}x{height}, {compared} than the file, {states['validation_state']}")
PYTHON
timeout 60 venv/bin/python sign.py >output
cat output
diff output - <<'EXPECTED'
png of 64x64: thumbnail of 1024x1024, larger than the file, Valid
png of 160x120: thumbnail of 1024x768, larger than the file, Valid
png of 2048x1024: thumbnail of 1024x512, smaller than the file, Valid
jpg of 64x64: thumbnail of 1024x1024, larger than the file, Valid
jpg of 160x120: thumbnail of 1024x768, larger than the file, Valid
jpg of 2048x1024: thumbnail of 1024x512, smaller than the file, Valid
webp of 64x64: thumbnail of 1024x1024, larger than the file, Valid
webp of 160x120: thumbnail of 1024x768, larger than the file, Valid
webp of 2048x1024: thumbnail of 1024x512, smaller than the file, Valid
gif of 64x64: thumbnail of 1024x1024, larger than the file, Valid
gif of 160x120: thumbnail of 1024x768, larger than the file, Valid
gif of 2048x1024: thumbnail of 1024x512, smaller than the file, Valid
EXPECTED
