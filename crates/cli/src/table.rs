//! Tables without lines: folded to the width of a terminal; whole in redirected output, for other programs.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets::NOTHING};
use console::Term;

/// The columns of the terminal that standard output is; `None` where it is redirected.
pub(crate) fn terminal_columns() -> Option<usize> {
    let out = Term::stdout();
    let size = out.is_term().then(|| out.size_checked()).flatten();
    size.map(|(_, columns)| usize::from(columns))
        .filter(|columns| *columns > 0)
}

/// Formats rows below a header. Above `max_columns`, all columns but the first are folded; where that makes them too narrow
/// to read, each row becomes a paragraph.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>], max_columns: Option<usize>) -> String {
    let mut table = grid(header, rows);
    if let Some(max) = max_columns {
        let widths = table.column_max_content_widths();
        let readable = |(column, width): (usize, &u16)| match column {
            0 => *width,
            _ => (*width).min(MIN_FOLDED),
        };
        let folded: u16 = widths.iter().enumerate().map(readable).sum();
        if usize::from(folded) + gaps(header) > max {
            let rows = rows.iter().map(|row| paragraph(header, row, max));
            return rows.collect::<Vec<_>>().join("\n");
        }
        // The gap behind the last column is trimmed.
        table.set_width(columns(max + GAP));
    }
    table.trim_fmt()
}

/// Whether the unfolded table fits.
pub(crate) fn fits(header: &[&str], rows: &[Vec<String>], max_columns: usize) -> bool {
    let widths = grid(header, rows).column_max_content_widths();
    let total: usize = widths.into_iter().map(usize::from).sum();
    total + gaps(header) <= max_columns
}

/// Blank columns between two columns.
const GAP: usize = 2;

/// A column that is folded to less is hard to read.
const MIN_FOLDED: u16 = 14;

fn grid(header: &[&str], rows: &[Vec<String>]) -> Table {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.to_vec())
        .add_rows(rows.to_vec());
    for column in table.column_iter_mut() {
        column.set_padding((0, columns(GAP)));
    }
    if let Some(first) = table.column_mut(0) {
        // It holds names, to be copied whole.
        first.set_constraint(ColumnConstraint::ContentWidth);
    }
    table
}

fn gaps(header: &[&str]) -> usize {
    GAP * header.len().saturating_sub(1)
}

/// The first cell on a line of its own, and the others with their titles, indented below it.
fn paragraph(header: &[&str], row: &[String], max_columns: usize) -> String {
    let others: Vec<String> = header
        .iter()
        .zip(row)
        .skip(1)
        .filter(|(_, cell)| !cell.is_empty())
        .map(|(title, cell)| format!("{}: {cell}", title.to_lowercase()))
        .collect();
    let mut text = Table::new();
    text.load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(columns(max_columns))
        .add_row([others.join("; ")]);
    if let Some(column) = text.column_mut(0) {
        column.set_padding((2, 0));
    }
    let first = row.first().map_or("", String::as_str);
    format!("{first}\n{}", text.trim_fmt())
        .trim_end()
        .to_owned()
}

fn columns(columns: usize) -> u16 {
    columns.try_into().unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use console::measure_text_width;

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
    fn table_without_a_limit_is_aligned_and_not_folded() {
        let expected = "\
NAME      ALLOWED                        MEANING
duration  5, 10                          Clip length in whole seconds.
título    a string of any length at all  名前 of it";
        assert_eq!(table(HEADER, &rows(), None), expected);
        assert_eq!(table(HEADER, &rows(), Some(70)), expected);
        assert!(fits(HEADER, &rows(), 70) && !fits(HEADER, &rows(), 69));
    }

    #[test]
    fn narrow_table_is_folded_and_a_very_narrow_one_is_paragraphs() {
        let expected = "\
NAME      ALLOWED          MEANING
duration  5, 10            Clip length in
                           whole seconds.
título    a string of any  名前 of it
          length at all";
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
    fn no_line_is_wider_than_the_limit() {
        for max in 20..100 {
            for line in table(HEADER, &rows(), Some(max)).lines() {
                assert!(measure_text_width(line) <= max, "{max}: {line}");
            }
        }
    }
}
