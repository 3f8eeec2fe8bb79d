//! Who may do what, and how much of it: for whom a call is carried out, what it is about, and what
//! policies say of that.

mod acting;
mod guard;
mod subjects;

pub(super) use acting::{Acting, acting, acting_for, waits, who};
pub(super) use guard::Guard;
pub(super) use subjects::Subjects;
