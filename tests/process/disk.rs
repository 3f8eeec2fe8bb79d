//! A disk that is full, or read-only.
//!
//! Root gets a small file system of its own, in a mount namespace that only the test's thread and
//! its children see. Everyone gets a limit on the size of files, which fails writes as a full disk
//! does and can be lifted while the server runs.

use super::*;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

/// A body that fills a disk in little time.
const BODY_BYTES: usize = 2000;
/// A server that can't write must say so and not hang.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(2);
/// After space has returned.
const RECOVERY_TIME_MAX: Duration = Duration::from_secs(5);

/// Something that can run out of space.
trait Disk {
    fn path(&self) -> PathBuf;
    /// Prepares a server that is going to be started.
    fn confine(&self, launch: Launch) -> Launch;
    fn fill(&self, server: &Server);
    fn free(&self, server: Option<&Server>);
}

/// A tmpfs of some megabytes. Dropping it unmounts it.
struct Tmpfs {
    directory: tempfile::TempDir,
}

impl Tmpfs {
    const BYTES: u64 = 24 << 20;

    /// `None` where this user may not mount.
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        // SAFETY: unshare takes a flag. Only this thread and its children get the new namespace.
        if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
            println!("no mount namespace: {}", io::Error::last_os_error());
            return None;
        }
        // Nothing mounted here may be seen elsewhere.
        mount(
            "none",
            Path::new("/"),
            "",
            libc::MS_REC | libc::MS_PRIVATE,
            "",
        )
        .ok()?;
        let options = format!("size={}", Self::BYTES);
        mount("tmpfs", directory.path(), "tmpfs", 0, &options).ok()?;
        Some(Self { directory })
    }

    fn make_read_only(&self) {
        let flags = libc::MS_REMOUNT | libc::MS_RDONLY;
        mount("tmpfs", self.directory.path(), "tmpfs", flags, "").unwrap();
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let path = c_string(self.directory.path());
        // SAFETY: the path is a C string.
        unsafe { libc::umount2(path.as_ptr(), libc::MNT_DETACH) };
    }
}

fn c_string(path: &Path) -> std::ffi::CString {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap()
}

fn mount(what: &str, at: &Path, kind: &str, flags: libc::c_ulong, options: &str) -> io::Result<()> {
    let text = |text: &str| std::ffi::CString::new(text).unwrap();
    let (what, at, kind, options) = (text(what), c_string(at), text(kind), text(options));
    // SAFETY: all four are C strings that outlive the call.
    let failed = unsafe {
        libc::mount(
            what.as_ptr(),
            at.as_ptr(),
            kind.as_ptr(),
            flags,
            options.as_ptr().cast(),
        )
    };
    if failed == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    println!("can't mount: {error}");
    Err(error)
}

impl Disk for Tmpfs {
    fn path(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn confine(&self, launch: Launch) -> Launch {
        launch
    }

    fn fill(&self, _server: &Server) {
        use std::io::Write;
        let mut ballast = std::fs::File::create(self.directory.path().join("ballast")).unwrap();
        // Down to the last page.
        while ballast.write_all(&[0; 4096]).is_ok() {}
    }

    fn free(&self, _server: Option<&Server>) {
        std::fs::remove_file(self.directory.path().join("ballast")).unwrap();
    }
}

/// A limit on the size of each file, lifted by prlimit.
struct FileLimit {
    directory: tempfile::TempDir,
}

impl FileLimit {
    const BYTES: u64 = 2 << 20;

    fn set(server: &Server, bytes: u64) {
        let limit = libc::rlimit {
            rlim_cur: bytes,
            rlim_max: libc::RLIM_INFINITY,
        };
        let pid = server.pid() as libc::pid_t;
        // SAFETY: prlimit reads one rlimit and writes none.
        let failed =
            unsafe { libc::prlimit(pid, libc::RLIMIT_FSIZE, &limit, std::ptr::null_mut()) };
        assert_eq!(failed, 0, "{}", io::Error::last_os_error());
    }
}

impl Disk for FileLimit {
    fn path(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn confine(&self, mut launch: Launch) -> Launch {
        let ignore = || {
            // SAFETY: SIG_IGN is a valid disposition; it survives exec.
            unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
            Ok(())
        };
        // SAFETY: signal is async-signal-safe.
        unsafe { launch.command.pre_exec(ignore) };
        launch
    }

    fn fill(&self, server: &Server) {
        Self::set(server, Self::BYTES);
    }

    fn free(&self, server: Option<&Server>) {
        if let Some(server) = server {
            Self::set(server, libc::RLIM_INFINITY);
        }
    }
}

struct Scene {
    /// Bodies whose send was acknowledged and whose delete was not.
    there: Vec<String>,
    /// Bodies whose send was refused, or whose delete was.
    unknown: Vec<String>,
    next: u32,
}

impl Scene {
    fn body(&mut self) -> String {
        self.next += 1;
        format!("{}:{}", self.next, "x".repeat(BODY_BYTES))
    }

    /// Sends until it is refused.
    fn send_until_refused(&mut self, client: &mut Client, queue: &str) {
        for _ in 0..100_000 {
            let body = self.body();
            let asked = Instant::now();
            let answer = client
                .call("SendMessage", &send_request(queue, &body))
                .expect("an answer");
            assert!(asked.elapsed() < ANSWER_TIME_MAX, "{:?}", asked.elapsed());
            if answer.status == 200 {
                self.there.push(body);
                continue;
            }
            self.unknown.push(body);
            assert_eq!(answer.status, 503, "{answer:?}");
            let error = answer.json();
            let kind = error["__type"].as_str().unwrap();
            assert!(kind.ends_with("#ServiceUnavailableException"), "{error}");
            let head = answer.head.to_ascii_lowercase();
            assert!(
                head.contains("x-amzn-query-error: serviceunavailable;receiver"),
                "{head}"
            );
            return;
        }
        panic!("the disk doesn't fill");
    }
}

fn full_disk(disk: &dyn Disk, runtime: &str) {
    let data = disk.path();
    let launch = |cores: &str| {
        let launch = started_on(&data)
            .flag("--runtime", runtime)
            .flag("--cores", cores);
        disk.confine(launch)
    };
    let mut server = launch("2").flag("--shards", "2").start();
    let mut client = server.client();
    // One on each shard: "a" and "b" fall on different ones of two.
    create(&mut client, "a");
    create(&mut client, "b");
    let mut scene = Scene {
        there: Vec::new(),
        unknown: Vec::new(),
        next: 0,
    };
    for _ in 0..50 {
        let body = scene.body();
        client.ok("SendMessage", &send_request("a", &body));
        scene.there.push(body);
    }

    disk.fill(&server);
    scene.send_until_refused(&mut client, "a");

    // It says so, at once and on all sides.
    let (status, health) = healthy(&server);
    assert_eq!(
        (status, &health["status"]),
        (503, &json!("failing")),
        "{health}"
    );
    for _ in 0..20 {
        let before = scene.there.len();
        scene.send_until_refused(&mut client, "a");
        assert_eq!(scene.there.len(), before, "still no room");
    }
    let form = "Action=SendMessage&MessageBody=x&QueueUrl=http://x/000000000000/a";
    client
        .write(
            format!(
                "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                 Content-Length: {}\r\n\r\n{form}",
                form.len()
            )
            .as_bytes(),
        )
        .unwrap();
    let answer = client.receive().unwrap();
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, 503, "{text}");
    assert!(text.contains("<Code>ServiceUnavailable</Code>"), "{text}");
    scene.unknown.push("x".to_owned());
    let log = server.stderr();
    assert!(
        log.contains("full") || log.contains("disk"),
        "the log says why: {log}"
    );

    // What is stored can still be read.
    let request =
        json!({ "QueueUrl": url("a"), "MaxNumberOfMessages": 10, "VisibilityTimeout": 0 });
    let answer = client.ok("ReceiveMessage", &request);
    assert_eq!(
        answer["Messages"].as_array().map(Vec::len),
        Some(10),
        "{answer}"
    );
    for message in answer["Messages"].as_array().unwrap() {
        let body = message["Body"].as_str().unwrap();
        assert!(
            scene.there.iter().any(|known| known == body),
            "not a stored message"
        );
    }
    // A delete is carried out or refused; it doesn't lie.
    let message = &answer["Messages"][0];
    let request = json!({ "QueueUrl": url("a"), "ReceiptHandle": message["ReceiptHandle"] });
    let delete = client.call("DeleteMessage", &request).unwrap();
    let body = message["Body"].as_str().unwrap().to_owned();
    scene.there.retain(|known| *known != body);
    match delete.status {
        200 => {}
        503 => scene.unknown.push(body),
        _ => panic!("{delete:?}"),
    }
    println!("a delete on a full disk: {}", delete.status);

    // Space returns, and with it everything, without a restart.
    disk.free(Some(&server));
    let freed = Instant::now();
    while healthy(&server).0 != 200 {
        assert!(freed.elapsed() < RECOVERY_TIME_MAX, "{}", server.stderr());
        std::thread::sleep(Duration::from_millis(10));
    }
    println!("healthy {:?} after space returned", freed.elapsed());
    for queue in ["a", "b"] {
        let body = scene.body();
        client.ok("SendMessage", &send_request(queue, &body));
        scene.there.push(body);
    }

    // Full again, and killed there.
    disk.fill(&server);
    scene.send_until_refused(&mut client, "a");
    server.kill();
    disk.free(None);
    let server = launch("1").start();
    let mut client = server.client();
    let mut kept = drain(&mut client, "a");
    kept.extend(drain(&mut client, "b"));
    for body in &scene.there {
        assert!(kept.contains(body), "{body:.10} is lost");
    }
    kept.sort();
    for pair in kept.windows(2) {
        assert!(pair[0] != pair[1], "{:.10} is there twice", pair[0]);
    }
    for body in &kept {
        assert!(
            scene.there.contains(body) || scene.unknown.contains(body),
            "{body:.10} came back"
        );
    }
    println!(
        "{runtime}: {} kept, {} unknown",
        kept.len(),
        scene.unknown.len()
    );
    server.stop();
}

#[test]
fn a_full_disk_loses_nothing_and_is_recovered_from() {
    for runtime in runtimes() {
        let Some(disk) = Tmpfs::mount() else { return };
        full_disk(&disk, runtime);
    }
}

#[test]
fn files_that_may_not_grow_lose_nothing_and_are_recovered_from() {
    for runtime in runtimes() {
        let directory = tempfile::tempdir().unwrap();
        full_disk(&FileLimit { directory }, runtime);
    }
}

#[test]
fn a_full_disk_at_the_start_is_refused_clearly() {
    let Some(disk) = Tmpfs::mount() else { return };
    let server = started_on(&disk.path()).start();
    create(&mut server.client(), "q");
    server
        .client()
        .ok("SendMessage", &send_request("q", "kept"));
    disk.fill(&server);
    server.kill();
    match started_on(&disk.path()).spawn().ready() {
        // It may well start, as long as it has what it had.
        Ok(server) => println!("started on a full disk: {:?}", healthy(&server)),
        Err(refused) => {
            println!("{}", refused.stderr);
            assert_eq!(refused.status.code(), Some(1));
            assert!(refused.stderr.contains("full"), "{}", refused.stderr);
        }
    }
    disk.free(None);
    let server = started_on(&disk.path()).start();
    assert_eq!(drain(&mut server.client(), "q"), ["kept"]);
    server.stop();
}

#[test]
fn a_read_only_file_system_is_refused_clearly() {
    let Some(disk) = Tmpfs::mount() else { return };
    let server = started_on(&disk.path()).start();
    create(&mut server.client(), "q");
    server.stop();
    disk.make_read_only();
    for path in [disk.path(), disk.directory.path().join("new")] {
        let refused = started_on(&path).refused();
        println!("{}", refused.stderr);
        assert_eq!(refused.status.code(), Some(1));
        assert!(refused.stderr.contains("Read-only"), "{}", refused.stderr);
    }
}
