//! What all servers of a store have in common, for as long as it is there.

use lclq_shards::journal::Secrets;

/// Shards and secrets of a store.
#[derive(Clone, Copy)]
pub(crate) struct Common {
    pub shards: u16,
    pub secrets: Secrets,
}

impl Default for Common {
    fn default() -> Self {
        let secrets = Secrets {
            receipt: [0; 32],
            engine: [0; 16],
        };
        Self { shards: 0, secrets }
    }
}
