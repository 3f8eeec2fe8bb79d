//! Commands about Pub/Sub's resources on a running server.

use super::operate::Server;
use super::operate::{Pair, pair};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// A command about resources of one project.
#[derive(Args, Clone, Debug)]
pub struct ProjectArgs<C: Subcommand> {
    #[command(flatten)]
    pub server: Server,
    /// The project whose resources are meant. A full name, projects/…, says its own.
    #[arg(
        long,
        global = true,
        env = "PUBSUB_PROJECT_ID",
        default_value = "local",
        value_name = "PROJECT"
    )]
    pub project: String,
    #[command(subcommand)]
    pub command: C,
}

/// About topics.
#[derive(Subcommand, Clone, Debug)]
pub enum TopicCommand {
    /// List topics.
    List,
    /// Make a topic.
    Create {
        /// Its name.
        name: String,
        /// How long it keeps messages for seeking, such as 600s.
        #[arg(long, value_name = "DURATION")]
        retention: Option<String>,
    },
    /// Show a topic.
    Show {
        /// Its name.
        name: String,
    },
    /// Delete a topic.
    Delete {
        /// Its name.
        name: String,
    },
    /// Publish a message.
    Publish {
        /// Name of the topic.
        topic: String,
        /// The message's data.
        data: String,
        /// An attribute. Repeatable.
        #[arg(long = "attribute", short = 'a', value_parser = pair, value_name = "KEY=VALUE")]
        attributes: Vec<Pair>,
        /// Ordering key.
        #[arg(long)]
        ordering_key: Option<String>,
    },
}

/// About subscriptions.
#[derive(Subcommand, Clone, Debug)]
pub enum SubscriptionCommand {
    /// List subscriptions.
    List,
    /// Make a subscription.
    Create {
        /// Its name.
        name: String,
        /// Its topic.
        #[arg(long)]
        topic: String,
        /// Ack deadline, 10-600 seconds.
        #[arg(long, value_name = "SECONDS")]
        ack_deadline: Option<u32>,
        /// Only messages that match.
        #[arg(long)]
        filter: Option<String>,
        /// Messages with an ordering key come in order.
        #[arg(long)]
        ordering: bool,
        /// Exactly-once delivery.
        #[arg(long)]
        exactly_once: bool,
        /// Push to this URL.
        #[arg(long, value_name = "URL")]
        push_endpoint: Option<String>,
    },
    /// Show a subscription.
    Show {
        /// Its name.
        name: String,
    },
    /// Delete a subscription.
    Delete {
        /// Its name.
        name: String,
    },
    /// Look at messages without taking them.
    Peek {
        /// Name of the subscription.
        name: String,
        /// At most so many, 1-1000.
        #[arg(long, default_value_t = 20)]
        max: u32,
        /// Only those in this state.
        #[arg(long, value_enum)]
        state: Option<DeliveryState>,
        /// Only those with this text in their data, ordering key, an attribute or its name, or with this
        /// id.
        #[arg(long, value_name = "TEXT")]
        contains: Option<String>,
    },
    /// Pull messages.
    Pull {
        /// Name of the subscription.
        name: String,
        /// At most so many.
        #[arg(long, default_value_t = 1)]
        max: u32,
        /// Acknowledge what came.
        #[arg(long)]
        ack: bool,
    },
    /// Acknowledge messages that were pulled.
    Ack {
        /// Name of the subscription.
        name: String,
        /// Their ack ids.
        #[arg(required = true)]
        ack_ids: Vec<String>,
    },
    /// Change the ack deadline of messages that were pulled.
    Keep {
        /// Name of the subscription.
        name: String,
        /// Their ack ids.
        #[arg(required = true)]
        ack_ids: Vec<String>,
        /// Seconds from now, 0-600; 0 gives them back.
        #[arg(long)]
        seconds: u32,
    },
    /// Acknowledge all messages published so far.
    Purge {
        /// Its name.
        name: String,
    },
    /// Cut a subscription off its topic and drop its messages.
    Detach {
        /// Its name.
        name: String,
    },
    /// Show backlogs: messages to deliver and delivered, age of the oldest, open streams.
    Backlog {
        /// Only those of this topic.
        #[arg(long)]
        topic: Option<String>,
    },
    /// Seek to a time or to a snapshot.
    Seek {
        /// Name of the subscription.
        name: String,
        /// A time, such as 2026-01-31T12:00:00Z.
        #[arg(
            long,
            conflicts_with = "snapshot",
            required_unless_present = "snapshot"
        )]
        time: Option<String>,
        /// Name of a snapshot.
        #[arg(long)]
        snapshot: Option<String>,
    },
}

/// About snapshots.
#[derive(Subcommand, Clone, Debug)]
pub enum SnapshotCommand {
    /// List snapshots.
    List,
    /// Make a snapshot of a subscription.
    Create {
        /// Its name.
        name: String,
        /// The subscription.
        #[arg(long)]
        subscription: String,
    },
    /// Show a snapshot.
    Show {
        /// Its name.
        name: String,
    },
    /// Delete a snapshot.
    Delete {
        /// Its name.
        name: String,
    },
}

/// Kinds of schemas.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaKind {
    /// Apache Avro.
    Avro,
    /// Protocol Buffers.
    Protobuf,
}

/// About schemas.
#[derive(Subcommand, Clone, Debug)]
pub enum SchemaCommand {
    /// List schemas.
    List,
    /// Make a schema.
    Create {
        /// Its name.
        name: String,
        /// What it is written in.
        #[arg(long, value_enum)]
        kind: SchemaKind,
        /// File with its definition.
        #[arg(long, value_name = "FILE")]
        definition: PathBuf,
    },
    /// Show a schema.
    Show {
        /// Its name.
        name: String,
    },
    /// Delete a schema.
    Delete {
        /// Its name.
        name: String,
    },
}

/// What a subscription has with a message.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It can be delivered.
    Available,
    /// It is delivered and not acknowledged.
    Outstanding,
    /// It waits for its retry.
    Delayed,
    /// It is acknowledged and kept for seeking.
    Acknowledged,
}
