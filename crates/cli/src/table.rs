//! Tables for people: aligned, and folded where the terminal is too narrow. What goes elsewhere is neither cut nor folded.

use console::{Term, measure_text_width, pad_str};
use textwrap::Options;

/// The columns of the terminal that standard output is, if it is one.
pub(crate) fn columns() -> Option<usize> {
    let out = Term::stdout();
    let size = out.is_term().then(|| out.size_checked()).flatten();
    size.map(|(_, columns)| usize::from(columns))
        .filter(|columns| *columns > 0)
}

/// Columns as wide as their widest cell; the last one is not padded. Where that is wider than `most`, all but the first are
/// folded; where even that would be too narrow to be read, each row is a paragraph.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>], most: Option<usize>) -> String {
    let widths = widths(header, rows);
    let all = header.iter().map(|title| (*title).to_owned()).collect();
    let all = std::iter::once(&all).chain(rows);
    let Some(most) = most.filter(|most| total(&widths) > *most) else {
        return joined(all.map(|row| lines(row, &widths)));
    };
    match folded(&widths, most) {
        Some(widths) => joined(all.map(|row| lines(row, &widths))),
        None => joined(rows.iter().map(|row| paragraph(header, row, most))),
    }
}

/// How wide the table is that `table` makes where there is room.
pub(crate) fn width(header: &[&str], rows: &[Vec<String>]) -> usize {
    total(&widths(header, rows))
}

const GAP: usize = 2;

/// Text that is folded to less than this is hard to read.
const LEAST: usize = 14;

fn widths(header: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let width = |(column, title): (usize, &&str)| {
        let cells = rows.iter().map(|row| measure_text_width(&row[column]));
        cells.max().unwrap_or(0).max(measure_text_width(title))
    };
    header.iter().enumerate().map(width).collect()
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// Widths of which all but the first are at most the same, so that the table is `most` wide.
fn folded(widths: &[usize], most: usize) -> Option<Vec<usize>> {
    let fold = |least: usize| -> Vec<usize> {
        let fold = |(column, width): (usize, &usize)| match column {
            0 => *width,
            _ => (*width).min(least),
        };
        widths.iter().enumerate().map(fold).collect()
    };
    let widest = widths.iter().copied().max().unwrap_or(0);
    let least = (LEAST..=widest)
        .rev()
        .find(|least| total(&fold(*least)) <= most)?;
    Some(fold(least))
}

/// A row, on as many lines as its longest cell takes.
fn lines(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<Vec<String>> = row
        .iter()
        .zip(widths)
        .map(|(cell, width)| wrapped(cell, *width, ""))
        .collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    let line = |number: usize| {
        let cells = cells.iter().zip(widths).map(|(cell, width)| {
            let text = cell.get(number).map_or("", String::as_str);
            pad_str(text, *width, console::Alignment::Left, None).into_owned()
        });
        let gap = " ".repeat(GAP);
        cells.collect::<Vec<_>>().join(&gap).trim_end().to_owned()
    };
    (0..height).map(line).collect::<Vec<_>>().join("\n")
}

/// A row whose first cell stands alone, and whose others are named below it.
fn paragraph(header: &[&str], row: &[String], most: usize) -> String {
    let named = header.iter().zip(row).skip(1);
    let named: Vec<String> = named
        .filter(|(_, cell)| !cell.is_empty())
        .map(|(title, cell)| format!("{}: {cell}", title.to_lowercase()))
        .collect();
    let first = row.first().map_or("", String::as_str);
    let rest = wrapped(&named.join("; "), most, "  ").join("\n");
    format!("{first}\n{rest}").trim_end().to_owned()
}

fn wrapped(text: &str, width: usize, indent: &str) -> Vec<String> {
    let options = Options::new(width.max(LEAST))
        .initial_indent(indent)
        .subsequent_indent(indent)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit)
        // A name is to be found again.
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    let lines = textwrap::wrap(text, options);
    lines.into_iter().map(|line| line.into_owned()).collect()
}

fn joined(rows: impl Iterator<Item = String>) -> String {
    rows.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[&str] = &["NAME", "ALLOWED", "MEANING"];

    fn rows() -> Vec<Vec<String>> {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        vec![
            row(["duration", "5, 10", "Clip length in whole seconds."]),
            row(["título", "a string of any length at all", "名前 of it"]),
        ]
    }

    #[test]
    fn without_a_limit_nothing_is_folded_and_columns_are_aligned() {
        let expected = "\
NAME      ALLOWED                        MEANING
duration  5, 10                          Clip length in whole seconds.
título    a string of any length at all  名前 of it";
        assert_eq!(table(HEADER, &rows(), None), expected);
        assert_eq!(table(HEADER, &rows(), Some(70)), expected);
    }

    #[test]
    fn a_narrow_table_is_folded_and_a_very_narrow_one_is_paragraphs() {
        let expected = "\
NAME      ALLOWED         MEANING
duration  5, 10           Clip length in
                          whole seconds.
título    a string of     名前 of it
          any length at
          all";
        assert_eq!(table(HEADER, &rows(), Some(41)), expected);
        let expected = "\
duration
  allowed: 5, 10; meaning: Clip
  length in whole seconds.
título
  allowed: a string of any length
  at all; meaning: 名前 of it";
        assert_eq!(table(HEADER, &rows(), Some(33)), expected);
    }

    #[test]
    fn no_line_is_wider_than_asked_for_where_words_are_short() {
        for most in 20..100 {
            for line in table(HEADER, &rows(), Some(most)).lines() {
                assert!(measure_text_width(line) <= most, "{most}: {line}");
            }
        }
    }
}
