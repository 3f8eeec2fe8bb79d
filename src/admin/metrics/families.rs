//! Every family of series: the one place that says what there is, for the text and for its reference.

/// What a family's samples are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A family: series of one name.
#[derive(Debug)]
pub struct Family {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    /// What it means, in one sentence.
    pub help: &'static str,
}

impl Family {
    /// The unit, which its name says.
    pub fn unit(&self) -> &'static str {
        let name = self.name.strip_suffix("_total").unwrap_or(self.name);
        if name.ends_with("_seconds") || name.ends_with("_age") {
            "s"
        } else if name.contains("_bytes") {
            "bytes"
        } else {
            ""
        }
    }
}

macro_rules! families {
    ($($(#[$of:meta])* $id:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(
            $(#[$of])*
            pub(in crate::admin::metrics) static $id: $crate::admin::metrics::families::Family =
                $crate::admin::metrics::families::Family {
                    name: $name,
                    kind: $crate::admin::metrics::families::Kind::$kind,
                    labels: &[$($label),*],
                    help: $help,
                };
        )*
        /// All of them, in the order of the text.
        pub(in crate::admin::metrics) static ALL: &[&$crate::admin::metrics::families::Family] =
            &[$(&$id),*];
    };
}

pub(super) use families;

families! {
    API_REQUESTS = Counter "lclq_api_requests_total" ["api", "method", "endpoint", "status"]
        "Requests answered: of which API, by which protocol of it (json, query, grpc, rest), for which action or method, and how they ended (ok, client_error, server_error).";
    API_LATENCY = Histogram "lclq_api_latency_seconds" ["api", "endpoint"]
        "From a request's arrival to its answer, long polls' waiting included; a stream's until it begins.";
    REFUSALS = Counter "lclq_refusals_total" ["api", "about", "mode"]
        "Requests that were refused because of who sent them (mode enforce), or would have been (report): nobody known (authentication), not allowed to them (authorization), too many (limit).";
    SEND_LATENCY = Histogram "lclq_send_latency_seconds" ["backend"]
        "The same of SendMessage, SendMessageBatch and Publish, by what keeps the messages (memory, sqlite).";
    RECEIVE_LATENCY = Histogram "lclq_receive_latency_seconds" ["backend"]
        "The same of ReceiveMessage and Pull.";
    THROTTLED = Counter "lclq_throttled_requests_total" ["reason"]
        "What was refused for a limit: memory for messages or request_memory for bodies, messages in_flight of a queue, waiting calls or streams, a core that is overloaded, connections.";

    SENT = Counter "lclq_messages_sent_total" ["queue_id", "queue_name", "dialect"]
        "Messages accepted by a queue or a topic.";
    SENT_BYTES = Counter "lclq_messages_sent_bytes_total" ["queue_id", "queue_name", "dialect"]
        "Their bytes, as they count against limits.";
    RECEIVED = Counter "lclq_messages_received_total" ["queue_id", "queue_name", "dialect"]
        "Messages given out by a queue or a subscription, each time.";
    EMPTY_RECEIVES = Counter "lclq_empty_receives_total" ["queue_id", "queue_name", "dialect"]
        "Receives and pulls that were answered with nothing.";
    DELETED = Counter "lclq_messages_deleted_total" ["queue_id", "queue_name", "dialect"]
        "Messages that clients deleted or acknowledged.";
    RETURNED = Counter "lclq_messages_returned_total" ["queue_id", "queue_name", "dialect"]
        "Messages that clients gave back: visibility or ack deadline set to 0.";
    EXPIRED = Counter "lclq_leases_expired_total" ["queue_id", "queue_name", "dialect"]
        "Visibility timeouts and ack deadlines that ran out.";
    TO_DLQ = Counter "lclq_messages_to_dlq_total" ["queue_id", "queue_name"]
        "Messages that a queue or a subscription moved to its dead-letter queue or topic.";
    DROPPED = Counter "lclq_messages_dropped_total" []
        "Messages dropped for age or for room.";
    RECEIVES = Histogram "lclq_receives_per_message" ["dialect"]
        "How often a message had been received when it was deleted or acknowledged.";

    QUEUE_DEPTH = Gauge "lclq_queue_depth" ["queue_id", "queue_name"]
        "Messages of a queue that can be received.";
    IN_FLIGHT = Gauge "lclq_in_flight_messages" ["queue_id", "queue_name"]
        "Messages of a queue that are received and not yet deleted or visible again.";
    DELAYED = Gauge "lclq_delayed_messages" ["queue_id", "queue_name"]
        "Messages of a queue that wait for their delay.";
    OLDEST_AGE = Gauge "lclq_oldest_message_age_seconds" ["queue_id", "queue_name"]
        "Time since the oldest message of a queue was sent; 0 where there is none.";
    GROUPS = Gauge "lclq_message_groups" ["queue_id", "queue_name"]
        "Message groups of a queue that have messages.";

    SUBSCRIPTION_BACKLOG = Gauge "lclq_subscription_backlog_messages" ["subscription_id", "subscription_name"]
        "Messages of a subscription that are not acknowledged.";
    SUBSCRIPTION_OUTSTANDING = Gauge "lclq_subscription_outstanding_messages" ["subscription_id", "subscription_name"]
        "Those of them that are delivered.";
    SUBSCRIPTION_OLDEST_AGE = Gauge "lclq_subscription_oldest_unacked_age_seconds" ["subscription_id", "subscription_name"]
        "Time since the oldest of them was published; 0 where there is none.";
    SUBSCRIPTION_KEYS = Gauge "lclq_subscription_ordering_keys" ["subscription_id", "subscription_name"]
        "Ordering keys of a subscription that have messages.";
    SUBSCRIPTION_STREAMS = Gauge "lclq_subscription_open_streams" ["subscription_id", "subscription_name"]
        "Open streams of a subscription; push and export have one too.";
    SUBSCRIPTION_ACKS = Counter "lclq_subscription_acks_total" ["subscription_id", "subscription_name"]
        "Acknowledgements that counted.";
    SUBSCRIPTION_NACKS = Counter "lclq_subscription_nacks_total" ["subscription_id", "subscription_name"]
        "Negative acknowledgements that counted.";
    SUBSCRIPTION_PUSHES = Counter "lclq_subscription_push_requests_total" ["subscription_id", "subscription_name", "outcome"]
        "Push requests of a subscription since it began to push, by how they ended.";

    QUEUE_COUNT = Gauge "lclq_queue_count" []
        "Queues.";
    TOPIC_COUNT = Gauge "lclq_topic_count" []
        "Topics.";
    SUBSCRIPTION_COUNT = Gauge "lclq_subscription_count" []
        "Subscriptions and snapshots.";
    WAITING_RECEIVES = Gauge "lclq_waiting_receives" []
        "Long polls and streams that wait for messages.";
    MEMORY = Gauge "lclq_memory_bytes" []
        "Memory that messages take.";
    MEMORY_MAX = Gauge "lclq_memory_max_bytes" []
        "Memory that messages may take.";

    CONNECTIONS = Gauge "lclq_active_connections" ["dialect", "protocol"]
        "Open connections by endpoint, and by what is spoken on them (opening, http1, http2).";
    CONNECTIONS_ACCEPTED = Counter "lclq_connections_accepted_total" ["dialect"]
        "Connections accepted.";
    BYTES_IN = Counter "lclq_network_receive_bytes_total" ["dialect"]
        "Bytes that came from clients, TLS included.";
    BYTES_OUT = Counter "lclq_network_transmit_bytes_total" ["dialect"]
        "Bytes that went to clients, TLS included.";

    JOURNAL_UP = Gauge "lclq_journal_up" []
        "1 where every journal can be written, 0 where one can't.";
    BACKEND_ERRORS = Counter "lclq_backend_errors_total" ["backend", "operation"]
        "Attempts of journals that failed, by what they were (commit, checkpoint).";
    COMMIT_TIME = Histogram "lclq_journal_commit_seconds" []
        "Time of a commit, the disk included where answers wait for it.";
    COMMIT_SIZE = Histogram "lclq_journal_commit_changes" []
        "Changes that one commit wrote.";
    CHECKPOINT_TIME = Histogram "lclq_journal_checkpoint_seconds" []
        "Time of a checkpoint: the log's pages go into the database file, and commits wait.";
    LOG_PAGES = Gauge "lclq_journal_log_pages" []
        "Pages in the write-ahead logs.";
    LOG_RECORDS_OPEN = Gauge "lclq_store_records_in_flight" []
        "Records that a shared store has not acknowledged yet.";
    LOG_BYTES = Gauge "lclq_store_log_bytes" []
        "Bytes that a reader of all shards' logs would read, in a shared store.";
    LOG_KEPT_BYTES = Gauge "lclq_store_kept_bytes" []
        "Bytes of what those logs keep, about: a log grows to twice that and 16 MiB before a lap shortens it.";
    LOG_LAPS = Counter "lclq_store_laps_total" []
        "Laps that came round: each shortens a log.";
    LOG_SILENCE = Gauge "lclq_store_silent_seconds" []
        "The longest time for which a shard has waited for a shared store that acknowledged nothing.";

    CLUSTER_SHARDS = Gauge "lclq_cluster_shards" []
        "Shards that this server runs: all, but for a server of a cluster.";
    CLUSTER_TAKEN = Counter "lclq_cluster_shards_taken_total" []
        "Shards that this server took over from other servers of its cluster, or from nobody.";
    CLUSTER_FORWARDED = Counter "lclq_cluster_requests_forwarded_total" []
        "Requests to shards that other servers of the cluster were asked to carry out.";
    CLUSTER_PARKED = Gauge "lclq_cluster_requests_parked" []
        "Requests that wait until a server of the cluster runs their shard.";

    LANE_DEPTH = Histogram "lclq_mesh_lane_depth" ["core"]
        "Requests of another core that a core found waiting at the start of their turn.";
    CORE_BUSY = Counter "lclq_core_busy_seconds_total" ["core"]
        "Time that a core's thread ran; its rate is the core's busy share.";
    CORE_WAIT = Counter "lclq_core_wait_seconds_total" ["core"]
        "Time that a core's thread could have run while its CPU ran something else.";
    JOURNAL_BUSY = Counter "lclq_journal_busy_seconds_total" []
        "Time that journals' threads ran.";

    SCRAPE_TURN = Histogram "lclq_scrape_turn_seconds" []
        "Time on its CPU for which a scrape kept its core in one go, before others had their turn.";
    BUILD_INFO = Gauge "lclq_build_info" ["version"]
        "1; the label says the version.";
    PROCESS_CPU = Counter "process_cpu_seconds_total" []
        "Time on CPUs, in user and system mode.";
    PROCESS_START = Gauge "process_start_time_seconds" []
        "When the process started, since 1970.";
    PROCESS_RESIDENT = Gauge "process_resident_memory_bytes" []
        "Memory in use.";
    PROCESS_VIRTUAL = Gauge "process_virtual_memory_bytes" []
        "Addresses in use.";
    PROCESS_FDS = Gauge "process_open_fds" []
        "Open file descriptors.";
    PROCESS_FDS_MAX = Gauge "process_max_fds" []
        "File descriptors that may be open.";
    PROCESS_THREADS = Gauge "process_threads" []
        "Threads.";
}
