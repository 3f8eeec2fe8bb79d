//! The command line.

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Action {
    /// SendMessage.
    Send,
    /// SendMessageBatch.
    SendBatch,
    /// ReceiveMessage, then delete what came.
    ReceiveDelete,
    /// SendMessage, ReceiveMessage of one, DeleteMessage.
    Cycle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Protocol {
    /// AWS JSON 1.0.
    Json,
    /// Form in, XML out.
    Query,
}

/// Which cores the queues are on, seen from their connections. Only meant for a server of two cores
/// and two shards that has had one connection before (`loadtest/run` asks whether it is up): it
/// deals these out in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Placement {
    /// Each connection uses a queue of its own core.
    Aligned,
    /// Each connection uses a queue of the other core.
    Crossed,
}

#[derive(Clone, Debug, clap::Parser)]
#[command(about = "Load an SQS server and report requests/s and latencies")]
pub struct Options {
    /// The server, http://HOST:PORT.
    #[arg(long, default_value = "http://127.0.0.1:9324")]
    pub url: String,
    /// Connections to keep open.
    #[arg(long, default_value_t = 64)]
    pub connections: usize,
    /// How long to measure.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// How long to run before measuring.
    #[arg(long, default_value_t = 1.0)]
    pub warmup_seconds: f64,
    /// What to do.
    #[arg(long, value_enum, default_value_t = Action::Send)]
    pub action: Action,
    /// Length of a message's body.
    #[arg(long, default_value_t = 200)]
    pub body_bytes: usize,
    /// Messages in a batch, sent or received.
    #[arg(long, default_value_t = 10)]
    pub batch: usize,
    /// Queues to spread the connections over; they are created first.
    #[arg(long, default_value_t = 1)]
    pub queues: usize,
    /// How to speak (send and send-batch only; the rest is JSON).
    #[arg(long, value_enum, default_value_t = Protocol::Json)]
    pub protocol: Protocol,
    /// Use FIFO queues, with 100 groups and a new deduplication id per message.
    #[arg(long)]
    pub fifo: bool,
    /// Send this many messages to each queue first, outside of the time, and measure until they
    /// are deleted; then begin anew as long as there is time (receive-delete only).
    #[arg(long)]
    pub backlog: Option<u64>,
    /// Put two queues on two shards, so that no request crosses cores, or every one does.
    #[arg(long, value_enum)]
    pub placement: Option<Placement>,
    /// Requests in flight on each connection (send and send-batch only).
    #[arg(long, default_value_t = 1)]
    pub pipeline: usize,
    /// Requests per second to offer, instead of as many as the server answers.
    #[arg(long)]
    pub rate: Option<f64>,
}
