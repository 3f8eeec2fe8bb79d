//! Reading a view, a slice at a time.

use super::view::{Definition, View};
use super::{Exported, Piece, PortablePublished};
use crate::shard::Shard;
use crate::slab::NONE;

/// Bytes of messages of one slice, unless one is longer.
const SLICE_BYTES_MAX: usize = 256 << 10;

/// What a slice has, and has room for.
struct Slice {
    pieces: Vec<Piece>,
    room: usize,
    bytes: usize,
}

impl Slice {
    fn has_room(&self) -> bool {
        self.room > 0 && self.bytes < SLICE_BYTES_MAX
    }

    fn put(&mut self, piece: Piece, bytes: usize) {
        self.pieces.push(piece);
        self.room = self.room.saturating_sub(1);
        self.bytes += bytes;
    }
}

impl Shard {
    pub(super) fn slice_of_view(
        &mut self,
        number: u64,
        definitions: bool,
        pieces_max: usize,
    ) -> Exported {
        let open = self.portable.view.take();
        let Some(mut view) = open.filter(|view| view.number == number && !view.is_lost) else {
            return Exported::Lost;
        };
        let mut slice = Slice {
            pieces: Vec::new(),
            room: pieces_max.max(1),
            bytes: 0,
        };
        let is_last = if definitions {
            self.definitions_of(&mut view, &mut slice)
        } else {
            self.messages_of(&mut view, &mut slice)
                && self.published_of(&mut view, &mut slice)
                && transfers_of(&mut view, &mut slice)
        };
        self.portable.view = Some(view);
        Exported::Slice {
            pieces: slice.pieces,
            is_last,
        }
    }

    fn definitions_of(&self, view: &mut View, slice: &mut Slice) -> bool {
        while slice.has_room() {
            let Some(definition) = view.definitions.pop_front() else {
                // Those that were deleted, or purged, before they were read.
                return self.deleted_definitions(view, slice);
            };
            let before = view.ids_before;
            let kept = &mut view.kept;
            let piece = match definition {
                Definition::Queue(slot) => {
                    let queue = self.queues.get(slot).filter(|queue| {
                        queue.id < before && !queue.ghost && !kept.queues.contains_key(&queue.id)
                    });
                    queue.map(|queue| Piece::Queue(Box::new(queue.record())))
                }
                Definition::Topic(slot) => {
                    let topic = self.pubsub.topics.get(slot);
                    let topic = topic
                        .filter(|topic| topic.id < before && !kept.topics.contains_key(&topic.id));
                    topic.map(|_| Piece::Topic(Box::new(self.topic_record(slot))))
                }
                Definition::Subscription(slot) => {
                    let found = self.pubsub.subscriptions.get(slot).filter(|found| {
                        found.id < before
                            && !found.ghost
                            && !kept.subscriptions.contains_key(&found.id)
                    });
                    found.map(|_| Piece::Subscription(Box::new(self.subscription_record(slot))))
                }
                Definition::Schema(slot) => {
                    let schema = self.pubsub.schemas.get(slot);
                    let schema = schema.filter(|schema| {
                        schema.id < before && !kept.schemas.contains_key(&schema.id)
                    });
                    schema.map(|_| Piece::Schema(Box::new(self.schema_record(slot))))
                }
            };
            if let Some(piece) = piece {
                let bytes = piece.bytes();
                slice.put(piece, bytes);
            }
        }
        false
    }
}

impl Shard {
    fn deleted_definitions(&self, view: &mut View, slice: &mut Slice) -> bool {
        // What had been read before it went is read again; whoever collects them takes the first.
        let kept = &mut view.kept;
        while slice.has_room() {
            let piece = if let Some(id) = kept.queues.keys().next().copied() {
                kept.queues.remove(&id).map(|it| Piece::Queue(Box::new(it)))
            } else if let Some(id) = kept.topics.keys().next().copied() {
                kept.topics.remove(&id).map(|it| Piece::Topic(Box::new(it)))
            } else if let Some(id) = kept.subscriptions.keys().next().copied() {
                let it = kept.subscriptions.remove(&id);
                it.map(|it| Piece::Subscription(Box::new(it)))
            } else if let Some(id) = kept.schemas.keys().next().copied() {
                kept.schemas
                    .remove(&id)
                    .map(|it| Piece::Schema(Box::new(it)))
            } else {
                return true;
            };
            if let Some(piece) = piece {
                let bytes = piece.bytes();
                slice.put(piece, bytes);
            }
        }
        false
    }

    /// Messages and deduplication ids, queue by queue. Answers whether that was all.
    fn messages_of(&self, view: &mut View, slice: &mut Slice) -> bool {
        while slice.has_room() {
            let Some((slot, id)) = view.queues.current else {
                let Some((slot, id)) = view.queues.to_come.pop_front() else {
                    return true;
                };
                view.queues.current = Some((slot, id));
                view.queues.done_to = 0;
                let queue = self.queues.get(slot).filter(|queue| queue.id == id);
                view.queues.next = queue.map_or(NONE, |queue| queue.ages.head);
                let dedup = queue.filter(|_| !view.kept.queues.contains_key(&id));
                view.dedup_at = dedup.map(|queue| queue.cold.dedup.first_place());
                continue;
            };
            if let Some(place) = view.dedup_at {
                let queue = self.queues.get(slot).filter(|queue| queue.id == id);
                let found = queue.and_then(|queue| queue.cold.dedup.at_or_after(place));
                // In the order in which they came: those from now on came later.
                let found = found.filter(|(.., entry)| entry.sequence < view.before);
                view.dedup_at = found.map(|(place, ..)| place.wrapping_add(1));
                if let Some((_, key, entry)) = found {
                    if entry.expires_at > self.now {
                        let queue_id = id;
                        let dedup = Piece::Dedup {
                            queue_id,
                            key,
                            entry,
                        };
                        slice.put(dedup, 0);
                    }
                    // Those that are passed over take time as well.
                    slice.room = slice.room.saturating_sub(1);
                }
                continue;
            }
            let next = match view.queues.next {
                NONE => None,
                next => Some(self.messages[next].sequence).filter(|next| *next < view.before),
            };
            let kept = view.kept.messages.range((id, 0)..=(id, u64::MAX)).next();
            let kept = kept.map(|((_, sequence), _)| *sequence);
            let message = match (kept, next) {
                (Some(kept), next) if next.is_none_or(|next| kept < next) => {
                    view.kept.messages.remove(&(id, kept))
                }
                (_, Some(_)) => {
                    let at = view.queues.next;
                    view.queues.next = self.messages[at].newer;
                    Some(self.portable_message(at))
                }
                _ => {
                    view.queues.pending.remove(&id);
                    view.queues.current = None;
                    view.queues.next = NONE;
                    continue;
                }
            };
            if let Some(message) = message {
                view.queues.done_to = message.sequence;
                let bytes = message.payload.memory_bytes();
                let queue_id = id;
                slice.put(Piece::Message { queue_id, message }, bytes);
            }
        }
        false
    }

    /// Published messages with their holders, topic by topic. Answers whether that was all.
    fn published_of(&self, view: &mut View, slice: &mut Slice) -> bool {
        let ps = &self.pubsub;
        while slice.has_room() {
            let Some((_, id)) = view.topics.current else {
                let Some((slot, id)) = view.topics.to_come.pop_front() else {
                    return true;
                };
                self.begin_topic(view, slot, id);
                slice.room = slice.room.saturating_sub(view.readers.len());
                continue;
            };
            let next = match view.topics.next {
                NONE => None,
                next => Some(ps.stored[next].sequence).filter(|next| *next < view.before),
            };
            let kept = view.kept.published.range((id, 0)..=(id, u64::MAX)).next();
            let kept = kept.map(|((_, sequence), _)| *sequence);
            let (sequence, (published_at, bytes, returned)) = match (kept, next) {
                (Some(kept), next) if next.is_none_or(|next| kept < next) => {
                    match view.kept.published.remove(&(id, kept)) {
                        Some(message) => (kept, message),
                        None => continue,
                    }
                }
                (_, Some(sequence)) => {
                    let stored = &ps.stored[view.topics.next];
                    view.topics.next = stored.newer;
                    let message = (stored.published_at, stored.bytes.clone(), stored.returned);
                    (sequence, message)
                }
                _ => {
                    view.topics.pending.remove(&id);
                    view.topics.current = None;
                    view.topics.next = NONE;
                    view.readers.clear();
                    continue;
                }
            };
            view.topics.done_to = sequence;
            slice.room = slice.room.saturating_sub(view.readers.len() / 4);
            let message = PortablePublished {
                sequence,
                published_at,
                bytes,
                returned,
                holders: self.holders_of(view, sequence),
            };
            let bytes = message.bytes.len();
            let topic_id = id;
            slice.put(Piece::Published { topic_id, message }, bytes);
        }
        false
    }

    fn begin_topic(&self, view: &mut View, slot: u32, id: u64) {
        let ps = &self.pubsub;
        view.topics.current = Some((slot, id));
        view.topics.done_to = 0;
        let topic = ps.topics.get(slot).filter(|topic| topic.id == id);
        view.topics.next = topic.map_or(NONE, |topic| topic.messages.head);
        let readers = topic.map_or(&[][..], |topic| &topic.readers);
        let readers = readers
            .iter()
            .map(|slot| (*slot, ps.subscriptions[*slot].id));
        let mut readers: Vec<(u32, u64)> =
            readers.filter(|(_, id)| *id < view.ids_before).collect();
        readers.extend(view.kept.former_readers.remove(&id).unwrap_or_default());
        let readers = readers.into_iter().map(|(slot, id)| {
            let found = ps.subscriptions.get(slot).filter(|found| found.id == id);
            let found = found.filter(|_| !view.kept.frozen.contains(&id));
            (slot, id, found.map_or(NONE, |found| found.entries.head))
        });
        view.readers = readers.collect();
    }

    fn holders_of(&self, view: &mut View, sequence: u64) -> Vec<super::Holder> {
        let ps = &self.pubsub;
        let mut holders = Vec::new();
        for (_, id, next) in &mut view.readers {
            let mut current = None;
            // Entries stand in the order of their messages, but what has been read may linger.
            while *next != NONE {
                let entry = &ps.entries[*next];
                let at = ps.stored[entry.stored].sequence;
                if at > sequence {
                    break;
                }
                if at == sequence {
                    current = Some(*next);
                }
                *next = entry.newer;
            }
            let kept = view.kept.holders.remove(&(sequence, *id));
            holders.extend(kept.or_else(|| current.map(|entry| self.holder(entry, *id))));
        }
        holders
    }
}

fn transfers_of(view: &mut View, slice: &mut Slice) -> bool {
    while slice.has_room() {
        let Some(piece) = view.transfers.pop_front() else {
            return true;
        };
        let bytes = piece.bytes();
        slice.put(piece, bytes);
    }
    false
}
