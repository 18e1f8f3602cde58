//! A handle on the command line: an id, or a handle as JSON.

use aimlapi_video::GenerationHandle;

/// Reads the handle of `--adopt`.
pub(crate) fn read(given: &str) -> Result<GenerationHandle, String> {
    let text = match given.ends_with(".json") {
        true => std::fs::read_to_string(given)
            .map_err(|error| format!("--adopt {given} cannot be read: {error}"))?,
        false => given.to_owned(),
    };
    let text = text.trim();
    let handle = match text.starts_with('{') {
        true => serde_json::from_str(text).map_err(|error| {
            format!("--adopt: expected a handle as `jobs show` prints it, or an id: {error}")
        })?,
        false => GenerationHandle::new(text),
    };
    // An id is opaque, but no service has blanks in it: these are a copied table row or sentence.
    let is_wrong = |c: char| c.is_whitespace() || c.is_control();
    match handle.id() {
        "" => Err("--adopt: the id is empty; copy it from the account's log".into()),
        id if id.contains(is_wrong) => Err(format!(
            "--adopt: {id:?} contains blanks, which no id has; copy the id alone from the account's log"
        )),
        id if id.contains("://") => Err(format!(
            "--adopt: {id} is a URL; give the id of the generation"
        )),
        _ => Ok(handle),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handle_is_an_id_or_json() {
        assert_eq!(read(" -a:b/c "), Ok(GenerationHandle::new("-a:b/c")));
        let json = r#"{"id": "a1", "model": "m", "route": "universal"}"#;
        let handle = read(json).expect("a handle");
        assert_eq!((handle.id(), handle.model()), ("a1", Some("m")));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("handle.json");
        std::fs::write(&path, json).expect("written");
        assert_eq!(read(&path.display().to_string()), Ok(handle));
    }

    #[test]
    fn wrong_handle_is_an_error_with_the_remedy() {
        for (given, error) in [
            ("", "the id is empty"),
            ("  ", "the id is empty"),
            ("a1 completed", "contains blanks"),
            ("{\"id\": \"\"}", "the id is empty"),
            ("{\"model\": \"m\"}", "missing field `id`"),
            ("{", "expected a handle as `jobs show` prints it"),
            ("missing.json", "missing.json cannot be read"),
            (
                "https://cdn.example.com/v.mp4",
                "give the id of the generation",
            ),
        ] {
            let found = read(given).expect_err(given);
            assert!(found.contains(error), "{given}: {found}");
        }
    }
}
