//! Who a node is, in words, for whoever meets it in the store.

use std::fmt;

/// Bytes of a machine's name that are told.
const HOST_BYTES_MAX: usize = 128;

/// Names this process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Owner {
    host: String,
    process: u32,
}

/// How a process uses a store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Usage {
    /// It looks, whoever else is there.
    Beside,
    /// Nobody else may have it.
    Alone(Owner),
    /// Nobody else may have it but others that use it together with it.
    Together(Owner),
}

impl Usage {
    /// Whether others may have it as well.
    pub fn is_together(&self) -> bool {
        matches!(self, Self::Together(_))
    }

    /// Who uses it, if that is of interest to others.
    pub fn owner(&self) -> Option<&Owner> {
        match self {
            Self::Beside => None,
            Self::Alone(owner) | Self::Together(owner) => Some(owner),
        }
    }
}

impl Owner {
    /// This process on this machine.
    pub fn this() -> Self {
        let named = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        let named = named.or_else(|| std::env::var("HOSTNAME").ok());
        let named = named.unwrap_or_default();
        // It goes into SQL, too.
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        let host: String = named
            .chars()
            .filter(is_plain)
            .take(HOST_BYTES_MAX)
            .collect();
        Self {
            host,
            process: std::process::id(),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = if self.host.is_empty() {
            "an unnamed machine"
        } else {
            &self.host
        };
        write!(out, "{host}, process {}", self.process)
    }
}
