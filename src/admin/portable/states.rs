//! Whole states of the server under names, in memory, for tests.

use super::super::Admin;
use super::super::answers::{AdminError, AdminResult};
use super::exporter::Exporter;
use super::importer::{Importer, OnConflict, Options};
use super::only::Only;
use crate::runtime::wall_clock;
use http::StatusCode;
use lclq_shards::Millis;
use lclq_shards::portable::{Piece, Shift};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// States that are kept at once.
const STATES_MAX: usize = 32;
/// Bytes of all states together: what their messages take, though they share it with the queues as
/// long as those have them.
const STATES_BYTES_MAX: usize = 512 << 20;
/// What a piece takes beside its bytes.
const PIECE_BYTES: usize = 256;
/// Of a state's name.
const NAME_CHARS_MAX: usize = 100;

/// A state that was saved.
#[derive(Debug)]
pub(in crate::admin) struct State {
    pieces: Vec<(u16, Piece)>,
    sequence: u64,
    secret: [u8; 16],
    is_stopped: bool,
    saved_at: Millis,
    bytes: usize,
}

impl State {
    /// Whether the clock stood when it was saved.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped
    }
}

/// What is told of a state.
#[derive(Serialize, JsonSchema, Debug)]
#[schemars(rename = "State")]
pub(in crate::admin) struct Told {
    name: String,
    saved_at_ms: Millis,
    pieces: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
pub(in crate::admin) struct States {
    named: Mutex<BTreeMap<String, Arc<State>>>,
}

impl States {
    /// Held for moments, and by nothing that can panic.
    fn named(&self) -> MutexGuard<'_, BTreeMap<String, Arc<State>>> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn list(&self) -> Vec<Told> {
        let named = self.named();
        named
            .iter()
            .map(|(name, state)| told(name, state))
            .collect()
    }

    pub fn get(&self, name: &str) -> AdminResult<Arc<State>> {
        let found = self.named().get(name).cloned();
        found.ok_or_else(|| AdminError::not_found(format!("there is no state {name}")))
    }

    pub fn delete(&self, name: &str) -> AdminResult<()> {
        let deleted = self.named().remove(name);
        match deleted {
            Some(_) => Ok(()),
            None => Err(AdminError::not_found(format!("there is no state {name}"))),
        }
    }

    /// Bytes of the others.
    fn bytes_beside(&self, name: &str) -> usize {
        let named = self.named();
        let others = named.iter().filter(|(other, _)| *other != name);
        others.map(|(_, state)| state.bytes).sum()
    }

    fn put(&self, name: &str, state: State) -> AdminResult<Told> {
        let mut named = self.named();
        if !named.contains_key(name) && named.len() >= STATES_MAX {
            return Err(AdminError::new(
                StatusCode::CONFLICT,
                "TooManyStates",
                format!("{STATES_MAX} states are kept at most; delete one"),
            ));
        }
        let told = told(name, &state);
        named.insert(name.to_owned(), Arc::new(state));
        Ok(told)
    }
}

fn told(name: &str, state: &State) -> Told {
    Told {
        name: name.to_owned(),
        saved_at_ms: state.saved_at,
        pieces: state.pieces.len(),
        bytes: state.bytes,
    }
}

/// Keeps what the server has under a name, in place of what there was.
pub(in crate::admin) async fn save(
    admin: &Admin,
    name: &str,
    is_stopped: bool,
) -> AdminResult<Told> {
    if name.len() > NAME_CHARS_MAX {
        return Err(AdminError::bad_request(format!(
            "a state's name has {NAME_CHARS_MAX} characters at most"
        )));
    }
    let states = &admin.portable.states;
    let room = STATES_BYTES_MAX.saturating_sub(states.bytes_beside(name));
    let _in_use = admin.portable.take()?;
    let mut exporter = Exporter::open(&admin.mesh, Only::default()).await?;
    let saved_at = wall_clock();
    let (mut pieces, mut bytes) = (Vec::new(), 0);
    while let Some((shard, slice)) = exporter.next().await? {
        for piece in slice {
            bytes += PIECE_BYTES + piece.bytes();
            pieces.push((shard, piece));
        }
        if bytes > room {
            return Err(AdminError::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "StateTooLarge",
                format!("states take {STATES_BYTES_MAX} bytes at most, all together"),
            ));
        }
    }
    let state = State {
        pieces,
        sequence: exporter.sequence(),
        secret: exporter.secret(),
        is_stopped,
        saved_at,
        bytes,
    };
    states.put(name, state)
}

/// Takes a state up in place of all that there is, as though it had been saved just now.
pub(in crate::admin) async fn restore(admin: &Admin, state: &State) -> AdminResult<()> {
    let _in_use = admin.portable.take()?;
    let options = Options {
        on_conflict: OnConflict::Replace,
        ..Options::default()
    };
    let mut importer = Importer::begin(&admin.mesh, options, state.sequence, state.secret).await?;
    let by = Shift(wall_clock().saturating_sub(state.saved_at));
    for (shard, piece) in &state.pieces {
        importer.take(*shard, by.later(piece.clone())).await?;
    }
    importer.finish().await
}

/// Names of the queues that a state has, by [`lclq_shards::QueueName::key`].
pub(in crate::admin) fn queues_of(state: &State) -> std::collections::HashSet<String> {
    let queues = state.pieces.iter().filter_map(|(_, piece)| match piece {
        Piece::Queue(queue) => Some(queue.name.key()),
        _ => None,
    });
    queues.collect()
}
