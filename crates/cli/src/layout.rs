//! Recognises files that are not one JSON object a line by their first lines, and names the conversion of each.

use std::path::Path;

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Map, Value};

use crate::{failure::shell_path, text::STANDARD_INPUT};

/// How many lines that are not blank are needed.
pub(crate) const LINES: usize = 3;

/// The error for the first lines of a file in another layout. `None` where they are one request a line, or where an error
/// for each line says more.
pub(crate) fn error(head: &[&str], name: &str) -> Option<String> {
    let (first, second) = (head.first()?.trim_start(), head.get(1));
    let converted = |layout: &str, option: &str, program: &str| {
        Some(format!(
            "{name} is {layout}, expected one JSON object per line; `batch` reads it with {option}; convert it: {}",
            conversion(program, name)
        ))
    };
    if first.starts_with('[') {
        // Lines that are complete arrays get an error each.
        let is_complete = serde_json::from_str::<IgnoredAny>(first).is_ok();
        return match second {
            Some(_) if is_complete => None,
            _ => converted("a JSON array", "--format json", "jq -c '.[]'"),
        };
    }
    if first.starts_with('{') {
        return object_error(first, second.map(|line| line.trim_start()), name);
    }
    let begins_json = |line: &&str| {
        serde_json::from_str::<IgnoredAny>(line).is_ok() || line.trim_start().starts_with('{')
    };
    if head.iter().any(begins_json) {
        return None;
    }
    if first.starts_with('<') {
        return Some(format!(
            "{name} is XML or HTML, expected one JSON object per line; {EXAMPLE}"
        ));
    }
    if let Some(separator) = table_separator(head) {
        let (layout, program) = match separator {
            ',' => ("a CSV table", "mlr --icsv --ojsonl cat"),
            '\t' => ("a TSV table", "mlr --itsv --ojsonl cat"),
            _ => (
                "a CSV table with semicolons",
                "mlr --icsv --ifs ';' --ojsonl cat",
            ),
        };
        return converted(layout, "--format csv", program)
            .map(|text| format!("{text} (Miller 6), or {EXAMPLE}"));
    }
    if is_yaml(head) {
        return Some(format!(
            "{name} is YAML, expected one JSON object per line; {EXAMPLE}"
        ));
    }
    let by_prompts = match name {
        STANDARD_INPUT => "-".into(),
        name => shell_path(name),
    };
    converted(
        "plain text",
        "--format prompts",
        "jq -Rc '{model: \"MODEL\", prompt: .}'",
    )
    .map(|text| {
        format!(
            "{text}, which makes a prompt of each line; write the model's id for MODEL, or give `batch --prompts \
             {by_prompts} --model MODEL`"
        )
    })
}

/// The error for a file whose first line begins an object.
fn object_error(first: &str, second: Option<&str>, name: &str) -> Option<String> {
    let refusal = |defect: &str, remedy: String| {
        Some(format!(
            "{name} {defect}, expected one JSON object per line; {remedy}"
        ))
    };
    let by_jq = || format!("convert it: {}", conversion("jq -c .", name));
    let inside = first[1..].trim_start();
    if inside.starts_with('\'') || inside.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return refusal(
            "has objects in the syntax of Python or JavaScript",
            format!(
                "put names and texts in double quotes, as `json.dumps` and `JSON.stringify` do; {EXAMPLE}"
            ),
        );
    }
    let mut values = Deserializer::from_str(first).into_iter::<Map<String, Value>>();
    match values.next()? {
        Ok(only) => {
            let rest = first[values.byte_offset()..].trim_start();
            if rest.starts_with(',') {
                return refusal(
                    "has a comma after each object, as an array has",
                    format!(
                        "remove it: {}",
                        conversion("sed 's/,[[:space:]]*$//'", name)
                    ),
                );
            }
            if rest.starts_with('{') {
                return refusal("has several objects in one line", by_jq());
            }
            let list = second.is_none().then(|| wrapped(&only)).flatten()?;
            refusal(
                &format!("has its requests in the list {list:?} of one object"),
                format!(
                    "convert it: {}",
                    conversion(&format!("jq -c '.[{list:?}][]'"), name)
                ),
            )
        }
        // The object continues in the next line.
        Err(error) if error.is_eof() && second.is_some_and(|second| !second.starts_with('{')) => {
            refusal("has objects over several lines", by_jq())
        }
        Err(_) => None,
    }
}

/// The name of the one list of objects that an object without a model holds.
fn wrapped(object: &Map<String, Value>) -> Option<&String> {
    let is_list = |value: &Value| {
        value
            .as_array()
            .is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_object))
    };
    let mut lists = object.iter().filter(|(_, value)| is_list(value));
    let (name, _) = lists.next()?;
    (!object.contains_key("model") && lists.next().is_none()).then_some(name)
}

/// The separator of a table whose first line names the columns.
fn table_separator(head: &[&str]) -> Option<char> {
    let is_name = |field: &str| {
        let field = field.trim().trim_matches('"');
        (1..=40).contains(&field.len())
            && field
                .chars()
                .all(|c| c.is_alphanumeric() || "_-. /[]".contains(c))
            && field.split_whitespace().count() <= 3
    };
    [',', '\t', ';'].into_iter().find(|separator| {
        let columns = head[0].split(*separator).count();
        columns > 1
            && head[0].split(*separator).all(is_name)
            && head[1..].iter().all(|line| line.contains(*separator))
    })
}

fn is_yaml(head: &[&str]) -> bool {
    let is_entry = |line: &&str| {
        let line = line.trim_start().trim_start_matches("- ");
        let key = line
            .split_once(':')
            .filter(|(_, value)| value.is_empty() || value.starts_with(' '));
        line.starts_with('#')
            || key.is_some_and(|(key, _)| !key.is_empty() && !key.contains(char::is_whitespace))
    };
    head[0].trim_end() == "---"
        || (head.iter().all(is_entry) && (head.len() > 1 || head[0].starts_with("- ")))
}

/// The command that writes the requests, one a line, to a new file.
fn conversion(program: &str, name: &str) -> String {
    if name == STANDARD_INPUT {
        return format!("`{program}` in front of it");
    }
    let stem = Path::new(name).with_extension("");
    let new = match Path::new(name).extension() {
        Some(extension) if extension == "jsonl" => format!("{}-lines.jsonl", stem.display()),
        _ => format!("{}.jsonl", stem.display()),
    };
    format!("`{program} < {} > {}`", shell_path(name), shell_path(&new))
}

const EXAMPLE: &str = "write lines such as {\"model\": \"MODEL\", \"prompt\": \"A kite climbs\"}";

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Option<String> {
        let head: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .take(LINES)
            .collect();
        error(&head, "my kites.json")
    }

    #[test]
    fn file_in_another_layout_is_named_with_its_conversion() {
        let array = "`jq -c '.[]' < 'my kites.json' > 'my kites.jsonl'`";
        let objects = "`jq -c . < 'my kites.json' > 'my kites.jsonl'`";
        for (text, parts) in [
            (
                r#"[{"model": "m"}, {"model": "m"}]"#,
                ["a JSON array", array],
            ),
            (
                "[\n  {\n    \"model\": \"m\"\n  }\n]",
                ["a JSON array", array],
            ),
            (
                "  [{\"model\": \"m\"},\n{\"model\": \"m\"}]",
                ["a JSON array", array],
            ),
            ("[{'model': 'm'}]", ["a JSON array", array]),
            (
                "{\n  \"model\": \"m\",\n  \"prompt\": \"x\"\n}",
                ["over several lines", objects],
            ),
            (
                "{\"model\": \"m\",\n \"prompt\": \"x\"}\n",
                ["over several lines", objects],
            ),
            (
                "{\"model\": \"m\"} {\"model\": \"m\"}",
                ["several objects in one line", objects],
            ),
            (
                "{\"model\": \"m\"}\r{\"model\": \"m\"}",
                ["several objects in one line", objects],
            ),
            (
                "{\"model\": \"m\"},\n{\"model\": \"m\"}",
                ["a comma after each object", "sed "],
            ),
            (
                r#"{"requests": [{"model": "m"}]}"#,
                ["the list \"requests\"", "jq -c '.[\"requests\"][]'"],
            ),
            (
                "{'model': 'm', 'prompt': 'x'}",
                ["Python or JavaScript", "double quotes"],
            ),
            (
                "{model: \"m\"}\n{model: \"m\"}",
                ["Python or JavaScript", "double quotes"],
            ),
            (
                "model,prompt\nm,A kite",
                ["a CSV table", "mlr --icsv --ojsonl cat"],
            ),
            (
                "\"model\",\"prompt\"\n\"m\",\"A, b\"",
                ["a CSV table", "mlr --icsv --ojsonl cat"],
            ),
            (
                "model;prompt;duration\nm;A kite;5",
                ["semicolons", "--ifs ';'"],
            ),
            ("model\tprompt\nm\tA kite", ["a TSV table", "mlr --itsv"]),
            ("- model: m\n  prompt: A kite", ["YAML", "{\"model\": "]),
            ("---\nmodel: m\n", ["YAML", "{\"model\": "]),
            (
                "model: m\nprompt: A kite climbs\n",
                ["YAML", "{\"model\": "],
            ),
            ("<requests>\n<request/>", ["XML or HTML", "{\"model\": "]),
            (
                "A kite climbs\nA kite falls, slowly\n",
                ["plain text", "jq -Rc"],
            ),
            ("prompt\nA kite climbs\n", ["plain text", "jq -Rc"]),
            ("Once, there was a kite; it fell.", ["plain text", "jq -Rc"]),
        ] {
            let message = refusal(text).unwrap_or_else(|| panic!("{text}"));
            for part in parts {
                assert!(message.contains(part), "{text}: {message}");
            }
        }
    }

    #[test]
    fn lines_with_errors_of_their_own_are_not_another_layout() {
        for text in [
            "",
            "{\"model\": \"m\"}",
            "{}\n{}\n{}",
            "{\n{\n{",
            "{\n{\"model\": \"m\"}",
            "{",
            "{\"model\": \"m\"",
            "nonsense\n{\"model\": \"m\"}",
            "{\"model\": \"m\"}\nnonsense",
            "[1]\n{\"model\": \"m\"}",
            "[\"m\", \"A kite\"]\n[\"m\", \"A kite\"]",
            "1",
            "\"A kite\"\n\"A kite\"",
            "null\nnull",
            r#"{"model": "m", "elements": [{"a": 1}]}"#,
        ] {
            assert_eq!(refusal(text), None, "{text}");
        }
    }

    #[test]
    fn conversion_never_overwrites_its_source() {
        assert!(conversion("jq", "a.jsonl").ends_with("< a.jsonl > a-lines.jsonl`"));
        assert!(conversion("jq", "dir.d/a").ends_with("< dir.d/a > dir.d/a.jsonl`"));
        assert!(conversion("jq", "-a.csv").ends_with("< ./-a.csv > ./-a.jsonl`"));
        assert_eq!(conversion("jq", STANDARD_INPUT), "`jq` in front of it");
    }
}
