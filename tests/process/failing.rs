//! A part of the server fails: all of it ends, with one line that says why.

use super::refusals::assert_clear;
use super::*;
use std::io;
use std::os::unix::process::CommandExt;
use support::shim::{with_polls_failing_by, with_threads_max};

/// More descriptors or threads than the smallest server takes.
const ENOUGH: usize = 200;

fn with_descriptors_max(mut launch: Launch, descriptors: usize) -> Launch {
    let limit = move || {
        let limit = libc::rlimit {
            rlim_cur: descriptors as u64,
            rlim_max: descriptors as u64,
        };
        // SAFETY: setrlimit reads one rlimit.
        match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    // SAFETY: setrlimit is async-signal-safe.
    unsafe { launch.command.pre_exec(limit) };
    launch
}

fn launch(runtime: &str, cores: usize, data: Option<&Path>) -> Launch {
    let launch = Launch::new().flag("--runtime", runtime);
    let launch = launch.flag("--cores", cores.to_string());
    match data {
        Some(data) => launch.data_dir(data).flag("--shards", cores.to_string()),
        None => launch,
    }
}

/// It serves, on each core and each shard.
fn serves(server: &Server) {
    // All at once, so that each core has some.
    let mut clients: Vec<Client> = (0..4).map(|_| server.client()).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        let queue = format!("queue-{n}");
        create(client, &queue);
        client.ok("SendMessage", &send_request(&queue, "x"));
        assert_eq!(drain(client, &queue), ["x"]);
    }
}

#[test]
fn too_few_descriptors_are_told_before_anything_is_served() {
    let directory = tempfile::tempdir().unwrap();
    for runtime in runtimes() {
        for cores in [1, 2] {
            for on_disk in [false, true] {
                let case = format!("{runtime}-{cores}-{on_disk}");
                let data = directory.path().join(&case);
                let data = on_disk.then_some(data.as_path());
                let mut needed = None;
                for descriptors in (8..ENOUGH).step_by(3) {
                    let launch = launch(runtime, cores, data);
                    let starting = with_descriptors_max(launch, descriptors).spawn();
                    match starting.ready() {
                        Ok(server) => {
                            serves(&server);
                            server.stop();
                            break;
                        }
                        Err(refused) => {
                            assert_clear(&refused, &["too few file descriptors"]);
                            needed = number_before(&refused.stderr, " are needed");
                        }
                    }
                }
                // The number that was said last is the right one.
                let needed = needed.unwrap_or_else(|| panic!("{case}: nothing was said"));
                assert!(needed < ENOUGH, "{case}: {needed}");
                let enough = with_descriptors_max(launch(runtime, cores, data), needed).start();
                serves(&enough);
                enough.stop();
                let few = with_descriptors_max(launch(runtime, cores, data), needed - 1);
                assert_clear(&few.refused(), &["too few file descriptors", "ulimit -n"]);
                println!("{case}: {needed} descriptors");
            }
        }
    }
}

/// The number that stands before `mark`.
fn number_before(text: &str, mark: &str) -> Option<usize> {
    let before = &text[..text.find(mark)?];
    before.rsplit(' ').next()?.parse().ok()
}

#[test]
fn the_soft_limit_of_descriptors_is_raised() {
    let mut launch = launch("epoll", 1, None);
    let limit = || {
        let limit = libc::rlimit {
            rlim_cur: 16,
            rlim_max: 1000,
        };
        // SAFETY: setrlimit reads one rlimit.
        match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    // SAFETY: setrlimit is async-signal-safe.
    unsafe { launch.command.pre_exec(limit) };
    let server = launch.start();
    serves(&server);
    server.stop();
}

/// Has a server lock no more memory than this, which io_uring does. A privileged one may lock any, so it
/// loses that privilege.
fn with_locked_bytes_max(mut launch: Launch, bytes: u64) -> Launch {
    const CAP_IPC_LOCK: libc::c_ulong = 14;
    let limit = move || {
        let limit = libc::rlimit {
            rlim_cur: bytes,
            rlim_max: bytes,
        };
        // SAFETY: prctl drops a capability of what is run next; it fails for those who have none to drop.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, CAP_IPC_LOCK, 0, 0, 0) };
        // SAFETY: setrlimit reads one rlimit.
        match unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &limit) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    // SAFETY: both are system calls and nothing else.
    unsafe { launch.command.pre_exec(limit) };
    launch
}

/// One that took io_uring for its cores, as a first look allows it, has to do with what others leave it.
#[test]
fn a_server_starts_whatever_memory_it_may_lock() {
    for kilobytes in (0..=512).step_by(32) {
        let launch = Launch::new().flag("--cores", "2");
        let server = with_locked_bytes_max(launch, kilobytes << 10).start();
        serves(&server);
        server.stop();
    }
}

#[test]
fn a_thread_that_cannot_start_ends_the_start() {
    let directory = tempfile::tempdir().unwrap();
    for cores in [1, 2] {
        let data = directory.path().join(cores.to_string());
        let mut refused_at = Vec::new();
        for threads in 0..ENOUGH {
            let launch = with_threads_max(launch("epoll", cores, Some(&data)), threads);
            match launch.spawn().ready() {
                Ok(server) => {
                    serves(&server);
                    server.stop();
                    break;
                }
                Err(refused) => {
                    assert_clear(&refused, &["can't"]);
                    refused_at.push(threads);
                }
            }
        }
        // The log's, the cores', the journals', and the one that hears signals.
        assert_eq!(refused_at, (0..2 + 2 * cores).collect::<Vec<_>>());
    }
}

/// The one report of a failure in a data directory.
fn report_in(data: &Path) -> String {
    let entries = std::fs::read_dir(data).unwrap();
    let reports: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    let [report] = &reports[..] else {
        panic!("{reports:?}");
    };
    std::fs::read_to_string(report).unwrap()
}

#[test]
fn a_core_that_panics_ends_the_server_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    for runtime in runtimes() {
        let data = directory.path().join(runtime);
        let fails = directory.path().join(format!("{runtime}.fails"));
        let launch = launch(runtime, 2, Some(&data));
        let mut server = with_polls_failing_by(launch, &fails).start();
        let mut client = server.client();
        for queue in ["a", "b"] {
            create(&mut client, queue);
            client.ok("SendMessage", &send_request(queue, "kept"));
        }
        std::fs::write(&fails, "").unwrap();
        // Answered or not; what matters is that a core has something to do.
        let _ = client.call("SendMessage", &send_request("a", "unknown"));
        let status = server.wait();
        let log = server.stderr();
        assert_eq!(status.code(), Some(1), "{runtime}: {log}");
        let last: Vec<&str> = log.lines().filter(|l| l.starts_with("lclq: ")).collect();
        let [line] = last[..] else {
            panic!("{runtime}: not one line: {log}");
        };
        assert!(
            line.contains("core ") && line.contains(" panicked"),
            "{log}"
        );
        let report = report_in(&data);
        for part in [
            "failed: core ",
            "\"from\": \"--cores\"",
            "ERROR panicked",
            "starting",
        ] {
            assert!(report.contains(part), "{runtime}: no {part} in {report}");
        }
        assert!(!report.contains("kept"), "{runtime}: a body: {report}");
        // The other core may fail at the same moment, and say so; nobody says anything else.
        let mut after = log.lines().rev().take_while(|other| other != &line);
        assert!(
            after.all(|other| other.contains("ERROR panicked")),
            "{runtime}: {log}"
        );

        let server = started_on(&data).start();
        let mut client = server.client();
        assert_eq!(drain(&mut client, "a")[0], "kept", "{runtime}");
        assert_eq!(drain(&mut client, "b"), ["kept"], "{runtime}");
        server.stop();
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let refused = Launch::new()
        .data_dir(Path::new("/proc/lclq/data"))
        .refused();
    assert_clear(&refused, &["can't make the data directory /proc/lclq/data"]);
}
