// Signs a URL with each storage library for Node at a fixed time, and prints the URLs as JSON lines.
//
// Every URL is signed to expire LIFETIME seconds from now. `expires` is that time, or the time that the library documents if it
// cannot sign that one; it is never read from the URL. The credentials are invented.

import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const LIFETIME = 5025;
const NOW = Math.floor(Date.now() / 1000);
const END = NOW + LIFETIME;
const ID = "EXAMPLEKEYID";
const SECRET = "EXAMPLE-SECRET";
const KEY = "videos/a b+c/clip~1.mp4";
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const PEM = privateKey.export({ type: "pkcs8", format: "pem" });
const PEM1 = privateKey.export({ type: "pkcs1", format: "pem" });

/** Prints one URL. A signature by a key that is generated for each run is replaced. */
function emit(name, form, url, { expires = END, rsa = null } = {}) {
  const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
  if (rsa) url = url.replace(rsa, "$1EXAMPLE");
  process.stdout.write(`${JSON.stringify({ library: `${name} ${version} (npm)`, form, url, expires })}\n`);
}
const SIGNATURE = /(Signature=)[^&]+/;

const credentials = { accessKeyId: ID, secretAccessKey: SECRET };

async function amazon() {
  const { S3Client, GetObjectCommand } = require("@aws-sdk/client-s3");
  const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");
  const client = new S3Client({ region: "us-west-2", credentials });
  const command = new GetObjectCommand({ Bucket: "clips", Key: KEY });
  emit("@aws-sdk/s3-request-presigner", "S3", await getSignedUrl(client, command, { expiresIn: LIFETIME }));

  const cloudfront = require("@aws-sdk/cloudfront-signer");
  const url = "https://d111111abcdef8.cloudfront.net/clip.mp4";
  const dateLessThan = new Date(END * 1000).toISOString();
  const sign = (more) => cloudfront.getSignedUrl({ url, keyPairId: ID, privateKey: PEM, ...more });
  emit("@aws-sdk/cloudfront-signer", "canned policy", sign({ dateLessThan }), { rsa: SIGNATURE });
  const window = { dateLessThan, dateGreaterThan: new Date((END - 86400) * 1000).toISOString(), ipAddress: "192.0.2.0/24" };
  emit("@aws-sdk/cloudfront-signer", "custom policy", sign(window), { rsa: SIGNATURE });

  const AWS = require("aws-sdk");
  const old = (signatureVersion) =>
    new AWS.S3({ ...credentials, region: "us-west-2", signatureVersion })
      .getSignedUrl("getObject", { Bucket: "clips", Key: KEY, Expires: LIFETIME });
  emit("aws-sdk", "S3 signature version 2", old("v2"));
  emit("aws-sdk", "S3 signature version 4", old("v4"));
  const signer = new AWS.CloudFront.Signer(ID, PEM1);
  // Characters that base64 writes as `+` and `/`, and each length of its padding.
  for (const size of ["?>?>?>", "?~?~?>x", "?>?>?>xy"]) {
    const policy = JSON.stringify({
      Statement: [{ Resource: `${url}?${size}`, Condition: { DateLessThan: { "AWS:EpochTime": END } } }],
    });
    emit("aws-sdk", `CloudFront, custom policy for ${size}`, signer.getSignedUrl({ url: `${url}?size=x`, policy }), { rsa: SIGNATURE });
  }
  const aws = require("aws-cloudfront-sign");
  emit("aws-cloudfront-sign", "canned policy",
    aws.getSignedUrl(url, { keypairId: ID, privateKeyString: PEM1, expireTime: END * 1000 }), { rsa: SIGNATURE });

  const { AwsClient } = require("aws4fetch");
  const request = await new AwsClient({ ...credentials, service: "s3", region: "auto" })
    .sign(`https://example.r2.cloudflarestorage.com/clips/clip.mp4?X-Amz-Expires=${LIFETIME}`, { aws: { signQuery: true } });
  emit("aws4fetch", "Cloudflare R2", request.url);

  const { S3mini } = require("s3mini");
  if (S3mini?.prototype.getPresignedUrl) {
    const mini = new S3mini({ ...credentials, endpoint: "https://s3.example.com/clips", region: "auto" });
    emit("s3mini", "S3", await mini.getPresignedUrl("GET", "clip.mp4", LIFETIME));
  }

  const minio = require("minio");
  const store = new minio.Client({ endPoint: "play.example.com", accessKey: ID, secretKey: SECRET, region: "us-east-1" });
  emit("minio", "MinIO", await store.presignedGetObject("clips", KEY, LIFETIME));
}

async function google() {
  const { Storage } = require("@google-cloud/storage");
  const account = { client_email: "signer@example.iam.gserviceaccount.com", private_key: PEM };
  const file = new Storage({ projectId: "example", credentials: account }).bucket("clips").file(KEY);
  for (const version of ["v2", "v4"]) {
    const [url] = await file.getSignedUrl({ version, action: "read", expires: END * 1000 });
    emit("@google-cloud/storage", version, url, { rsa: SIGNATURE });
  }
}

function microsoft() {
  const blob = require("@azure/storage-blob");
  const key = new blob.StorageSharedKeyCredential("example", Buffer.from(SECRET).toString("base64"));
  const query = blob.generateBlobSASQueryParameters({
    containerName: "clips", blobName: KEY, permissions: blob.BlobSASPermissions.parse("r"),
    startsOn: new Date(NOW * 1000), expiresOn: new Date(END * 1000),
  }, key);
  emit("@azure/storage-blob", "SAS", `https://example.blob.core.windows.net/clips/${encodeURIComponent(KEY)}?${query}`);
}

async function alibaba() {
  const OSS = require("ali-oss");
  const store = new OSS({ ...credentials, accessKeySecret: SECRET, region: "oss-cn-beijing", bucket: "clips" });
  emit("ali-oss", "OSS, version 1", store.signatureUrl(KEY, { expires: LIFETIME }));
  emit("ali-oss", "OSS, version 4", await store.signatureUrlV4("GET", LIFETIME, undefined, KEY));
}

function tencent() {
  const COS = require("cos-nodejs-sdk-v5");
  const cos = new COS({ SecretId: ID, SecretKey: SECRET });
  // The library counts the lifetime from one second before now.
  const expires = END - 1;
  const place = { Bucket: "clips-1250000000", Region: "ap-beijing", Key: KEY };
  emit("cos-nodejs-sdk-v5", "COS", cos.getObjectUrl({ ...place, Sign: true, Expires: LIFETIME }), { expires });
  // The whole signature in one parameter, an older form.
  const sign = encodeURIComponent(cos.getAuth({ Method: "get", Key: "clip.mp4", Expires: LIFETIME }));
  emit("cos-nodejs-sdk-v5", "COS, in one parameter", `https://clips-1250000000.cos.ap-beijing.myqcloud.com/clip.mp4?sign=${sign}`, { expires });
}

function others() {
  const { BosClient } = require("@baiducloud/sdk");
  const bos = new BosClient({ endpoint: "https://bj.bcebos.com", credentials: { ak: ID, sk: SECRET } });
  emit("@baiducloud/sdk", "BOS", bos.generatePresignedUrl("clips", KEY, NOW, LIFETIME));

  const qiniu = require("qiniu");
  const manager = new qiniu.rs.BucketManager(new qiniu.auth.digest.Mac(ID, SECRET), new qiniu.conf.Config());
  emit("qiniu", "Kodo, private bucket", manager.privateDownloadUrl("https://cdn.example.com", "clip.mp4", END));
  const cdn = new qiniu.cdn.CdnManager(null);
  emit("qiniu", "CDN, timestamp anti-leech",
    cdn.createTimestampAntiLeechUrl("https://cdn.example.com", "clip.mp4", "", "EXAMPLEKEY", END));

  const { TosClient } = require("@volcengine/tos-sdk");
  const tos = new TosClient({ accessKeyId: ID, accessKeySecret: SECRET, region: "cn-beijing", bucket: "clips" });
  emit("@volcengine/tos-sdk", "TOS", tos.getPreSignedUrl({ key: KEY, expires: LIFETIME }));

  const EdgeAuth = require("akamai-edgeauth");
  const edge = new EdgeAuth({ key: "0123456789abcdef", startTime: NOW, endTime: END, escapeEarly: true });
  const token = edge.generateURLToken("/videos/clip.mp4");
  emit("akamai-edgeauth", "__token__", `https://example.akamaized.net/videos/clip.mp4?__token__=${token}`);

  const cloudinary = require("cloudinary").v2;
  cloudinary.config({ cloud_name: "example", api_key: ID, api_secret: SECRET, secure: true, urlAnalytics: false });
  const auth_token = { key: "0123456789abcdef", start_time: NOW, duration: LIFETIME };
  emit("cloudinary", "token-based authentication",
    cloudinary.url("clip.mp4", { resource_type: "video", type: "authenticated", sign_url: true, auth_token }));

  const ImageKit = require("imagekit");
  const imagekit = new ImageKit({ publicKey: ID, privateKey: SECRET, urlEndpoint: "https://ik.imagekit.io/example" });
  emit("imagekit", "signed URL", imagekit.url({ path: "/clip.mp4", signed: true, expireSeconds: LIFETIME }));
}

async function tokens() {
  const Mux = require("@mux/mux-node").default;
  const mux = new Mux({ tokenId: ID, tokenSecret: SECRET, jwtSigningKey: ID, jwtPrivateKey: PEM });
  const token = await mux.jwt.signPlaybackId("EXAMPLE", { expiration: `${LIFETIME}s` });
  emit("@mux/mux-node", "signed playback", `https://stream.mux.com/EXAMPLE/high.mp4?token=${token}`, { rsa: /(token=[^.]+\.[^.]+\.).+/ });

  const jwt = require("jsonwebtoken");
  const signed = jwt.sign({ sub: "clip" }, SECRET, { expiresIn: LIFETIME });
  emit("jsonwebtoken", "_jwt", `https://d111111abcdef8.cloudfront.net/clip.mp4?_jwt=${signed}`);
  const fraction = jwt.sign({ sub: "clip", exp: END + 0.25 }, SECRET);
  emit("jsonwebtoken", "a NumericDate with a fraction", `https://media.example.com/clip.mp4?jwt=${fraction}`);

  const { presignUrl } = require("@vercel/blob");
  const scope = { storeId: "EXAMPLE", operations: ["get"], pathname: "*", validUntil: (END + 60) * 1000 };
  const delegationToken = `${Buffer.from(JSON.stringify(scope)).toString("base64url")}.EXAMPLE`;
  const presign = async (token, validUntil) => (await presignUrl({ clientSigningToken: SECRET, delegationToken: token },
    { operation: "get", access: "private", pathname: "clip.mp4", validUntil })).presignedUrl;
  emit("@vercel/blob", "signed URL", await presign(delegationToken, END * 1000));
  // Valid until the delegation ends, which only its token states.
  emit("@vercel/blob", "signed URL without a time of its own", await presign(delegationToken), { expires: END + 60 });
}

for (const sign of [amazon, google, microsoft, alibaba, tencent, others, tokens]) {
  await sign();
}
// Some libraries keep timers.
process.exit(0);
