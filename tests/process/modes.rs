//! Who may read what is kept.

use super::*;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn with_umask(mut launch: Launch, umask: libc::mode_t) -> Launch {
    let set = move || {
        // SAFETY: umask has no conditions.
        unsafe { libc::umask(umask) };
        Ok(())
    };
    // SAFETY: umask is async-signal-safe.
    unsafe { launch.command.pre_exec(set) };
    launch
}

#[test]
fn what_it_makes_is_its_users_alone_whatever_the_umask() {
    for umask in [0o000, 0o022, 0o077, 0o177] {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let mut server = with_umask(started_on(&data).flag("--shards", "2"), umask).start();
        let mut client = server.client();
        for queue in ["a", "b", "c", "d"] {
            create(&mut client, queue);
            client.ok("SendMessage", &send_request(queue, "x"));
        }
        assert_eq!(mode(&data), 0o700, "umask {umask:03o}");
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&data).unwrap() {
            let entry = entry.unwrap();
            names.push(entry.file_name().into_string().unwrap());
            assert_eq!(mode(&entry.path()), 0o600, "umask {umask:03o}: {names:?}");
        }
        for name in ["lclq.json", "shard-0000.sqlite", "shard-0001.sqlite-wal"] {
            assert!(names.iter().any(|found| found == name), "{names:?}");
        }
        let log = server.stderr();
        assert!(!log.contains("others may use"), "{log}");
        server.stop();
    }
}

#[test]
fn a_directory_that_others_may_read_is_left_so_and_said() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o750)).unwrap();
    let mut server = started_on(&data).start();
    assert_eq!(mode(&data), 0o750);
    assert_eq!(mode(&data.join("lclq.json")), 0o600);
    server.terminate();
    assert!(server.wait().success());
    let log = server.stderr();
    assert!(log.contains("others may use the data directory"), "{log}");
    assert!(log.contains("0750") && log.contains("chmod 700"), "{log}");
}
