//! The command line.

use lclq_loadtest::server::Setup;
use std::path::PathBuf;

/// Load a Pub/Sub server and report rates, latencies and memory.
#[derive(clap::Parser, Debug)]
pub struct Options {
    /// The lclq to measure; by default the one beside this program.
    #[arg(long, global = true)]
    pub binary: Option<PathBuf>,
    /// Driver to run the servers on.
    #[arg(long, global = true, default_value = "epoll")]
    pub runtime: String,
    /// Cores to run the servers on; by default all.
    #[arg(long, global = true)]
    pub cores: Option<usize>,
    /// Keep messages on disk, in new directories below this one.
    #[arg(long, global = true)]
    pub data_dir: Option<PathBuf>,
    /// Print all figures as JSON at the end.
    #[arg(long, global = true)]
    pub json: bool,
    /// Exit with 1 if a bound is missed.
    #[arg(long, global = true)]
    pub check: bool,
    /// What to measure.
    #[command(subcommand)]
    pub part: Part,
}

/// What to measure.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum Part {
    /// Unary Publish, beside the no-op server.
    Publish(Publish),
    /// Draining a backlog to one stream.
    Drain(Drain),
    /// Publish to delivery at idle, one message at a time.
    Latency(Latency),
    /// Publishing to many subscriptions.
    Fanout(Fanout),
    /// Memory after publishing to a topic without subscriptions.
    Flat(Flat),
    /// Memory per message that a topic retains.
    Retained(Retained),
    /// Many open streams.
    Streams(Streams),
    /// One idle stream, with keepalives and a message now and then.
    Idle(Idle),
    /// All parts but `idle`, with their bounds.
    Targets,
}

/// Unary Publish.
#[derive(clap::Args, Clone, Debug)]
pub struct Publish {
    /// Connections to keep open.
    #[arg(long, default_value_t = 16)]
    pub connections: usize,
    /// Calls in flight on each connection.
    #[arg(long, default_value_t = 16)]
    pub streams: usize,
    /// Messages of a request.
    #[arg(long, default_value_t = 1)]
    pub batch: usize,
    /// Topics to spread the connections over.
    #[arg(long, default_value_t = 1)]
    pub topics: usize,
    /// Subscriptions of each topic, from which nobody pulls.
    #[arg(long, default_value_t = 0)]
    pub subscriptions: usize,
    /// Length of a message's data.
    #[arg(long, default_value_t = 200)]
    pub body_bytes: usize,
    /// Calls per second to offer, instead of as many as the server answers.
    #[arg(long)]
    pub rate: Option<f64>,
    /// Over REST: HTTP/1.1, one call in flight on each connection, no ratio.
    #[arg(long)]
    pub rest: bool,
    /// How long to measure, each time.
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// How long to run before measuring.
    #[arg(long, default_value_t = 0.5)]
    pub warmup_seconds: f64,
    /// Times that each server is measured.
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
}

/// Draining.
#[derive(clap::Args, Clone, Debug)]
pub struct Drain {
    /// Messages that wait.
    #[arg(long, default_value_t = 200_000)]
    pub messages: usize,
    /// Length of a message's data.
    #[arg(long, default_value_t = 200)]
    pub body_bytes: usize,
    /// Times to do it.
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
}

/// Latency at idle.
#[derive(clap::Args, Clone, Debug)]
pub struct Latency {
    /// Messages to publish.
    #[arg(long, default_value_t = 3000)]
    pub messages: usize,
    /// From one message to the next, ms.
    #[arg(long, default_value_t = 3)]
    pub every_ms: u64,
}

/// Fan-out.
#[derive(clap::Args, Clone, Debug)]
pub struct Fanout {
    /// Subscriptions of the topic.
    #[arg(long, default_value_t = 1000)]
    pub subscriptions: usize,
    /// Messages to publish.
    #[arg(long, default_value_t = 2000)]
    pub messages: usize,
    /// Length of a message's data.
    #[arg(long, default_value_t = 10_000)]
    pub body_bytes: usize,
}

/// Memory without subscriptions.
#[derive(clap::Args, Clone, Debug)]
pub struct Flat {
    /// Messages to publish.
    #[arg(long, default_value_t = 5_000_000)]
    pub messages: usize,
    /// Length of a message's data.
    #[arg(long, default_value_t = 200)]
    pub body_bytes: usize,
}

/// Memory of retained messages.
#[derive(clap::Args, Clone, Debug)]
pub struct Retained {
    /// Messages to publish.
    #[arg(long, default_value_t = 1_000_000)]
    pub messages: usize,
    /// Length of a message's data.
    #[arg(long, default_value_t = 200)]
    pub body_bytes: usize,
}

/// Many streams.
#[derive(clap::Args, Clone, Debug)]
pub struct Streams {
    /// Connections.
    #[arg(long, default_value_t = 100)]
    pub connections: usize,
    /// Streams on each, every one of a subscription of its own.
    #[arg(long, default_value_t = 100)]
    pub streams: usize,
    /// How long to watch them idle.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
}

/// An idle stream.
#[derive(clap::Args, Clone, Debug)]
pub struct Idle {
    /// How long.
    #[arg(long, default_value_t = 600)]
    pub seconds: u64,
    /// From one keepalive to the next, s.
    #[arg(long, default_value_t = 30)]
    pub keepalive_seconds: u64,
    /// From one message to the next, s.
    #[arg(long, default_value_t = 20)]
    pub publish_seconds: u64,
}

impl Options {
    /// How servers are started; each with a directory of its own if they keep messages.
    pub fn setup(&self) -> Setup {
        use std::sync::atomic::{AtomicU32, Ordering};
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let data_dir = self.data_dir.as_ref();
        let own = format!("load-{}-{number}", std::process::id());
        Setup {
            binary: self
                .binary
                .clone()
                .unwrap_or_else(lclq_loadtest::server::default_binary),
            runtime: self.runtime.clone(),
            cores: self.cores,
            data_dir: data_dir.map(|path| path.join(own)),
        }
    }
}
