-- Topics and subscriptions. Numbers and times as in the first step.

-- Topics (kind 1), subscriptions and snapshots (2) and schemas (3): what the engine acts on as
-- JSON, and the dialect's own record and access policy as it encodes them.
CREATE TABLE resources (
    id     INTEGER PRIMARY KEY,
    kind   INTEGER NOT NULL,
    record TEXT NOT NULL,
    spec   BLOB NOT NULL,
    policy BLOB NOT NULL
);

-- Published messages that a subscription or the topic itself still holds, each stored once.
CREATE TABLE published (
    sequence     INTEGER PRIMARY KEY,
    topic_id     INTEGER NOT NULL,
    published_at INTEGER NOT NULL,
    message      BLOB NOT NULL
);

-- What subscriptions have of messages that others hold too, or that count failures. A message
-- without a row is unacknowledged and has not failed.
CREATE TABLE deliveries (
    sequence        INTEGER NOT NULL,
    subscription_id INTEGER NOT NULL,
    acked           INTEGER NOT NULL,
    failures        INTEGER NOT NULL,
    PRIMARY KEY (sequence, subscription_id)
) WITHOUT ROWID;
