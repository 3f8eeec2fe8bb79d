//! Topics and subscriptions of a shard that is driven by hand.

use super::Driver;
use super::memory_journal::MemoryJournal;
use lclq_shards::command::*;
use lclq_shards::pubsub::command::*;
use lclq_shards::pubsub::*;
use lclq_shards::{ShardConfig, ShardHost};

pub const TOPIC: &str = "projects/p/topics/t";

pub fn message(text: &str, key: &str, attributes: &[(&str, &str)]) -> SharedBytes {
    fn field(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
        out.push(tag);
        out.push(bytes.len() as u8);
        out.extend_from_slice(bytes);
    }
    let mut out = Vec::new();
    field(&mut out, 0x0a, text.as_bytes());
    for (key, value) in attributes {
        let mut entry = Vec::new();
        field(&mut entry, 0x0a, key.as_bytes());
        field(&mut entry, 0x12, value.as_bytes());
        field(&mut out, 0x12, &entry);
    }
    if !key.is_empty() {
        field(&mut out, 0x2a, key.as_bytes());
    }
    out.into()
}

pub fn text(pulled: &Pulled) -> String {
    let length = usize::from(pulled.bytes[1]);
    String::from_utf8(pulled.bytes[2..2 + length].to_vec()).unwrap()
}

pub fn texts(pulled: &[Pulled]) -> Vec<String> {
    pulled.iter().map(text).collect()
}

pub fn wrap(command: PubsubCommand) -> Command {
    Command::Pubsub(Box::new(command))
}

pub fn admin(command: AdminCommand) -> Command {
    wrap(PubsubCommand::Admin(Box::new(command)))
}

pub trait Topics {
    fn topic(&mut self, name: &str, retention_ms: Option<u64>) -> TopicRef;
    fn subscribe(&mut self, name: &str, settings: SubscriptionSettings) -> SubscriptionRef;
    fn publish(&mut self, topic: TopicRef, text: &str, key: &str);
    fn publish_with(&mut self, topic: TopicRef, message: SharedBytes);
    fn pull(&mut self, subscription: SubscriptionRef, max: u32) -> Vec<Pulled>;
    fn ack(&mut self, subscription: SubscriptionRef, pulled: &[Pulled]) -> Vec<bool>;
    fn settle(&mut self, subscription: SubscriptionRef, pulled: &[Pulled]) -> Vec<Settled>;
    fn modack(&mut self, subscription: SubscriptionRef, pulled: &[Pulled], s: u32) -> Vec<bool>;
    fn stream(&mut self, subscription: SubscriptionRef, messages: u64, bytes: u64) -> StreamRef;
    fn stream_pull(&mut self, stream: StreamRef) -> Token;
    fn pulled(&mut self, token: Token) -> Vec<Pulled>;
    fn done(&mut self, command: AdminCommand);
}

impl Topics for Driver {
    fn topic(&mut self, name: &str, retention_ms: Option<u64>) -> TopicRef {
        let command = AdminCommand::CreateTopic {
            name: name.into(),
            spec: SharedBytes::from([]),
            settings: TopicSettings { retention_ms },
        };
        match self.ask(admin(command)) {
            Reply::Resource(resource) => resource.topic_ref(),
            other => panic!("{other:?}"),
        }
    }

    fn subscribe(&mut self, name: &str, settings: SubscriptionSettings) -> SubscriptionRef {
        let command = AdminCommand::CreateSubscription {
            name: name.into(),
            topic: TOPIC.into(),
            spec: SharedBytes::from([]),
            settings,
        };
        match self.ask(admin(command)) {
            Reply::Resource(resource) => resource.subscription_ref(),
            other => panic!("{other:?}"),
        }
    }

    fn publish(&mut self, topic: TopicRef, text: &str, key: &str) {
        self.publish_with(topic, message(text, key, &[]));
    }

    fn publish_with(&mut self, topic: TopicRef, message: SharedBytes) {
        let messages = vec![message];
        match self.ask(wrap(PubsubCommand::Publish { topic, messages })) {
            Reply::Published(_) => {}
            other => panic!("{other:?}"),
        }
    }

    fn pull(&mut self, subscription: SubscriptionRef, messages_max: u32) -> Vec<Pulled> {
        let token = self.start(wrap(PubsubCommand::Pull {
            subscription,
            messages_max,
            bytes_max: 1 << 20,
            wait_ms: 0,
            client: 0,
        }));
        self.pulled(token)
    }

    fn ack(&mut self, subscription: SubscriptionRef, pulled: &[Pulled]) -> Vec<bool> {
        let results = self.settle(subscription, pulled);
        results.iter().map(|r| *r == Settled::Counted).collect()
    }

    fn settle(&mut self, subscription: SubscriptionRef, pulled: &[Pulled]) -> Vec<Settled> {
        let leases = pulled.iter().map(|pulled| pulled.lease).collect();
        match self.ask(wrap(PubsubCommand::Acknowledge {
            subscription,
            leases,
        })) {
            Reply::Acknowledged(results) => results,
            other => panic!("{other:?}"),
        }
    }

    fn modack(&mut self, subscription: SubscriptionRef, pulled: &[Pulled], s: u32) -> Vec<bool> {
        let leases = pulled.iter().map(|pulled| (pulled.lease, s)).collect();
        match self.ask(wrap(PubsubCommand::ModifyDeadline {
            subscription,
            leases,
        })) {
            Reply::Acknowledged(results) => {
                results.iter().map(|r| *r == Settled::Counted).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    fn stream(&mut self, subscription: SubscriptionRef, messages: u64, bytes: u64) -> StreamRef {
        let limits = StreamLimits {
            messages_max: messages,
            bytes_max: bytes,
            ack_deadline_s: 60,
        };
        match self.ask(wrap(PubsubCommand::OpenStream {
            subscription,
            limits,
            client: 0,
        })) {
            Reply::Stream(stream) => stream,
            other => panic!("{other:?}"),
        }
    }

    fn stream_pull(&mut self, stream: StreamRef) -> Token {
        self.start(wrap(PubsubCommand::StreamPull {
            stream,
            messages_max: 1000,
            bytes_max: 1 << 20,
        }))
    }

    fn pulled(&mut self, token: Token) -> Vec<Pulled> {
        match self.replies.remove(&token) {
            Some(Reply::Pulled(pulled)) => pulled,
            other => panic!("{other:?}"),
        }
    }

    fn done(&mut self, command: AdminCommand) {
        match self.ask(admin(command)) {
            Reply::Done => {}
            other => panic!("{other:?}"),
        }
    }
}

pub fn ordered() -> SubscriptionSettings {
    SubscriptionSettings {
        ordering: true,
        ..Default::default()
    }
}

/// Commits all that waits, so that held replies go out.
pub fn commit(driver: &mut Driver, journal: &MemoryJournal) {
    driver.host.flush();
    while journal.complete() {
        driver.host.poll_journal();
    }
    driver.collect();
}

pub fn ask_durable(driver: &mut Driver, journal: &MemoryJournal, command: Command) -> Reply {
    let token = driver.start(command);
    commit(driver, journal);
    driver
        .replies
        .remove(&token)
        .expect("answered once durable")
}

pub fn open(journal: &MemoryJournal, now: u64) -> Driver {
    open_one_of(1, journal, now)
}

pub fn open_one_of(shards: u16, journal: &MemoryJournal, now: u64) -> Driver {
    let config = ShardConfig::new(0, shards);
    let host = ShardHost::open(config, Box::new(journal.clone()), now).unwrap();
    let mut driver = Driver::on(host);
    driver.now = now;
    commit(&mut driver, journal);
    driver
}
