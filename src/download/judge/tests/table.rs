//! Checks the judgement of every combination of two responses against a model that is derived only from RFC 9110.

use super::*;

#[test]
fn every_second_response_is_judged_as_rfc_9110_requires() {
    let (mut cells, mut counts) = (0, std::collections::BTreeMap::new());
    for tag in TAGS {
        for modified in DATES {
            for total in [Some(TOTAL), Some(RECEIVED), None] {
                let first = First {
                    tag,
                    modified,
                    total,
                };
                let version = first_version(first);
                assert_eq!(version.can_resume(), model::resumes(first), "{first:?}");
                for second in seconds() {
                    let part = ResumePoint {
                        version: &version,
                        length: RECEIVED,
                    };
                    let judgement =
                        judge(&second_response(first, second), Some(part), Some(&version));
                    let expected = model::outcome(first, second);
                    assert_eq!(outcome(&judgement), expected, "{first:?} {second:?}");
                    cells += 1;
                    *counts.entry(format!("{expected:?}")).or_insert(0) += 1;
                }
            }
        }
    }
    assert!(cells > 100_000, "{cells}");
    assert_eq!(counts.len(), 5, "every outcome occurs: {counts:?}");
}

fn seconds() -> Vec<Second> {
    let mut seconds = Vec::new();
    for status in [200, 203, 206, 416, 204, 400, 404, 500] {
        for tag in REPEATS {
            for modified in &REPEATS[..3] {
                for range in RANGES {
                    let lengths: &[Option<u64>] = match range {
                        Range::Absent => &[Some(TOTAL), Some(TOTAL - RECEIVED), None],
                        _ => &[None],
                    };
                    seconds.extend(lengths.iter().map(|length| Second {
                        status,
                        tag,
                        modified: *modified,
                        range,
                        length: *length,
                    }));
                }
            }
        }
    }
    seconds
}

const TAGS: [Tag; 6] = [
    Tag::None,
    Tag::Strong("v1"),
    Tag::Weak("v1"),
    Tag::OfDate(Radix::Decimal),
    Tag::OfDate(Radix::Hexadecimal),
    Tag::OfDate(Radix::Base36),
];

const DATES: [Modified; 7] = [
    Modified::None,
    Modified::SecondsBefore(86_400),
    Modified::SecondsBefore(2),
    Modified::SecondsBefore(1),
    Modified::SecondsBefore(0),
    Modified::SecondsBefore(-5),
    Modified::NotADate,
];

const RANGES: [Range; 11] = [
    Range::Absent,
    Range::Rest,
    Range::RestOfUnknownTotal,
    Range::RestOfOtherTotal,
    Range::BeginningOfRest,
    Range::Elsewhere,
    Range::Whole,
    Range::WholeOfOtherTotal,
    Range::EndsHere,
    Range::EndsElsewhere,
    Range::Invalid,
];

const REPEATS: [Repeats; 4] = [
    Repeats::Same,
    Repeats::Other,
    Repeats::Absent,
    Repeats::OtherStrength,
];
