//! Lines with styled parts. A part is styled by what it means, and the colours are defined here alone.

use std::borrow::Cow;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;

use crate::{
    output::printable,
    wrap::{break_at, breaks},
};

/// The value of `--color`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR or TERM=dumb is set
    Auto,
    Always,
    Never,
}

impl Color {
    /// Applies to both streams from here on, and to the messages of clap.
    pub(crate) fn apply(self) {
        match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        }
        .write_global();
    }
}

/// Whether standard error shows colours.
pub(crate) fn is_on_stderr() -> bool {
    AutoStream::choice(&std::io::stderr()) != ColorChoice::Never
}

/// What a part of a line means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Plain,
    Error,
    Warning,
    /// What to know or to do next.
    Note,
    Success,
    /// What happens now.
    Active,
    Money,
    /// What may be overlooked.
    Secondary,
}

impl Meaning {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Error => AnsiColor::Red.on_default().bold(),
            Self::Warning => AnsiColor::Yellow.on_default().bold(),
            Self::Note => Style::new().bold(),
            Self::Success => AnsiColor::Green.on_default().bold(),
            Self::Active => AnsiColor::Cyan.on_default(),
            Self::Money => AnsiColor::Magenta.on_default(),
            Self::Secondary => Style::new().dimmed(),
        }
    }
}

/// A text whose parts have a meaning. Control characters in it are escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line(Vec<(Meaning, String)>);

impl Line {
    pub(crate) fn new(meaning: Meaning, text: impl Into<String>) -> Self {
        Self(vec![(meaning, text.into())])
    }

    pub(crate) fn with(mut self, meaning: Meaning, text: impl Into<String>) -> Self {
        self.0.push((meaning, text.into()));
        self
    }

    pub(crate) fn plain(self, text: impl Into<String>) -> Self {
        self.with(Meaning::Plain, text)
    }

    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The line with blanks in place of line breaks and tabs.
    pub(crate) fn flat(&self) -> Self {
        let parts = self.0.iter();
        Self(
            parts
                .map(|(meaning, text)| (*meaning, flat(text)))
                .collect(),
        )
    }

    /// The line with line breaks between words, for a terminal of so many columns.
    pub(crate) fn wrapped(&self, columns: usize) -> Self {
        let parts = self.0.iter();
        let parts: Vec<(Meaning, Cow<'_, str>)> = parts
            .map(|(meaning, text)| (*meaning, printable(text)))
            .collect();
        let text: String = parts.iter().map(|(_, text)| &**text).collect();
        let breaks = breaks(&text, columns);
        let mut start = 0;
        let wrapped = parts.into_iter().map(|(meaning, text)| {
            let (from, to) = (start, start + text.len());
            start = to;
            let mut text = text.into_owned();
            let own = breaks.iter().filter(|at| (from..to).contains(*at));
            break_at(&mut text, own.map(|at| at - from));
            (meaning, text)
        });
        Self(wrapped.collect())
    }

    /// The width of the text on a terminal.
    pub(crate) fn columns(&self) -> usize {
        console::measure_text_width(&self.text())
    }

    /// The text without styles.
    pub(crate) fn text(&self) -> String {
        self.0.iter().map(|(_, text)| printable(text)).collect()
    }

    /// The text with the escape sequences of its styles.
    pub(crate) fn styled(&self) -> String {
        let part = |(meaning, text): &(Meaning, String)| {
            let (style, text) = (meaning.style(), printable(text));
            format!("{style}{text}{style:#}")
        };
        self.0.iter().map(part).collect()
    }
}

/// The text with blanks in place of line breaks and tabs.
pub(crate) fn flat(text: &str) -> String {
    text.replace(['\n', '\t'], " ")
}

impl From<&str> for Line {
    /// A label such as `error:` at the beginning has its style.
    fn from(text: &str) -> Self {
        for (label, meaning) in LABELS {
            if let Some(rest) = text.strip_prefix(label) {
                return Self::new(*meaning, *label).plain(rest);
            }
        }
        Self::new(Meaning::Plain, text)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<&String> for Line {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

const LABELS: &[(&str, Meaning)] = &[
    ("error:", Meaning::Error),
    ("warning:", Meaning::Warning),
    ("note:", Meaning::Note),
    ("resume with:", Meaning::Note),
    ("saved ", Meaning::Success),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styled_line_is_the_text_with_escape_sequences_and_without_those_of_its_parts() {
        let line = Line::from("error: no\x1b[2J").with(Meaning::Money, ", 0.25 USD");
        assert_eq!(line.text(), "error: no\\u001b[2J, 0.25 USD");
        let styled = line.styled();
        assert!(
            styled.starts_with("\x1b[1m\x1b[31merror:\x1b[0m no"),
            "{styled:?}"
        );
        assert_eq!(console::strip_ansi_codes(&styled), line.text());
    }

    #[test]
    fn wrapped_line_keeps_its_styles() {
        let line = Line::from("error: some words").with(Meaning::Money, " of money");
        let expected = Line::from("error: some\n  words").with(Meaning::Money, " of\n  money");
        assert_eq!(line.wrapped(12), expected);
    }
}
