//! The file that an export is: what it says, and how it is framed. `docs/export-format.md` is its
//! description.

mod check;
mod fields;
mod frames;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod lines;

#[cfg(test)]
mod tests;

pub use frames::{Framer, Unframer};
pub use lines::{Counts, End, FORMAT, Header, Line, to_line};

use std::fmt;

/// Why a file can't be used.
#[derive(Debug)]
pub struct BadFile(pub String);

impl fmt::Display for BadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadFile {}

impl BadFile {
    fn new(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }
}
