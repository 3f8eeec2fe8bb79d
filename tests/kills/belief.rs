//! What the one client of a queue or subscription can tell of a message.

/// Whether the server will give a message out: surely, surely not, or one can't tell, because a
/// call that changes it had no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Belief {
    Here,
    Gone,
    Either,
}

impl Belief {
    /// A call that may or may not have turned it into `other` had no answer.
    pub fn or(self, other: Belief) -> Belief {
        if self == other { self } else { Belief::Either }
    }
}
