//! What a view says is what the shard had when it was opened, whatever happens while it is read; and
//! what is taken up elsewhere answers as it did.

mod common;

use common::memory_journal::MemoryJournal;
use common::topics::{Topics, admin, ask_durable, message, open, wrap};
use common::{Driver, START};
use fastrand::Rng;
use lclq_shards::attributes::QueueAttribute;
use lclq_shards::command::*;
use lclq_shards::portable::*;
use lclq_shards::pubsub::command::*;
use lclq_shards::pubsub::{SubscriptionSettings, TopicSettings};
use lclq_shards::{QueueName, Section, ShardConfig, shard_of};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Unless `LCLQ_SIMULATION_SEEDS` says how many.
const SEEDS: u64 = 150;

fn seeds() -> std::ops::Range<u64> {
    let given = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    let from = given("LCLQ_SIMULATION_FROM").unwrap_or(0);
    from..from + given("LCLQ_SIMULATION_SEEDS").unwrap_or(SEEDS)
}

/// A shard and what happens on it, the same for the same seed.
struct World {
    driver: Driver,
    rng: Rng,
    texts: u32,
}

fn queue_name(name: &str) -> QueueName {
    QueueName::new("us-east-1", "000000000000", name)
}

fn of_queues(command: QueueCommand) -> Command {
    Command::Queue(Box::new(command))
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            driver: Driver::in_memory(),
            rng: Rng::with_seed(seed),
            texts: 0,
        }
    }

    fn text(&mut self) -> String {
        self.texts += 1;
        format!("text-{}", self.texts)
    }

    fn queue(&mut self) -> QueueRef {
        let names = ["a", "b", "c.fifo", "d.fifo"];
        let name = names[self.rng.usize(..names.len())];
        match self.driver.host.shard().find_queue(&queue_name(name)) {
            Some(queue) => queue,
            None if name.ends_with(".fifo") => self.driver.fifo(name),
            None => self.driver.create(name, &[]),
        }
    }

    fn get(&mut self, kind: Kind, name: &str) -> Option<Resource> {
        let name = name.into();
        match self.driver.ask(admin(AdminCommand::Get { kind, name })) {
            Reply::Resource(resource) => Some(*resource),
            _ => None,
        }
    }

    fn topic(&mut self) -> TopicRef {
        let name = ["projects/p/topics/t", "projects/p/topics/u"][self.rng.usize(..2)];
        if let Some(found) = self.get(Kind::Topic, name) {
            return found.topic_ref();
        }
        let settings = TopicSettings {
            retention_ms: self.rng.bool().then_some(3_600_000),
        };
        let create = AdminCommand::CreateTopic {
            name: name.into(),
            spec: SharedBytes::from([]),
            settings,
        };
        match self.driver.ask(admin(create)) {
            Reply::Resource(resource) => resource.topic_ref(),
            other => panic!("{other:?}"),
        }
    }

    fn subscription(&mut self) -> Resource {
        let at = self.rng.usize(..4);
        let name = format!("projects/p/subscriptions/s{at}");
        if let Some(found) = self.get(Kind::Subscription, &name) {
            return found;
        }
        self.topic();
        let topics = ["projects/p/topics/t", "projects/p/topics/u"];
        let found = topics.map(|topic| self.get(Kind::Topic, topic));
        let topic = found.into_iter().flatten().next().expect("one was made");
        let create = AdminCommand::CreateSubscription {
            name: name.into(),
            topic: topic.name,
            spec: SharedBytes::from([]),
            settings: SubscriptionSettings {
                ordering: at == 1,
                retain_acked: at == 2,
                ..Default::default()
            },
        };
        match self.driver.ask(admin(create)) {
            Reply::Resource(resource) => *resource,
            other => panic!("{other:?}"),
        }
    }

    fn step(&mut self) {
        match self.rng.u8(..24) {
            0..6 => {
                let (queue, text) = (self.queue(), self.text());
                let group = format!("g{}", self.rng.u8(..3));
                let mut entry = self.driver.entry(&text, Some(&group), Some(&text));
                let names = ["c.fifo", "d.fifo"].map(queue_name);
                let shard = self.driver.host.shard();
                let is_fifo = names
                    .iter()
                    .any(|name| shard.find_queue(name) == Some(queue));
                if !is_fifo && self.rng.u8(..4) == 0 {
                    entry.delay_s = Some(60);
                }
                let _ = self.driver.send_entry(queue, entry);
            }
            6..9 => {
                let queue = self.queue();
                let taken = self.driver.receive_for(queue, self.rng.u8(1..4), Some(30));
                for delivery in taken {
                    if self.rng.bool() {
                        let _ = self.driver.delete(queue, &delivery);
                    }
                }
            }
            9 if self.rng.u8(..4) == 0 => {
                let queue = self.queue();
                let purge = QueueCommand::Purge {
                    queue,
                    interval_ms: 0,
                };
                self.driver.ask(of_queues(purge));
            }
            10 if self.rng.u8(..4) == 0 => {
                let queue = self.queue();
                self.driver.ask(of_queues(QueueCommand::Delete(queue)));
            }
            11..16 => {
                let (topic, text) = (self.topic(), self.text());
                let key = ["", "k", "l"][self.rng.usize(..3)];
                self.driver.publish_with(topic, message(&text, key, &[]));
            }
            16..19 => {
                let found = self.subscription();
                if found.subscription.as_ref().is_some_and(|of| of.detached) {
                    return;
                }
                let subscription = found.subscription_ref();
                let pulled = self.driver.pull(subscription, self.rng.u32(1..4));
                let acked: Vec<Pulled> = pulled.into_iter().filter(|_| self.rng.bool()).collect();
                self.driver.ack(subscription, &acked);
            }
            19 if self.rng.u8(..3) == 0 => {
                self.subscription();
                let source = format!("projects/p/subscriptions/s{}", self.rng.u8(..4));
                let name = format!("projects/p/snapshots/n{}", self.rng.u8(..2));
                if self.rng.bool() {
                    let snapshot = AdminCommand::CreateSnapshot {
                        name: name.into(),
                        subscription: source.into(),
                        spec: SharedBytes::from([]),
                        lifetime_ms_max: 1_000_000,
                        lifetime_ms_min: 0,
                    };
                    self.driver.ask(admin(snapshot));
                } else {
                    let to = match self.rng.bool() {
                        true => SeekTo::Snapshot(name.into()),
                        false => SeekTo::Time(self.driver.now - self.rng.u64(..2_000)),
                    };
                    let name = source.into();
                    self.driver.ask(admin(AdminCommand::Seek { name, to }));
                }
            }
            20 if self.rng.u8(..6) == 0 => {
                let (kind, name) = match self.rng.u8(..3) {
                    0 => (Kind::Topic, "projects/p/topics/t".to_owned()),
                    1 => {
                        let name = format!("projects/p/subscriptions/s{}", self.rng.u8(..4));
                        (Kind::Subscription, name)
                    }
                    _ => (Kind::Snapshot, "projects/p/snapshots/n0".to_owned()),
                };
                let name = name.into();
                self.driver.ask(admin(AdminCommand::Delete { kind, name }));
            }
            21 if self.rng.u8(..6) == 0 => {
                let name = format!("projects/p/subscriptions/s{}", self.rng.u8(..4)).into();
                self.driver.ask(admin(AdminCommand::Detach { name }));
            }
            _ => self.driver.pass(self.rng.u64(..400)),
        }
    }
}

fn export(driver: &mut Driver, command: ExportCommand) -> Exported {
    match driver.ask(of_queues(QueueCommand::Export(command))) {
        Reply::Exported(exported) => *exported,
        other => panic!("{other:?}"),
    }
}

fn opened(driver: &mut Driver) -> Opened {
    match export(driver, ExportCommand::Open) {
        Exported::Opened(opened) => opened,
        other => panic!("{other:?}"),
    }
}

/// Reads a view, with something happening between its slices of so many pieces.
fn read_by(
    pieces_max: usize,
    world: &mut World,
    view: u64,
    mut between: impl FnMut(&mut World),
) -> Vec<Piece> {
    let mut all = Vec::new();
    for definitions in [true, false] {
        loop {
            between(world);
            let slice = ExportCommand::Slice {
                view,
                definitions,
                pieces_max,
            };
            match export(&mut world.driver, slice) {
                Exported::Slice { pieces, is_last } => {
                    all.extend(pieces);
                    if is_last {
                        break;
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }
    all
}

fn read(world: &mut World, view: u64) -> Vec<Piece> {
    read_by(SLICE_PIECES, world, view, |_| {})
}

/// What pieces say, by names instead of ids, in order within each queue and topic.
#[derive(PartialEq, Debug, Default)]
struct Said {
    definitions: BTreeSet<String>,
    messages: BTreeMap<String, Vec<String>>,
    published: BTreeMap<String, Vec<String>>,
    dedup: BTreeSet<String>,
}

/// `counted` is whether times received, failures and leases count.
fn said(pieces: &[Piece], counted: bool) -> Said {
    let (mut said, mut names) = (Said::default(), BTreeMap::new());
    let (mut ids, mut retaining) = (BTreeSet::new(), BTreeSet::new());
    for piece in pieces {
        let (kind, id, name, more) = match piece {
            Piece::Queue(queue) => (0, queue.id, queue.name.key(), queue.created_at.to_string()),
            Piece::Topic(topic) => (
                1,
                topic.id,
                format!("{} {}", topic.name, topic.deleted),
                format!("{:?} {}", topic.settings, topic.created_at),
            ),
            Piece::Subscription(found) => (
                2,
                found.id,
                found.name.to_string(),
                format!("{:?} {}", found.settings, found.created_at),
            ),
            Piece::Schema(schema) => (3, schema.id, schema.name.to_string(), String::new()),
            _ => continue,
        };
        if !ids.insert((kind, id)) {
            // One that went after it was read is read again; the first counts.
            assert!(!counted, "{name} twice");
            continue;
        }
        if let Piece::Topic(topic) = piece
            && topic.settings.retention_ms.is_some()
            && !topic.deleted
        {
            retaining.insert(topic.id);
        }
        names.entry((kind, id)).or_insert(name.clone());
        said.definitions.insert(format!("{kind} {name} {more}"));
    }
    for piece in pieces {
        match piece {
            Piece::Message { queue_id, message } => {
                let payload = &message.payload;
                let name = names[&(0, *queue_id)].clone();
                let shown = match name.ends_with(".fifo") {
                    true => payload.shown_sequence(message.sequence),
                    false => 0,
                };
                let mut line = format!(
                    "{:?} {} {:?} {:?} {shown} {}",
                    String::from_utf8_lossy(payload.body()),
                    payload.sent_at(),
                    payload.text(Section::Group),
                    payload.text(Section::Deduplication),
                    message.available_at,
                );
                if counted {
                    line += &format!(
                        " {} {} {} {}",
                        message.receive_count,
                        message.base_count,
                        message.first_received_at,
                        message.in_flight_until
                    );
                }
                said.messages.entry(name).or_default().push(line);
            }
            Piece::Published { topic_id, message } => {
                let mut holders: Vec<String> = message
                    .holders
                    .iter()
                    .map(|holder| {
                        let name = &names[&(2, holder.subscription_id)];
                        let failures = if counted { holder.failures } else { 0 };
                        format!("{name} {} {failures}", holder.acked)
                    })
                    .collect();
                holders.sort();
                if holders.is_empty() && !retaining.contains(topic_id) {
                    // What a deleted subscription held goes bit by bit.
                    continue;
                }
                let text = String::from_utf8_lossy(&message.bytes).into_owned();
                let line = format!("{text:?} {} {holders:?}", message.published_at);
                let name = names[&(1, *topic_id)].clone();
                said.published.entry(name).or_default().push(line);
            }
            Piece::Dedup {
                queue_id,
                key,
                entry,
            } => {
                let name = &names[&(0, *queue_id)];
                said.dedup.insert(format!(
                    "{name} {key:x} {:?} {}",
                    entry.message_id, entry.expires_at
                ));
            }
            _ => {}
        }
    }
    said
}

/// The same in all; shown where it isn't.
#[track_caller]
fn same(expected: &Said, found: &Said, which: &str) {
    assert_eq!(expected.definitions, found.definitions, "{which}");
    for (one, other) in [
        (&expected.messages, &found.messages),
        (&expected.published, &found.published),
    ] {
        for (name, lines) in one {
            assert_eq!(Some(lines), other.get(name), "{which}: {name}");
        }
        assert_eq!(one.len(), other.len(), "{which}");
    }
    assert_eq!(expected.dedup, found.dedup, "{which}");
}

#[test]
fn a_view_is_the_shard_at_one_moment() {
    for seed in seeds() {
        let (mut still, mut busy) = (World::new(seed), World::new(seed));
        for world in [&mut still, &mut busy] {
            for _ in 0..200 {
                world.step();
            }
        }
        let view = opened(&mut still.driver).view;
        let mut expected = said(&read(&mut still, view), false);
        let view = opened(&mut busy.driver).view;
        let mut found = said(
            &read_by(1 + seed as usize % 5, &mut busy, view, |world| {
                for _ in 0..5 {
                    world.step();
                }
            }),
            false,
        );
        // What a queue remembers of what was sent is as of when it was read.
        let _ = (expected.dedup.clear(), found.dedup.clear());
        // Delays that are over are, by then.
        let strip = |said: &mut Said| {
            for lines in said.messages.values_mut() {
                for line in lines {
                    let kept = line.rsplit_once(' ').map(|(kept, _)| kept.to_owned());
                    *line = kept.expect("a delay ends the line");
                }
            }
        };
        strip(&mut expected);
        strip(&mut found);
        same(&expected, &found, &format!("seed {seed}"));
    }
}

/// Takes pieces up in shards, as many as there are drivers.
fn take_up(pieces: &[Piece], ask: &mut dyn FnMut(u16, ImportCommand) -> Imported, shards: u16) {
    let (mut queues, mut topics, mut subscriptions) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for piece in pieces.iter().cloned() {
        match piece {
            Piece::Queue(record) => {
                let (id, shard) = (record.id, record.name.shard(shards));
                let command = ImportCommand::Queue {
                    record,
                    secret: [0; 16],
                    replace: false,
                };
                match ask(shard, command) {
                    Imported::Queue(queue) => queues.insert(id, (shard, queue)),
                    other => panic!("{other:?}"),
                };
            }
            Piece::Topic(record) => {
                let (old, shard) = (record.id, shard_of(record.name.as_bytes(), shards));
                match ask(shard, ImportCommand::Topic(record)) {
                    Imported::Resource { slot, id } => topics.insert(old, (shard, slot, id)),
                    other => panic!("{other:?}"),
                };
            }
            Piece::Subscription(mut record) => {
                let (shard, topic, topic_id) = topics[&record.topic_id];
                let old = record.id;
                record.topic_id = topic_id;
                match ask(shard, ImportCommand::Subscription { record, topic }) {
                    Imported::Resource { id, .. } => subscriptions.insert(old, id),
                    other => panic!("{other:?}"),
                };
            }
            Piece::Schema(_) | Piece::Transfer(_) => {}
            Piece::Dedup {
                queue_id,
                key,
                entry,
            } => {
                let (shard, queue) = queues[&queue_id];
                let entries = vec![(key, entry)];
                let taken = ask(shard, ImportCommand::Dedup { queue, entries });
                assert!(matches!(taken, Imported::Taken(1)), "{taken:?}");
            }
            Piece::Message { queue_id, message } => {
                let (shard, queue) = queues[&queue_id];
                let messages = vec![message];
                let taken = ask(shard, ImportCommand::Messages { queue, messages });
                assert!(matches!(taken, Imported::Taken(1)), "{taken:?}");
            }
            Piece::Published {
                topic_id,
                mut message,
            } => {
                let (shard, slot, topic_id) = topics[&topic_id];
                for holder in &mut message.holders {
                    holder.subscription_id = subscriptions[&holder.subscription_id];
                }
                let messages = vec![message];
                let taken = ask(
                    shard,
                    ImportCommand::Published {
                        slot,
                        topic_id,
                        messages,
                    },
                );
                assert!(matches!(taken, Imported::Taken(1)), "{taken:?}");
            }
        }
    }
}

/// Gives out all that can be received of a queue, in order.
fn received(driver: &mut Driver, name: &str) -> Vec<String> {
    let Some(queue) = driver.host.shard().find_queue(&queue_name(name)) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    loop {
        let taken = driver.receive_for(queue, 1, Some(43_000));
        let Some(delivery) = taken.first() else {
            return out;
        };
        let payload = &delivery.payload;
        out.push(format!(
            "{} {:?} {}",
            String::from_utf8_lossy(payload.body()),
            payload.text(Section::Group),
            delivery.lease.receive_count
        ));
        driver.delete(queue, delivery).unwrap();
    }
}

#[test]
fn what_is_taken_up_elsewhere_answers_as_it_did() {
    for seed in seeds() {
        let mut world = World::new(seed);
        for _ in 0..200 {
            world.step();
        }
        let view = opened(&mut world.driver).view;
        let pieces = read(&mut world, view);
        let expected = said(&pieces, true);
        let shards = 1 + (seed % 4) as u16;
        let mut others: Vec<World> = (0..shards)
            .map(|shard| {
                let mut other = World::new(seed);
                other.driver = Driver::with(ShardConfig::new(shard, shards));
                other.driver.now = world.driver.now;
                other
            })
            .collect();
        let mut ask = |shard: u16, command| {
            let command = of_queues(QueueCommand::Import(command));
            match others[usize::from(shard)].driver.ask(command) {
                Reply::Imported(imported) => *imported,
                other => panic!("{other:?}"),
            }
        };
        take_up(&pieces, &mut ask, shards);
        let mut found = Said::default();
        for other in &mut others {
            let view = opened(&mut other.driver).view;
            let of_one = said(&read(other, view), true);
            found.definitions.extend(of_one.definitions);
            found.messages.extend(of_one.messages);
            found.published.extend(of_one.published);
            found.dedup.extend(of_one.dedup);
        }
        same(&expected, &found, &format!("seed {seed}, {shards} shards"));
        for name in ["a", "b", "c.fifo", "d.fifo"] {
            let shard = queue_name(name).shard(shards);
            let mut theirs = received(&mut others[usize::from(shard)].driver, name);
            let mut ours = received(&mut world.driver, name);
            if !name.ends_with(".fifo") {
                // A standard queue's order is the one in which messages became ready.
                theirs.sort();
                ours.sort();
            } else {
                // Between groups, too, there is none.
                let group = |line: &String| line.split(' ').nth(1).unwrap_or("").to_owned();
                theirs.sort_by_key(group);
                ours.sort_by_key(group);
            }
            assert_eq!(ours, theirs, "seed {seed}: {name}");
        }
    }
}

#[test]
fn a_restart_finds_what_was_taken_up() {
    for seed in seeds() {
        let mut world = World::new(seed);
        for _ in 0..200 {
            world.step();
        }
        // Nothing in flight, which no journal keeps.
        world.driver.pass(50_000);
        let now = world.driver.now;
        let view = opened(&mut world.driver).view;
        let pieces = read(&mut world, view);
        let expected = said(&pieces, true);
        let journal = MemoryJournal::new();
        let mut durable = open(&journal, now);
        let mut ask = |_, command| {
            let command = of_queues(QueueCommand::Import(command));
            match ask_durable(&mut durable, &journal, command) {
                Reply::Imported(imported) => *imported,
                other => panic!("{other:?}"),
            }
        };
        take_up(&pieces, &mut ask, 1);
        drop(durable);
        journal.crash();
        let mut again = World::new(seed);
        again.driver = open(&journal, now);
        let view = opened(&mut again.driver).view;
        let found = said(&read(&mut again, view), true);
        // A topic that had gone, but for those who held on to it, may have gone with them.
        assert_eq!(expected.messages, found.messages, "seed {seed}");
        assert_eq!(expected.published, found.published, "seed {seed}");
        assert_eq!(expected.dedup, found.dedup, "seed {seed}");
    }
}

#[test]
fn numbers_go_on_above_those_of_the_other_server() {
    let mut driver = Driver::in_memory();
    let queue = driver.create("q", &[(QueueAttribute::DelaySeconds, "0")]);
    let before = driver.send(queue, "before").sequence;
    let begin = ImportCommand::Begin {
        sequence: before + 77,
    };
    driver.ask(of_queues(QueueCommand::Import(begin)));
    let after = driver.send(queue, "after").sequence;
    assert!(after >= before + 77);
    let absurd = ImportCommand::Begin { sequence: u64::MAX };
    driver.ask(of_queues(QueueCommand::Import(absurd)));
    assert_eq!(driver.send(queue, "more").sequence, after + 1);
    assert_eq!(driver.now, START);
    let close = wrap(PubsubCommand::ReturnDeliveries { leases: Vec::new() });
    assert!(matches!(driver.ask(close), Reply::Done));
}

/// Prints how long a shard is held up; what it asserts allows for a busy machine and no optimiser.
#[test]
fn a_slice_holds_a_shard_up_for_a_moment() {
    let mut world = World::new(1);
    let queue = world.driver.create("q", &[]);
    let line = world.driver.fifo("line.fifo");
    for n in 0..50_000 {
        let text = format!("{n}-{}", "x".repeat(200));
        world.driver.send(queue, &text);
        world.driver.send_group(line, "g", &text);
    }
    let mut longest = Duration::ZERO;
    let mut timed = |what: &mut dyn FnMut()| {
        let started = Instant::now();
        what();
        let took = started.elapsed();
        longest = longest.max(took);
        took
    };
    let mut view = 0;
    let opening = timed(&mut || view = opened(&mut world.driver).view);
    let (mut messages, mut slices) = (0, 0);
    for definitions in [true, false] {
        let mut is_last = false;
        while !is_last {
            timed(&mut || {
                let slice = ExportCommand::Slice {
                    view,
                    definitions,
                    pieces_max: SLICE_PIECES,
                };
                match export(&mut world.driver, slice) {
                    Exported::Slice {
                        pieces,
                        is_last: last,
                    } => {
                        is_last = last;
                        let is_message = |piece: &&Piece| matches!(piece, Piece::Message { .. });
                        messages += pieces.iter().filter(is_message).count();
                    }
                    other => panic!("{other:?}"),
                }
            });
            slices += 1;
        }
    }
    println!("opened in {opening:?}; {slices} slices, the longest in {longest:?}");
    assert_eq!(messages, 100_000);
    assert!(longest < Duration::from_millis(250));
}
