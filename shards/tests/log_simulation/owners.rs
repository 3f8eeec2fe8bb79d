//! Nodes, and their seats: one for each shard that a node may own.

use crate::common::log_owner::{Sabotage, Seen, open};
use crate::common::shared_log::{Connection, SharedLog};
use crate::{Checked, check};
use lclq_shards::journal::{Claim, TakeOver, Taking};
use lclq_shards::{Millis, ShardConfig, ShardHost};
use std::cell::RefCell;
use std::rc::Rc;

#[derive(Clone, Copy, Default, Debug)]
pub struct Node {
    /// It doesn't run before.
    pub sleeps_until: Millis,
    /// Nothing passes between it and the store before.
    pub store_cut_until: Millis,
    /// How far its clock is ahead of the true time.
    pub ahead_ms: i64,
}

/// What a node does about a shard.
pub enum Role {
    Idle,
    Taking(Box<TakeOver<Connection>>),
    Owner {
        host: Box<ShardHost>,
        seen: Rc<RefCell<Seen>>,
        epoch: u64,
    },
}

pub struct Seat {
    pub role: Role,
    /// Of its connection to the store.
    pub client: u32,
}

impl Seat {
    pub fn idle() -> Self {
        Self {
            role: Role::Idle,
            client: 0,
        }
    }

    pub fn is_idle(&self) -> bool {
        matches!(self.role, Role::Idle)
    }

    /// Its epoch, if it believes to be the owner.
    pub fn epoch(&self) -> Option<u64> {
        match &self.role {
            Role::Owner { epoch, .. } => Some(*epoch),
            _ => None,
        }
    }

    pub fn host(&mut self) -> Option<&mut ShardHost> {
        match &mut self.role {
            Role::Owner { host, .. } => Some(host),
            _ => None,
        }
    }

    pub fn seen(&self) -> Option<Seen> {
        match &self.role {
            Role::Owner { seen, .. } => Some(*seen.borrow()),
            _ => None,
        }
    }

    pub fn begin(&mut self, log: &SharedLog, claim: Claim) {
        let connection = log.connect();
        self.client = connection.client;
        self.role = Role::Taking(Box::new(TakeOver::begin(connection, claim)));
    }

    /// Goes on with taking over. Answers the new owner's epoch.
    pub fn take(
        &mut self,
        config: ShardConfig,
        now: Millis,
        sabotage: Sabotage,
    ) -> Result<Option<u64>, String> {
        let Role::Taking(taking) = &mut self.role else {
            return Ok(None);
        };
        match taking.poll() {
            Taking::UnderWay => return Ok(None),
            Taking::Done => {}
            Taking::Lost { .. } => {
                self.role = Role::Idle;
                return Ok(None);
            }
            Taking::Failed(error) => {
                return Err(format!("what is in the log can't be read: {error}"));
            }
        }
        let Role::Taking(taking) = std::mem::replace(&mut self.role, Role::Idle) else {
            return Ok(None);
        };
        let journal = taking.into_journal().ok_or("done, and no journal")?;
        let epoch = journal.latest().epoch;
        let (host, seen) = open(journal, config, now, sabotage);
        self.role = Role::Owner {
            host: Box::new(host),
            seen,
            epoch,
        };
        Ok(Some(epoch))
    }

    /// An owner that knows that it is none any more ends.
    pub fn is_fenced(&mut self) -> bool {
        self.host().is_some_and(|host| host.fenced().is_some())
    }
}

/// What an owner believes to be acknowledged outlives the machine that the store is on.
pub fn is_safe(log: &SharedLog, seen: &Seen) -> Checked {
    let Some(place) = seen.acknowledged else {
        return Ok(());
    };
    check(log.is_safe(place), || {
        format!("{place:?} was acknowledged, and can be lost")
    })
}
