#!/usr/bin/env bash
# c2pa-python (PyPI, the binding of Rust's c2pa): signing a fragmented MP4 leaves an index whose every entry points to the last fragment.
#
# Guess: the manifest goes in front of the movie, and every absolute offset is moved by its length: stco and co64, the base offsets in
#   tfhd, and moof_offset in tfra (ISO/IEC 14496-12, 8.8.10), which players that read mfra use to seek.
# Versions: c2pa-python 0.38.1, cryptography 50.0.2, imageio-ffmpeg 0.8.1 (PyPI; ffmpeg 9.0.2).
# Behaviour: tfhd is moved right, so that the file plays from the beginning to the end, and the signature is valid, because the hash
#   leaves mfra out. But each entry of tfra is given the offset of the LAST fragment. ffmpeg, told to use the index (-use_mfra_for),
#   seeks to another frame than before.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check c2pa-python==0.38.1 cryptography==50.0.2 imageio-ffmpeg==0.8.1
ffmpeg=$(venv/bin/python -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
"$ffmpeg" -nostdin -v error -f lavfi -i testsrc2=s=160x120:r=24:d=3 -c:v libx264 -preset ultrafast -g 12 \
    -movflags frag_keyframe+empty_moov unsigned.mp4

cat >sign.py <<'PYTHON'
import datetime, json, struct
import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

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
c2pa.Builder(json.dumps(manifest)).sign_file("unsigned.mp4", "signed.mp4", signer)

def boxes(data, start, end):
    while start < end:
        size, kind = struct.unpack(">I4s", data[start:start + 8])
        yield kind, start, start + size
        start += size

for name in ["unsigned", "signed"]:
    data = open(name + ".mp4", "rb").read()
    fragments = [start for kind, start, _ in boxes(data, 0, len(data)) if kind == b"moof"]
    [(start, end)] = [(start, end) for kind, start, end in boxes(data, 0, len(data)) if kind == b"mfra"]
    [tfra] = [data[start:end] for kind, start, end in boxes(data, start + 8, end) if kind == b"tfra"]
    assert tfra[8] == 1, "offsets of 64 bits"
    numbers = sum(((tfra[19] >> shift) & 3) + 1 for shift in (4, 2, 0))
    count = struct.unpack(">I", tfra[20:24])[0]
    entries = [struct.unpack(">QQ", tfra[24 + (16 + numbers) * i:][:16])[1] for i in range(count)]
    print(f"{name}: the entries point to fragments", *[fragments.index(entry) + 1 for entry in entries])
with open("signed.mp4", "rb") as file:
    print("signature:", json.loads(c2pa.Reader("video/mp4", file).json())["validation_state"])
PYTHON
frames() { "$ffmpeg" -nostdin -v error "$@" -f framemd5 - | sed -n 's/^0,.* //p'; }
same() { [ "$1" = "$2" ] && echo the same || echo another; }
{
    timeout 60 venv/bin/python sign.py
    echo "all frames, from the beginning: $(same "$(frames -i unsigned.mp4)" "$(frames -i signed.mp4)")"
    seek=(-use_mfra_for pts -ss 0.6)
    echo "frame at 0.6 s, by the index:" \
        "$(same "$(frames "${seek[@]}" -i unsigned.mp4 -frames:v 1)" "$(frames "${seek[@]}" -i signed.mp4 -frames:v 1)")"
} >output
cat output
diff output - <<'EXPECTED'
unsigned: the entries point to fragments 1 2 3 4 5 6
signed: the entries point to fragments 6 6 6 6 6 6
signature: Valid
all frames, from the beginning: the same
frame at 0.6 s, by the index: another
EXPECTED
