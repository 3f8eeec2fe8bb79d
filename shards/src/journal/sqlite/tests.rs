//! Versions, the log, damage.

use super::schema::MIGRATIONS;
use super::*;
use crate::dedup::DedupEntry;
use crate::journal::{MessageRecord, PublishedRecord};
use crate::payload::Draft;

const OWNER: FileOwner = FileOwner {
    directory: 7,
    shard: 0,
    shards: 1,
};

fn open(path: &Path) -> SqliteFile {
    if !path.exists() {
        SqliteFile::make(path, OWNER, 0).unwrap();
    }
    SqliteFile::open(path, OWNER, Durability::Normal, false).unwrap()
}

/// One message in and the one before it out, in a batch of their own.
fn write_small(file: &mut SqliteFile, sequence: u64) {
    let payload = Draft {
        body: &[b'x'; 200],
        ..Draft::default()
    }
    .build();
    let insert = Op::Insert(MessageRecord {
        sequence,
        queue_id: 1,
        payload,
        available_at: 0,
        receive_count: 0,
        base_count: 0,
        first_received_at: 0,
    });
    let ops = vec![insert, Op::Delete(sequence.saturating_sub(500))];
    let number = sequence;
    file.write(&Batch { number, ops }).unwrap();
}

/// Tables and their columns, in order.
fn schema(connection: &Connection) -> Vec<(String, String)> {
    let columns = "SELECT t.name, c.name || ' ' || c.type || ' ' || coalesce(c.dflt_value, '')
        FROM sqlite_schema t, pragma_table_info(t.name) c ORDER BY t.name, c.cid";
    let mut query = connection.prepare(columns).unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_file_of_any_earlier_version_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let newest = schema(&open(&dir.path().join("new.sqlite")).connection);
    for version in 1..MIGRATIONS.len() {
        let path = dir.path().join(format!("{version}.sqlite"));
        let old = Connection::open(&path).unwrap();
        for step in &MIGRATIONS[..version] {
            old.execute_batch(step).unwrap();
        }
        if version >= 2 {
            let row = r#"INSERT INTO resources (id, kind, record, spec, policy) VALUES (1, 1,
                '{"id":1,"name":"t","deleted":false,"created_at":1,"settings":{"retention_ms":1}}',
                x'', x'')"#;
            assert_eq!(old.execute(row, []), Ok(1));
            let row = "INSERT INTO published (sequence, topic_id, published_at, message)
                VALUES (7, 1, 2, x'0a0161')";
            assert_eq!(old.execute(row, []), Ok(1));
        }
        for (key, value) in [("shard", 0), ("shards", 1), ("epoch", 3)] {
            let row = "INSERT INTO meta VALUES (?1, ?2)";
            assert_eq!(old.execute(row, (key, value)), Ok(1));
        }
        old.pragma_update(None, "user_version", version as i64)
            .unwrap();
        old.close().unwrap();
        SqliteFile::make(&path, OWNER, 0).unwrap();
        let mut file = open(&path);
        assert_eq!(file.epoch(), 4);
        assert_eq!(schema(&file.connection), newest, "from version {version}");
        if version >= 2 {
            let kept = file.connection.query_row(
                "SELECT sequence, message, returned FROM published",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            );
            assert_eq!(kept, Ok((7, b"\x0a\x01a".to_vec(), false)));
            let (ops, damaged) = loaded(&mut file).unwrap();
            let is_published = |op: &&Op| matches!(op, Op::Publish(_));
            assert_eq!(
                (ops.iter().filter(is_published).count(), damaged),
                (1, vec![])
            );
        }
    }
}

fn log_bytes(path: &Path) -> u64 {
    std::fs::metadata(log_of(path)).unwrap().len()
}

#[test]
fn the_log_stays_short_however_small_the_batches() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shard.sqlite");
    let mut file = open(&path);
    for sequence in 1..=12_000 {
        write_small(&mut file, sequence);
        if file.wants_checkpoint() {
            file.checkpoint().unwrap();
        }
    }
    let bytes = log_bytes(&path);
    assert!(bytes < 8 << 20, "{bytes}");
}

#[test]
fn a_log_that_a_crash_left_is_checkpointed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shard.sqlite");
    let mut file = open(&path);
    let mut sequence = 0;
    while !file.wants_checkpoint() {
        sequence += 1;
        write_small(&mut file, sequence);
    }
    // What a killed process leaves, which is not what a closed file looks like.
    let copy = dir.path().join("copy.sqlite");
    std::fs::copy(&path, &copy).unwrap();
    let log = copy.with_extension("sqlite-wal");
    std::fs::copy(path.with_extension("sqlite-wal"), log).unwrap();
    let mut file = open(&copy);
    assert!(!file.wants_checkpoint());
    write_small(&mut file, sequence + 1);
    assert!(!file.wants_checkpoint());
    // The log begins anew, and the file has what was in it.
    let pages = file.log_pages.load(Ordering::Relaxed);
    assert!(pages < CHECKPOINT_PAGES / 4, "{pages}");
}

fn put_queue() -> Op {
    Op::PutQueue(Box::new(crate::journal::QueueRecord {
        id: 1,
        name: crate::QueueName {
            region: "r".into(),
            account: "1".into(),
            name: "orders".into(),
        },
        attributes: Default::default(),
        tags: Default::default(),
        created_at: 1,
        modified_at: 1,
        purged_below: 0,
        moves: Vec::new(),
        dedup_secret: None,
    }))
}

fn message(sequence: u64) -> Op {
    Op::Insert(MessageRecord {
        sequence,
        queue_id: 1,
        payload: Draft {
            body: format!("body of {sequence}").repeat(10).as_bytes(),
            ..Draft::default()
        }
        .build(),
        available_at: 5,
        receive_count: 2,
        base_count: 1,
        first_received_at: 9,
    })
}

fn put_topic() -> Op {
    Op::PutTopic(Box::new(crate::pubsub::TopicRecord {
        id: 2,
        name: "projects/p/topics/t".into(),
        deleted: false,
        created_at: 1,
        settings: Default::default(),
        spec: b"spec".as_slice().into(),
        policy: b"".as_slice().into(),
    }))
}

fn published(sequence: u64) -> Op {
    Op::Publish(PublishedRecord {
        sequence,
        topic_id: 2,
        published_at: 3,
        bytes: format!("message {sequence}").repeat(8).as_bytes().into(),
        returned: false,
    })
}

/// Something in every table.
fn write_all_kinds(file: &mut SqliteFile) {
    let mut ops = vec![put_queue(), put_topic()];
    for sequence in 1..=40 {
        ops.push(message(sequence));
        ops.push(Op::Dedup {
            queue_id: 1,
            key: u128::from(sequence) << 70,
            entry: DedupEntry {
                sequence,
                expires_at: 1 << 40,
                message_id: [sequence as u8; 16],
            },
        });
        ops.push(published(100 + sequence));
    }
    ops.push(Op::Inbox {
        source: 3,
        up_to: 17,
    });
    ops.push(Op::OutboxDelete {
        target: 2,
        up_to: 4,
    });
    file.write(&Batch { number: 1, ops }).unwrap();
}

fn loaded(file: &mut SqliteFile) -> Result<(Vec<Op>, Vec<DamagedRow>), JournalError> {
    let mut ops = Vec::new();
    let damaged = file.load(&mut |op| ops.push(op))?;
    Ok((ops, damaged))
}

/// A closed file with something of everything, and what a load of it visits.
fn sound_file(path: &Path) -> Vec<Op> {
    let mut file = open(path);
    write_all_kinds(&mut file);
    let (ops, damaged) = loaded(&mut file).unwrap();
    assert_eq!(damaged, []);
    assert!(ops.len() > 120, "{}", ops.len());
    ops
}

fn with_flipped_bit(from: &Path, to: &Path, bit: usize) {
    let mut bytes = std::fs::read(from).unwrap();
    bytes[bit / 8] ^= 1 << (bit % 8);
    std::fs::write(to, bytes).unwrap();
    let _ = std::fs::remove_file(log_of(to));
}

#[test]
fn a_flipped_bit_is_never_taken_for_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let (path, flipped) = (dir.path().join("sound.sqlite"), dir.path().join("f.sqlite"));
    let sound = sound_file(&path);
    let bits = std::fs::metadata(&path).unwrap().len() as usize * 8;
    let mut random = fastrand::Rng::with_seed(4);
    let (mut refused, mut set_aside, mut salvaged) = (0, 0, 0);
    for _ in 0..400 {
        let bit = random.usize(0..bits);
        with_flipped_bit(&path, &flipped, bit);
        let outcome = SqliteFile::open(&flipped, OWNER, Durability::Normal, false)
            .and_then(|mut file| loaded(&mut file));
        match outcome {
            Ok((ops, damaged)) => {
                let kept: Vec<&Op> = sound.iter().filter(|op| ops.contains(op)).collect();
                assert!(
                    kept.iter().copied().eq(&ops),
                    "bit {bit}: something else is there"
                );
                assert_eq!(
                    ops.len() + damaged.len(),
                    sound.len(),
                    "bit {bit}: {damaged:?}"
                );
                set_aside += damaged.len();
            }
            Err(error) => {
                refused += 1;
                if !error.can_be_recovered_from() {
                    continue;
                }
                salvaged += 1;
                let said = SqliteFile::salvage(&flipped, OWNER, 1000).unwrap();
                assert!(!said.is_empty(), "bit {bit}");
                let mut file =
                    SqliteFile::open(&flipped, OWNER, Durability::Normal, false).unwrap();
                assert_eq!(file.epoch(), 1001);
                let (ops, _) = loaded(&mut file).unwrap();
                for op in ops.iter().filter(|op| !matches!(op, Op::Reserve { .. })) {
                    assert!(sound.contains(op), "bit {bit}: {op:?}");
                }
            }
        }
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let entry = entry.unwrap().path();
            if entry != path {
                std::fs::remove_file(entry).unwrap();
            }
        }
    }
    assert!(set_aside > 20, "{set_aside} rows set aside");
    assert!(
        refused > 20 && salvaged > 10,
        "{refused} refused, {salvaged} salvaged"
    );
}

#[test]
fn what_is_set_aside_is_kept_and_does_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shard.sqlite");
    let sound = sound_file(&path);
    let mut file = open(&path);
    let change = "UPDATE messages SET payload = x'00' WHERE sequence = 7";
    assert_eq!(file.connection.execute(change, []), Ok(1));
    let (ops, damaged) = loaded(&mut file).unwrap();
    assert_eq!(ops.len(), sound.len() - 1);
    let named: Vec<String> = damaged.iter().map(ToString::to_string).collect();
    assert_eq!(named, ["messages, sequence 7"]);
    let kept = file
        .connection
        .query_row("SELECT source, columns FROM damaged", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        });
    let (source, columns) = kept.unwrap();
    assert_eq!(source, "messages");
    assert!(
        columns.starts_with("7, 1, 5, 2, 1, 9, X'00', "),
        "{columns}"
    );
    assert_eq!(loaded(&mut file).unwrap(), (ops, vec![]));
}

#[test]
fn a_damaged_definition_is_refused_and_its_messages_stay() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shard.sqlite");
    sound_file(&path);
    let mut file = open(&path);
    let change = "UPDATE queues SET record = replace(record, 'orders', 'orderz')";
    assert_eq!(file.connection.execute(change, []), Ok(1));
    let error = loaded(&mut file).unwrap_err();
    assert_eq!(error.to_string(), "a definition is damaged: queues, id 1");
    drop(file);
    let said = SqliteFile::salvage(&path, OWNER, 1000).unwrap();
    assert!(
        said.iter()
            .any(|line| line.starts_with("queues: 0 rows taken over, 1 damaged"))
    );
    assert!(
        said.iter()
            .any(|line| line.starts_with("40 messages are of queues")),
        "{said:?}"
    );
}

#[test]
fn a_survey_finds_what_a_load_did_not_see() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shard.sqlite");
    sound_file(&path);
    let mut file = open(&path);
    for change in [
        "UPDATE messages SET receive_count = 1 WHERE sequence = 9",
        "UPDATE published SET topic_id = 9 WHERE sequence = 101",
    ] {
        assert_eq!(file.connection.execute(change, []), Ok(1));
    }
    let mut found = Vec::new();
    loop {
        let slice = file.survey().unwrap();
        found.extend(slice.damaged.iter().map(ToString::to_string));
        if slice.pass_ended {
            break;
        }
    }
    assert_eq!(found, ["messages, sequence 9", "published, sequence 101"]);
}

/// What a killed process leaves of `path`, at `to`.
fn copy_as_if_killed(path: &Path, to: &Path) {
    std::fs::copy(path, to).unwrap();
    std::fs::copy(log_of(path), log_of(to)).unwrap();
}

#[test]
fn a_log_that_is_gone_is_missed() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("a.sqlite"), dir.path().join("b.sqlite"));
    let mut file = open(&path);
    write_all_kinds(&mut file);
    copy_as_if_killed(&path, &copy);
    std::fs::remove_file(log_of(&copy)).unwrap();
    let open = |cut_log| SqliteFile::open(&copy, OWNER, Durability::Full, cut_log);
    let error = open(false).unwrap_err();
    assert!(matches!(error, JournalError::LogMissing(_)), "{error}");
    let (ops, _) = loaded(&mut open(true).unwrap()).unwrap();
    assert!(ops.len() < 5, "{ops:?}");
    // After a clean end there is none.
    drop(file);
    assert!(!log_of(&path).exists());
    let (ops, _) =
        loaded(&mut SqliteFile::open(&path, OWNER, Durability::Full, false).unwrap()).unwrap();
    assert!(ops.len() > 120);
}

#[test]
fn a_log_that_is_damaged_before_its_end_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("a.sqlite"), dir.path().join("b.sqlite"));
    SqliteFile::make(&path, OWNER, 0).unwrap();
    let mut file = SqliteFile::open(&path, OWNER, Durability::Full, false).unwrap();
    for sequence in 1..=20 {
        write_small(&mut file, sequence);
    }
    copy_as_if_killed(&path, &copy);
    let whole = log::look_through(&log_of(&copy)).unwrap().unwrap();
    assert_eq!(whole.commits_cut_off, 0);
    assert!(whole.commits >= 20, "{whole:?}");
    let mut bytes = std::fs::read(log_of(&copy)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(log_of(&copy), &bytes).unwrap();
    let cut = log::look_through(&log_of(&copy)).unwrap().unwrap();
    assert_eq!(cut.commits + cut.commits_cut_off, whole.commits);
    let open = |cut_log| SqliteFile::open(&copy, OWNER, Durability::Full, cut_log);
    let error = open(false).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("commits behind that can't be read"),
        "{error}"
    );
    // Refusing it changed nothing.
    assert_eq!(std::fs::read(log_of(&copy)).unwrap(), bytes);
    open(true).unwrap();
}

#[test]
fn files_belong_to_one_directory_and_one_shard() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.sqlite");
    drop(open(&path));
    for other in [
        FileOwner {
            directory: 8,
            ..OWNER
        },
        FileOwner {
            shard: 1,
            shards: 2,
            ..OWNER
        },
    ] {
        let error = SqliteFile::open(&path, other, Durability::Full, false).unwrap_err();
        assert!(matches!(error, JournalError::Foreign(_)), "{error}");
        assert!(!error.can_be_recovered_from());
    }
}

#[test]
fn nothing_is_acknowledged_that_went_into_a_deleted_file() {
    let dir = tempfile::tempdir().unwrap();
    for gone in ["database", "log", "replaced"] {
        let path = dir.path().join(format!("{gone}.sqlite"));
        let mut file = open(&path);
        write_small(&mut file, 1);
        match gone {
            "database" => std::fs::remove_file(&path).unwrap(),
            "log" => std::fs::remove_file(log_of(&path)).unwrap(),
            _ => {
                let other = dir.path().join("other");
                std::fs::write(&other, "").unwrap();
                std::fs::rename(other, &path).unwrap();
            }
        }
        let ops = vec![message(2)];
        let error = file.write(&Batch { number: 2, ops }).unwrap_err();
        assert!(matches!(error, JournalError::Gone(_)), "{error}");
    }
}
