//! The requests of a file, in each of its formats, for `batch` and `validate`.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use serde_json::Value;

use crate::{
    args::Format,
    lines::Lines,
    text::{self, STANDARD_INPUT, json_error},
};

mod compose;
mod matrix;
mod table;

pub(crate) use compose::Composer;
pub(crate) use matrix::{Combination, Matrix};

/// The requests of a file, not yet composed.
pub(crate) struct Rows {
    /// The name of the file in messages.
    pub(crate) file: String,
    pub(crate) format: Format,
    /// The names of a table's columns.
    pub(crate) columns: Vec<String>,
    /// An error ends the file.
    pub(crate) rows: RowsOf,
}

/// The rows of a file, one after another.
pub(crate) type RowsOf = Box<dyn Iterator<Item = Result<Row, String>>>;

/// A request as the file states it.
pub(crate) struct Row {
    /// The number by which the journal and the names of files know the request: that of its line, or of its item in an array.
    pub(crate) number: usize,
    pub(crate) content: Result<Content, Unreadable>,
}

pub(crate) enum Content {
    Body(Value),
    /// The cells that are not empty, each with the index of its column.
    Cells(Vec<(usize, String)>),
    Prompt(String),
}

/// Why a row cannot be read as a request.
pub(crate) struct Unreadable {
    /// With the place in the file.
    pub(crate) message: String,
    /// The column of the first character that is not JSON.
    pub(crate) column: Option<usize>,
    pub(crate) reason: String,
}

impl Rows {
    /// Reads a file, or standard input where the path is `-`. Only JSON Lines are read one after another.
    pub(crate) fn open(path: &Path, stated: Option<Format>) -> Result<Self, String> {
        let is_file = path != Path::new("-");
        let (mut source, file): (Box<dyn BufRead>, String) = match is_file {
            false => (Box::new(io::stdin().lock()), STANDARD_INPUT.into()),
            true => {
                let file = path.display().to_string();
                let open = File::open(path);
                let open = open.map_err(|error| format!("{file} cannot be read: {error}"))?;
                (Box::new(BufReader::new(open)), file)
            }
        };
        let format = match stated.or_else(|| by_extension(path)) {
            Some(format) => format,
            None => by_first_character(&mut *source)
                .map_err(|error| format!("{file} cannot be read: {error}"))?,
        };
        let mut columns = Vec::new();
        let rows = match format {
            Format::Jsonl => lines(source, file.clone())?,
            Format::Json => all(array(&text::whole(source, &file)?, &file)?),
            Format::Csv => {
                let (names, rows) = table::parse(&text::whole(source, &file)?, &file)?;
                columns = names;
                all(rows)
            }
            Format::Prompts => all(prompts(&text::whole(source, &file)?)),
        };
        Ok(Self {
            file,
            format,
            columns,
            rows,
        })
    }

    /// What a request is in the file.
    pub(crate) fn noun(&self) -> &'static str {
        match self.format {
            Format::Json => "item",
            _ => "line",
        }
    }

    /// Where a request is: `FILE:LINE`, or `FILE: item N` in an array.
    pub(crate) fn place(&self, number: usize) -> String {
        match self.format {
            Format::Json => format!("{}: item {number}", self.file),
            _ => format!("{}:{number}", self.file),
        }
    }

    /// How a request is written in the format.
    pub(crate) fn example(&self) -> &'static str {
        match self.format {
            Format::Jsonl => "write one a line, as JSON",
            Format::Json => "write an array of JSON objects",
            Format::Csv => "write a line for each below the names of the columns",
            Format::Prompts => "write one prompt a line",
        }
    }
}

fn by_extension(path: &Path) -> Option<Format> {
    match &*path.extension()?.to_str()?.to_ascii_lowercase() {
        "jsonl" | "ndjson" => Some(Format::Jsonl),
        "csv" | "tsv" => Some(Format::Csv),
        _ => None,
    }
}

/// An array begins with a bracket, behind a byte order mark and blanks. Any other beginning is that of lines, whose reader names
/// what it is not.
fn by_first_character(source: &mut dyn BufRead) -> io::Result<Format> {
    let is_mark = |byte: &u8| [0xEF, 0xBB, 0xBF, 0xFF, 0xFE, 0].contains(byte);
    let mut head = source.fill_buf()?.iter();
    match head.find(|byte| !is_mark(byte) && !byte.is_ascii_whitespace()) {
        Some(b'[') => Ok(Format::Json),
        _ => Ok(Format::Jsonl),
    }
}

fn all(rows: Vec<Row>) -> RowsOf {
    Box::new(rows.into_iter().map(Ok))
}

fn lines(source: Box<dyn BufRead>, name: String) -> Result<RowsOf, String> {
    let lines = Lines::new(source, &name)?;
    Ok(Box::new(lines.map(move |line| {
        let (number, text) = line?;
        let body = serde_json::from_str(&text).map(Content::Body);
        Ok(Row {
            number,
            content: body.map_err(|error| Unreadable {
                message: json_error(&name, number, &text, &error),
                column: Some(text::column(&text, &error)),
                reason: text::json_message(&error),
            }),
        })
    })))
}

fn array(text: &str, name: &str) -> Result<Vec<Row>, String> {
    let items: Vec<Value> =
        serde_json::from_str(text).map_err(|error| json_error(name, 1, text, &error))?;
    let row = |(index, body)| Row {
        number: index + 1,
        content: Ok(Content::Body(body)),
    };
    Ok(items.into_iter().enumerate().map(row).collect())
}

/// Blank lines, and those that begin with `#`, hold no prompt; a prompt that begins with `#` is written with `\#`.
fn prompts(text: &str) -> Vec<Row> {
    let row = |(index, line): (usize, &str)| {
        let line = line.trim();
        let prompt = line.strip_prefix('\\').filter(|rest| rest.starts_with('#'));
        (!line.is_empty() && !line.starts_with('#')).then(|| Row {
            number: index + 1,
            content: Ok(Content::Prompt(prompt.unwrap_or(line).to_owned())),
        })
    };
    text.lines().enumerate().filter_map(row).collect()
}
