//! Bounds of a protocol buffer definition, checked before anything else sees it: the compiler keeps
//! every name in full, once for each thing within, and says every option that it can't place.

use super::DefinitionError;

/// Braces, brackets and the like within one another.
const NESTING_LEVELS_MAX: usize = 16;

/// Bytes of one name.
const NAME_BYTES_MAX: usize = 128;

/// Names in a row with dots between them.
const NAME_PARTS_MAX: usize = 32;

/// Options, all together. Those that can't be placed cost as much as there are.
const OPTIONS_MAX: usize = 1000;

/// Checks a definition as text, in one pass. What isn't a definition at all is left to the compiler.
pub(super) fn check(definition: &str) -> Result<(), DefinitionError> {
    let mut scan = Scan {
        rest: definition.as_bytes(),
        nesting: 0,
        options: 0,
        brackets: 0,
    };
    scan.run().map_err(DefinitionError)
}

struct Scan<'a> {
    rest: &'a [u8],
    nesting: usize,
    options: usize,
    /// Levels of square brackets, in which options are separated by commas.
    brackets: usize,
}

impl Scan<'_> {
    fn run(&mut self) -> Result<(), String> {
        while let Some(byte) = self.rest.first() {
            match byte {
                b'/' if self.rest.starts_with(b"//") => self.skip_past(b"\n"),
                b'/' if self.rest.starts_with(b"/*") => {
                    self.rest = &self.rest[2..];
                    self.skip_past(b"*/");
                }
                b'"' | b'\'' => self.text(*byte),
                b'{' | b'[' | b'(' | b'<' => {
                    self.nesting += 1;
                    if self.nesting > NESTING_LEVELS_MAX {
                        return Err(format!(
                            "the definition is nested more than {NESTING_LEVELS_MAX} levels deep"
                        ));
                    }
                    if *byte == b'[' {
                        self.brackets += 1;
                        self.option()?;
                    }
                    self.rest = &self.rest[1..];
                }
                b'}' | b']' | b')' | b'>' => {
                    self.nesting = self.nesting.saturating_sub(1);
                    self.brackets -= usize::from(*byte == b']' && self.brackets > 0);
                    self.rest = &self.rest[1..];
                }
                b',' => {
                    if self.brackets > 0 {
                        self.option()?;
                    }
                    self.rest = &self.rest[1..];
                }
                byte if is_name_byte(*byte) => self.name()?,
                _ => self.rest = &self.rest[1..],
            }
        }
        Ok(())
    }

    fn option(&mut self) -> Result<(), String> {
        self.options += 1;
        if self.options > OPTIONS_MAX {
            return Err(format!(
                "the definition has more than {OPTIONS_MAX} options"
            ));
        }
        Ok(())
    }

    /// A name with its dots, or a number.
    fn name(&mut self) -> Result<(), String> {
        let end = self
            .rest
            .iter()
            .position(|byte| !is_name_byte(*byte) && *byte != b'.');
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        if name == b"option" {
            self.option()?;
        }
        let mut parts = 0;
        for part in name.split(|byte| *byte == b'.') {
            parts += 1;
            if part.len() > NAME_BYTES_MAX {
                return Err(format!(
                    "a name has {} bytes, but the maximum is {NAME_BYTES_MAX}",
                    part.len()
                ));
            }
        }
        if parts > NAME_PARTS_MAX {
            return Err(format!(
                "a name has {parts} parts, but the maximum is {NAME_PARTS_MAX}"
            ));
        }
        Ok(())
    }

    fn text(&mut self, quote: u8) {
        self.rest = &self.rest[1..];
        while let Some(byte) = self.rest.first() {
            let skipped = match byte {
                b'\\' => 2,
                _ => 1,
            };
            let ends = *byte == quote || *byte == b'\n';
            self.rest = &self.rest[skipped.min(self.rest.len())..];
            if ends {
                return;
            }
        }
    }

    fn skip_past(&mut self, end: &[u8]) {
        let found = memchr::memmem::find(self.rest, end);
        let skipped = found.map_or(self.rest.len(), |at| at + end.len());
        self.rest = &self.rest[skipped..];
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_definitions_pass() {
        let fine = "syntax = \"proto3\"; // {{{{{{{{{{{{{{{{{{{{{{
            /* [[[[[[[[[[[[[[[[[[[[[[[[ */ package a.b.c;
            message A { option (x) = \"{{{{{{{{{{{{{{{{{{{{{{{{\\\"{{\"; // it's
              message B { map<string, int32> m = 1 [deprecated = true, (y).z = 'it\\'s']; } }";
        assert!(check(fine).is_ok());
        for broken in ["", "\"", "'\\", "/*", "//", "]]]", "a.", "\u{e9}"] {
            assert!(check(broken).is_ok(), "{broken}");
        }
    }

    #[test]
    fn what_is_beyond_the_bounds_is_refused() {
        let refused = |definition: &str| check(definition).expect_err("beyond").0;
        assert!(refused(&"message A{".repeat(17)).contains("16 levels"));
        assert!(refused(&format!("message {} {{}}", "a".repeat(129))).contains("129 bytes"));
        assert!(refused(&format!("package a{};", ".a".repeat(32))).contains("33 parts"));
        assert!(refused(&"option a = 1;".repeat(1001)).contains("1000 options"));
        assert!(refused(&format!("[a=1{}]", ",a=1".repeat(1000))).contains("1000 options"));
    }
}
