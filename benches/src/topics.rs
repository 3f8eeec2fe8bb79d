//! An engine with a topic and its subscriptions, without a server around it.

use crate::engine::START;
use lclq_shards::command::*;
use lclq_shards::pubsub::SubscriptionSettings;
use lclq_shards::pubsub::TopicSettings;
use lclq_shards::pubsub::command::*;
use lclq_shards::{Outgoing, ShardConfig, ShardHost};

const TOPIC: &str = "projects/p/topics/t";

/// A shard in memory with one topic.
pub struct Topics {
    host: ShardHost,
    token: Token,
    topic: TopicRef,
    pub subscriptions: Vec<SubscriptionRef>,
    message: SharedBytes,
}

impl Topics {
    /// An engine whose topic has so many subscriptions, all with this filter, and whose messages
    /// have `data_bytes` of data.
    pub fn new(subscriptions: usize, filter: &str, data_bytes: usize) -> Self {
        let mut host = ShardHost::in_memory(ShardConfig::new(0, 1), START);
        let mut token = 0;
        let spec = SharedBytes::from([]);
        let create = AdminCommand::CreateTopic {
            name: TOPIC.into(),
            spec: spec.clone(),
            settings: TopicSettings::default(),
        };
        let Reply::Resource(topic) = ask(&mut host, &mut token, admin(create)) else {
            panic!("no topic")
        };
        let topic = topic.topic_ref();
        let subscriptions = (0..subscriptions).map(|number| {
            let create = AdminCommand::CreateSubscription {
                name: format!("projects/p/subscriptions/s{number}").into(),
                topic: TOPIC.into(),
                spec: spec.clone(),
                settings: SubscriptionSettings {
                    filter: filter.into(),
                    ..Default::default()
                },
            };
            match ask(&mut host, &mut token, admin(create)) {
                Reply::Resource(subscription) => subscription.subscription_ref(),
                other => panic!("no subscription: {other:?}"),
            }
        });
        let subscriptions = subscriptions.collect();
        Self {
            host,
            token,
            topic,
            subscriptions,
            message: message(data_bytes).into(),
        }
    }

    fn ask(&mut self, command: PubsubCommand) -> Reply {
        ask(&mut self.host, &mut self.token, command)
    }

    /// Publishes `count` messages with one command.
    pub fn publish(&mut self, count: usize) {
        let publish = PubsubCommand::Publish {
            topic: self.topic,
            messages: vec![self.message.clone(); count],
        };
        match self.ask(publish) {
            Reply::Published(_) => {}
            other => panic!("not published: {other:?}"),
        }
    }

    /// Pulls up to `count` messages.
    pub fn pull(&mut self, subscription: SubscriptionRef, count: usize) -> Vec<Pulled> {
        let pull = PubsubCommand::Pull {
            subscription,
            messages_max: count as u32,
            bytes_max: u64::MAX,
            wait_ms: 0,
            client: 0,
        };
        match self.ask(pull) {
            Reply::Pulled(pulled) => pulled,
            other => panic!("nothing pulled: {other:?}"),
        }
    }

    /// Acknowledges what was pulled.
    pub fn acknowledge(&mut self, subscription: SubscriptionRef, pulled: &[Pulled]) {
        let acknowledge = PubsubCommand::Acknowledge {
            subscription,
            leases: pulled.iter().map(|pulled| pulled.lease).collect(),
        };
        match self.ask(acknowledge) {
            Reply::Acknowledged(_) => {}
            other => panic!("not acknowledged: {other:?}"),
        }
    }

    /// Publishes, pulls and acknowledges `count` messages on each subscription.
    pub fn cycle(&mut self, count: usize) {
        self.publish(count);
        for at in 0..self.subscriptions.len() {
            let subscription = self.subscriptions[at];
            let pulled = self.pull(subscription, count);
            assert_eq!(pulled.len(), count);
            self.acknowledge(subscription, &pulled);
        }
    }
}

fn admin(command: AdminCommand) -> PubsubCommand {
    PubsubCommand::Admin(Box::new(command))
}

fn ask(host: &mut ShardHost, token: &mut Token, command: PubsubCommand) -> Reply {
    *token += 1;
    host.apply(START, *token, Command::Pubsub(Box::new(command)));
    match host.next_outgoing() {
        Some(Outgoing::Reply(of, reply)) if of == *token => reply,
        other => panic!("not the reply asked for: {other:?}"),
    }
}

/// An encoded `PubsubMessage` with an attribute `kind` that says `order`.
pub fn message(data_bytes: usize) -> Vec<u8> {
    use lclq::proto::google::pubsub::v1::PubsubMessage;
    use prost::Message;
    PubsubMessage {
        data: vec![b'x'; data_bytes].into(),
        attributes: [("kind".to_owned(), "order".to_owned())].into(),
        ..Default::default()
    }
    .encode_to_vec()
}
