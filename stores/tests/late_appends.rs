//! A backend that has taken its snapshot and goes on after others have appended and trimmed. Apache
//! Pulsar has lost data by an owner's write after its ledger was gone.

mod contract;
mod server;

use contract::{append, fill, place, plain, read_all, refused, tail, trim};
use lclq_shards::journal::{Answer, LogStore as _};
use server::{ByHand, Server};
use std::sync::Arc;

/// How long the backend sleeps: long against what the others do meanwhile.
const SLEEP_SECONDS: u32 = 2;

/// The statement of an append to position 4 behind 3 or to 1 behind the foot, that sleeps between its
/// snapshot and what it does.
fn sleepy_append(schema: &str, position: u32, epoch_before: u32, lock: &str) -> String {
    let before = position - 1;
    format!(
        "INSERT INTO {schema}.log SELECT shard, {position}, 1, 'late' FROM {schema}.log \
         WHERE shard = 0 AND position = {before} AND epoch = {epoch_before} \
         AND pg_sleep({SLEEP_SECONDS}) IS NOT NULL {lock}"
    )
}

/// Runs a statement on its own thread; comes back once it sleeps.
fn meanwhile(server: &Arc<Server>, statement: String) -> std::thread::JoinHandle<u64> {
    let by_hand = server.by_hand();
    let backend = by_hand.backend();
    let sleeper = std::thread::spawn(move || by_hand.execute(&statement).unwrap());
    server.by_hand().wait_for(&waits(backend, "PgSleep"), 1);
    sleeper
}

fn waits(backend: i32, event: &str) -> String {
    format!(
        "SELECT count(*) FROM pg_stat_activity WHERE pid = {backend} AND wait_event = '{event}'"
    )
}

/// What a late append leaves in a log that a new owner has written to and trimmed meanwhile; whether it
/// was put in, and the positions.
fn after_a_late_append(lock: &str) -> (u64, Vec<u64>) {
    let server = Server::shared();
    let schema = server.schema();
    let node = server.node(&schema, 1);
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    fill(&mut store, 1..=3, 1);
    let sleeper = meanwhile(&server, sleepy_append(&schema, 4, 1, lock));
    assert_eq!(contract::add(&mut store, append(1, 4, 2)), Answer::Appended);
    assert_eq!(contract::add(&mut store, append(2, 5, 2)), Answer::Appended);
    trim(&mut store, 5, place(5, 2));
    assert_eq!(
        read_all(&mut store, 1 << 20),
        [plain(5, 2)],
        "the late one slept too short"
    );
    let put_in = sleeper.join().unwrap();
    let all = read_all(&mut store, 1 << 20);
    (
        put_in,
        all.iter().map(|record| record.place.position).collect(),
    )
}

#[test]
fn an_append_that_slept_finds_its_place_gone() {
    assert_eq!(after_a_late_append("FOR KEY SHARE"), (0, vec![5]));
}

/// That the lock is what does it.
#[test]
fn without_the_lock_it_would_be_put_in() {
    assert_eq!(after_a_late_append(""), (1, vec![4, 5]));
}

#[test]
fn a_first_record_that_slept_finds_the_foot_gone() {
    let server = Server::shared();
    let schema = server.schema();
    let node = server.node(&schema, 1);
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    let sleeper = meanwhile(&server, sleepy_append(&schema, 1, 0, "FOR KEY SHARE"));
    fill(&mut store, 1..=3, 2);
    trim(&mut store, 3, place(3, 2));
    assert_eq!(sleeper.join().unwrap(), 0);
    assert_eq!(read_all(&mut store, 1 << 20), [plain(3, 2)]);
}

/// The statement as it is: a transaction by hand holds the row that it must follow, puts a new owner's
/// records in, and drops what was before them.
#[test]
fn an_append_that_waited_for_the_row_before_finds_it_gone() {
    let server = Server::shared();
    let schema = server.schema();
    let node = server.node(&schema, 1);
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    fill(&mut store, 1..=3, 1);
    let owner = server.by_hand();
    owner.run("BEGIN").unwrap();
    let hold = format!("SELECT FROM {schema}.log WHERE position = 3 FOR UPDATE");
    owner.execute(&hold).unwrap();
    let ticket = store.append(append(1, 4, 1));
    server.by_hand().wait_for(&blocked_by(&owner), 1);
    assert_eq!(store.poll(), None);
    let replace = format!(
        "INSERT INTO {schema}.log VALUES (0, 4, 2, 'new'), (0, 5, 2, 'new'); \
         DELETE FROM {schema}.log WHERE position < 5; COMMIT"
    );
    owner.run(&replace).unwrap();
    assert_eq!(contract::answer(&mut store, ticket), refused(5, 2));
}

/// While an append holds the row that it follows, no trim takes it.
#[test]
fn a_trim_waits_for_an_append_under_way() {
    let server = Server::shared();
    let schema = server.schema();
    let node = server.node(&schema, 1);
    let mut store = node.open(0, Arc::new(|| {})).unwrap();
    fill(&mut store, 1..=4, 1);
    let late = server.by_hand();
    late.run("BEGIN").unwrap();
    let hold = format!("SELECT FROM {schema}.log WHERE position = 3 FOR KEY SHARE");
    late.execute(&hold).unwrap();
    let ticket = store.trim(4, place(4, 1));
    server.by_hand().wait_for(&blocked_by(&late), 1);
    assert_eq!(store.poll(), None);
    late.run("ROLLBACK").unwrap();
    assert_eq!(contract::answer(&mut store, ticket), Answer::Trimmed);
    assert_eq!(tail(&mut store), Some(plain(4, 1)));
    assert_eq!(read_all(&mut store, 1 << 20), [plain(4, 1)]);
}

fn blocked_by(holder: &ByHand) -> String {
    let backend = holder.backend();
    format!("SELECT count(*) FROM pg_stat_activity WHERE {backend} = ANY (pg_blocking_pids(pid))")
}
