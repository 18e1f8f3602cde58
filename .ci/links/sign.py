"""Signs a URL with each storage library for Python at a fixed time, and prints the URLs as JSON lines.

Every URL is signed to expire LIFETIME seconds from now. `expires` is that time, or the time that the library documents if it
cannot sign that one; it is never read from the URL. The credentials are invented.
"""

import base64
import datetime as dt
import importlib.metadata
import json
import re
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

LIFETIME = 5025
NOW = int(time.time())
END = NOW + LIFETIME
END_UTC = dt.datetime.fromtimestamp(END, dt.timezone.utc)
ID = "EXAMPLEKEYID"
SECRET = "EXAMPLE-SECRET"
KEY = "videos/a b+c/clip~1.mp4"

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = RSA.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


def emit(package, form, url, expires=END, signed_with_rsa=None):
    """Prints one URL. A signature by a key that is generated for each run is replaced."""
    if signed_with_rsa:
        url = re.sub(signed_with_rsa + r"[^&]+", lambda found: found[0][: found[0].index("=") + 1] + "EXAMPLE", url)
    library = f"{package} {importlib.metadata.version(package)} (PyPI)"
    print(json.dumps({"library": library, "form": form, "url": url, "expires": expires}))


def amazon():
    import boto3
    from botocore.config import Config
    from botocore.signers import CloudFrontSigner

    def presigned(**options):
        client = boto3.client("s3", aws_access_key_id=ID, aws_secret_access_key=SECRET, region_name="us-west-2", **options)
        return client.generate_presigned_url("get_object", Params={"Bucket": "clips", "Key": KEY}, ExpiresIn=LIFETIME)

    emit("boto3", "S3 signature version 4", presigned(config=Config(signature_version="s3v4")))
    emit("boto3", "S3 signature version 2", presigned(config=Config(signature_version="s3")))
    for store, endpoint in {
        "Cloudflare R2": "https://EXAMPLE.r2.cloudflarestorage.com",
        "Backblaze B2": "https://s3.us-west-002.backblazeb2.com",
        "DigitalOcean Spaces": "https://nyc3.digitaloceanspaces.com",
        "Wasabi": "https://s3.wasabisys.com",
    }.items():
        emit("boto3", store, presigned(endpoint_url=endpoint, config=Config(signature_version="s3v4")))

    signer = CloudFrontSigner(ID, lambda text: RSA.sign(text, padding.PKCS1v15(), hashes.SHA1()))
    url = "https://d111111abcdef8.cloudfront.net/clip.mp4"
    canned = signer.generate_presigned_url(url, date_less_than=END_UTC)
    emit("botocore", "CloudFront, canned policy", canned, signed_with_rsa="Signature=")
    policy = signer.build_policy(url + "?size=*", END_UTC, date_greater_than=END_UTC - dt.timedelta(days=1))
    custom = signer.generate_presigned_url(url + "?size=large", policy=policy)
    emit("botocore", "CloudFront, custom policy", custom, signed_with_rsa="Signature=")

    import ibm_boto3

    client = ibm_boto3.client(
        "s3", aws_access_key_id=ID, aws_secret_access_key=SECRET, endpoint_url="https://s3.eu-de.cloud-object-storage.appdomain.cloud"
    )
    url = client.generate_presigned_url("get_object", Params={"Bucket": "clips", "Key": KEY}, ExpiresIn=LIFETIME)
    emit("ibm-cos-sdk", "IBM Cloud Object Storage", url)

    from minio import Minio

    minio = Minio("play.example.com", ID, SECRET, region="us-east-1")
    emit("minio", "MinIO", minio.presigned_get_object("clips", KEY, expires=dt.timedelta(seconds=LIFETIME)))


def google():
    from google.cloud import storage
    from google.oauth2 import service_account

    account = {
        "client_email": "signer@example.iam.gserviceaccount.com",
        "private_key": PEM,
        "token_uri": "https://oauth2.example.com/token",
    }
    credentials = service_account.Credentials.from_service_account_info(account)
    blob = storage.Client("example", credentials).bucket("clips").blob(KEY)
    for version in ["v2", "v4"]:
        url = blob.generate_signed_url(version=version, expiration=END_UTC)
        emit("google-cloud-storage", f"Cloud Storage, {version}", url, signed_with_rsa="Signature=")


def microsoft():
    from azure.storage.blob import BlobSasPermissions, UserDelegationKey, generate_blob_sas

    key = base64.b64encode(SECRET.encode()).decode()

    def signed(expiry, **options):
        options = options or {"account_key": key}
        query = generate_blob_sas(
            "example", "clips", KEY, permission=BlobSasPermissions(read=True), expiry=expiry, start="2026-11-27", **options
        )
        return f"https://example.blob.core.windows.net/clips/{KEY.replace(' ', '%20')}?{query}"

    day = dt.datetime(2026, 11, 29, tzinfo=dt.timezone.utc)
    minute = dt.datetime(2026, 11, 29, 17, 5, tzinfo=dt.timezone.utc)
    emit("azure-storage-blob", "SAS, a time", signed(END_UTC))
    emit("azure-storage-blob", "SAS, a date", signed("2026-11-29"), int(day.timestamp()))
    emit("azure-storage-blob", "SAS, to the minute", signed("2026-11-29T17:05Z"), int(minute.timestamp()))
    emit("azure-storage-blob", "SAS, fractions", signed("2026-11-29T17:05:00.0000000Z"), int(minute.timestamp()))
    delegation = UserDelegationKey()
    delegation.signed_oid = delegation.signed_tid = "00000000-0000-0000-0000-000000000000"
    delegation.signed_start, delegation.signed_expiry = "2026-11-27T00:00:00Z", "2026-11-29T17:05:00Z"
    delegation.signed_service, delegation.signed_version, delegation.value = "b", "2025-05-05", key
    emit("azure-storage-blob", "SAS, user delegation", signed(END_UTC, user_delegation_key=delegation))
    # The signing key expires before the URL.
    late = minute + dt.timedelta(days=1)
    url = signed(late, user_delegation_key=delegation)
    emit("azure-storage-blob", "SAS, user delegation that ends first", url, int(minute.timestamp()))


def alibaba():
    import oss2

    for form, auth in {
        "OSS, version 1": oss2.Auth(ID, SECRET),
        "OSS, version 2": oss2.AuthV2(ID, SECRET),
        "OSS, version 4": oss2.AuthV4(ID, SECRET),
    }.items():
        bucket = oss2.Bucket(auth, "https://oss-cn-beijing.aliyuncs.com", "clips", region="cn-beijing")
        emit("oss2", form, bucket.sign_url("GET", KEY, LIFETIME))

    import alibabacloud_oss_v2 as oss

    for version in ["v1", "v4"]:
        config = oss.config.load_default()
        config.credentials_provider = oss.credentials.StaticCredentialsProvider(ID, SECRET)
        config.region, config.signature_version = "cn-beijing", version
        request = oss.GetObjectRequest(bucket="clips", key=KEY)
        signed = oss.Client(config).presign(request, expires=dt.timedelta(seconds=LIFETIME))
        emit("alibabacloud-oss-v2", f"OSS, {version}", signed.url)


def tencent():
    from qcloud_cos import CosConfig, CosS3Client

    client = CosS3Client(CosConfig(Region="ap-beijing", SecretId=ID, SecretKey=SECRET))
    url = client.get_presigned_download_url("clips-1250000000", KEY, Expired=LIFETIME)
    emit("cos-python-sdk-v5", "COS", url)


def baidu():
    from baidubce.auth.bce_credentials import BceCredentials
    from baidubce.bce_client_configuration import BceClientConfiguration
    from baidubce.services.bos.bos_client import BosClient

    client = BosClient(BceClientConfiguration(BceCredentials(ID, SECRET), "https://bj.bcebos.com"))
    url = client.generate_pre_signed_url("clips", KEY, timestamp=NOW, expiration_in_seconds=LIFETIME)
    emit("bce-python-sdk", "BOS", url.decode() if isinstance(url, bytes) else url)


def qiniu():
    from qiniu import Auth
    from qiniu.services.cdn.manager import create_timestamp_anti_leech_url

    url = Auth(ID, SECRET).private_download_url("https://cdn.example.com/clip.mp4", expires=LIFETIME)
    emit("qiniu", "Kodo, private bucket", url)
    url = create_timestamp_anti_leech_url("https://cdn.example.com", "clip.mp4", "", "EXAMPLEKEY", END)
    emit("qiniu", "CDN, timestamp anti-leech", url)


def huawei():
    from obs import ObsClient

    for signature in ["obs", "v2", "v4"]:
        client = ObsClient(ID, SECRET, server="https://obs.cn-north-4.myhuaweicloud.com", signature=signature)
        url = client.createSignedUrl("GET", "clips", KEY, expires=LIFETIME).signedUrl
        emit("esdk-obs-python", f"OBS, signature {signature}", url)


def volcengine():
    import tos

    client = tos.TosClientV2(ID, SECRET, "tos-cn-beijing.volces.com", "cn-beijing")
    url = client.pre_signed_url(tos.HttpMethodType.Http_Method_Get, "clips", KEY, expires=LIFETIME).signed_url
    emit("tos", "TOS", url)


def akamai():
    from akamai.edgeauth import EdgeAuth

    for name in ["hdnts", "hdnea", "__token__"]:
        auth = EdgeAuth(token_name=name, key="0123456789abcdef", start_time=NOW, end_time=END, salt="EXAMPLE")
        token = auth.generate_acl_token(["/videos/*", "/clips/*"])
        emit("akamai-edgeauth", name, f"https://example.akamaized.net/videos/clip.mp4?{name}={token}")

    from pyuploadcare.secure_url import AkamaiSecureUrlBuilderWithAclToken

    builder = AkamaiSecureUrlBuilderWithAclToken("cdn.example.com", "0123456789abcdef", window=LIFETIME)
    emit("pyuploadcare", "signed URL", builder.build("52da3bfc-7cd8-4861-8b05-126fef7a6994"))


def pictures():
    import cloudinary
    import cloudinary.utils

    cloudinary.config(cloud_name="example", api_key=ID, api_secret=SECRET, secure=True)
    token = {"key": "0123456789abcdef", "start_time": NOW, "duration": LIFETIME, "acl": "/video/*"}
    url, _ = cloudinary.utils.cloudinary_url(
        "clip.mp4", resource_type="video", type="authenticated", sign_url=True, auth_token=token
    )
    emit("cloudinary", "token-based authentication", url)
    url = cloudinary.utils.private_download_url("clip", "mp4", resource_type="video", expires_at=END)
    emit("cloudinary", "private download", url)

    from imagekitio import ImageKit

    url = ImageKit(private_key=SECRET).helper.build_url(
        url_endpoint="https://ik.imagekit.io/example", src="/clip.mp4", signed=True, expires_in=LIFETIME
    )
    emit("imagekitio", "signed URL", url)

    from filestack import Security

    policy = Security({"expiry": END, "call": ["read"], "handle": "a>>>b???c"}, SECRET)
    url = f"https://cdn.filestackcontent.com/EXAMPLE?policy={policy.policy_b64}&signature={policy.signature}"
    emit("filestack-python", "policy", url)


def others():
    from ks3.connection import Connection

    connection = Connection(ID, SECRET, host="ks3-cn-beijing.ksyuncs.com")
    emit("ks3sdk", "KS3", connection.generate_url(LIFETIME, "GET", "clips", "clip.mp4"))

    from ufile import filemanager

    emit("ufile", "US3", filemanager.FileManager(ID, SECRET).private_download_url("clips", "clip.mp4", LIFETIME))

    from swiftclient.utils import generate_temp_url

    path = "/v1/AUTH_example/clips/clip.mp4"
    for iso8601 in [False, True]:
        url = generate_temp_url(path, LIFETIME, SECRET, "GET", iso8601=iso8601)
        form = f"TempURL{', ISO 8601' if iso8601 else ''}"
        emit("python-swiftclient", form, f"https://swift.example.com{url}")

    import jwt

    # The claims of URLs that Supabase Storage signs.
    token = jwt.encode({"url": "clips/clip.mp4", "iat": NOW, "exp": END}, SECRET * 3, algorithm="HS256")
    emit("PyJWT", "Supabase Storage", f"https://example.supabase.co/storage/v1/object/sign/clips/clip.mp4?token={token}")
    emit("PyJWT", "in the path", f"https://customer-example.cloudflarestream.com/{token}/downloads/default.mp4")


for sign in [
    amazon, google, microsoft, alibaba, tencent, baidu, qiniu, huawei, volcengine, akamai, pictures, others,
]:
    sign()
