//! What is wrong with a request, in the service's words.

use std::fmt::Write;

use super::super::error::{PubsubError, malformed_request, violations};

/// Problems of one request that are told. There is no end to what a body can have wrong.
const PROBLEMS_MAX: usize = 20;
/// Bytes of a client's text that an error repeats.
const SHOWN_BYTES_MAX: usize = 256;

/// A step down to a value.
#[derive(Clone, Copy, Debug)]
pub enum Step<'t> {
    Field(&'t str),
    Index(usize),
}

/// Where we are and what was wrong so far.
#[derive(Debug, Default)]
pub struct Problems<'t> {
    path: Vec<Step<'t>>,
    /// The place and the text of each.
    found: Vec<(String, String)>,
}

impl<'t> Problems<'t> {
    /// Goes down one step.
    pub fn enter(&mut self, step: Step<'t>) {
        self.path.push(step);
    }

    /// Goes back up.
    pub fn leave(&mut self) {
        self.path.pop();
    }

    /// Whether all was well.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    fn place(&self) -> String {
        let mut place = String::new();
        for step in &self.path {
            match step {
                Step::Field(name) => {
                    if !place.is_empty() {
                        place.push('.');
                    }
                    place += name;
                }
                // Writing to a String can't fail.
                Step::Index(at) => {
                    let _ = write!(place, "[{at}]");
                }
            }
        }
        place
    }

    /// A name, below the current place, that can't be there.
    pub fn unknown_name(&mut self, name: &str, why: &str) {
        if self.found.len() == PROBLEMS_MAX {
            return;
        }
        let place = self.place();
        let text = violations::unknown_name(shown(name), &place, why);
        self.found.push((place, text));
    }

    /// The value at the current place isn't what its type takes. `what` says so, or is the value.
    pub fn invalid_value(&mut self, type_name: &str, what: &str) {
        if self.found.len() == PROBLEMS_MAX {
            return;
        }
        let place = self.place();
        let text = violations::invalid_value(&place, type_name, shown(what));
        self.found.push((place, text));
    }

    /// The whole payload can't be read.
    pub fn malformed(&mut self, why: &str) {
        // Nothing else says more than this.
        self.found.clear();
        self.found.push((String::new(), violations::malformed(why)));
    }

    /// The error that tells of all of them.
    pub fn into_error(self) -> PubsubError {
        malformed_request(self.found)
    }
}

/// Text of a client's, bounded.
fn shown(text: &str) -> &str {
    let mut end = text.len().min(SHOWN_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
