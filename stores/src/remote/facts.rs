//! What a node knows of its store.

use super::common::Common;
use super::node::Notice;
use crate::Risk;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Found out at the start, and whenever a connection is made: another server may be there by then.
pub(crate) struct Facts {
    common: OnceLock<Common>,
    risks: Mutex<BTreeSet<Risk>>,
    notice: Arc<dyn Fn(Notice) + Send + Sync>,
}

impl Facts {
    pub fn new(notice: Arc<dyn Fn(Notice) + Send + Sync>) -> Self {
        Self {
            common: OnceLock::new(),
            risks: Mutex::default(),
            notice,
        }
    }

    /// What the store says of itself. Until it was asked, nothing.
    pub fn common(&self) -> Common {
        self.common.get().copied().unwrap_or_default()
    }

    pub fn is(&self, common: Common) {
        let _ = self.common.set(common);
    }

    pub fn risks(&self) -> Vec<Risk> {
        let risks = self.risks.lock().unwrap_or_else(PoisonError::into_inner);
        risks.iter().copied().collect()
    }

    /// Remembers what was found on a server, beside what was found before, and tells what is new.
    pub fn found(&self, risks: Vec<Risk>) {
        for risk in risks {
            let mut known = self.risks.lock().unwrap_or_else(PoisonError::into_inner);
            if known.insert(risk) {
                drop(known);
                self.tell(Notice::Risk(risk.to_string()));
            }
        }
    }

    pub fn tell(&self, notice: Notice) {
        (self.notice)(notice);
    }
}
