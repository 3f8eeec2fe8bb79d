//! What it refuses to start with: one clear line, an exit code, and a disk as it was.

use super::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use support::Refused;

/// Every file below `directory` with what is in it.
fn snapshot(directory: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut to_visit = vec![directory.to_owned()];
    while let Some(path) = to_visit.pop() {
        if path.is_dir() {
            for entry in std::fs::read_dir(&path).unwrap() {
                to_visit.push(entry.unwrap().path());
            }
            found.insert(path, None);
        } else if path.exists() {
            let bytes = std::fs::read(&path).unwrap();
            found.insert(path, Some(bytes));
        }
    }
    found
}

#[track_caller]
pub fn assert_clear(refused: &Refused, needles: &[&str]) {
    let stderr = &refused.stderr;
    assert_eq!(refused.status.code(), Some(1), "{stderr}");
    let errors: Vec<&str> = stderr
        .lines()
        .filter(|line| !line.contains("INFO"))
        .collect();
    let [line] = errors[..] else {
        panic!("not one line: {stderr}");
    };
    assert!(line.starts_with("lclq: "), "{line}");
    for needle in needles {
        assert!(line.contains(needle), "{needle:?} not in {line:?}");
    }
    println!("{line}");
}

/// A data directory with a queue and a message in each of its two shards.
pub fn made(data: &Path) {
    let server = started_on(data).flag("--shards", "2").start();
    let mut client = server.client();
    for queue in ["a", "b", "c", "d"] {
        create(&mut client, queue);
        client.ok("SendMessage", &send_request(queue, "x"));
    }
    server.stop();
}

#[track_caller]
fn refused_unchanged(directory: &Path, launch: Launch, needles: &[&str]) {
    let before = snapshot(directory);
    assert_clear(&launch.refused(), needles);
    let after = snapshot(directory);
    let names = |tree: &BTreeMap<PathBuf, _>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after));
    for (path, bytes) in &before {
        assert!(after[path] == *bytes, "{} was changed", path.display());
    }
}

#[test]
fn a_taken_port() {
    let directory = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let data = directory.path().join("data");
    for runtime in runtimes() {
        let launch = Launch::on_port(port).flag("--runtime", runtime);
        let launch = launch.data_dir(&data);
        refused_unchanged(directory.path(), launch, &[&port.to_string(), "in use"]);
    }
}

#[test]
fn another_process_on_the_same_directory() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = started_on(&data).start();
    create(&mut server.client(), "q");
    // The first goes on as if nothing had happened.
    refused_unchanged(directory.path(), started_on(&data), &["in use by another"]);
    let mut client = server.client();
    client.ok("SendMessage", &send_request("q", "x"));
    assert_eq!(drain(&mut client, "q"), ["x"]);
    server.stop();
}

#[test]
fn a_directory_of_something_else() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("thesis.txt"), "x").unwrap();
    refused_unchanged(
        directory.path(),
        started_on(directory.path()),
        &["not empty and not an lclq data directory"],
    );
}

#[test]
fn a_file_in_place_of_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("data");
    std::fs::write(&file, "x").unwrap();
    refused_unchanged(directory.path(), started_on(&file), &["data"]);
    refused_unchanged(directory.path(), started_on(&file.join("below")), &["data"]);
}

#[test]
fn another_number_of_shards() {
    let directory = tempfile::tempdir().unwrap();
    made(directory.path());
    refused_unchanged(
        directory.path(),
        started_on(directory.path()).flag("--shards", "3"),
        &["made with 2 shards", "leave --shards out, or give 2"],
    );
    // As it was, it opens.
    started_on(directory.path())
        .flag("--shards", "2")
        .start()
        .stop();
}

#[test]
fn a_schema_from_the_future() {
    for shard in [0, 1] {
        let directory = tempfile::tempdir().unwrap();
        made(directory.path());
        let path = directory.path().join(format!("shard-000{shard}.sqlite"));
        let mut bytes = std::fs::read(&path).unwrap();
        // SQLite's user_version.
        assert_eq!(bytes[..6], *b"SQLite");
        bytes[60..64].copy_from_slice(&4711u32.to_be_bytes());
        std::fs::write(&path, bytes).unwrap();
        refused_unchanged(
            directory.path(),
            started_on(directory.path()),
            &["4711", "newer", &format!("shard-000{shard}")],
        );
    }
}

#[test]
fn a_manifest_from_the_future_or_in_pieces() {
    let directory = tempfile::tempdir().unwrap();
    made(directory.path());
    let path = directory.path().join("lclq.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"format\": 2", "\"format\": 7")).unwrap();
    refused_unchanged(
        directory.path(),
        started_on(directory.path()),
        &["lclq.json", "format 7"],
    );
    std::fs::write(&path, &text[..text.len() / 2]).unwrap();
    refused_unchanged(
        directory.path(),
        started_on(directory.path()),
        &["lclq.json"],
    );
}

#[test]
fn a_shard_that_is_no_database() {
    let directory = tempfile::tempdir().unwrap();
    made(directory.path());
    let path = directory.path().join("shard-0001.sqlite");
    std::fs::write(
        &path,
        "not a database, and long enough to be read as one. ".repeat(200),
    )
    .unwrap();
    refused_unchanged(
        directory.path(),
        started_on(directory.path()),
        &["shard-0001.sqlite"],
    );
}

/// For root permissions mean nothing; see `disk.rs` for a file system that is read-only.
#[test]
fn a_directory_it_may_not_write_to() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    made(&data);
    let set = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(&data, 0o500);
    if std::fs::write(data.join("probe"), "").is_ok() {
        println!("permissions mean nothing to this user");
        return;
    }
    let launch = started_on(&data.join("new"));
    refused_unchanged(directory.path(), launch, &["Permission denied"]);
    set(&data, 0o700);
    let file = data.join("shard-0000.sqlite");
    set(&file, 0o000);
    assert_clear(&started_on(&data).refused(), &["shard-0000.sqlite"]);
    set(&file, 0o600);
    started_on(&data).start().stop();
}

#[test]
fn bad_flags() {
    for (name, value) in [
        ("--cores", "0"),
        ("--cores", "many"),
        ("--shards", "0"),
        ("--durability", "some"),
        ("--runtime", "kqueue"),
        ("--bind", "localhost"),
        ("--sqs-port", "70000"),
        ("--no-such-flag", "1"),
    ] {
        let refused = Launch::new().flag(name, value).refused();
        assert_eq!(refused.status.code(), Some(2), "{name} {value}");
        let first = refused.stderr.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("error: ") && first.contains(name),
            "{}",
            refused.stderr
        );
    }
    let refused = Launch::new().flag("--log", "a=b=c").refused();
    assert_clear(&refused, &["--log a=b=c"]);
}

#[test]
#[cfg(target_os = "linux")]
fn io_uring_where_it_can_not_run() {
    use std::os::unix::process::CommandExt;
    // As a container's seccomp profile does.
    let confined = |runtime: &str| {
        let mut launch = Launch::new().flag("--runtime", runtime);
        // SAFETY: prctl is async-signal-safe, and nothing is allocated.
        unsafe { launch.command.pre_exec(forbid_io_uring) };
        launch
    };
    let mut server = confined("auto").start();
    assert_eq!(healthy(&server).0, 200);
    let log = server.stderr();
    assert!(log.contains("Epoll"), "{log}");
    server.stop();
    let refused = confined("io-uring").refused();
    let needles = ["io_uring runtime can't run here", "forbidden"];
    assert_clear(&refused, &needles);
}

/// Makes `io_uring_setup` fail with EPERM in this process and what it starts.
#[cfg(target_os = "linux")]
fn forbid_io_uring() -> std::io::Result<()> {
    let step = |code: u32, k: u32, jt: u8, jf: u8| libc::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    let refuse = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    let mut filter = [
        // The call's number is the first field of what a filter sees.
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(
            libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
            libc::SYS_io_uring_setup as u32,
            0,
            1,
        ),
        step(libc::BPF_RET | libc::BPF_K, refuse, 0, 0),
        step(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the kernel reads the program, which is valid for the calls.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            ) == 0
    };
    if done {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error())
    }
}
