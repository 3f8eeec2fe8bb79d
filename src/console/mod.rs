//! The web console's files, as the admin endpoint serves them: to everybody, since there is nothing in
//! them that isn't in every copy of lclq. What they show comes from the API, which asks who wants it.

mod files;
mod served;

pub use served::{answer, is_asked_for};
