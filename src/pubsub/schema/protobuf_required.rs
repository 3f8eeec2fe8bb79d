//! Required fields of proto2.

use super::MismatchError;
use super::protobuf_layout::MessageLayout;

/// Which of a message's required fields have come. A message without them all is an error, and ends
/// the walk, so this never costs more than the bytes of those that came.
pub(super) struct Required {
    came: Vec<bool>,
    missing: usize,
}

impl Required {
    pub(super) fn of(message: Option<&MessageLayout>) -> Self {
        let missing = message.map_or(0, |message| message.required.len());
        Self {
            came: vec![false; missing],
            missing,
        }
    }

    pub(super) fn note(&mut self, place: usize) {
        self.missing -= usize::from(!std::mem::replace(&mut self.came[place], true));
    }

    pub(super) fn check(&self, message: Option<&MessageLayout>) -> Result<(), MismatchError> {
        let (Some(message), 1..) = (message, self.missing) else {
            return Ok(());
        };
        let first = self.came.iter().position(|came| !came).unwrap_or(0);
        Err(MismatchError(format!(
            "required field {} of {} is missing",
            message.required[first], message.name
        )))
    }
}
