//! What a commit costs by the messages in it, beside a bare loop that writes the same rows.
//!
//!     cargo bench -p lclq-benches --bench journal
//!
//! The files are made under TMPDIR: point it at the disk to be measured.

mod quick;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lclq_shards::journal::{Batch, Durability, FileOwner, MessageRecord, Op, SqliteFile};
use lclq_shards::{Draft, Payload};
use quick::quick;
use rusqlite::{Connection, params};
const BODY_BYTES: usize = 200;

fn payload() -> Payload {
    Draft {
        body: &[b'x'; BODY_BYTES],
        ..Draft::default()
    }
    .build()
}

fn insert(sequence: u64, payload: &Payload) -> Op {
    Op::Insert(MessageRecord {
        sequence,
        queue_id: 1,
        payload: payload.clone(),
        available_at: 0,
        receive_count: 0,
        base_count: 0,
        first_received_at: 0,
    })
}

/// The same table and settings as the journal's, and nothing else.
fn bare(path: &std::path::Path) -> Connection {
    let connection = Connection::open(path).expect("a file under TMPDIR");
    connection
        .execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 8192;
             CREATE TABLE messages (sequence INTEGER PRIMARY KEY, queue_id INTEGER NOT NULL,
                 available_at INTEGER NOT NULL, receive_count INTEGER NOT NULL,
                 base_count INTEGER NOT NULL, first_received_at INTEGER NOT NULL,
                 payload BLOB NOT NULL)",
        )
        .expect("a new file");
    connection
}

fn commit(c: &mut Criterion) {
    let mut group = c.benchmark_group("commit");
    for messages in [1usize, 10, 100, 1000] {
        group.throughput(Throughput::Elements(messages as u64));
        group.bench_function(BenchmarkId::new("journal", messages), |b| {
            let directory = tempfile::tempdir().expect("TMPDIR can be written");
            let path = directory.path().join("shard");
            let owner = FileOwner {
                directory: 1,
                shard: 0,
                shards: 1,
            };
            SqliteFile::make(&path, owner, 0).expect("a new file");
            let mut file =
                SqliteFile::open(&path, owner, Durability::Full, false).expect("just made");
            let payload = payload();
            let (mut sequence, mut number) = (0, 0);
            b.iter(|| {
                number += 1;
                let ops = (0..messages)
                    .map(|_| {
                        sequence += 1;
                        insert(sequence, &payload)
                    })
                    .collect();
                file.write(&Batch { number, ops }).expect("written");
                if file.needs_checkpoint() || file.wants_checkpoint() {
                    file.checkpoint().expect("checkpointed");
                }
            });
        });
        group.bench_function(BenchmarkId::new("bare", messages), |b| {
            let directory = tempfile::tempdir().expect("TMPDIR can be written");
            let connection = bare(&directory.path().join("bare"));
            let payload = payload();
            let mut sequence = 0i64;
            b.iter(|| {
                connection
                    .prepare_cached("BEGIN IMMEDIATE")
                    .and_then(|mut statement| statement.execute([]))
                    .expect("begun");
                let mut statement = connection
                    .prepare_cached("INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
                    .expect("prepared");
                for _ in 0..messages {
                    sequence += 1;
                    statement
                        .execute(params![sequence, 1, 0, 0, 0, 0, payload.stored()])
                        .expect("inserted");
                }
                connection
                    .prepare_cached("COMMIT")
                    .and_then(|mut statement| statement.execute([]))
                    .expect("committed");
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = quick();
    targets = commit
}
criterion_main!(benches);
