//! A request's head, with what it came by.

use crate::http::Arrival;
use http::request::Parts;
use std::ops::Deref;

/// A request's head, with what it came by.
pub(super) struct Head {
    parts: Parts,
    pub arrival: Arrival,
}

impl Head {
    pub fn new(parts: Parts, arrival: Arrival) -> Self {
        Self { parts, arrival }
    }

    /// Of what the server asks itself.
    pub fn inside(parts: Parts) -> Self {
        Self::new(parts, Arrival::default())
    }
}

impl Deref for Head {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}
