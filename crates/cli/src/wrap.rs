//! Where a message breaks into lines on a terminal: between words, and never within a command, so that it can be copied.

use console::measure_text_width;

/// The blanks at the beginning of each further line of a message.
const INDENT: &str = "  ";

/// The beginning of a line that is a command as a whole.
const COMMAND: &str = "resume with:";

/// What precedes a command that takes the rest of its line.
const BEFORE_COMMAND: &str = ": aimlapi-video ";

/// The offsets of the blanks that line breaks replace, for a terminal of so many columns.
pub(crate) fn breaks(text: &str, columns: usize) -> Vec<usize> {
    let mut breaks = Vec::new();
    let mut start = 0;
    for line in text.split('\n') {
        if !line.starts_with(COMMAND) {
            let of_line = breaks_of_line(line, columns);
            breaks.extend(of_line.into_iter().map(|at| start + at));
        }
        start += line.len() + 1;
    }
    breaks
}

/// The text with these line breaks.
pub(crate) fn wrapped(text: &str, columns: usize) -> String {
    let mut wrapped = text.to_owned();
    break_at(&mut wrapped, breaks(text, columns).into_iter());
    wrapped
}

/// Replaces the blanks at these offsets by line breaks.
pub(crate) fn break_at(text: &mut String, breaks: impl DoubleEndedIterator<Item = usize>) {
    for at in breaks.rev() {
        text.replace_range(at..=at, &format!("\n{INDENT}"));
    }
}

fn breaks_of_line(line: &str, columns: usize) -> Vec<usize> {
    let mut breaks = Vec::new();
    let (mut column, mut start) = (0, 0);
    for end in blanks(line).into_iter().chain([line.len()]) {
        let width = measure_text_width(&line[start..end]);
        let is_first = start == 0;
        if !is_first && column + 1 + width > columns {
            breaks.push(start - 1);
            column = INDENT.len() + width;
        } else {
            column += width + usize::from(!is_first);
        }
        start = end + 1;
    }
    breaks
}

/// The offsets of the blanks at which the line may break.
fn blanks(line: &str) -> Vec<usize> {
    let tail = line.find(BEFORE_COMMAND);
    let tail = tail.map_or(line.len(), |at| at + 2);
    let mut is_quoted = false;
    let blanks = line.bytes().enumerate().filter(|(at, byte)| {
        is_quoted ^= *byte == b'`';
        *byte == b' ' && *at < tail && *at > 0 && (!is_quoted || !line[*at..].contains('`'))
    });
    blanks.map(|(at, _)| at).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(text: &str, columns: usize) -> Vec<String> {
        let text = wrapped(text, columns);
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn message_breaks_between_words_and_not_within_a_command() {
        assert_eq!(
            lines("error: a long message of words", 16),
            ["error: a long", "  message of", "  words"]
        );
        assert_eq!(
            lines("error: see `aimlapi-video models kling` for all", 20),
            ["error: see", "  `aimlapi-video models kling`", "  for all"]
        );
        assert_eq!(
            lines(
                "note: 1 unfinished; finish with: aimlapi-video resume a b",
                30
            ),
            [
                "note: 1 unfinished; finish",
                "  with:",
                "  aimlapi-video resume a b"
            ]
        );
        let command = "resume with: aimlapi-video wait -o a.mp4 g";
        assert_eq!(lines(command, 20), [command]);
        assert_eq!(lines("a `b c d", 4), ["a `b", "  c", "  d"]);
        assert_eq!(lines("名前 名前", 8), ["名前", "  名前"]);
        assert_eq!(lines("a\nbc de", 4), ["a", "bc", "  de"]);
    }

    proptest! {
        #[test]
        fn line_is_within_the_columns_unless_it_is_one_word(
            words in prop::collection::vec("[a-zé]{1,12}", 1..20),
            columns in 4_usize..40,
        ) {
            let text = words.join(" ");
            let lines = lines(&text, columns);
            for line in &lines {
                let is_word = !line.trim_start().contains(' ');
                prop_assert!(is_word || measure_text_width(line) <= columns, "{line:?}");
            }
            let read: Vec<&str> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
            prop_assert_eq!(read, words);
        }
    }
}
