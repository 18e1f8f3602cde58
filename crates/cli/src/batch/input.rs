//! The requests of a batch's file, in each of its formats.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use serde_json::Value;

use crate::{
    args::{Format, Input},
    failure::Failure,
    lines::Lines,
    text::{self, json_error},
};

mod table;

/// The requests of a file, not yet composed.
pub(super) struct Rows {
    /// The name of the file in messages.
    pub(super) file: String,
    pub(super) format: Format,
    pub(super) rows: Vec<Row>,
    /// The names of a table's columns.
    pub(super) columns: Vec<String>,
}

/// A request as the file states it.
pub(super) struct Row {
    /// The number by which the journal and the names of files know the request: that of its line, or of its item in an array.
    pub(super) number: usize,
    pub(super) content: Result<Content, String>,
}

pub(super) enum Content {
    Body(Value),
    /// The cells that are not empty, each with the index of its column.
    Cells(Vec<(usize, String)>),
    Prompt(String),
}

impl Rows {
    pub(super) fn read(input: &Input) -> Result<Self, Failure> {
        let path = input.path();
        let file = path.display().to_string();
        let unreadable = |error| {
            Failure::usage(format!(
                "{file} cannot be read: {error}; give a file with one request a line"
            ))
        };
        let open = || File::open(path).map_err(unreadable);
        let format = match input.stated_format().or_else(|| by_extension(path)) {
            Some(format) => format,
            None => by_first_character(open()?, &file).map_err(refused)?,
        };
        let (columns, rows) = parse(format, open()?, &file).map_err(refused)?;
        if rows.is_empty() {
            return Err(Failure::usage(format!(
                "{file} contains no request; {}",
                example(format)
            )));
        }
        Ok(Self {
            file,
            format,
            rows,
            columns,
        })
    }

    /// What a request is in the file.
    pub(super) fn noun(&self) -> &'static str {
        match self.format {
            Format::Json => "item",
            _ => "line",
        }
    }

    /// Where a request is: `FILE:LINE`, or `FILE: item N` in an array.
    pub(super) fn place(&self, number: usize) -> String {
        match self.format {
            Format::Json => format!("{}: item {number}", self.file),
            _ => format!("{}:{number}", self.file),
        }
    }
}

fn refused(error: String) -> Failure {
    Failure::usage(format!("nothing was created: {error}"))
}

fn example(format: Format) -> &'static str {
    match format {
        Format::Jsonl => "write one a line, as JSON",
        Format::Json => "write an array of JSON objects",
        Format::Csv => "write a line for each below the names of the columns",
        Format::Prompts => "write one prompt a line",
    }
}

fn by_extension(path: &Path) -> Option<Format> {
    match &*path.extension()?.to_str()?.to_ascii_lowercase() {
        "jsonl" | "ndjson" => Some(Format::Jsonl),
        "csv" | "tsv" => Some(Format::Csv),
        _ => None,
    }
}

/// An array begins with a bracket. Any other beginning is that of lines, whose reader names what it is not.
fn by_first_character(file: File, name: &str) -> Result<Format, String> {
    for line in text::Text::new(BufReader::new(file), name)? {
        match line?
            .trim_start_matches('\u{FEFF}')
            .trim_start()
            .chars()
            .next()
        {
            Some('[') => return Ok(Format::Json),
            Some(_) => return Ok(Format::Jsonl),
            None => {}
        }
    }
    Ok(Format::Jsonl)
}

type Parsed = (Vec<String>, Vec<Row>);

fn parse(format: Format, file: File, name: &str) -> Result<Parsed, String> {
    let source = BufReader::new(file);
    let rows = match format {
        Format::Jsonl => lines(source, name)?,
        Format::Json => array(&text::whole(source, name)?, name)?,
        Format::Csv => return table::parse(&text::whole(source, name)?, name),
        Format::Prompts => prompts(&text::whole(source, name)?),
    };
    Ok((Vec::new(), rows))
}

fn lines(source: BufReader<impl Read>, name: &str) -> Result<Vec<Row>, String> {
    let row = |line| {
        let (number, text): (usize, String) = line?;
        let body = serde_json::from_str(&text).map(Content::Body);
        Ok(Row {
            number,
            content: body.map_err(|error| json_error(name, number, &text, &error)),
        })
    };
    Lines::new(source, name)?.map(row).collect()
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
