//! Rows per second of logs in PostgreSQL and Redis beside SQLite, in one run:
//!
//!     cargo bench -p lclq-stores --bench commits
//!
//! All wait for the disk, but for Redis with `appendfsync everysec`. A commit is one record of so many
//! changes of 250 bytes, as a journal writes it. SQLite has a row for each change, in its write-ahead log
//! with `synchronous = FULL`; its loop is bare. They go by turns, so that a busy machine is busy for all.
//! Ratios are the figures to keep. Then what PostgreSQL does 2 ms away, and while somebody holds a transaction open
//! for a minute, as reports and backups do.

#[path = "commits/far.rs"]
mod far;
#[path = "../tests/redis_server/mod.rs"]
mod redis_server;
#[path = "../tests/server/mod.rs"]
mod server;

use lclq_shards::journal::{Answer, Append, LogRecord, LogStore as _, Place};
use lclq_stores::{PostgresSettings, RemoteLog, Risk, StoreNode, Surroundings};
use redis_server::Kind;
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
/// Changes of a commit that goes far, or beside a transaction.
const USUAL_CHANGES: usize = 10;
/// How long a transaction is held open.
const HELD: Duration = Duration::from_secs(60);
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

    /// Drops all but the last record, so that memory and disk don't fill up.
    fn trim(&mut self) {
        let Some(last) = self.last else {
            return;
        };
        self.store.trim(last.position, last);
        loop {
            match self.store.poll() {
                Some((_, Answer::Trimmed)) => return,
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

/// Logs in one store.
struct Subject {
    name: &'static str,
    log: Log,
    rates: [Rate; DEPTHS.len()],
}

impl Subject {
    fn new(name: &'static str, node: &StoreNode, risks: &[Risk]) -> Self {
        assert_eq!(node.risks(), risks, "{name}");
        Self {
            name,
            log: Log::open(node),
            rates: Default::default(),
        }
    }

    fn show(&self, changes: usize, of_sqlite: f64) {
        print!("{changes:>8} {:>16}", self.name);
        for rate in self.rates {
            let rows = rate.rows_per_s(changes);
            let ms = 1_000.0 * rate.seconds / rate.commits as f64;
            print!(" {rows:>9.0} ({:.2}) {ms:>5.2} ms", rows / of_sqlite);
        }
        println!();
    }
}

/// Commits/s by how many are under way, over connections on which each way takes a millisecond.
fn show_far(server: &Server, record: &Arc<[u8]>) {
    let far = far::Far::before(server.port());
    let url = server
        .url()
        .replace(&server.port().to_string(), &far.port().to_string());
    let settings = PostgresSettings::new(&url, Some(1)).unwrap();
    let settings = settings.in_schema("far").unwrap();
    let node = StoreNode::start(settings, Surroundings::default()).unwrap();
    let mut log = Log::open(&node);
    let mut rates = [Rate::default(); DEPTHS.len()];
    for _ in 0..TURNS {
        for (rate, depth) in rates.iter_mut().zip(DEPTHS) {
            rate.add(log.turn(record, depth));
        }
    }
    print!("PostgreSQL 2 ms away, commits/s with {DEPTHS:?} under way:");
    let of_one = rates[0].rows_per_s(1);
    for rate in rates {
        let commits = rate.rows_per_s(1);
        print!(" {commits:.0} ({:.2})", commits / of_one);
    }
    println!("; wanted: 3.0 with 4");
}

/// Commits/s before a transaction is opened, and once it has been open for a while, with trims all the time.
fn show_held(server: &Server, record: &Arc<[u8]>) {
    let node = server.node("held", 1);
    let mut log = Log::open(&node);
    let mut turns = |many: usize| {
        let mut rate = Rate::default();
        for _ in 0..many {
            rate.add(log.turn(record, 1));
            log.trim();
        }
        rate.rows_per_s(1)
    };
    let many = (HELD.as_secs_f64() / TURN.as_secs_f64()) as usize;
    turns(many / 10);
    let before = turns(many / 5);
    let other = server.by_hand();
    other
        .run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class")
        .unwrap();
    turns(many * 4 / 5);
    let meanwhile = turns(many / 5);
    other.run("COMMIT").unwrap();
    println!(
        "PostgreSQL, commits/s before a transaction is held open for {} s, and at its end: {before:.0}, \
         {meanwhile:.0} ({:.2}); wanted: 0.9",
        HELD.as_secs(),
        meanwhile / before
    );
}

fn main() {
    let postgres = Server::start(&["shared_buffers=256MB", "max_wal_size=4GB"]);
    let postgres = (postgres.node("bench", 1), postgres);
    let redis = |appendfsync: &str| {
        let server = redis_server::Server::start(Kind::Redis, &[appendfsync]);
        (server.node("bench", 1), server)
    };
    let (always, everysec) = (redis("appendfsync always"), redis("appendfsync everysec"));
    let mut subjects = [
        Subject::new("PostgreSQL", &postgres.0, &[]),
        Subject::new("Redis, always", &always.0, &[]),
        Subject::new("Redis, everysec", &everysec.0, &[Risk::FsyncEverySecond]),
    ];
    println!("rows/s (of SQLite's) and time of a commit, changes of {CHANGE_BYTES} bytes");
    println!(
        "{:>8} {:>16} {:>25} {:>25} {:>25}",
        "changes", "", "1 under way", "2", "4"
    );
    for changes in CHANGES {
        let record: Arc<[u8]> = change().repeat(changes).into();
        let mut sqlite = Rate::default();
        let mut rows = Sqlite::open();
        for subject in &mut subjects {
            subject.rates = Default::default();
        }
        for _ in 0..TURNS {
            sqlite.add(rows.turn(changes));
            for subject in &mut subjects {
                for (rate, depth) in subject.rates.iter_mut().zip(DEPTHS) {
                    rate.add(subject.log.turn(&record, depth));
                }
                subject.log.trim();
            }
        }
        let of_sqlite = sqlite.rows_per_s(changes);
        println!("{changes:>8} {:>16} {of_sqlite:>9.0}", "SQLite");
        for subject in &subjects {
            subject.show(changes, of_sqlite);
        }
    }
    let record: Arc<[u8]> = change().repeat(USUAL_CHANGES).into();
    show_far(&postgres.1, &record);
    show_held(&postgres.1, &record);
}
