//! What a file that cannot be read as a document shows of its structure.

use std::{
    fmt, fs,
    io::{self, BufRead},
    path::Path,
};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::Route;

/// Whether a file may be a document of this client: its `paths` have one of this client's, or it begins as an OpenAPI document
/// and breaks off before its `paths` end, or it cannot be opened.
///
/// A checkout of a documentation has many other JSON files, which are not errors.
pub fn may_be_of_this_client(path: &Path) -> bool {
    let is_file = fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    let file = fs::File::open(path).ok().filter(|_| is_file);
    let Some(mut file) = file.map(io::BufReader::new) else {
        return true;
    };
    if super::folder::is_yaml(path) {
        return file.split(b'\n').map_while(Result::ok).any(|line| {
            let line = String::from_utf8_lossy(&line);
            let key = line.trim().strip_suffix(':');
            key.is_some_and(|key| is_route(key.trim_matches(['"', '\''])))
        });
    }
    if file
        .fill_buf()
        .is_ok_and(|start| start.starts_with(b"\xEF\xBB\xBF"))
    {
        file.consume(3);
    }
    let mut outline = Outline::default();
    let mut reader = serde_json::Deserializer::from_reader(file);
    let whole = outline.deserialize(&mut reader).and_then(|()| reader.end());
    let is_cut = whole.is_err() && outline.is_openapi && !outline.has_all_paths;
    outline.has_route || is_cut
}

fn is_route(path: &str) -> bool {
    Route::ALL.iter().any(|route| route.path() == path)
}

/// What was found before the end of a file, or before the place where it is not JSON.
#[derive(Default)]
struct Outline {
    is_openapi: bool,
    has_route: bool,
    has_all_paths: bool,
}

impl<'de> DeserializeSeed<'de> for &mut Outline {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Outline {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            self.is_openapi |= ["openapi", "swagger"].contains(&key.as_str());
            if key == "paths" {
                map.next_value_seed(Paths(self))?;
                self.has_all_paths = true;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Reads the keys of `paths`.
struct Paths<'a>(&'a mut Outline);

impl<'de> DeserializeSeed<'de> for Paths<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Paths<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(path) = map.next_key::<String>()? {
            self.0.has_route |= is_route(&path);
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}
