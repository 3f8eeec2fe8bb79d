//! Threads: cores have a CPU each where there are journals, and everything else may run on any.

use super::*;
use std::collections::HashSet;
use std::fs;

struct Task {
    id: i32,
    name: String,
    cpus: String,
}

/// The threads of a server, once those that a core has made have their own names: until its first turn a thread has
/// its maker's.
fn tasks(server: &Server) -> Vec<Task> {
    let until = Instant::now() + support::PATIENCE;
    loop {
        let tasks = tasks_now(server);
        let mut names = HashSet::new();
        let cores = tasks
            .iter()
            .filter(|task| task.name.starts_with("lclq-core-"));
        let is_named = cores.map(|task| &task.name).all(|name| names.insert(name));
        if is_named {
            return tasks;
        }
        assert!(Instant::now() < until, "two threads are one core");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn tasks_now(server: &Server) -> Vec<Task> {
    let all = fs::read_dir(format!("/proc/{}/task", server.pid())).expect("the process runs");
    all.filter_map(|task| {
        let task = task.expect("the process runs");
        // One that ends meanwhile has nothing to read.
        let read = |what: &str| fs::read_to_string(task.path().join(what)).ok();
        let status = read("status")?;
        let cpus = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
            .expect("Linux tells a task's CPUs");
        Some(Task {
            id: task.file_name().to_string_lossy().parse().expect("an id"),
            name: read("comm")?.trim().to_owned(),
            cpus: cpus.trim().to_owned(),
        })
    })
    .collect()
}

/// How long a turn of this thread is, ns; 0 where the kernel is older than 6.12 and doesn't tell.
fn turn_ns(task: &Task) -> u64 {
    // SAFETY: an all-zero sched_attr is valid.
    let mut attr: libc::sched_attr = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::sched_attr>() as libc::c_uint;
    // SAFETY: the kernel writes at most the size given.
    let read = unsafe { libc::syscall(libc::SYS_sched_getattr, task.id, &raw mut attr, size, 0) };
    assert_eq!(read, 0, "{}", std::io::Error::last_os_error());
    attr.sched_runtime
}

#[test]
fn threads_beside_the_cores_run_on_any_cpu_and_journals_soon() {
    for runtime in runtimes() {
        let data = tempfile::tempdir().expect("a directory");
        let server = Launch::new()
            .flag("--runtime", runtime)
            .flag("--cores", "2")
            .data_dir(data.path())
            .start();
        let mut client = server.client();
        for n in 0..16 {
            create(&mut client, &format!("queue-{n}"));
        }
        let tasks = tasks(&server);
        let main = tasks.iter().find(|task| task.id == server.pid() as i32);
        let main = main.expect("the main thread waits for the others");
        let named = |name: &str| -> Vec<&Task> {
            let found = tasks.iter().filter(|task| task.name.starts_with(name));
            found.collect()
        };
        assert_eq!(named("lclq-journal").len(), 2, "{runtime}: one per shard");
        for name in ["lclq-journal", "lclq-signals"] {
            for task in named(name) {
                assert_eq!(task.cpus, main.cpus, "{runtime}: {name}");
            }
        }
        if std::thread::available_parallelism().is_ok_and(|cpus| cpus.get() >= 2) {
            for core in named("lclq-core-") {
                assert_ne!(core.cpus, main.cpus, "{runtime}: {} is pinned", core.name);
            }
        }
        if turn_ns(main) > 0 {
            for journal in named("lclq-journal") {
                assert_eq!(turn_ns(journal), 100_000, "{runtime}: {}", journal.name);
            }
        }
    }
}

#[test]
fn without_journals_cores_run_on_any_cpu() {
    for runtime in runtimes() {
        let server = Launch::new()
            .flag("--runtime", runtime)
            .flag("--cores", "2")
            .start();
        let tasks = tasks(&server);
        let main = tasks.iter().find(|task| task.id == server.pid() as i32);
        let main = main.expect("the main thread waits for the others");
        let cores = tasks
            .iter()
            .filter(|task| task.name.starts_with("lclq-core-"));
        assert_eq!(cores.count(), 2, "{runtime}");
        for task in &tasks {
            assert_eq!(task.cpus, main.cpus, "{runtime}: {}", task.name);
        }
    }
}
