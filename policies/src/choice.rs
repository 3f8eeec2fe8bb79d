//! `Action` and `NotAction`, `Resource` and `NotResource`: values of which one must match, or none.

use std::fmt;

/// Values of a list that a reason repeats.
const SHOWN_MAX: usize = 3;

/// A list with what its values compile to.
#[derive(Clone, Debug)]
pub(crate) struct Choice<C> {
    /// The member's name, such as `NotAction`.
    pub(crate) member: &'static str,
    /// Whether it is for all but what it lists.
    pub(crate) all_but: bool,
    pub(crate) values: Box<[(Box<str>, C)]>,
}

impl<C> Choice<C> {
    /// Whether it takes in what some of its values match.
    pub(crate) fn takes(&self, matches: impl Fn(&C) -> bool) -> bool {
        self.values.iter().any(|(_, compiled)| matches(compiled)) != self.all_but
    }

    /// Why it doesn't take something in.
    pub(crate) fn reason(&self, what: &str) -> String {
        let values = Shown(self.values.iter().map(|(text, _)| &**text));
        let has = if self.all_but {
            "leaves out"
        } else {
            "has no match for"
        };
        format!("{} {values} {has} {what:?}", self.member)
    }
}

/// The first few of some texts, in quotes.
pub(crate) struct Shown<I>(pub(crate) I);

impl<'a, I: Iterator<Item = &'a str> + Clone> fmt::Display for Shown<I> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = self.0.clone();
        for (n, text) in all.by_ref().take(SHOWN_MAX).enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(to, "{comma}{}", crate::error::quoted(text))?;
        }
        match all.count() {
            0 => Ok(()),
            more => write!(to, " and {more} more"),
        }
    }
}
