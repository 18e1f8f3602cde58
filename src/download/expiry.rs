//! Until when a signed link is good, read from the link itself.

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The time after which the link is refused, as its query tells; the earliest, where it tells several.
///
/// Known are the signatures of Amazon, Google, Volcengine and their likes (`X-…-Date` and `X-…-Expires`), the older
/// form (`Expires`, seconds since 1970) and a `_jwt` with `exp`.
pub(crate) fn expires_at(link: &str) -> Option<SystemTime> {
    let parameters = parameters(link);
    let value = |name: &str| {
        let found = parameters.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    };
    let signed = parameters.iter().filter_map(|(name, seconds)| {
        let signer = name.strip_prefix("x-")?.strip_suffix("-expires")?;
        let began = compact_date(value(&format!("x-{signer}-date"))?)?;
        began.checked_add(Duration::from_secs(seconds.parse().ok()?))
    });
    let plain = value("expires").and_then(|seconds| epoch(seconds.parse().ok()?));
    let token = value("_jwt").and_then(jwt_expiry);
    signed.chain(plain).chain(token).min()
}

/// Names in lower case, values decoded.
fn parameters(link: &str) -> Vec<(String, String)> {
    let link = link.split('#').next().unwrap_or_default();
    let Some((_, query)) = link.split_once('?') else {
        return Vec::new();
    };
    let pairs = query.split('&').take(MOST).filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((decoded(name).to_ascii_lowercase(), decoded(value)))
    });
    pairs.collect()
}

/// No link has more parameters than these.
const MOST: usize = 100;

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let escaped = match (first, more) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &more[2..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// `20250708T120000Z`
fn compact_date(text: &str) -> Option<SystemTime> {
    let digits = |from: usize, to: usize| {
        let part = text.get(from..to)?;
        part.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then_some(part)
    };
    if text.len() != 16 || text.get(8..9) != Some("T") || !text.ends_with('Z') {
        return None;
    }
    let (year, month, day) = (digits(0, 4)?, digits(4, 6)?, digits(6, 8)?);
    let (hour, minute, second) = (digits(9, 11)?, digits(11, 13)?, digits(13, 15)?);
    humantime::parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")).ok()
}

/// Seconds since 1970 up to the year 9999, beyond which no date can be written down.
fn epoch(seconds: u64) -> Option<SystemTime> {
    let is_date = seconds <= 253_402_300_799;
    is_date.then(|| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))?
}

fn jwt_expiry(token: &str) -> Option<SystemTime> {
    let claims = token.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    let exp = claims.get("exp")?;
    // RFC 7519 allows fractions.
    let seconds = exp.as_u64().or_else(|| Some(exp.as_f64()? as u64))?;
    epoch(seconds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(link: &str) -> Option<String> {
        expires_at(link).map(|time| humantime::format_rfc3339_seconds(time).to_string())
    }

    #[test]
    fn every_form_of_signature_tells_its_end() {
        let noon = Some("2025-07-08T13:00:00Z".to_owned());
        let jwt = |claims: &str| {
            format!(
                "https://h/x?_jwt=e30.{}.sig",
                URL_SAFE_NO_PAD.encode(claims)
            )
        };
        for link in [
            "https://h/x?X-Amz-Date=20250708T120000Z&X-Amz-Expires=3600&X-Amz-Signature=ab",
            "https://h/x?x-amz-expires=3600&x-amz-date=20250708T120000Z#f",
            "https://h/x?X-Tos-Date=20250708T120000Z&X-Tos-Expires=3600",
            "https://h/x?X-Goog-Date=20250708T120000Z&X-Goog-Expires=3600",
            "https://h/x?x-oss-date=20250708T120000Z&x-oss-expires=3600",
            "https://h/x?X-Amz-Date=2025%3008T120000Z&X-Amz-Expires=3600&Expires=1751979600",
            "https://h/x?a=b&Expires=1751979600&OSSAccessKeyId=k",
            "https://h/a%2Fb?%45xpires=%31751979600",
            &jwt(r#"{"exp":1751979600}"#),
            &jwt(r#"{"exp":1751979600.5}"#),
            // The earliest counts.
            "https://h/x?Expires=1951979600&X-Amz-Date=20250708T120000Z&X-Amz-Expires=3600",
        ] {
            assert_eq!(at(link), noon, "{link}");
        }
    }

    #[test]
    fn what_tells_no_end_has_none() {
        for link in [
            "",
            "https://h/x",
            "https://h/x?",
            "https://h/x#?Expires=1751979600",
            "https://h/Expires=1751979600",
            "https://h/x?Expires=",
            "https://h/x?Expires=soon",
            "https://h/x?Expires=-1",
            "https://h/x?Expires=99999999999999999999999",
            "https://h/x?Expires=18446744073709551615",
            "https://h/x?X-Amz-Expires=3600",
            "https://h/x?X-Amz-Date=20250708T120000Z",
            "https://h/x?X-Amz-Date=20251308T120000Z&X-Amz-Expires=3600",
            "https://h/x?X-Amz-Date=20250708T120000Z&X-Amz-Expires=18446744073709551615",
            "https://h/x?X-Amz-Date=20250708T120000Z&X-Goog-Expires=3600",
            "https://h/x?x--expires=1&x-expires=2",
            "https://h/x?_jwt=",
            "https://h/x?_jwt=a.b.c",
            "https://h/x?_jwt=a.e30.c",
        ] {
            assert_eq!(at(link), None, "{link}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_read_without_a_panic_and_any_time_can_be_written(link in ".{0,200}") {
            at(&link);
        }

        #[test]
        fn any_values_of_the_known_names_are_read_without_a_panic(
            names in prop::collection::vec("(?i)x-(amz|goog|tos)-(date|expires)|expires|_jwt", 0..5),
            values in prop::collection::vec("[0-9]{8}T[0-9]{6}Z|[0-9]{1,21}|[A-Za-z0-9_.%é-]{0,40}", 5),
        ) {
            let pairs = names.iter().zip(&values).map(|(name, value)| format!("{name}={value}"));
            at(&format!("https://h/x?{}", pairs.collect::<Vec<_>>().join("&")));
        }

        #[test]
        fn a_stated_second_is_the_second_read(seconds in 0u64..=253_402_300_799) {
            let read = expires_at(&format!("https://h/x?a=1&Expires={seconds}"));
            prop_assert_eq!(read, SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
        }
    }
}
