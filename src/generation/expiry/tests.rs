use std::{collections::BTreeMap, time::Duration};

use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::json;

use super::{date, *};

/// 2025-07-08T13:00:00Z
const ONE_O_CLOCK: u64 = 1_751_979_600;

fn seconds(url: &str) -> Option<u64> {
    let end = expires_at(url)?.duration_since(SystemTime::UNIX_EPOCH);
    Some(end.expect("a plausible date is after 1970").as_secs())
}

fn jwt(claims: &Value) -> String {
    format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// `.ci/links/run` generates the URLs of the fixture.
#[test]
fn urls_of_the_stores_own_libraries_have_their_signed_expiry() {
    let links: Value = serde_json::from_str(include_str!("../../../tests/fixtures/links.json"))
        .expect("the fixture is JSON");
    let links = links.as_array().expect("the fixture is a list");
    let mut wrong = Vec::new();
    let mut libraries = BTreeMap::new();
    for link in links {
        let read = link["url"].as_str().and_then(seconds);
        if read.is_none() || read != link["expires"].as_u64() {
            wrong.push(format!("{read:?}, not as in {link}"));
        }
        *libraries.entry(link["library"].as_str()).or_insert(0) += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(links.len() >= 60 && libraries.len() >= 40, "{libraries:?}");
}

/// Forms that are tested by their vendors' documentation, for lack of a library.
#[test]
fn documented_forms_are_read() {
    let policy = json!({ "Statement": [
        { "Condition": { "DateLessThan": { "AWS:EpochTime": ONE_O_CLOCK + 5 } } },
        { "Condition": { "DateLessThan": { "AWS:EpochTime": ONE_O_CLOCK } } },
    ] });
    let hmac = "4492f25946a2e8e1414a8bb53dab8a6ba1cf4615";
    for url in [
        // Kling, as in the responses that AI/ML API documents.
        "https://h/kangaroo/bs2/x/VIDEO/20250608/a.mp4?cacheKey=Chtz-_&x-kcdn-pid=1&ksSecret=ab&ksTime=686d1650",
        "https://h/x?X-Amz-Date=20250708T120000Z&X-Amz-Expires=3600&X-Amz-Signature=ab",
        "https://h/x?x-amz-expires=3600&x-amz-date=20250708T120000Z#f",
        "https://h/x?X-Obs-Date=20250708T120000Z&X-Obs-Expires=3600",
        "https://h/x?X-Date=20250708T120000Z&X-Expires=3600",
        "https://h/x?X-Amz-Date=2025%3008T120000Z&X-Amz-Expires=3600&Expires=1751979600",
        "https://h/x?a=b&Expires=1751979600&OSSAccessKeyId=k",
        "https://h/a%2Fb?%45xpires=%31751979600",
        "https://h/x?Expires=1751979600000",
        "https://h/x?Expires=1751979600.75",
        // ByteDance.
        "https://h/x?lk3s=8e244e95&x-expires=1751979600&x-signature=a%2Bb",
        // Azure.
        "https://h/x?sv=2025-05-05&se=2025-07-08T13:00Z&sr=b&sp=r&sig=ab",
        "https://h/x?se=2025-07-08T15%3A00%3A00%2B02%3A00&sig=ab",
        "https://h/x?se=2025-07-08T10:30:00-02:30&sig=ab",
        // Tencent.
        "https://h/x?q-sign-time=1751970000%3B1751979600&q-key-time=1751970000;1751979601",
        "https://h/x?txSecret=ab&txTime=686D1650",
        "https://h/x?txSecret=ab&txTime=1751979600",
        "https://h/x?t=686d1650&us=1a2b&sign=ab",
        "https://h/x?authorization=bce-auth-v1/AK/2025-07-08T12:00:00Z/3600/host/ab",
        "https://h/x?e=1751979600&token=AK:ab-c=",
        // CloudFront.
        &format!(
            "https://h/x?Policy={}",
            STANDARD.encode(policy.to_string()).replace('=', "_")
        ),
        &format!(
            "https://h/x?Policy={}",
            URL_SAFE_NO_PAD.encode(policy.to_string())
        ),
        // Akamai, and CDNs with the same form.
        "https://h/x?hdnts=exp=1751979600~acl=/*~hmac=ab",
        "https://h/x?hdnea%3Dst%3D1751970000%7Eexp%3D1751979600%7Eacl%3D%2F*%7Ehmac%3Dab",
        "https://h/x?exp=1751979600~hmac=ab",
        "https://h/exp=1751979600~acl=%2Fx%2F*~hmac=ab/x/a.mp4",
        "https://h/x?edge-cache-token=URLPrefix=aHR0cA==~Expires=1751979600~KeyName=k~Signature=ab",
        // bunny.net, CDN77, Fastly, KeyCDN, UPYUN, nginx, Limelight.
        "https://h/x?token=HS256-ab_c&expires=1751979600&token_path=%2F",
        "https://h/bcdn_token=HS256-ab&expires=1751979600&token_path=%2Fx%2F/x/a.mp4",
        "https://h/x?secure=ab_c-d==,1751979600",
        &format!("https://h/x?token=1751979600_{hmac}"),
        "https://h/x?token=ab&expire=1751979600",
        "https://h/x?_upt=abcdef121751979600",
        "https://h/x?st=ab&e=1751979600",
        "https://h/x?e=1751979600&h=ab",
        // Discord, Instagram.
        "https://h/x?ex=686d1650&is=686bc590&hm=ab&",
        "https://h/x?_nc_ht=a&oh=00_AB&oe=686D1650&_nc_sid=1",
        // JSON Web Tokens.
        &format!("https://h/x?_jwt={}", jwt(&json!({ "exp": ONE_O_CLOCK }))),
        &format!(
            "https://h/x?access_token={}",
            jwt(&json!({ "exp": 1_751_979_600.5 }))
        ),
        &format!(
            "https://h/x?tempauth=v1.{}",
            jwt(&json!({ "exp": "1751979600" })).replacen("e30.", "", 1)
        ),
        &format!(
            "https://h/eyJh.{}/manifest.mpd",
            &jwt(&json!({ "exp": ONE_O_CLOCK }))[4..]
        ),
        // The earliest counts.
        "https://h/x?Expires=1951979600&X-Amz-Date=20250708T120000Z&X-Amz-Expires=3600",
        "https://h/x?Expires=1951979600&Expires=1751979600",
        "https://h/x?se=2025-07-08T13:00:00Z&ske=2025-07-09&sig=ab",
    ] {
        assert_eq!(seconds(url), Some(ONE_O_CLOCK), "{url}");
    }
}

#[test]
fn other_urls_have_no_expiry() {
    for url in [
        "",
        "https://h/x",
        "https://h/x?",
        "https://h/x#?Expires=1751979600",
        "https://h/Expires=1751979600",
        "https://h/e=1751979600&token.mp4",
        // Lengths of time, and "never".
        "https://h/x?Expires=3600",
        "https://h/x?expires=86400",
        "https://h/x?expires=31536000",
        "https://h/x?Expires=999999999",
        "https://h/x?Expires=0",
        "https://h/x?Expires=-1",
        "https://h/x?Expires=-1751979600",
        "https://h/x?Expires=+1751979600",
        "https://h/x?Expires=never",
        "https://h/x?expires=8h",
        "https://h/x?ik-t=9999999999&ik-s=ab",
        "https://h/x?Expires=4102444800",
        "https://h/x?se=9999-12-31T23:59:59Z&sig=ab",
        "https://h/x?authorization=bce-auth-v1/AK/2025-07-08T12:00:00Z/-1/host/ab",
        "https://h/x?x-expires=3600",
        "https://h/x?x-oss-signature-version=OSS2&x-oss-expires=3600",
        // Values that are not numbers.
        "https://h/x?Expires",
        "https://h/x?Expires=",
        "https://h/x?Expires=soon",
        "https://h/x?Expires=1e9",
        "https://h/x?Expires=1751979600x",
        "https://h/x?Expires=1751979600.x",
        "https://h/x?Expires=%D9%A1%D9%A7%D9%A5%D9%A1%D9%A9%D9%A7%D9%A9%D9%A6%D9%A0%D9%A0",
        "https://h/x?Expires=99999999999999999999999",
        "https://h/x?Expires=18446744073709551615",
        // A date or a duration without the other one, or with an invalid one.
        "https://h/x?X-Amz-Expires=3600",
        "https://h/x?X-Amz-Date=20250708T120000Z",
        "https://h/x?X-Amz-Date=20251308T120000Z&X-Amz-Expires=3600",
        "https://h/x?X-Amz-Date=20250708T120000Z&X-Amz-Expires=18446744073709551615",
        "https://h/x?X-Amz-Date=20250708T120000Z&X-Goog-Expires=3600",
        "https://h/x?x--expires=1&x-expires=2",
        "https://h/x?q-sign-time=1751979600",
        "https://h/x?se=2025-07-08T13:00&sig=ab",
        "https://h/x?se=2025-02-29&sig=ab",
        "https://h/x?se=2025-07-08T13:00:00+25:00&sig=ab",
        "https://h/x?se=1751979600",
        // Times of the file, not of the URL.
        "https://h/x?response-expires=1751979600",
        "https://h/x?st=2025-07-08T13:00:00Z&created=1751979600&timestamp=1751979600&v=1751979600",
        // Ambiguous names without their signer's other parameters, or with another kind of value.
        "https://h/x?e=1751979600",
        "https://h/x?e=12&token=ab",
        "https://h/x?t=686d1650",
        "https://h/x?t=42&sign=ab",
        "https://h/x?sign=ab&t=1751979600",
        "https://h/x?ex=686d1650",
        "https://h/x?oe=utf-8&oh=1",
        "https://h/x?ksTime=6996fed",
        "https://h/x?ksTime=00000e10",
        "https://h/x?ksTime=%2B996fedd",
        // The CDN adds its own validity to the time of signing.
        "https://h/x?auth_key=1751979600-0-0-23bf85053008f5c0e791667a313e28ce",
        "https://h/x?verify=1751979600-ab",
        // Tokens without an expiry.
        "https://h/x?token=1751979600_short",
        "https://h/x?token=2f6b7f0e-9f0a-4b43-a7a1-9c3ad94b6e0e&alt=media",
        "https://h/x?_jwt=",
        "https://h/x?_jwt=a.b.c",
        "https://h/x?_jwt=a.e30.c",
        "https://h/x?Policy=e30_",
        "https://h/x?_upt=abcdef1",
        "https://h/x?_upt=abcdefé1751979600",
    ] {
        assert_eq!(seconds(url), None, "{url}");
    }
}

#[test]
fn url_beyond_the_limits_is_not_read() {
    let padded =
        |length: usize| format!("https://h/x?Expires={ONE_O_CLOCK}&a={}", "a".repeat(length));
    assert_eq!(seconds(&padded(60_000)), Some(ONE_O_CLOCK));
    assert_eq!(seconds(&padded(70_000)), None);
    let late = |count: usize| format!("https://h/x?{}Expires={ONE_O_CLOCK}", "a=1&".repeat(count));
    assert_eq!(seconds(&late(MAX_PARAMETERS - 1)), Some(ONE_O_CLOCK));
    assert_eq!(seconds(&late(MAX_PARAMETERS)), None);
}

#[test]
fn expiry_of_a_jwt_is_read_from_every_kind_of_number() {
    for (exp, known) in [
        (json!(-1), false),
        (json!(3600), false),
        (json!(true), false),
        (json!([ONE_O_CLOCK]), false),
        (json!({}), false),
        (json!(null), false),
        (json!(1e300), false),
        (json!(u64::MAX), false),
        (json!(ONE_O_CLOCK as f64), true),
        (json!(ONE_O_CLOCK.to_string()), true),
        (json!("2025-07-08T13:00:00Z"), true),
    ] {
        let url = format!("https://h/x?token={}", jwt(&json!({ "exp": exp })));
        assert_eq!(seconds(&url), known.then_some(ONE_O_CLOCK), "{exp}");
    }
}

/// The query parameters that state a time, one for each form that is exact to the second. `None` if a form cannot express the
/// time.
fn written(time: u64) -> Vec<Option<String>> {
    let iso = {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(time);
        humantime::format_rfc3339_seconds(time).to_string()
    };
    let compact = iso.replace(['-', ':'], "");
    let policy =
        json!({ "Statement": [{ "Condition": { "DateLessThan": { "AWS:EpochTime": time } } }] });
    let policy = STANDARD.encode(policy.to_string());
    let policy = policy.replace('+', "-").replace('=', "_").replace('/', "~");
    let filestack = URL_SAFE_NO_PAD.encode(json!({ "expiry": time }).to_string());
    let hexadecimal = u32::try_from(time).ok().map(|time| format!("{time:08x}"));
    let in_hexadecimal = |form: &str| hexadecimal.as_ref().map(|time| form.replace("TIME", time));
    vec![
        Some(format!("Expires={time}&Signature=a%2Bb%3D")),
        // Seconds, if the number has ten digits.
        (time >= 10_000_000).then(|| format!("Expires={time}000")),
        Some(format!("expires={time}.5")),
        Some(format!("x-oss-signature-version=OSS2&x-oss-expires={time}")),
        Some(format!("X-Amz-Date={compact}&X-Amz-Expires=0")),
        Some(format!(
            "sv=2025-05-05&se={}&sig=ab",
            iso.replace(':', "%3A")
        )),
        Some(format!("se={}.1234567Z&sig=ab", iso.trim_end_matches('Z'))),
        Some(format!("temp_url_sig=ab&temp_url_expires={iso}")),
        Some(format!("q-sign-time=1000000000;{time}")),
        Some(format!("q-sign-time=1000000000%3B{time}")),
        Some(format!(
            "sign=q-ak%3DAK%26q-sign-time%3D1000000000%3B{time}%26q-signature%3Dab"
        )),
        Some(format!(
            "authorization=bce-auth-v1%2FAK%2F{iso}%2F0%2Fhost%2Fab"
        )),
        Some(format!("e={time}&token=AK:ab=")),
        Some(format!("hdnts=st=1000000000~exp={time}~acl=/*~hmac=ab")),
        Some(format!("__cld_token__=exp%3D{time}%7Ehmac%3Dab")),
        Some(format!("ik-t={time}&ik-s=ab")),
        Some(format!("_upt=12345678{time}")),
        Some(format!("secure=ab,{time}")),
        Some(format!("token={time}_{}", "0".repeat(40))),
        Some(format!("token={}", jwt(&json!({ "exp": time })))),
        Some(format!("Policy={policy}")),
        Some(format!("policy={filestack}")),
        in_hexadecimal("ksSecret=ab&ksTime=TIME"),
        in_hexadecimal("txSecret=ab&txTime=TIME"),
        in_hexadecimal("sign=ab&t=TIME"),
        in_hexadecimal("ex=TIME&is=0&hm=ab"),
        in_hexadecimal("oh=ab&oe=TIME"),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_without_a_panic(url in ".{0,200}") {
        expires_at(&url);
    }

    #[test]
    fn any_values_of_the_known_names_are_read_without_a_panic_and_state_a_plausible_time_or_none(
        names in prop::collection::vec("(?i)x-(amz|oss)-(date|expires)|expires|_jwt|se|t|e|ex|oe|sign|hm|oh|policy|_upt|secure|token|q-sign-time|authorization|kstime|hdnts", 0..6),
        values in prop::collection::vec("[0-9]{8}T[0-9]{6}Z|[0-9]{1,21}|[0-9a-f]{8}|bce-auth-v1/[^&]{0,40}|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{0,9}[Z+-][0-9:]{0,6})?|(st|exp)=[0-9]{10}~[a-z=~%]{0,9}|[A-Za-z0-9_.,;%é~=-]{0,40}|\\PC{0,20}", 6),
    ) {
        let pairs = names.iter().zip(&values).map(|(name, value)| format!("{name}={value}"));
        let url = format!("https://h/x?{}", pairs.collect::<Vec<_>>().join("&"));
        if let Some(end) = seconds(&url) {
            prop_assert!((date::EARLIEST.as_secs()..date::END.as_secs()).contains(&end), "{end} in {url}");
        }
    }

    #[test]
    fn every_plausible_second_is_read_exactly_in_every_form(
        time in date::EARLIEST.as_secs()..date::END.as_secs(),
    ) {
        for query in written(time).into_iter().flatten() {
            prop_assert_eq!(seconds(&format!("https://h/x?a=1&{query}&b=")), Some(time), "{}", query);
        }
    }

    #[test]
    fn no_other_second_is_an_expiry_in_any_form(
        time in prop_oneof![
            0..date::EARLIEST.as_secs(),
            // Below the range of milliseconds, and within the range of dates.
            date::END.as_secs()..253_402_300_799,
        ],
    ) {
        for query in written(time).into_iter().flatten() {
            prop_assert_eq!(seconds(&format!("https://h/x?a=1&{query}&b=")), None, "{}", query);
        }
    }

    #[test]
    fn relative_expiry_counts_from_its_own_date(
        start in date::EARLIEST.as_secs()..2_000_000_000,
        lifetime in 0u64..100_000_000,
    ) {
        let iso = humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(start)).to_string();
        let compact = iso.replace(['-', ':'], "");
        for query in [
            format!("X-Amz-Date={compact}&X-Amz-Expires={lifetime}"),
            format!("X-Goog-Expires={lifetime}&X-Goog-Date={compact}"),
            format!("authorization=bce-auth-v1/AK/{iso}/{lifetime}/host/ab"),
        ] {
            prop_assert_eq!(seconds(&format!("https://h/x?{query}")), Some(start + lifetime), "{}", query);
        }
    }

    #[test]
    fn policy_of_any_resource_is_read_in_every_alphabet(resource in "\\PC{0,40}") {
        let policy = json!({ "Statement": [{
            "Resource": resource,
            "Condition": { "DateLessThan": { "AWS:EpochTime": ONE_O_CLOCK } },
        }] });
        let standard = STANDARD.encode(policy.to_string());
        for encoded in [
            standard.replace('+', "-").replace('=', "_").replace('/', "~"),
            standard.replace('+', "-").replace('/', "_"),
            standard.trim_end_matches('=').to_owned(),
            standard.replace('+', "%2B").replace('=', "%3D").replace('/', "%2F"),
            standard,
        ] {
            prop_assert_eq!(seconds(&format!("https://h/x?Policy={encoded}")), Some(ONE_O_CLOCK), "{}", encoded);
        }
    }
}
