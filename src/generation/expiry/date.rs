//! Parses the dates that signers put into URLs. Only plausible dates are accepted: from [`EARLIEST`] to before [`END`].

use std::time::{Duration, SystemTime};

/// Parses seconds or milliseconds since 1970, with or without a fraction, or a date in ISO 8601.
pub(super) fn from_text(text: &str) -> Option<SystemTime> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    match digits(whole) {
        Some(number) => digits(fraction)
            .or(fraction.is_empty().then_some(0))
            .and_then(|_| from_integer(number)),
        None => from_iso8601(text),
    }
}

/// Converts a JSON number of seconds or milliseconds since 1970.
pub(super) fn from_number(number: f64) -> Option<SystemTime> {
    // The conversion saturates, and the limits of `u64` are not plausible dates.
    from_integer(number as u64)
}

/// Parses seconds since 1970 in eight hexadecimal digits.
pub(super) fn from_hexadecimal(text: &str) -> Option<SystemTime> {
    let is_hexadecimal = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let seconds = is_hexadecimal.then(|| u64::from_str_radix(text, 16).ok())??;
    plausible(Duration::from_secs(seconds))
}

/// The time that is `seconds` after a date in ISO 8601.
pub(super) fn seconds_after(date: &str, seconds: &str) -> Option<SystemTime> {
    let start = from_iso8601(date)?
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()?;
    let seconds = seconds.split('.').next().and_then(digits)?;
    plausible(start.checked_add(Duration::from_secs(seconds))?)
}

/// `2026-11-27` (midnight UTC), `2026-11-27T10:28Z`, `2026-11-27T10:28:16Z`, `2026-11-27T18:28:16.123+08:00`,
/// `20261127T102816Z`. A time without a zone is not read: it could be off by a day.
pub(super) fn from_iso8601(text: &str) -> Option<SystemTime> {
    let text = text.to_ascii_uppercase();
    let (day, time) = match text.split_once('T') {
        Some((day, time)) => (day, time),
        None => (text.as_str(), "00:00Z"),
    };
    let zone = time.find(['Z', '+', '-'])?;
    let (time, zone) = time.split_at(zone);
    let time = time.split('.').next().unwrap_or_default();
    let (day, time) = match (day.len(), time.len()) {
        (8, 6) => (
            grouped(day, [4, 2, 2], '-')?,
            grouped(time, [2, 2, 2], ':')?,
        ),
        (10, 5) => (day.to_owned(), format!("{time}:00")),
        _ => (day.to_owned(), time.to_owned()),
    };
    let local = humantime::parse_rfc3339(&format!("{day}T{time}Z")).ok()?;
    let local = local.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let ahead = |offset: &str| {
        let (hours, minutes) = offset.split_at_checked(2)?;
        let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
        let (hours, minutes) = (digits(hours)?, digits(minutes)?);
        (hours < 24 && minutes < 60).then(|| Duration::from_secs(hours * 3600 + minutes * 60))
    };
    let utc = match zone.split_at_checked(1)? {
        ("Z", "") => local,
        ("+", offset) => local.checked_sub(ahead(offset)?)?,
        ("-", offset) => local.checked_add(ahead(offset)?)?,
        _ => return None,
    };
    plausible(utc)
}

fn from_integer(number: u64) -> Option<SystemTime> {
    let seconds = plausible(Duration::from_secs(number));
    seconds.or_else(|| plausible(Duration::from_millis(number)))
}

fn plausible(since_1970: Duration) -> Option<SystemTime> {
    let is_plausible = (EARLIEST..END).contains(&since_1970);
    is_plausible.then(|| SystemTime::UNIX_EPOCH.checked_add(since_1970))?
}

/// Parses digits only; the standard library also accepts a sign.
fn digits(text: &str) -> Option<u64> {
    let all = text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok())?
}

/// Splits `text` into groups of the given lengths in characters, and joins them with `separator`.
fn grouped(text: &str, lengths: [usize; 3], separator: char) -> Option<String> {
    let (first, rest) = text.split_at_checked(lengths[0])?;
    let (second, third) = rest.split_at_checked(lengths[1])?;
    Some(format!("{first}{separator}{second}{separator}{third}"))
}

/// 2001-09-09T01:46:40Z, the first time with ten decimal digits. A smaller number is a duration of 31 years or less, which
/// some signers write under the same names.
pub(super) const EARLIEST: Duration = Duration::from_secs(1_000_000_000);

/// 2100-01-01T00:00:00Z. Later times, such as 9999999999, mean "never".
pub(super) const END: Duration = Duration::from_secs(4_102_444_800);
