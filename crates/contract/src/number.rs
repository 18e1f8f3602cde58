//! The arithmetic of JSON numbers: equality by value, and multiples by decimal value.

use serde_json::{Number, Value};

/// The 64-bit integer that is equal to a number, if there is one. `5.0` is an integer in JSON Schema.
pub fn as_integer(number: &Number) -> Option<i64> {
    whole(number).and_then(|whole| i64::try_from(whole).ok())
}

/// Whether two JSON values are equal, as JSON Schema compares them: `5` and `5.0` are, at any depth.
pub fn is_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (whole(one), whole(other)) {
            (None, None) => one.as_f64() == other.as_f64(),
            (one, other) => one == other,
        },
        (Value::Array(one), Value::Array(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| is_equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let has = |(name, value): (&String, &Value)| {
                other.get(name).is_some_and(|other| is_equal(value, other))
            };
            one.len() == other.len() && one.iter().all(has)
        }
        _ => one == other,
    }
}

/// Whether a number is a multiple of `step`, both as the decimals that JSON shows: 0.3 is one of 0.1, although neither has an
/// exact binary form, and 0.30000000000000004 is not.
pub fn is_multiple(number: &Number, step: f64) -> bool {
    let decimals = (decimal(&number.to_string()), decimal(&format!("{step:?}")));
    let (Some((digits, power)), Some((step, step_power))) = decimals else {
        return false;
    };
    if digits == 0 || step == 0 {
        return digits == 0;
    }
    // The digits do not end in zero, so a number with more decimal places than the step is not a multiple.
    (power >= step_power)
        && (step_power..power).fold(digits % step, |rest, _| rest * 10 % step) == 0
}

/// The integer that a number is, beyond 64 bits too as far as 128 bits hold it.
fn whole(number: &Number) -> Option<i128> {
    number.as_i128().or_else(|| {
        let float = number.as_f64()?;
        (float.fract() == 0.0 && float.abs() < 1e38).then_some(float as i128)
    })
}

/// The digits of a number's absolute value without zeros at the end, and the power of ten that they are multiplied by.
fn decimal(text: &str) -> Option<(u128, i32)> {
    let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole.trim_start_matches('-'), fraction].concat();
    let kept = digits.trim_end_matches('0');
    let cut = (digits.len() - kept.len()) as i32 - fraction.len() as i32;
    let digits = if kept.is_empty() { "0" } else { kept };
    Some((digits.parse().ok()?, power.parse::<i32>().ok()? + cut))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;
    use serde_json::json;

    #[test]
    fn multiples_are_those_of_the_decimals() {
        for (number, step, is) in [
            (json!(0.3), 0.1, true),
            (json!(0.30000000000000004), 0.1, false),
            (json!(-0.7), 0.1, true),
            (json!(0), 0.1, true),
            (json!(0.0), 3.0, true),
            (json!(1e300), 0.1, true),
            (json!(1e300), 3.0, false),
            (json!(1e-300), 0.1, false),
            (json!(u64::MAX), 5.0, true),
            (json!(4.35), 0.01, true),
            (json!(0.35), 0.1, false),
            (json!(1200), 300.0, true),
            (json!(1200), 1e3, false),
        ] {
            let read = number.as_number().unwrap();
            assert_eq!(is_multiple(read, step), is, "{number} of {step}");
        }
    }

    #[test]
    fn a_whole_number_is_an_integer_however_it_is_written() {
        for (number, integer) in [
            (json!(5.0), Some(5)),
            (json!(1e16), Some(10_000_000_000_000_000)),
            (json!(-9223372036854775808.0), Some(i64::MIN)),
            (json!(9223372036854775808.0), None),
            (json!(u64::MAX), None),
            (json!(1e300), None),
            (json!(0.5), None),
        ] {
            assert_eq!(as_integer(number.as_number().unwrap()), integer, "{number}");
        }
    }

    #[test]
    fn equal_values_are_equal_at_any_depth_and_at_any_size() {
        for (one, other, are) in [
            (json!([1, { "a": 5 }]), json!([1.0, { "a": 5.0 }]), true),
            (json!([1]), json!([1, 1]), false),
            (json!({ "a": 1 }), json!({ "b": 1 }), false),
            (
                json!(9007199254740993_i64),
                json!(9007199254740992.0),
                false,
            ),
            (json!(1_u64 << 63), json!(9223372036854775808.0), true),
            (json!(1e300), json!(1e300), true),
            (json!(0.5), json!(0), false),
            (json!("1"), json!(1), false),
        ] {
            assert_eq!(is_equal(&one, &other), are, "{one} and {other}");
        }
    }
}
