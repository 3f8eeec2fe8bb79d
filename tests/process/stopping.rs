//! SIGTERM: long polls are answered, requests end, what was accepted is kept, and the exit code
//! is 0.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};

/// Far less than `--shutdown-ms-max`, which is for clients that don't end their requests.
const PROMPT: Duration = Duration::from_secs(2);

#[test]
fn long_polls_are_answered_when_the_server_stops() {
    for runtime in runtimes() {
        let mut server = Launch::new()
            .flag("--runtime", runtime)
            .flag("--cores", "2")
            .start();
        // On every core and every shard.
        let mut polls = Vec::new();
        for n in 0..16 {
            let mut client = server.client();
            create(&mut client, &format!("queue-{}", n % 4));
            let request =
                json!({ "QueueUrl": url(&format!("queue-{}", n % 4)), "WaitTimeSeconds": 20 });
            client.send("ReceiveMessage", &request).unwrap();
            polls.push(client);
        }
        let _idle = server.client().get("/health").unwrap();
        server.wait_for_polls(polls.len());
        let asked = Instant::now();
        server.terminate();
        for poll in &mut polls {
            let answer = poll.receive().expect("every long poll is answered").ok();
            assert!(
                answer["Messages"].as_array().is_none_or(Vec::is_empty),
                "{answer}"
            );
        }
        let status = server.wait();
        assert!(status.success(), "{status}: {}", server.stderr());
        assert!(asked.elapsed() < PROMPT, "{runtime}: {:?}", asked.elapsed());
    }
}

#[test]
fn requests_under_way_are_finished() {
    // Connections alternate between cores. With every second one idle, one core is done at once
    // and the other still needs its shards.
    for (runtime, busy) in [("epoll", 0), ("epoll", 1), ("io-uring", 0), ("io-uring", 1)] {
        if !runtimes().contains(&runtime) {
            continue;
        }
        let directory = tempfile::tempdir().unwrap();
        let mut server = started_on(directory.path())
            .flag("--runtime", runtime)
            .flag("--cores", "2")
            .flag("--shards", "4")
            .start();
        // On every core, for every shard; half of each request comes after the signal.
        let mut rests = Vec::new();
        let mut idle = Vec::new();
        for n in 0..16 {
            let mut client = server.client();
            let queue = format!("queue-{n}");
            create(&mut client, &queue);
            if n % 2 != busy {
                idle.push(client);
                continue;
            }
            let body = send_request(&queue, &n.to_string()).to_string();
            let head = format!(
                "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.SendMessage\r\n\
                 Content-Length: {}\r\n\r\n",
                body.len()
            );
            let (first, rest) = body.split_at(body.len() / 2);
            client.write(format!("{head}{first}").as_bytes()).unwrap();
            rests.push((client, rest.to_owned()));
        }
        std::thread::sleep(Duration::from_millis(50));
        let asked = Instant::now();
        server.terminate();
        std::thread::sleep(Duration::from_millis(200));
        for (client, rest) in &mut rests {
            client.write(rest.as_bytes()).unwrap();
        }
        for (client, _) in &mut rests {
            client.receive().expect("an answer").ok();
        }
        let status = server.wait();
        assert!(status.success(), "{status}: {}", server.stderr());
        assert!(asked.elapsed() < PROMPT, "{runtime}: {:?}", asked.elapsed());
        let server = started_on(directory.path()).start();
        let mut client = server.client();
        for n in (0..16).filter(|n| n % 2 == busy) {
            assert_eq!(drain(&mut client, &format!("queue-{n}")), [n.to_string()]);
        }
        server.stop();
    }
}

#[test]
fn a_client_that_does_not_end_its_request_is_dropped_in_time() {
    for runtime in runtimes() {
        let mut server = Launch::new()
            .flag("--runtime", runtime)
            .flag("--shutdown-ms-max", "300")
            .start();
        let mut slow = server.client();
        slow.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.ListQueues\r\nContent-Length: 100\r\n\r\n{")
            .unwrap();
        std::thread::sleep(Duration::from_millis(50));
        let asked = Instant::now();
        server.terminate();
        let status = server.wait();
        assert!(status.success(), "{status}: {}", server.stderr());
        let time = asked.elapsed();
        assert!(time >= Duration::from_millis(250), "{runtime}: {time:?}");
        assert!(time < PROMPT, "{runtime}: {time:?}");
    }
}

#[test]
fn nothing_accepted_is_lost_when_it_stops_under_load() {
    let directory = tempfile::tempdir().unwrap();
    for runtime in runtimes() {
        for cores in ["1", "2", "3"] {
            stop_under_load(
                &directory.path().join(format!("{runtime}-{cores}")),
                runtime,
                cores,
            );
        }
    }
}

fn stop_under_load(data: &Path, runtime: &str, cores: &str) {
    let launch = |cores: &str| {
        started_on(data)
            .flag("--runtime", runtime)
            .flag("--cores", cores)
    };
    let mut server = launch(cores).flag("--shards", "3").start();
    let queues: Vec<String> = (0..6).map(|n| format!("queue-{n}")).collect();
    for queue in &queues {
        create(&mut server.client(), queue);
    }
    let stopping = AtomicBool::new(false);
    let (sent, ended) = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8)
            .map(|worker| {
                let mut client = server.client();
                let (queues, stopping) = (&queues, &stopping);
                scope.spawn(move || {
                    let mut sent = Vec::new();
                    for number in 0.. {
                        let queue = &queues[number % queues.len()];
                        let body = format!("{worker}-{number}");
                        let answer = client.call("SendMessage", &send_request(queue, &body));
                        match answer {
                            Ok(answer) if answer.status == 200 => sent.push((queue.clone(), body)),
                            Ok(answer) => {
                                assert!(stopping.load(Ordering::SeqCst));
                                assert_eq!(answer.status, 503, "{answer:?}");
                                break;
                            }
                            Err(_) => {
                                assert!(stopping.load(Ordering::SeqCst), "ended by itself");
                                break;
                            }
                        }
                    }
                    sent
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(200));
        stopping.store(true, Ordering::SeqCst);
        let asked = Instant::now();
        server.terminate();
        let status = server.wait();
        let time = asked.elapsed();
        assert!(status.success(), "{status}: {}", server.stderr());
        let mut sent: Vec<(String, String)> = Vec::new();
        for worker in workers {
            sent.extend(worker.join().unwrap());
        }
        (sent, time)
    });
    println!(
        "{runtime}, {cores} cores: {} sent, ended in {ended:?}",
        sent.len()
    );
    assert!(ended < PROMPT, "{runtime}, {cores} cores: {ended:?}");
    let server = launch("2").start();
    let mut client = server.client();
    for queue in &queues {
        let kept = drain(&mut client, queue);
        let mut unique = kept.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(
            unique.len(),
            kept.len(),
            "{queue}: a message is there twice"
        );
        for (_, body) in sent.iter().filter(|(other, _)| other == queue) {
            assert!(
                unique.binary_search(body).is_ok(),
                "{queue}: {body} is lost"
            );
        }
    }
    server.stop();
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = Launch::new().start();
    let mut slow = server.client();
    slow.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        .unwrap();
    std::thread::sleep(Duration::from_millis(50));
    server.terminate();
    std::thread::sleep(Duration::from_millis(100));
    assert!(!server.has_ended());
    server.terminate();
    let status = server.wait();
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(status.signal(), Some(15), "{status}");
}

#[test]
fn it_ends_with_its_standard_input_where_it_is_to() {
    let mut launch = Launch::new();
    // What tests start reads nothing: its input has ended already.
    launch.command.arg("--stop-with-stdin");
    let mut server = launch.start();
    let status = server.wait();
    assert!(status.success(), "{status}: {}", server.stderr());
    let log = server.stderr();
    assert!(log.contains("standard input has ended"), "{log}");
    let mut server = Launch::new().start();
    std::thread::sleep(Duration::from_millis(100));
    assert!(!server.has_ended(), "it ends with its input unasked");
    server.stop();
}
