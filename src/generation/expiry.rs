//! Reads the time at which a signed URL expires from the URL.
//!
//! If a form is not recognised, an error message is less precise. If a valid URL is taken for an expired one, the service
//! gets an unnecessary request. A parameter with an ambiguous name is therefore read only together with the parameters that
//! its signer always adds, and a number only if it is a [plausible date](date).
//!
//! The following forms are not read, because their time is the time of signing, to which the CDN adds a configured validity:
//! `auth_key=TIME-…` (Alibaba Cloud CDN, BytePlus CDN), `sign=TIME-…` and a decimal `t=` (Tencent Cloud CDN),
//! `wsTime=` (CDNetworks), `verify=TIME-…` (Cloudflare).

mod date;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

use base64::{Engine, alphabet, engine::GeneralPurpose, engine::general_purpose::NO_PAD};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use self::date::{from_hexadecimal, from_iso8601, from_number, from_text, seconds_after};

/// The time at which the URL expires, from its query or its path; the earliest one if there are several.
pub(crate) fn expires_at(url: &str) -> Option<SystemTime> {
    if url.len() > MAX_LENGTH {
        return None;
    }
    let parameters = Parameters::of(url);
    let times = parameters.0.iter().filter_map(|(name, value)| {
        let named = parameters.expiry(name, value);
        named.into_iter().chain(token_expiry(value)).min()
    });
    times.min()
}

/// The parameters of a URL, from its query and from tokens in the query and in the path. Names are in lower case, values are
/// decoded.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn of(url: &str) -> Self {
        let url = url.split('#').next().unwrap_or_default();
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let mut parameters = Self(Vec::new());
        for pair in query.split('&').take(MAX_PARAMETERS) {
            parameters.add(pair);
        }
        // CDNs also put tokens into the path, so that a token is valid for all files of a playlist: Akamai and Vimeo
        // `/exp=…~acl=…~hmac=…/`, bunny.net `/bcdn_token=…&expires=…/`, Cloudflare Stream a JWT.
        for segment in path.split('/').take(MAX_PARAMETERS) {
            if segment.starts_with("ey") {
                parameters.push("", segment);
            } else if segment.contains(['~', '&']) {
                segment.split('&').for_each(|pair| parameters.add(pair));
            }
        }
        parameters
    }

    fn add(&mut self, pair: &str) {
        // A `+` is not decoded to a space: these values contain no spaces, and base64 contains `+`.
        let pair = percent_decode_str(pair).decode_utf8_lossy();
        let Some((name, value)) = pair.split_once('=') else {
            return;
        };
        self.push(name, value);
        // The fields of a token, as `hdnts=st=…~exp=…~hmac=…`, or of a query inside a parameter.
        for field in pair.split(['~', '&']) {
            if let Some((name, value)) = field.rsplit_once('=')
                && field.len() < pair.len()
            {
                self.push(name.rsplit('=').next().unwrap_or_default(), value);
            }
        }
    }

    fn push(&mut self, name: &str, value: &str) {
        if self.0.len() < MAX_PARAMETERS {
            self.0.push((name.to_ascii_lowercase(), value.to_owned()));
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(key, _)| key == name);
        found.next().map(|(_, value)| value.as_str())
    }

    fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.get(name).is_some())
    }

    /// The expiry that the parameter `name` states, by the rules of the signer that uses the name.
    fn expiry(&self, name: &str, value: &str) -> Option<SystemTime> {
        match name {
            // Azure SAS: the expiry of the signature, and of the user delegation key that signed it.
            "se" | "ske" => from_iso8601(value),
            // Tencent COS: `START;END`.
            "q-sign-time" | "q-key-time" => from_text(value.split_once(';')?.1),
            // Baidu BOS: `bce-auth-v1/KEY/DATE/SECONDS/HEADERS/SIGNATURE`.
            "authorization" => {
                let mut parts = value.strip_prefix("bce-auth-v1/")?.split('/').skip(1);
                seconds_after(parts.next()?, parts.next()?)
            }
            // Kuaishou (Kling); Tencent live streams, which also have a decimal form.
            "kstime" | "txtime" => from_hexadecimal(value).or_else(|| from_text(value)),
            // Qiniu timestamp anti-leech, Tencent VOD key hotlink protection.
            "t" if self.has_any(&["sign"]) => from_hexadecimal(value),
            // Discord.
            "ex" if self.has_any(&["hm"]) => from_hexadecimal(value),
            // Instagram and Facebook.
            "oe" if self.has_any(&["oh"]) => from_hexadecimal(value),
            // Qiniu Kodo (`token`), Limelight (`h`), nginx secure_link (`st`), iCloud (`s`), LinkedIn (`t`).
            "e" if self.has_any(&SIGNATURES_BESIDE_E) => from_text(value),
            // UPYUN: eight digits of a hash, then the time.
            "_upt" => {
                let (hash, time) = value.split_at_checked(8)?;
                is_hexadecimal(hash).then(|| from_text(time))?
            }
            // CDN77: `TOKEN,TIME`.
            "secure" => from_text(value.rsplit_once(',')?.1),
            // Fastly: `TIME_SIGNATURE`, a hexadecimal HMAC.
            "token" | "fastly_token" if value.contains('_') => {
                let (time, signature) = value.split_once('_')?;
                let is_hmac = signature.len() >= 40 && is_hexadecimal(signature);
                is_hmac.then(|| from_text(time))?
            }
            _ if EXPIRY_NAMES.contains(&name) => from_text(value),
            // Signature version 4 of Amazon, Google, Alibaba, Volcengine and others: `X-Amz-Date`, `X-Amz-Expires`.
            // A number that is a date cannot be the seconds after another date (stores allow seven days): Alibaba
            // OSS version 2, ByteDance.
            _ => {
                let signer = name.strip_prefix("x-")?.strip_suffix("expires")?;
                let after = || seconds_after(self.get(&format!("x-{signer}date"))?, value);
                from_text(value).or_else(after)
            }
        }
    }
}

/// The expiry in a base64-encoded JSON object: the claims of a JWT (RFC 7519, section 4.1.4), a policy of Amazon CloudFront
/// or Filestack, a delegation of Vercel Blob.
fn token_expiry(value: &str) -> Option<SystemTime> {
    // The payload of a JWT is its second part; SharePoint and Vercel use another part.
    let parts = value.split('.').take(2);
    parts.filter_map(|part| json_expiry(&decoded(part)?)).min()
}

/// Reads base64 with any of its alphabets: `+/`, `-_` (RFC 4648, section 5), and CloudFront's `-~` with `_` as padding.
/// JSON ends in a character that no alphabet encodes as `_`, so a `_` at the end is padding.
fn decoded(text: &str) -> Option<Value> {
    let text = text.trim_end_matches(['=', '_']);
    let standard = text.replace('-', "+").replace(['_', '~'], "/");
    serde_json::from_slice(&LENIENT.decode(standard).ok()?).ok()
}

fn json_expiry(json: &Value) -> Option<SystemTime> {
    let fields = ["exp", "expiry", "expiration", "validUntil"];
    let fields = fields.iter().filter_map(|name| json.get(name));
    let statements = json.get("Statement").and_then(Value::as_array);
    let conditions = statements
        .into_iter()
        .flatten()
        .filter_map(|statement| statement.pointer("/Condition/DateLessThan/AWS:EpochTime"));
    let times = fields.chain(conditions).filter_map(|value| match value {
        // A NumericDate may have a fraction.
        Value::Number(number) => from_number(number.as_f64()?),
        Value::String(text) => from_text(text),
        _ => None,
    });
    times.min()
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The parameters that every signer uses for an expiry: seconds or milliseconds since 1970, or a date.
const EXPIRY_NAMES: [&str; 17] = [
    "exp",     // JW Player, Cloudflare Images, fields of Akamai tokens
    "expire",  // YouTube, KeyCDN
    "expires", // Amazon, Google, Alibaba, Huawei and others, version 1 or 2; CloudFront, bunny.net, imgix, Gcore
    "expiry",
    "expiration",
    "expiration_time",
    "expirationtimestamp", // Notion
    "expires_at",          // Cloudinary
    "expiresat",
    "expire_at",
    "expire_time",
    "deadline",         // Bilibili
    "ik-t",             // ImageKit
    "temp_url_expires", // OpenStack Swift
    "valid_until",
    "validuntil",
    "vercel-blob-valid-until", // Vercel Blob
];

const SIGNATURES_BESIDE_E: [&str; 10] = [
    "token",
    "sign",
    "sig",
    "signature",
    "hash",
    "hmac",
    "h",
    "st",
    "s",
    "t",
];

/// Base64 that ignores padding and unused trailing bits, which signers encode differently.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    NO_PAD.with_decode_allow_trailing_bits(true),
);

/// The maximum length in bytes of a URL that is read, longer than any server accepts in a request line. It bounds the work.
const MAX_LENGTH: usize = 1 << 16;

/// The maximum number of parameters that are read, more than any signer uses.
const MAX_PARAMETERS: usize = 200;
