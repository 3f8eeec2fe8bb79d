//! Commands that ask a running server.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Which server, and how its answer is shown.
#[derive(Args, Clone, Debug)]
pub struct Server {
    /// The server's admin endpoint.
    #[arg(
        long,
        global = true,
        env = "LCLQ_URL",
        default_value = "http://127.0.0.1:9000",
        value_name = "URL"
    )]
    pub url: String,

    /// Authorities to trust over https instead of the system's: a PEM file, such as the one that `tls
    /// trust` names when the server starts.
    #[arg(long, global = true, env = "LCLQ_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// A certificate to show to the server: a PEM file.
    #[arg(
        long,
        global = true,
        env = "LCLQ_CLIENT_CERT",
        value_name = "FILE",
        requires = "client_key"
    )]
    pub client_cert: Option<PathBuf>,

    /// That certificate's private key: a PEM file.
    #[arg(
        long,
        global = true,
        env = "LCLQ_CLIENT_KEY",
        value_name = "FILE",
        requires = "client_cert"
    )]
    pub client_key: Option<PathBuf>,

    /// A file with a token for the admin endpoint, where that asks for one. Without this, LCLQ_TOKEN in
    /// the environment.
    #[arg(long, global = true, env = "LCLQ_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// How to show the answer.
    #[arg(long, short, global = true, value_enum, default_value_t)]
    pub output: Output,
}

/// How an answer is shown.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// As the server answers.
    Json,
    /// The same as YAML.
    Yaml,
    /// Names alone, one per line.
    Name,
}

/// A command and the server it is for.
#[derive(Args, Clone, Debug)]
pub struct OperateArgs<C: Subcommand> {
    #[command(flatten)]
    pub server: Server,
    #[command(subcommand)]
    pub command: C,
}

/// About queues.
#[derive(Subcommand, Clone, Debug)]
pub enum QueueCommand {
    /// List queues with their counts.
    List {
        /// Only those whose names begin so.
        #[arg(long)]
        prefix: Option<String>,
        /// Only those whose names have this in them.
        #[arg(long)]
        contains: Option<String>,
        /// What to sort by, the greatest first; names where absent.
        #[arg(long, value_enum)]
        sort: Option<QueueSort>,
    },
    /// Make a queue; a name that ends in .fifo makes a FIFO queue.
    Create {
        /// Its name.
        name: String,
        /// An attribute, by its name in SQS: VisibilityTimeout=45. Repeatable.
        #[arg(long = "attribute", short = 'a', value_parser = pair, value_name = "NAME=VALUE")]
        attributes: Vec<(String, Option<String>)>,
        /// A tag. Repeatable.
        #[arg(long = "tag", short = 't', value_parser = pair, value_name = "KEY=VALUE")]
        tags: Vec<(String, Option<String>)>,
    },
    /// Show a queue.
    Show {
        /// Its name.
        name: String,
    },
    /// Change attributes and tags.
    Set {
        /// Its name.
        name: String,
        /// An attribute to set. Repeatable.
        #[arg(long = "attribute", short = 'a', value_parser = pair, value_name = "NAME=VALUE")]
        attributes: Vec<(String, Option<String>)>,
        /// A tag to set, or to take off where there is no `=`. Repeatable.
        #[arg(long = "tag", short = 't', value_parser = pair_or_name, value_name = "KEY[=VALUE]")]
        tags: Vec<(String, Option<String>)>,
    },
    /// Delete a queue with its messages.
    Delete {
        /// Its name.
        name: String,
    },
    /// Delete a queue's messages.
    Purge {
        /// Its name.
        name: String,
    },
    /// Move a dead-letter queue's messages back to where they came from, or elsewhere.
    Redrive {
        /// Name of the dead-letter queue.
        name: String,
        /// Queue to move them to.
        #[arg(long)]
        destination: Option<String>,
        /// Messages per second, 1-500; as fast as goes where absent.
        #[arg(long)]
        rate: Option<u32>,
    },
}

/// What a list of queues is sorted by.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueSort {
    /// Messages that can be received.
    Visible,
    /// Messages that were received and not deleted.
    InFlight,
    /// Messages that wait for their delay.
    Delayed,
    /// Age of the oldest message.
    OldestAge,
    /// When it was made.
    Created,
}

/// About messages.
#[derive(Subcommand, Clone, Debug)]
pub enum MessageCommand {
    /// Send a message.
    Send {
        /// Name of the queue.
        queue: String,
        /// The message's body.
        body: String,
        /// Message group id.
        #[arg(long)]
        group: Option<String>,
        /// Message deduplication id.
        #[arg(long)]
        deduplication: Option<String>,
        /// Seconds before it can be received.
        #[arg(long)]
        delay: Option<u32>,
        /// A message attribute, which is a string. Repeatable.
        #[arg(long = "attribute", short = 'a', value_parser = pair, value_name = "NAME=VALUE")]
        attributes: Vec<(String, Option<String>)>,
    },
    /// Look at messages without receiving them.
    Peek {
        /// Name of the queue.
        queue: String,
        /// At most so many, 1-1000.
        #[arg(long, default_value_t = 20)]
        max: u32,
        /// Only those in this state.
        #[arg(long, value_enum)]
        state: Option<PeekState>,
        /// Only those with this text in their body, in an attribute or its name, or with this id.
        #[arg(long, value_name = "TEXT")]
        contains: Option<String>,
    },
    /// Receive messages.
    Receive {
        /// Name of the queue.
        queue: String,
        /// At most so many, 1-10.
        #[arg(long, default_value_t = 1)]
        max: u32,
        /// Seconds to wait for one, 0-20.
        #[arg(long, default_value_t = 0)]
        wait: u32,
        /// Seconds before they are visible again; the queue's where absent.
        #[arg(long)]
        visibility_timeout: Option<u32>,
    },
    /// Where a message went: what happened to it, when, and who received it. The server keeps that if it
    /// was started with --journey-events.
    Journey {
        /// Its id, as SQS or Pub/Sub gave it.
        message: String,
    },
    /// Move messages to another queue. They must be such as can be received.
    Move {
        /// Name of the queue that they are in.
        queue: String,
        /// Ids of the messages.
        #[arg(required = true)]
        messages: Vec<String>,
        /// Name of the queue that they go to.
        #[arg(long, value_name = "QUEUE")]
        to: String,
    },
    /// Change how long a message that was received stays invisible.
    Keep {
        /// Name of the queue.
        queue: String,
        /// The receipt handle it came with.
        receipt: String,
        /// Seconds from now; 0 gives it back.
        seconds: u32,
    },
    /// Delete a message that was received.
    Delete {
        /// Name of the queue.
        queue: String,
        /// The receipt handle it came with.
        receipt: String,
    },
}

/// States of messages that are looked at.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeekState {
    /// They can be received.
    Visible,
    /// They were received and not deleted.
    InFlight,
    /// They wait for their delay.
    Delayed,
}

/// A name and, where there is one, its value.
pub type Pair = (String, Option<String>);

pub(super) fn pair(text: &str) -> Result<Pair, String> {
    match pair_or_name(text)? {
        (_, None) => Err("there is no `=` in it".to_owned()),
        pair => Ok(pair),
    }
}

fn pair_or_name(text: &str) -> Result<Pair, String> {
    Ok(match text.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (text.to_owned(), None),
    })
}
