//! The rules of RFC 9110 for the table, without calls of the code under test.

use super::*;

/// Section 8.8.2.2: a date is strong if it is older than the response by a margin.
fn has_strong_date(first: First) -> bool {
    matches!(first.modified, Modified::SecondsBefore(age) if age >= 2)
}

/// Section 8.8.1: a tag is strong if it changes with every byte. One made of a date is as strong as the date.
fn has_strong_tag(first: First) -> bool {
    match first.tag {
        Tag::Strong(_) => true,
        // Without `Last-Modified`, the tag in the table is made of the second of `Date`.
        Tag::OfDate(_) => has_strong_date(first),
        Tag::None | Tag::Weak(_) => false,
    }
}

pub(super) fn resumes(first: First) -> bool {
    has_strong_tag(first) || (has_strong_date(first) && !is_marked_strong(first))
}

fn is_marked_strong(first: First) -> bool {
    matches!(first.tag, Tag::Strong(_) | Tag::OfDate(_))
}

fn total(second: Second) -> Option<u64> {
    match second.range {
        Range::Rest | Range::BeginningOfRest | Range::Whole | Range::Elsewhere => Some(TOTAL),
        Range::RestOfOtherTotal | Range::WholeOfOtherTotal => Some(TOTAL + 7),
        Range::EndsHere => Some(RECEIVED),
        Range::EndsElsewhere => Some(TOTAL),
        Range::Absent => second.length,
        Range::RestOfUnknownTotal | Range::Invalid => None,
    }
}

/// Whether a validator of the second response differs from that of the first.
fn contradicts(first: First, second: Second) -> bool {
    let tag = match second.tag {
        Repeats::Absent => false,
        Repeats::Other => true,
        Repeats::Same | Repeats::OtherStrength => {
            first.tag == Tag::None && second.tag != Repeats::Same
        }
    };
    let date = match second.modified {
        Repeats::Absent => false,
        Repeats::Other => true,
        Repeats::Same | Repeats::OtherStrength => false,
    };
    tag || date
}

fn other_total(first: First, second: Second) -> bool {
    matches!((first.total, total(second)), (Some(a), Some(b)) if a != b)
}

/// Whether the second response has the strong validator of the first.
fn proves(first: First, second: Second) -> bool {
    if has_strong_tag(first) {
        return second.tag == Repeats::Same;
    }
    resumes(first) && second.modified != Repeats::Absent && second.modified != Repeats::Other
}

pub(super) fn outcome(first: First, second: Second) -> Outcome {
    let is_file = matches!(second.status, 200 | 203 | 206);
    if !is_file && second.status != 416 {
        return Outcome::Refuse;
    }
    if second.status == 416 {
        // Section 15.5.17: the total is the current length; the part is complete if it belongs to the same file.
        let ends_here = second.range == Range::EndsHere;
        let is_same = !contradicts(first, second)
            && !other_total(first, second)
            && (first.total == Some(RECEIVED) || proves(first, second));
        return if ends_here && is_same {
            Outcome::Complete
        } else {
            Outcome::Restart
        };
    }
    let whole = if other_total(first, second) && proves(first, second) {
        Outcome::Restart
    } else {
        Outcome::Whole
    };
    match second.range {
        // Section 14.4: without `Content-Range` the body is the whole file, but a 206 must have a `Content-Range`.
        Range::Absent if second.status == 206 => Outcome::Restart,
        Range::Absent => whole,
        Range::Whole | Range::WholeOfOtherTotal => whole,
        Range::Rest
        | Range::RestOfUnknownTotal
        | Range::RestOfOtherTotal
        | Range::BeginningOfRest => {
            // Section 15.3.7: a partial response has the validators of the whole file, and always the tag.
            let lacks_tag = match first.tag {
                Tag::None => false,
                Tag::Weak(_) => second.tag == Repeats::Absent,
                Tag::Strong(_) | Tag::OfDate(_) => second.tag != Repeats::Same,
            };
            if contradicts(first, second) || other_total(first, second) || lacks_tag {
                Outcome::Restart
            } else {
                Outcome::Continue
            }
        }
        Range::Elsewhere | Range::EndsHere | Range::EndsElsewhere | Range::Invalid => {
            Outcome::Restart
        }
    }
}
