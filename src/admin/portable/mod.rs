//! Everything a server has, read and taken up: exports, imports and states that tests save.

mod exporter;
mod importer;
mod only;
mod routes;
mod slices;
pub(super) mod states;
mod takers;

pub(super) use routes::{drain, export, import};

use super::answers::{AdminError, AdminResult};
use http::StatusCode;
use lclq_shards::command::Command;
use lclq_shards::command::QueueCommand;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What all cores share of it.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    in_use: Arc<AtomicBool>,
    pub(super) states: Arc<states::States>,
}

/// One at a time: shards keep one view each.
pub(super) struct InUse(Arc<AtomicBool>);

impl Shared {
    pub(super) fn take(&self) -> AdminResult<InUse> {
        if self.in_use.swap(true, Ordering::AcqRel) {
            return Err(AdminError::new(
                StatusCode::CONFLICT,
                "InUse",
                "another export or import is running; one runs at a time",
            ));
        }
        Ok(InUse(self.in_use.clone()))
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

fn of_queues(command: QueueCommand) -> Command {
    Command::Queue(Box::new(command))
}

fn unanswered(shard: u16) -> AdminError {
    AdminError::unavailable(format!("shard {shard} does not answer"))
}
