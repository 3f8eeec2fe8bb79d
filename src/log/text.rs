//! The form of the log for people: one event, one line, and no codes but our own.

use std::fmt::{self, Debug, Display, Write};
use tracing::field::Field;
use tracing_subscriber::fmt::format::Writer;

/// Writes one field of an event or a span.
pub(super) fn write_field(
    writer: &mut Writer<'_>,
    field: &Field,
    value: &dyn Debug,
) -> fmt::Result {
    let name = field.name();
    if name != "message" {
        write!(writer, "{}=", name.strip_prefix("r#").unwrap_or(name))?;
    }
    write!(Escaping(writer), "{value:?}")
}

/// A text with all in it escaped that could end its line or change how a terminal shows it.
pub(super) struct OneLine<'t>(pub &'t str);

impl Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaping(f).write_str(self.0)
    }
}

struct Escaping<'w, W: ?Sized>(&'w mut W);

impl<W: Write + ?Sized> Write for Escaping<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain_from = 0;
        for (at, char) in text.char_indices() {
            if !is_unsafe(char) {
                continue;
            }
            self.0.write_str(&text[plain_from..at])?;
            plain_from = at + char.len_utf8();
            match char {
                '\n' => self.0.write_str("\\n")?,
                '\r' => self.0.write_str("\\r")?,
                '\t' => self.0.write_str("\\t")?,
                other => write!(self.0, "{}", other.escape_unicode())?,
            }
        }
        self.0.write_str(&text[plain_from..])
    }
}

/// Control characters, and those of Unicode that break lines or turn the direction of writing.
fn is_unsafe(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_on_its_line() {
        let forged = "x\n2026-01-01T00:00:00Z  INFO stopped\r\u{1b}[31m\u{2028}\u{202e}é\u{85}";
        assert_eq!(
            OneLine(forged).to_string(),
            "x\\n2026-01-01T00:00:00Z  INFO stopped\\r\\u{1b}[31m\\u{2028}\\u{202e}é\\u{85}"
        );
        assert_eq!(OneLine("plain").to_string(), "plain");
        assert_eq!(OneLine("").to_string(), "");
    }
}
