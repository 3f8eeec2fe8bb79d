//! A data directory that isn't what it was: files missing, emptied, replaced, damaged, or deleted
//! under the running server.

use super::refusals::{assert_clear, made};
use super::*;
use std::fs;
use std::path::PathBuf;

/// Time within which the server says that its files have gone.
const NOTICE_TIME_MAX: Duration = Duration::from_secs(10);

fn shard_file(data: &Path, shard: u16) -> PathBuf {
    data.join(format!("shard-{shard:04}.sqlite"))
}

fn log_file(data: &Path, shard: u16) -> PathBuf {
    data.join(format!("shard-{shard:04}.sqlite-wal"))
}

/// Queues that are there and still have their message.
fn left(server: &Server) -> Vec<String> {
    let mut client = server.client();
    let answer = client.ok("ListQueues", &json!({}));
    let urls = answer["QueueUrls"].as_array().cloned().unwrap_or_default();
    let names = urls
        .iter()
        .filter_map(|url| url.as_str()?.rsplit('/').next());
    let names: Vec<String> = names.map(str::to_owned).collect();
    let mut left = Vec::new();
    for name in names {
        for body in drain(&mut client, &name) {
            left.push(format!("{name}: {body}"));
        }
    }
    left
}

#[test]
fn a_file_that_has_to_be_there_is_missed() {
    for (file, empty, needles) in [
        ("shard-0001.sqlite", false, "the file is missing"),
        ("shard-0001.sqlite", true, "the file is empty"),
        ("lclq.json", false, "lclq.json is missing"),
        ("lclq.json", true, "it is empty"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        made(&data);
        let path = data.join(file);
        if empty {
            fs::write(&path, "").unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        assert_clear(&started_on(&data).refused(), &[file, needles]);
        assert_eq!(path.exists(), empty, "a refusal makes no file");
    }
}

#[test]
fn recovery_goes_on_with_what_there_is_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    made(&data);
    let whole = {
        let server = started_on(&data).start();
        let all = left(&server).len();
        server.stop();
        all
    };
    assert_eq!(whole, 4);
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    made(&data);
    fs::remove_file(shard_file(&data, 0)).unwrap();
    let mut server = started_on(&data).switch("--recover").start();
    let kept = left(&server);
    assert!(!kept.is_empty() && kept.len() < 4, "{kept:?}");
    let mut client = server.client();
    for queue in ["a", "b", "c", "d"] {
        create(&mut client, queue);
        client.ok("SendMessage", &send_request(queue, "new"));
    }
    let log = server.stderr();
    assert!(
        log.contains("shard-0000.sqlite: the file is missing"),
        "{log}"
    );
    server.kill();
    // It is an ordinary directory again.
    let server = started_on(&data).start();
    assert_eq!(left(&server).len(), 4);
    server.stop();
}

#[test]
fn a_log_with_the_last_commits_is_missed() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = started_on(&data).flag("--shards", "1").start();
    let mut client = server.client();
    create(&mut client, "a");
    client.ok("SendMessage", &send_request("a", "x"));
    server.kill();
    let log = fs::read(log_file(&data, 0)).unwrap();
    fs::remove_file(log_file(&data, 0)).unwrap();
    let needles = ["shard-0000.sqlite-wal is missing", "--recover"];
    assert_clear(&started_on(&data).refused(), &needles);
    fs::write(log_file(&data, 0), log).unwrap();
    let server = started_on(&data).start();
    assert_eq!(left(&server), ["a: x"]);
    server.stop();
}

#[test]
fn a_directory_whose_files_were_mixed_up_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (data, other) = (
        directory.path().join("data"),
        directory.path().join("other"),
    );
    made(&data);
    made(&other);
    fs::copy(shard_file(&other, 1), shard_file(&data, 1)).unwrap();
    assert_clear(
        &started_on(&data).refused(),
        &["shard-0001", "the file is of directory"],
    );
}

#[test]
fn flipped_bits_are_never_served() {
    const FLIPS: usize = 30;
    const MESSAGES: usize = 400;
    let seed = support::any_seed();
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let directory = tempfile::tempdir().unwrap();
    let sound = directory.path().join("sound");
    let bodies: Vec<String> = (0..MESSAGES)
        .map(|number| format!("message {number} {}", "x".repeat(200)))
        .collect();
    let server = started_on(&sound).flag("--shards", "1").start();
    let mut client = server.client();
    create(&mut client, "a");
    for body in &bodies {
        client.ok("SendMessage", &send_request("a", body));
    }
    server.stop();
    let (mut refused, mut set_aside) = (0, 0);
    for number in 0..FLIPS {
        let data = directory.path().join(format!("flip-{number}"));
        fs::create_dir(&data).unwrap();
        for file in ["lclq.json", "lclq.lock", "shard-0000.sqlite"] {
            fs::copy(sound.join(file), data.join(file)).unwrap();
        }
        let mut bytes = fs::read(shard_file(&data, 0)).unwrap();
        let bit = random.usize(0..bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(shard_file(&data, 0), bytes).unwrap();
        match started_on(&data).spawn().ready() {
            Err(outcome) => {
                refused += 1;
                assert_eq!(
                    outcome.status.code(),
                    Some(1),
                    "bit {bit}: {}",
                    outcome.stderr
                );
            }
            Ok(mut server) => {
                let got = drain(&mut server.client(), "a");
                for body in &got {
                    assert!(bodies.contains(body), "bit {bit}: {body:?} was never sent");
                }
                let said = server.stderr().matches("it is set aside").count();
                assert_eq!(got.len() + said, MESSAGES, "bit {bit}: {}", server.stderr());
                set_aside += said;
                server.kill();
            }
        }
    }
    println!("{refused} refused, {set_aside} set aside, of {FLIPS}");
    assert!(refused + set_aside > FLIPS / 4);
}

#[test]
fn files_that_are_deleted_under_it_are_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = started_on(&data).flag("--shards", "1").start();
    let mut client = server.client();
    create(&mut client, "a");
    client.ok("SendMessage", &send_request("a", "x"));
    assert_eq!(healthy(&server).0, 200);
    fs::remove_file(shard_file(&data, 0)).unwrap();
    // Nobody writes: it is noticed all the same.
    let until = Instant::now() + NOTICE_TIME_MAX;
    let said = loop {
        let (status, text) = healthy(&server);
        if status == 503 {
            break text.to_string();
        }
        assert!(Instant::now() < until, "{text}");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(
        said.contains("was deleted or replaced while it was in use"),
        "{said}"
    );
    let answer = client.call("SendMessage", &send_request("a", "y")).unwrap();
    assert_eq!(answer.status, 503);
    // What memory has can still be had.
    let request = json!({ "QueueUrl": url("a") });
    let answer = client.ok("ReceiveMessage", &request);
    assert_eq!(answer["Messages"][0]["Body"], "x");
    server.kill();
}
