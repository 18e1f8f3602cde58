//! The rows that a terminal shows: a text, a bar and a note, each as far as there is room.

use console::measure_text_width;
use supports_unicode::Stream;

use crate::style::{Line, Meaning, flat};

/// One row.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// What the text consists of; the last parts are left out first.
    pub(super) parts: Vec<Line>,
    /// The length of the bar, 0 to 1.
    pub(super) done: Option<f64>,
    /// Shown at the end where there is room.
    pub(super) note: String,
}

/// The columns between the text, the bar and the note.
const GAP: usize = 2;

/// A narrower bar shows too little.
const MIN_BAR: usize = 8;

/// A note is shown only beside a bar of this length.
const MIN_BAR_WITH_NOTE: usize = 16;

const MAX_BAR: usize = 30;

impl Row {
    pub(super) fn new(parts: Vec<Line>) -> Self {
        Self {
            parts,
            ..Self::default()
        }
    }

    /// The text, with as many parts as fit.
    fn text(&self, columns: usize) -> Line {
        let counts = (2..=self.parts.len()).rev();
        let mut texts = counts.map(|count| joined(&self.parts[..count]));
        let fitting = texts.find(|text| text.columns() <= columns);
        fitting.unwrap_or_else(|| joined(&self.parts[..self.parts.len().min(1)]))
    }

    /// The row without line breaks and tabs, whose width is not that of the text.
    fn flat(&self) -> Self {
        Self {
            parts: self.parts.iter().map(Line::flat).collect(),
            done: self.done,
            note: flat(&self.note),
        }
    }

    /// Whether the row has more than a text.
    fn is_wide(&self) -> bool {
        self.done.is_some() || !self.note.is_empty()
    }
}

/// The parts with commas between them.
pub(super) fn joined(parts: &[Line]) -> Line {
    let mut parts = parts.iter().cloned();
    let first = parts.next().unwrap_or_default();
    parts.fold(first, |text, part| text.plain(", ").and(part))
}

/// The characters of a bar.
#[derive(Clone, Copy)]
pub(super) struct Glyphs {
    done: char,
    left: char,
}

impl Glyphs {
    pub(super) const ASCII: Self = Self {
        done: '#',
        left: '-',
    };

    pub(super) fn of_stderr() -> Self {
        match supports_unicode::on(Stream::Stderr) {
            true => Self {
                done: '━',
                left: '─',
            },
            false => Self::ASCII,
        }
    }

    fn bar(self, done: f64, columns: usize) -> Line {
        // The last column is for what is over.
        let filled = ((done * columns as f64) as usize).min(columns);
        let part = |glyph: char, count| glyph.to_string().repeat(count);
        Line::new(Meaning::Active, part(self.done, filled))
            .with(Meaning::Secondary, part(self.left, columns - filled))
    }
}

/// Lays rows out in columns: bars and notes begin at the same place in every row.
pub(super) fn lay_out(rows: &[Row], columns: usize, glyphs: Glyphs) -> Vec<Line> {
    let rows: Vec<Row> = rows.iter().map(Row::flat).collect();
    let texts: Vec<Line> = rows.iter().map(|row| row.text(columns)).collect();
    let wide = rows.iter().zip(&texts).filter(|(row, _)| row.is_wide());
    let text_columns = wide.map(|(_, text)| text.columns()).max().unwrap_or(0);
    let room = columns.saturating_sub(text_columns + GAP);
    let notes = rows.iter().map(|row| measure_text_width(&row.note));
    let notes = notes.max().map_or(0, |columns| columns + GAP);
    let shows_notes = room >= MIN_BAR_WITH_NOTE + notes;
    let bar = if shows_notes { room - notes } else { room }.min(MAX_BAR);
    if bar < MIN_BAR {
        return texts;
    }
    let rows = rows.iter().zip(texts).map(|(row, text)| {
        if !row.is_wide() {
            return text;
        }
        let fill = text_columns + GAP - text.columns();
        let text = text.plain(" ".repeat(fill));
        let text = match row.done {
            Some(done) => text.and(glyphs.bar(done, bar)),
            None => text.plain(" ".repeat(bar)),
        };
        match shows_notes && !row.note.is_empty() {
            true => text.with(Meaning::Secondary, format!("  {}", row.note)),
            false => text,
        }
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(parts: &[&str], done: Option<f64>, note: &str) -> Row {
        Row {
            parts: parts.iter().map(|part| Line::from(*part)).collect(),
            done,
            note: note.into(),
        }
    }

    fn shown(rows: &[Row], columns: usize) -> Vec<String> {
        let lines = lay_out(rows, columns, Glyphs::ASCII);
        lines.iter().map(Line::text).collect()
    }

    #[test]
    fn bars_and_notes_are_aligned_and_left_out_where_there_is_no_room() {
        let rows = [
            row(
                &["line 1: generating 3.0s", "about 2m left"],
                Some(0.5),
                "a/b",
            ),
            row(&["line 12: queued"], Some(0.0), "c"),
            row(&["0 of 2 saved", "1m"], None, ""),
        ];
        assert_eq!(
            shown(&rows, 61),
            [
                "line 1: generating 3.0s, about 2m left  ########--------  a/b",
                "line 12: queued                         ----------------  c",
                "0 of 2 saved, 1m",
            ]
        );
        assert_eq!(
            shown(&rows, 50)[0],
            "line 1: generating 3.0s, about 2m left  #####-----"
        );
        assert_eq!(
            shown(&rows, 40)[0],
            "line 1: generating 3.0s, about 2m left"
        );
        assert_eq!(
            shown(&rows, 30)[..2],
            ["line 1: generating 3.0s", "line 12: queued"]
        );
    }

    #[test]
    fn line_breaks_and_tabs_of_a_service_do_not_break_a_row() {
        let rows = [row(&["wei\nrd\tx 3.0s", "a\nb"], None, "")];
        assert_eq!(shown(&rows, 40), ["wei rd x 3.0s, a b"]);
    }

    #[test]
    fn no_row_is_wider_than_the_terminal_unless_its_first_part_is() {
        let rows = [
            row(
                &["line 1: generating 3.0s", "about 2m left", "usually 5m"],
                Some(0.3),
                "vendor/model",
            ),
            row(&["3 of 8 saved", "2 failed", "1.25 USD"], Some(1.0), ""),
        ];
        for columns in 24..150 {
            for line in shown(&rows, columns) {
                assert!(measure_text_width(&line) <= columns, "{columns}: {line}");
            }
        }
    }
}
