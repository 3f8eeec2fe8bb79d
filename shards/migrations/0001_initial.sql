-- One shard's file. Numbers are unsigned values stored bit for bit in SQLite's signed integers;
-- times are milliseconds since 1970.

-- Facts about the file itself.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

-- A queue's record as JSON: name, attributes, tags, move tasks. Seldom written, read at start only.
CREATE TABLE queues (
    id     INTEGER PRIMARY KEY,
    record TEXT NOT NULL
);

-- Messages in order of arrival. The rowid is the sequence number, so that inserts append.
CREATE TABLE messages (
    sequence          INTEGER PRIMARY KEY,
    queue_id          INTEGER NOT NULL,
    available_at      INTEGER NOT NULL,
    receive_count     INTEGER NOT NULL,
    base_count        INTEGER NOT NULL,
    first_received_at INTEGER NOT NULL,
    payload           BLOB NOT NULL
);

-- Deduplication window: one row per message sent to a FIFO queue in the last minutes.
CREATE TABLE deduplication (
    sequence   INTEGER PRIMARY KEY,
    queue_id   INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    key        BLOB NOT NULL,
    message_id BLOB NOT NULL
);

-- Messages on their way to other shards.
CREATE TABLE outbox (
    target            INTEGER NOT NULL,
    number            INTEGER NOT NULL,
    envelope          TEXT NOT NULL,
    receive_count     INTEGER NOT NULL,
    first_received_at INTEGER NOT NULL,
    payload           BLOB NOT NULL,
    PRIMARY KEY (target, number)
) WITHOUT ROWID;

-- Last transfer that each target has confirmed, and the last that came from each source.
CREATE TABLE outbox_confirmed (
    target INTEGER PRIMARY KEY,
    up_to  INTEGER NOT NULL
);
CREATE TABLE inbox (
    source INTEGER PRIMARY KEY,
    up_to  INTEGER NOT NULL
);
