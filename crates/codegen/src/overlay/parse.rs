//! The text of a JSONPath (RFC 9535, section 2).

use serde_json::Value;

use super::json_path::{Comparison, Condition, Operand, Path, Query, Segment, Selector};

/// Reads a path from the root of a document.
///
/// # Errors
///
/// The problem and its position, as the end of a sentence about the text.
pub(super) fn path(text: &str) -> Result<Path, String> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
    };
    let path = if parser.takes("$") {
        parser.segments()?
    } else {
        return parser.expected("`$`");
    };
    if parser.at < text.len() {
        return parser.expected("`.` or `[`");
    }
    Ok(path)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// How many parentheses and filters are open.
    depth: usize,
}

type Parsed<T> = Result<T, String>;

impl<'a> Parser<'a> {
    fn segments(&mut self) -> Parsed<Path> {
        let mut segments = Vec::new();
        loop {
            let before = self.at;
            self.skip_blanks();
            let descends = self.takes("..");
            let selectors = if self.takes("[") {
                self.bracketed()?
            } else if descends || self.takes(".") {
                if self.takes("*") {
                    vec![Selector::Wildcard]
                } else {
                    vec![Selector::Name(self.shorthand()?)]
                }
            } else {
                // Blanks belong to a segment that follows, not to the end of a path.
                self.at = before;
                return Ok(Path(segments));
            };
            segments.push(Segment {
                descends,
                selectors,
            });
        }
    }

    fn bracketed(&mut self) -> Parsed<Vec<Selector>> {
        let mut selectors = Vec::new();
        loop {
            self.skip_blanks();
            selectors.push(self.selector()?);
            self.skip_blanks();
            if self.takes("]") {
                return Ok(selectors);
            }
            if self.rest().starts_with(':') {
                return self.unsupported("a slice");
            }
            if !self.takes(",") {
                return self.expected("`,` or `]`");
            }
        }
    }

    fn selector(&mut self) -> Parsed<Selector> {
        match self.rest().chars().next() {
            Some('*') => {
                self.at += 1;
                Ok(Selector::Wildcard)
            }
            Some('\'' | '"') => self.quoted().map(Selector::Name),
            Some('?') => {
                self.at += 1;
                self.condition().map(Selector::Filter)
            }
            Some(':') => self.unsupported("a slice"),
            Some('-' | '0'..='9') => match self.number()?.as_i64() {
                Some(index) => Ok(Selector::Index(index)),
                None => self.expected("an index before it"),
            },
            _ => self.expected("a quoted name, an index, `*` or `?`"),
        }
    }

    /// A name behind a dot.
    fn shorthand(&mut self) -> Parsed<String> {
        let is_first = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
        let rest = self.rest();
        let length = rest
            .find(|c: char| !is_first(c) && !c.is_ascii_digit())
            .unwrap_or(rest.len());
        if !rest.starts_with(is_first) {
            return self.expected("a name or `*`");
        }
        let name = rest[..length].to_owned();
        self.at += length;
        Ok(name)
    }

    /// A text in either kind of quotes.
    fn quoted(&mut self) -> Parsed<String> {
        let rest = self.rest();
        let quote = if rest.starts_with('\'') { '\'' } else { '"' };
        // JSON reads the text, so it gets the quotes and escapes that JSON has.
        let mut json = String::from('"');
        let mut chars = rest.char_indices().skip(1);
        while let Some((index, c)) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some((_, '\'')) if quote == '\'' => json.push('\''),
                    Some((_, '"')) if quote == '\'' => break,
                    Some((_, escaped)) => json.extend(['\\', escaped]),
                    None => break,
                },
                c if c == quote => {
                    json.push('"');
                    return match serde_json::from_str(&json) {
                        Ok(text) => {
                            self.at += index + 1;
                            Ok(text)
                        }
                        Err(_) => self.expected("a text with the escapes of JSON"),
                    };
                }
                '"' => json.push_str("\\\""),
                c => json.push(c),
            }
        }
        self.expected("a text that ends")
    }

    fn number(&mut self) -> Parsed<Value> {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
            .unwrap_or(rest.len());
        match serde_json::from_str(&rest[..length]) {
            Ok(number @ Value::Number(_)) => {
                self.at += length;
                Ok(number)
            }
            _ => self.expected("a number"),
        }
    }

    fn condition(&mut self) -> Parsed<Condition> {
        // The parser calls itself here, and a stack is finite.
        if self.depth == MAX_DEPTH {
            return self.unsupported("a condition so deep");
        }
        self.depth += 1;
        let mut any = vec![self.conjunction()?];
        while self.takes_after_blanks("||") {
            any.push(self.conjunction()?);
        }
        self.depth -= 1;
        Ok(Condition::Any(any))
    }

    fn conjunction(&mut self) -> Parsed<Condition> {
        let mut all = vec![self.test()?];
        while self.takes_after_blanks("&&") {
            all.push(self.test()?);
        }
        Ok(Condition::All(all))
    }

    fn test(&mut self) -> Parsed<Condition> {
        self.skip_blanks();
        let is_negated = self.takes("!");
        self.skip_blanks();
        let condition = if self.takes("(") {
            let condition = self.condition()?;
            if !self.takes_after_blanks(")") {
                return self.expected("`)`");
            }
            condition
        } else {
            let left = self.operand()?;
            match (self.comparison(), left) {
                (Some(comparison), left) if !is_negated => {
                    self.skip_blanks();
                    let right = self.operand()?;
                    self.singular(&left)?;
                    self.singular(&right)?;
                    Condition::Compare(left, comparison, right)
                }
                (None, Operand::Query(query)) => Condition::Exists(query),
                _ => return self.expected("a comparison of two values, not negated"),
            }
        };
        Ok(match is_negated {
            true => Condition::Not(Box::new(condition)),
            false => condition,
        })
    }

    fn operand(&mut self) -> Parsed<Operand> {
        let rest = self.rest();
        if rest.starts_with(['@', '$']) {
            self.at += 1;
            return Ok(Operand::Query(Query {
                is_absolute: rest.starts_with('$'),
                path: self.segments()?,
            }));
        }
        let literal = if rest.starts_with(['\'', '"']) {
            self.quoted()?.into()
        } else if self.takes("true") {
            true.into()
        } else if self.takes("false") {
            false.into()
        } else if self.takes("null") {
            Value::Null
        } else if rest.starts_with(|c: char| c.is_ascii_lowercase()) {
            return self.unsupported("a function");
        } else {
            self.number()?
        };
        Ok(Operand::Literal(literal))
    }

    /// A comparison needs one value on each side, which a wildcard, a list, a filter and `..` do not give.
    fn singular(&self, operand: &Operand) -> Parsed<()> {
        let Operand::Query(query) = operand else {
            return Ok(());
        };
        let is_one = |segment: &Segment| {
            let selectors = segment.selectors.as_slice();
            !segment.descends && matches!(selectors, [Selector::Name(_) | Selector::Index(_)])
        };
        match query.path.0.iter().all(is_one) {
            true => Ok(()),
            false => self.expected("paths to one value each in a comparison before it"),
        }
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let known = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let mut known = known.into_iter();
        let found = known.find(|(text, _)| self.takes_after_blanks(text));
        found.map(|(_, comparison)| comparison)
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn takes(&mut self, text: &str) -> bool {
        let is_next = self.rest().starts_with(text);
        self.at += if is_next { text.len() } else { 0 };
        is_next
    }

    fn takes_after_blanks(&mut self, text: &str) -> bool {
        let before = self.at;
        self.skip_blanks();
        let is_next = self.takes(text);
        if !is_next {
            self.at = before;
        }
        is_next
    }

    fn expected<T>(&self, expected: &str) -> Parsed<T> {
        Err(format!(
            "is not a JSONPath of RFC 9535: expected {expected} at {:?}",
            self.rest()
        ))
    }

    fn unsupported<T>(&self, what: &str) -> Parsed<T> {
        Err(format!(
            "has {what}, which is not supported, at {:?}",
            self.rest()
        ))
    }
}

/// More than any condition needs.
const MAX_DEPTH: usize = 32;
