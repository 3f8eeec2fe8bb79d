-- Checksums: `sum` is a CRC-32 over all other columns of its row. Rows that are there already get
-- theirs from the program, in the same transaction.
ALTER TABLE meta ADD COLUMN sum INTEGER;
ALTER TABLE queues ADD COLUMN sum INTEGER;
ALTER TABLE messages ADD COLUMN sum INTEGER;
-- Receive counts change by themselves, so they have a sum of their own.
ALTER TABLE messages ADD COLUMN counts_sum INTEGER;
ALTER TABLE deduplication ADD COLUMN sum INTEGER;
ALTER TABLE outbox ADD COLUMN sum INTEGER;
ALTER TABLE outbox_confirmed ADD COLUMN sum INTEGER;
ALTER TABLE inbox ADD COLUMN sum INTEGER;
ALTER TABLE resources ADD COLUMN sum INTEGER;
ALTER TABLE published ADD COLUMN sum INTEGER;
ALTER TABLE deliveries ADD COLUMN sum INTEGER;

-- Rows whose sum did not fit, set aside: where they stood, and their columns as SQL literals.
CREATE TABLE damaged (
    id      INTEGER PRIMARY KEY,
    source  TEXT NOT NULL,
    columns TEXT NOT NULL
);
