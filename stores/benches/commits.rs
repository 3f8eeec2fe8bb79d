//! Rows per second of a PostgreSQL log beside SQLite, both with the disk waited for, in one run:
//!
//!     cargo bench -p lclq-stores --bench commits
//!
//! A commit is one record of so many changes of 250 bytes, as a journal writes it. SQLite has a row for
//! each change, in its write-ahead log with `synchronous = FULL`; its loop is bare. Both go by turns, so
//! that a busy machine is busy for both. Ratios are the figures to keep.

#[path = "../tests/server/mod.rs"]
mod server;

use lclq_shards::journal::{Answer, Append, LogRecord, LogStore as _, Place};
use lclq_stores::{RemoteLog, StoreNode};
use rusqlite::Connection;
use server::Server;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

/// Bytes of a change.
const CHANGE_BYTES: usize = 250;
/// Changes of a commit.
const CHANGES: [usize; 4] = [1, 10, 100, 1_000];
/// Appends under way at once.
const DEPTHS: [usize; 3] = [1, 2, 4];
/// What each turn takes.
const TURN: Duration = Duration::from_millis(500);
/// Turns of each.
const TURNS: usize = 4;
/// What an answer may take.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// Commits, and how long they took.
#[derive(Clone, Copy, Default)]
struct Rate {
    commits: usize,
    seconds: f64,
}

impl Rate {
    fn add(&mut self, other: Self) {
        self.commits += other.commits;
        self.seconds += other.seconds;
    }

    fn rows_per_s(self, changes: usize) -> f64 {
        (self.commits * changes) as f64 / self.seconds
    }
}

struct Log {
    store: RemoteLog,
    bell: Receiver<()>,
    last: Option<Place>,
}

impl Log {
    fn open(node: &StoreNode) -> Self {
        let (ring, bell) = sync_channel(1);
        // One that rings already is enough.
        let wake = Arc::new(move || {
            let _ = ring.try_send(());
        });
        let store = node.open(0, wake).unwrap();
        Self {
            store,
            bell,
            last: None,
        }
    }

    /// Appends for a turn, so many at once.
    fn turn(&mut self, bytes: &Arc<[u8]>, depth: usize) -> Rate {
        let begun = Instant::now();
        let (mut under_way, mut commits) = (0, 0);
        loop {
            while under_way < depth && begun.elapsed() < TURN {
                self.append(bytes);
                under_way += 1;
            }
            if under_way == 0 {
                let seconds = begun.elapsed().as_secs_f64();
                return Rate { commits, seconds };
            }
            match self.store.poll() {
                Some((_, Answer::Appended)) => {
                    under_way -= 1;
                    commits += 1;
                }
                Some((_, other)) => panic!("{other:?}"),
                None => self.bell.recv_timeout(ANSWER_WAIT).unwrap(),
            }
        }
    }

    fn append(&mut self, bytes: &Arc<[u8]>) {
        let place = Place {
            position: self.last.map_or(1, |last| last.position + 1),
            epoch: 1,
        };
        let record = LogRecord {
            place,
            bytes: bytes.clone(),
        };
        let after = self.last.replace(place);
        self.store.append(Append { after, record });
    }
}

struct Sqlite {
    connection: Connection,
    next: i64,
    _directory: tempfile::TempDir,
}

impl Sqlite {
    fn open() -> Self {
        let directory = tempfile::TempDir::new().unwrap();
        let connection = Connection::open(directory.path().join("rows")).unwrap();
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .unwrap();
        connection
            .pragma_update(None, "synchronous", "FULL")
            .unwrap();
        let table = "CREATE TABLE rows (id INTEGER PRIMARY KEY, data BLOB NOT NULL)";
        connection.execute_batch(table).unwrap();
        Self {
            connection,
            next: 1,
            _directory: directory,
        }
    }

    fn turn(&mut self, changes: usize) -> Rate {
        let change = change();
        let begun = Instant::now();
        let mut commits = 0;
        while begun.elapsed() < TURN {
            let transaction = self.connection.transaction().unwrap();
            let mut insert = transaction
                .prepare_cached("INSERT INTO rows (id, data) VALUES (?, ?)")
                .unwrap();
            for _ in 0..changes {
                insert.execute((self.next, &change[..])).unwrap();
                self.next += 1;
            }
            drop(insert);
            transaction.commit().unwrap();
            commits += 1;
        }
        let seconds = begun.elapsed().as_secs_f64();
        Rate { commits, seconds }
    }
}

/// Bytes that no compression makes much smaller.
fn change() -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..CHANGE_BYTES).map(|_| random.u8(..)).collect()
}

fn main() {
    let server = Server::start(&["shared_buffers=256MB", "max_wal_size=4GB"]);
    let node = server.node("bench", 1);
    assert_eq!(node.risks(), [], "fsync is as it must be");
    let mut log = Log::open(&node);
    println!("rows/s (of SQLite's), changes of {CHANGE_BYTES} bytes");
    println!(
        "{:>8} {:>12} {:>22} {:>22} {:>22}",
        "changes", "SQLite", "depth 1", "2", "4"
    );
    for changes in CHANGES {
        let record: Arc<[u8]> = change().repeat(changes).into();
        let (mut sqlite, mut logs) = (Rate::default(), [Rate::default(); DEPTHS.len()]);
        let mut rows = Sqlite::open();
        for _ in 0..TURNS {
            sqlite.add(rows.turn(changes));
            for (rate, depth) in logs.iter_mut().zip(DEPTHS) {
                rate.add(log.turn(&record, depth));
            }
        }
        let of_sqlite = sqlite.rows_per_s(changes);
        print!("{changes:>8} {of_sqlite:>12.0}");
        for rate in logs {
            let rows = rate.rows_per_s(changes);
            let ms = 1_000.0 * rate.seconds / rate.commits as f64;
            print!(" {rows:>8.0} ({:.2}) {ms:>5.2} ms", rows / of_sqlite);
        }
        println!();
    }
}
