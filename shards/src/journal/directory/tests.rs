//! What a directory takes, and what it misses.

use super::*;
use crate::journal::Batch;

fn open(path: &Path, asked: Option<u16>, default: u16) -> Result<DataDirectory, DirectoryError> {
    DataDirectory::open(path, asked, default, Durability::Full, None)
}

fn recover(path: &Path) -> Result<DataDirectory, DirectoryError> {
    let recovery = Recovery {
        now: 1_800_000_000_000,
    };
    DataDirectory::open(path, None, 1, Durability::Full, Some(recovery))
}

/// A directory of two shards that was in use and closed.
fn used(path: &Path) -> Secrets {
    let directory = open(path, None, 2).unwrap();
    for shard in 0..2 {
        let mut file = directory.open_file(shard).unwrap();
        let ops = vec![crate::journal::Op::Inbox {
            source: shard,
            up_to: 5,
        }];
        file.write(&Batch { number: 1, ops }).unwrap();
    }
    directory.secrets()
}

fn refusal(path: &Path) -> String {
    match open(path, None, 1) {
        Ok(directory) => match directory.open_file(0) {
            Ok(_) => panic!("it was taken"),
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    }
}

#[test]
fn keeps_shards_and_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data");
    let first = open(&path, None, 3).unwrap();
    let secrets = first.secrets();
    assert!(matches!(
        open(&path, None, 3),
        Err(DirectoryError::InUse(_))
    ));
    drop(first);
    let again = open(&path, None, 8).unwrap();
    assert_eq!((again.shards(), again.secrets()), (3, secrets));
    drop(again);
    assert!(matches!(
        open(&path, Some(4), 8),
        Err(DirectoryError::Shards {
            made: 3,
            asked: 4,
            ..
        })
    ));
}

#[cfg(unix)]
#[test]
fn its_files_are_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("above").join("data");
    let directory = open(&path, None, 1).unwrap();
    let _shard = directory.open_file(0).unwrap();
    assert_eq!(mode(&path), 0o700);
    assert_eq!(directory.open_to_others(), None);
    let files: Vec<PathBuf> = fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(
        files.len() >= 4,
        "manifest, lock, shard and its log: {files:?}"
    );
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    // One that is there is its owner's business.
    let given = dir.path().join("given");
    fs::create_dir(&given).unwrap();
    fs::set_permissions(&given, fs::Permissions::from_mode(0o755)).unwrap();
    let directory = open(&given, None, 1).unwrap();
    assert_eq!(directory.open_to_others().as_deref(), Some("0755"));
}

#[test]
fn refuses_what_it_does_not_understand() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.txt"), "x").unwrap();
    assert!(matches!(
        open(dir.path(), None, 1),
        Err(DirectoryError::Foreign(_))
    ));
    for (text, expected) in [
        ("{}", "missing field"),
        ("", "it is empty"),
        (r#"{"format":3,"shards":1}"#, "format 3"),
        (
            r#"{"format":2,"id":"7","state":"made","shards":0,"receipt_secret":"","engine_secret":""}"#,
            "no shards",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(MANIFEST), text).unwrap();
        let error = open(dir.path(), None, 1).unwrap_err();
        assert!(matches!(error, DirectoryError::Manifest { .. }));
        let error = error.to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_shards_file_that_is_gone_or_empty_is_missed() {
    for (damage, expected) in [("gone", "is missing"), ("empty", "is empty")] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        used(&path);
        let file = shard_path(&path, 1);
        match damage {
            "gone" => fs::remove_file(&file).unwrap(),
            _ => fs::write(&file, "").unwrap(),
        }
        let error = refusal(&path);
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("shard-0001.sqlite"), "{error}");
        assert!(error.contains("--recover"), "{error}");
        assert_eq!(file.exists(), damage == "empty", "a refusal makes nothing");
        let directory = recover(&path).unwrap();
        assert_eq!(directory.open_file(0).unwrap().epoch(), 2);
        assert_eq!(directory.open_file(1).unwrap().epoch(), 1_800_000_001);
        let said = directory.take_recovered();
        assert!(said.iter().any(|line| line.contains(expected)), "{said:?}");
        drop(directory);
        let directory = open(&path, None, 1).unwrap();
        directory.open_file(1).unwrap();
    }
}

#[test]
fn a_manifest_that_is_gone_is_missed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data");
    let secrets = used(&path);
    fs::remove_file(path.join(MANIFEST)).unwrap();
    let error = refusal(&path);
    assert!(error.contains("lclq.json is missing"), "{error}");
    assert!(error.contains("2 files of shards"), "{error}");
    assert!(!path.join(MANIFEST).exists());
    let directory = recover(&path).unwrap();
    assert_eq!(directory.shards(), 2);
    assert_ne!(directory.secrets(), secrets);
    assert_eq!(directory.open_file(1).unwrap().epoch(), 2);
}

#[test]
fn files_of_other_directories_and_shards_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("data"), dir.path().join("other"));
    used(&path);
    used(&other);
    fs::copy(shard_path(&other, 0), shard_path(&path, 0)).unwrap();
    let error = refusal(&path);
    assert!(error.contains("the file is of directory"), "{error}");
    fs::copy(shard_path(&path, 1), shard_path(&path, 0)).unwrap();
    let error = refusal(&path);
    assert!(error.contains("the file is of shard 1, not 0"), "{error}");
}

#[test]
fn a_crash_while_it_is_made_is_gone_on_from() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data");
    used(&path);
    let text = fs::read_to_string(path.join(MANIFEST)).unwrap();
    fs::write(path.join(MANIFEST), text.replace("\"made\"", "\"making\"")).unwrap();
    fs::remove_file(shard_path(&path, 1)).unwrap();
    fs::write(path.join("shard-0001.unfinished"), "half").unwrap();
    let directory = open(&path, None, 1).unwrap();
    assert_eq!(directory.shards(), 2);
    directory.open_file(1).unwrap();
    let text = fs::read_to_string(path.join(MANIFEST)).unwrap();
    assert!(text.contains("\"made\""), "{text}");
}

#[test]
fn a_directory_of_the_first_format_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data");
    let secrets = used(&path);
    let text = fs::read_to_string(path.join(MANIFEST)).unwrap();
    let mut first: serde_json::Value = serde_json::from_str(&text).unwrap();
    first["format"] = 1.into();
    let members = first.as_object_mut().unwrap();
    members.remove("id");
    members.remove("state");
    for shard in 0..2 {
        let file = rusqlite::Connection::open(shard_path(&path, shard)).unwrap();
        let removed = file.execute("DELETE FROM meta WHERE key = 'directory'", []);
        assert_eq!(removed, Ok(1));
    }
    fs::write(path.join(MANIFEST), first.to_string()).unwrap();
    let directory = open(&path, None, 1).unwrap();
    assert_eq!((directory.shards(), directory.secrets()), (2, secrets));
    assert_eq!(directory.open_file(0).unwrap().epoch(), 2);
    drop(directory);
    // One that had lost a file is not.
    fs::write(path.join(MANIFEST), first.to_string()).unwrap();
    fs::remove_file(shard_path(&path, 0)).unwrap();
    assert!(refusal(&path).contains("is missing"));
}
