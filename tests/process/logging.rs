//! Nobody waits for the log, whoever reads it or doesn't.

use super::*;
use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, Read};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::process::{Child, ChildStdout, Stdio};

/// Answers come at once.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

/// A server whose standard error is the test's business. Dropping it kills it.
struct Raw {
    child: Child,
    address: SocketAddr,
    _stdout: BufReader<ChildStdout>,
}

impl Raw {
    fn start(mut launch: Launch, stderr: impl Into<Stdio>) -> Self {
        let command = launch.command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.stderr(stderr).spawn().unwrap();
        // The command keeps a copy of what it gave, and a pipe with a writer never ends.
        drop(launch);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut address = None;
        let mut line = String::new();
        while line != "ready\n" {
            line.clear();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it doesn't start");
            if let Some(text) = line.strip_prefix("listening sqs http://") {
                address = Some(text.trim().parse().unwrap());
            }
        }
        Self {
            child,
            address: address.unwrap(),
            _stdout: stdout,
        }
    }

    fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Asks it to end, and sees that it does so well.
    fn stop(mut self) {
        // SAFETY: kill has no conditions.
        unsafe { libc::kill(self.child.id() as libc::pid_t, libc::SIGTERM) };
        let asked = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return;
            }
            assert!(asked.elapsed() < Duration::from_secs(15), "it doesn't end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request that leaves a long line in the log.
fn logged(client: &mut Client, text: &str) {
    let asked = Instant::now();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\
         X-Amz-Target: AmazonSQS.{text}\r\n\r\n{{}}"
    );
    client.write(request.as_bytes()).unwrap();
    assert_eq!(client.receive().unwrap().status, 404);
    let took = asked.elapsed();
    assert!(took < ANSWER_TIME_MAX, "{took:?}");
}

/// On two cores, connections old and new; with each a line in the log.
fn serves_and_stops(server: Raw) {
    let mut first = server.client();
    create(&mut first, "q");
    for n in 0..100 {
        logged(&mut first, "Nothing");
        let mut other = server.client();
        logged(&mut other, "Nothing");
        let asked = Instant::now();
        other.ok("SendMessage", &send_request("q", &n.to_string()));
        assert!(asked.elapsed() < ANSWER_TIME_MAX);
    }
    server.stop();
}

fn talkative() -> Launch {
    Launch::new().flag("--log", "debug").flag("--cores", "2")
}

#[test]
fn the_reader_of_the_log_is_gone() {
    for format in ["text", "json"] {
        let (reader, writer) = std::io::pipe().unwrap();
        let server = Raw::start(talkative().flag("--log-format", format), writer);
        drop(reader);
        serves_and_stops(server);
    }
}

#[test]
fn the_disk_that_takes_the_log_is_full() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    serves_and_stops(Raw::start(talkative(), full));
}

fn read_for(reader: &mut PipeReader, time: Duration) -> String {
    // SAFETY: the descriptor is open; this only sets its flags.
    unsafe { libc::fcntl(reader.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
    let until = Instant::now() + time;
    let mut all = Vec::new();
    let mut part = vec![0; 1 << 16];
    while Instant::now() < until {
        match reader.read(&mut part) {
            Ok(0) => break,
            Ok(count) => all.extend_from_slice(&part[..count]),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    String::from_utf8(all).unwrap()
}

#[test]
fn nobody_reads_the_log_and_what_was_dropped_is_counted() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let server = Raw::start(talkative(), writer);
    let mut client = server.client();
    let long = "x".repeat(20_000);
    // More than wait in all: 1 MiB, as much again on its way, and the pipe's 64 KiB.
    const LINES: usize = 300;
    for _ in 0..LINES {
        logged(&mut client, &long);
    }
    let first = read_for(&mut reader, Duration::from_secs(2));
    logged(&mut client, "After");
    logged(&mut client, "AtLast");
    let all = first + &read_for(&mut reader, Duration::from_secs(2));
    let kept = all.matches(&long).count();
    let dropped: usize = all
        .lines()
        .filter_map(|line| line.split_once("were dropped: nobody took them dropped="))
        .map(|(_, count)| count.parse::<usize>().unwrap())
        .sum();
    assert!(kept > 0 && dropped > 0, "{kept} kept, {dropped} dropped");
    assert_eq!(kept + dropped, LINES);
    assert!(all.contains("AtLast"));
    server.stop();
}

#[test]
fn nobody_reads_what_it_prints() {
    // Its port has to be known otherwise.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut launch = Launch::on_port(port);
    let command = launch.command.stdin(Stdio::null()).stdout(writer);
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let mut client = Client::new(SocketAddr::from(([127, 0, 0, 1], port)));
    let asked = Instant::now();
    while client.get("/health").is_err() {
        assert!(
            asked.elapsed() < Duration::from_secs(20),
            "it doesn't serve"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    create(&mut client, "q");
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn names_forge_no_lines() {
    for format in ["text", "json"] {
        let launch = talkative().flag("--log-format", format);
        let mut server = launch.start();
        let mut client = server.client();
        let answer = client
            .get("/?Action=x%0A2001-01-01T00:00:00Z%20%20INFO%20forged%0D%1B%5B31m%E2%80%A8y")
            .unwrap();
        assert_eq!(answer.status, 400);
        server.terminate();
        assert!(server.wait().success());
        let log = server.stderr();
        assert!(log.contains("forged"), "{log}");
        for line in log.lines() {
            assert!(!line.starts_with("2001"), "{log}");
        }
        assert!(
            !log.contains(['\u{1b}', '\r', '\u{2028}']) || format == "json",
            "{log:?}"
        );
        assert!(!log.contains(['\u{1b}', '\r']), "{log:?}");
    }
}

/// What a server writes to a terminal as its standard error.
fn on_a_terminal(mut launch: Launch) -> String {
    use std::os::unix::fs::OpenOptionsExt;
    // Not openpty, whose descriptors servers of other tests would inherit.
    let open = |path: &str| {
        let mut options = File::options();
        options.read(true).write(true).custom_flags(libc::O_NOCTTY);
        options.open(path).unwrap()
    };
    let ours = open("/dev/ptmx");
    let mut name = [0; 64];
    // SAFETY: the descriptor is open, and the name is written with its end into what there is.
    let name = unsafe {
        assert_eq!(libc::grantpt(ours.as_raw_fd()), 0);
        assert_eq!(libc::unlockpt(ours.as_raw_fd()), 0);
        let failed = libc::ptsname_r(ours.as_raw_fd(), name.as_mut_ptr(), name.len());
        assert_eq!(failed, 0);
        std::ffi::CStr::from_ptr(name.as_ptr())
    };
    let its = open(name.to_str().unwrap());
    launch.command.env("TERM", "xterm");
    let server = Raw::start(launch, its);
    server.stop();
    let mut text = Vec::new();
    // A terminal that nobody has open any more is an error to read.
    let _ = (&ours).read_to_end(&mut text);
    String::from_utf8(text).unwrap()
}

#[test]
fn colours_are_for_terminals() {
    let mut plain = Launch::new().start();
    plain.terminate();
    assert!(plain.wait().success());
    let log = plain.stderr();
    assert!(log.contains("INFO") && !log.contains('\u{1b}'), "{log:?}");

    let mut launch = Launch::new();
    launch.command.env_remove("NO_COLOR");
    let log = on_a_terminal(launch);
    assert!(log.contains("INFO") && log.contains('\u{1b}'), "{log:?}");

    let mut launch = Launch::new();
    launch.command.env("NO_COLOR", "1");
    let log = on_a_terminal(launch);
    assert!(log.contains("INFO") && !log.contains('\u{1b}'), "{log:?}");
}
