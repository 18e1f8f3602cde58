//! `--each`: every combination of the values of several parameters.

use crate::failure::Failure;

/// The maximum number of requests that `--each` makes.
const MAX_REQUESTS: usize = 10_000;

/// The settings of one combination, as `NAME` and `VALUE`.
pub(crate) type Combination<'a> = Vec<(&'a str, &'a str)>;

/// The parameters of `--each`, each with its values.
pub(crate) struct Matrix(Vec<(String, Vec<String>)>);

impl Matrix {
    /// Reads the values of `--each` for a file of `rows` requests.
    pub(crate) fn read(each: &[String], set: &[String], rows: usize) -> Result<Self, Failure> {
        let mut axes: Vec<(String, Vec<String>)> = Vec::new();
        let mut requests = rows;
        for given in each {
            let refused = |error: String| Failure::usage(format!("--each {given}: {error}"));
            let (name, values) = given
                .split_once('=')
                .ok_or_else(|| refused("expected NAME=VALUE,VALUE or NAME=FIRST..LAST".into()))?;
            let is_name =
                |set: &String| set.split_once('=').is_some_and(|(other, _)| other == name);
            if axes.iter().any(|(other, _)| other == name) || set.iter().any(is_name) {
                return Err(refused(format!(
                    "{name} is set twice; leave one option off"
                )));
            }
            let values = self::values(values, MAX_REQUESTS / requests).map_err(refused)?;
            requests *= values.len();
            axes.push((name.to_owned(), values));
        }
        Ok(Self(axes))
    }

    /// Every combination. The last parameter varies fastest.
    pub(crate) fn combinations(&self) -> Vec<Combination<'_>> {
        let mut combinations = vec![Vec::new()];
        for (name, values) in &self.0 {
            let extended = combinations.iter().flat_map(|combination| {
                values.iter().map(|value| {
                    let setting = (name.as_str(), value.as_str());
                    combination.iter().copied().chain([setting]).collect()
                })
            });
            combinations = extended.collect();
        }
        combinations
    }
}

/// Values separated by commas; `1..4` is 1, 2, 3, 4.
fn values(text: &str, max: usize) -> Result<Vec<String>, String> {
    let too_many = || {
        format!(
            "makes more than {MAX_REQUESTS} requests; divide the batch, each part with a folder of its own"
        )
    };
    let mut values = Vec::new();
    for item in text.split(',') {
        match range(item) {
            None if item.is_empty() => {
                return Err("a value is missing; write values such as 1..4 or 16:9,9:16".into());
            }
            None => values.push(item.to_owned()),
            Some((first, last)) if first > last => {
                return Err(format!("the range {item} is empty; write {last}..{first}"));
            }
            Some((first, last)) if last.abs_diff(first) >= max as u64 => return Err(too_many()),
            Some((first, last)) => values.extend((first..=last).map(|number| number.to_string())),
        }
    }
    let mut sorted = values.clone();
    sorted.sort();
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("the value {} occurs twice; leave one off", pair[0]));
    }
    match values.len() > max {
        true => Err(too_many()),
        false => Ok(values),
    }
}

fn range(item: &str) -> Option<(i64, i64)> {
    let (first, last) = item.split_once("..")?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(each: &[&str], rows: usize) -> Result<Vec<String>, String> {
        let each: Vec<String> = each.iter().map(ToString::to_string).collect();
        let matrix = Matrix::read(&each, &["mode=pro".into()], rows);
        let matrix = matrix.map_err(|failure| failure.message)?;
        let text = |combination: Combination<'_>| {
            let settings = combination
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            settings.collect::<Vec<_>>().join(" ")
        };
        Ok(matrix.combinations().into_iter().map(text).collect())
    }

    #[test]
    fn combinations_have_the_order_of_the_options_and_ranges_include_their_ends() {
        let combinations = read(&["seed=-1..1,7", "ratio=16:9,9:16"], 3).expect("a matrix");
        let expected = [
            "seed=-1 ratio=16:9",
            "seed=-1 ratio=9:16",
            "seed=0 ratio=16:9",
        ];
        assert_eq!(combinations[..3], expected);
        assert_eq!(combinations.len(), 8);
        assert_eq!(combinations[7], "seed=7 ratio=9:16");
        assert_eq!(read(&["seed=5..5"], 1).expect("a matrix"), ["seed=5"]);
        assert_eq!(
            read(&["camera=a..b"], 1).expect("a matrix"),
            ["camera=a..b"]
        );
        assert_eq!(read(&[], 1).expect("no matrix"), [""]);
        assert_eq!(read(&["seed=1..10000"], 1).expect("a matrix").len(), 10_000);
    }

    #[test]
    fn wrong_matrix_is_an_error_with_what_to_write() {
        for (each, expected) in [
            (&["seed"][..], "expected NAME=VALUE,VALUE"),
            (&["seed="], "a value is missing"),
            (&["seed=1,,2"], "a value is missing"),
            (&["seed=4..1"], "write 1..4"),
            (&["seed=1..3,2"], "the value 2 occurs twice"),
            (&["seed=1", "seed=2"], "seed is set twice"),
            (&["mode=std"], "mode is set twice"),
            (&["seed=1..5001"], "more than 10000 requests"),
            (&["seed=1..5000", "ratio=a,b"], "more than 10000 requests"),
            (
                &["seed=-9223372036854775808..9223372036854775807"],
                "more than 10000",
            ),
        ] {
            let error = read(each, 2).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        }
    }
}
