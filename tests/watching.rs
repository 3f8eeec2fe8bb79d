//! What an operator watches with from a shell: connections, shards, cores, messages by state and text,
//! tails and events, and the live view in a terminal.

mod support;

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use support::{Launch, Server};

const PATIENCE: Duration = Duration::from_secs(20);

fn started() -> Server {
    Launch::new()
        .flag("--cores", "2")
        .flag("--shards", "2")
        .start()
}

fn lclq(server: &Server, words: &[&str]) -> Command {
    let mut command = Command::new(support::binary());
    let url = format!("http://{}", server.admin_address());
    command.args(words).env("LCLQ_URL", url);
    command
}

fn run(server: &Server, words: &[&str]) -> Output {
    lclq(server, words)
        .output()
        .expect("the binary under test can be run")
}

#[track_caller]
fn prints(server: &Server, words: &[&str]) -> String {
    let output = run(server, words);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn json_of(server: &Server, words: &[&str]) -> Value {
    let words = [words, &["--output", "json"]].concat();
    serde_json::from_str(&prints(server, &words)).expect("JSON")
}

#[test]
fn connections_are_listed_and_closed() {
    let server = started();
    let mut client = server.client();
    let body = json!({ "QueueName": "q" }).to_string();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a-test/1\r\n\
         X-Amz-Target: AmazonSQS.CreateQueue\r\nContent-Type: application/x-amz-json-1.0\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    client.write(request.as_bytes()).unwrap();
    client.receive().unwrap().ok();
    client.ok("ListQueues", &json!({}));
    let listed = json_of(&server, &["connection", "list", "--endpoint", "sqs"]);
    let [one] = &listed.as_array().unwrap()[..] else {
        panic!("{listed}");
    };
    assert_eq!(
        (&one["requests"], &one["in_flight"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(
        (&one["protocol"], &one["user_agent"]),
        (&json!("http/1.1"), &json!("a-test/1"))
    );
    assert!(
        one["bytes_received"].as_u64().unwrap() > request.len() as u64,
        "{one}"
    );
    assert!(one["bytes_sent"].as_u64().unwrap() > 100, "{one}");
    let table = prints(&server, &["connection", "list", "--endpoint", "sqs"]);
    let words: Vec<&str> = table.split_whitespace().collect();
    let heads = [
        "ID", "ENDPOINT", "PEER", "PROTOCOL", "REQUESTS", "IN", "FLIGHT", "RECEIVED", "SENT",
        "CLIENT",
    ];
    assert_eq!(words[..10], heads, "{table}");
    let id = one["id"].as_str().unwrap();
    assert_eq!(words[10..12], [id, "sqs"], "{table}");
    assert_eq!(words[13..16], ["http/1.1", "2", "0"], "{table}");
    // A long poll that waits is in flight, and ends with its connection.
    let url = "http://localhost/000000000000/q";
    client
        .send(
            "ReceiveMessage",
            &json!({ "QueueUrl": url, "WaitTimeSeconds": 20 }),
        )
        .unwrap();
    server.wait_for_polls(1);
    assert_eq!(
        json_of(&server, &["connection", "list", "--endpoint", "sqs"])[0]["in_flight"],
        1
    );
    let said = prints(&server, &["connection", "close", id]);
    assert_eq!(said, format!("connection {id} is closed\n"));
    assert!(client.receive().is_err());
    server.wait_for_polls(0);
    let again = run(&server, &["connection", "close", id]);
    assert_eq!(again.status.code(), Some(4));
    // One that has sent nothing yet is listed as well, and can be ended.
    let silent = std::net::TcpStream::connect(server.address()).unwrap();
    let until = Instant::now() + PATIENCE;
    let listed = loop {
        let listed = json_of(&server, &["connection", "list", "--endpoint", "sqs"]);
        if listed != json!([]) {
            break listed;
        }
        assert!(Instant::now() < until);
    };
    assert_eq!(listed[0]["protocol"], Value::Null);
    assert_eq!(listed[0]["peer"], silent.local_addr().unwrap().to_string());
    prints(
        &server,
        &["connection", "close", listed[0]["id"].as_str().unwrap()],
    );
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!((&silent).read(&mut [0; 1]).unwrap(), 0, "it was closed");
    server.stop();
}

#[test]
fn streams_of_http2_are_seen_as_one_connection() {
    let server = started();
    let output = Command::new("curl")
        .args(["-s", "--http2-prior-knowledge", "--parallel"])
        .args((0..3).map(|_| format!("http://{}/api/v1/connections", server.admin_address())))
        .output()
        .expect("curl can be run");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(r#""protocol":"http/2""#), "{text}");
    server.stop();
}

#[test]
fn shards_and_cores_are_listed() {
    let server = started();
    prints(&server, &["queue", "create", "q"]);
    let table = prints(&server, &["shard", "list"]);
    assert!(
        table.starts_with("SHARD  QUEUES  TOPICS  VISIBLE  IN FLIGHT  MEMORY BYTES\n"),
        "{table}"
    );
    assert_eq!(prints(&server, &["shard", "list", "-o", "name"]), "0\n1\n");
    assert_eq!(table, prints(&server, &["shards"]));
    let cores = json_of(&server, &["core", "list"]);
    assert_eq!(cores.as_array().map(Vec::len), Some(2));
    assert_eq!(
        (&cores[0]["shards"], &cores[1]["shards"]),
        (&json!([0]), &json!([1]))
    );
    assert!(cores[0]["busy_ms"].is_u64(), "{cores}");
    let table = prints(&server, &["core", "list"]);
    assert!(
        table.starts_with("CORE  CONNECTIONS  SHARDS  BUSY MS\n"),
        "{table}"
    );
    server.stop();
}

#[test]
fn messages_are_found_by_state_and_text_and_moved() {
    let server = started();
    for queue in ["from", "to"] {
        prints(&server, &["queue", "create", queue]);
    }
    let send = |words: &[&str]| {
        let words = [&["message", "send", "from"], words, &["-o", "name"]].concat();
        prints(&server, &words).trim().to_owned()
    };
    let first = send(&["a red thing"]);
    let second = send(&["another", "-a", "colour=red"]);
    send(&["a blue thing"]);
    send(&["later", "--delay", "600"]);
    let ids = |words: &[&str]| {
        let words = [&["message", "peek", "from"], words, &["-o", "name"]].concat();
        let text = prints(&server, &words);
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(ids(&["--contains", "red"]), [first.clone(), second.clone()]);
    assert_eq!(ids(&["--contains", &second]), std::slice::from_ref(&second));
    assert_eq!(ids(&["--state", "delayed"]).len(), 1);
    assert_eq!(ids(&["--state", "visible", "--max", "2"]).len(), 2);
    assert_eq!(ids(&["--state", "in-flight"]).len(), 0);
    let table = prints(&server, &["message", "move", "from", &second, "--to", "to"]);
    let words: Vec<&str> = table.split_whitespace().collect();
    assert_eq!(words[..3], ["FROM", "TO", second.as_str()], "{table}");
    let peeked = json_of(&server, &["message", "peek", "to"]);
    assert_eq!(peeked[0]["messageId"], words[3]);
    assert_eq!(
        peeked[0]["messageAttributes"]["colour"]["StringValue"],
        "red"
    );
    assert_eq!(
        ids(&["--state", "visible"]).len(),
        2,
        "the others were given back"
    );
    let missing = run(&server, &["message", "move", "from", &second, "--to", "to"]);
    assert_eq!(missing.status.code(), Some(4));
    assert!(
        String::from_utf8_lossy(&missing.stderr).contains(&second),
        "{missing:?}"
    );
    // Received, kept for longer, given back.
    let received = json_of(&server, &["message", "receive", "from"]);
    let receipt = received[0]["ReceiptHandle"].as_str().unwrap();
    assert_eq!(
        prints(&server, &["message", "keep", "from", receipt, "600"]),
        "the message stays invisible for 600 s\n"
    );
    assert_eq!(ids(&["--state", "in-flight"]).len(), 1);
    prints(&server, &["message", "keep", "from", receipt, "0"]);
    assert_eq!(ids(&["--state", "in-flight"]).len(), 0);
    let sorted = prints(
        &server,
        &["queue", "list", "--sort", "visible", "-o", "name"],
    );
    assert_eq!(sorted, "from\nto\n");
    let found = prints(
        &server,
        &[
            "queue",
            "list",
            "--contains",
            "o",
            "--prefix",
            "t",
            "-o",
            "name",
        ],
    );
    assert_eq!(found, "to\n");
    server.stop();
}

#[test]
fn a_look_goes_on_where_it_ended_whatever_has_gone_meanwhile() {
    let server = started();
    let mut client = server.client();
    client.ok("CreateQueue", &json!({ "QueueName": "many" }));
    let url = "http://localhost/000000000000/many";
    for batch in 0..60 {
        let entries: Vec<Value> = (0..10)
            .map(|at| json!({ "Id": at.to_string(), "MessageBody": format!("m-{:03}", batch * 10 + at) }))
            .collect();
        client.ok(
            "SendMessageBatch",
            &json!({ "QueueUrl": url, "Entries": entries }),
        );
    }
    let mut admin = server.admin_client();
    let (mut seen, mut after) = (Vec::new(), String::from("0"));
    loop {
        let path = format!("/api/v1/queues/many/messages?max=70&after={after}&contains=m-");
        let page = admin.get(&path).unwrap().ok();
        let bodies = page["messages"].as_array().unwrap().iter();
        seen.extend(bodies.map(|message| message["body"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
        if seen.len() == 140 {
            // The message that the look has come to goes.
            let received = client.ok(
                "ReceiveMessage",
                &json!({ "QueueUrl": url, "MaxNumberOfMessages": 1 }),
            );
            let receipt = &received["Messages"][0]["ReceiptHandle"];
            client.ok(
                "DeleteMessage",
                &json!({ "QueueUrl": url, "ReceiptHandle": receipt }),
            );
        }
    }
    let expected: Vec<String> = (0..600).map(|number| format!("m-{number:03}")).collect();
    assert_eq!(seen, expected);
    server.stop();
}

#[test]
fn backlogs_of_subscriptions_are_shown_and_emptied() {
    let server = started();
    prints(&server, &["topic", "create", "orders"]);
    prints(
        &server,
        &["subscription", "create", "bills", "--topic", "orders"],
    );
    for text in ["one", "two", "three"] {
        prints(&server, &["topic", "publish", "orders", text]);
    }
    let pulled = json_of(&server, &["subscription", "pull", "bills"]);
    let backlog = json_of(&server, &["subscription", "backlog", "--topic", "orders"]);
    let one = &backlog[0];
    assert_eq!(
        (&one["available"], &one["outstanding"], &one["streams"]),
        (&json!(2), &json!(1), &json!(0))
    );
    assert!(one["oldest_age_ms"].is_u64(), "{one}");
    let table = prints(&server, &["subscription", "backlog"]);
    let words: Vec<&str> = table.split_whitespace().collect();
    let heads = [
        "NAME",
        "AVAILABLE",
        "OUTSTANDING",
        "OLDEST",
        "MS",
        "STREAMS",
    ];
    assert_eq!(words[..6], heads);
    assert_eq!(words[6..9], ["bills", "2", "1"], "{table}");
    let table = prints(&server, &["subscription", "peek", "bills"]);
    let cells: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let heads = ["ID", "STATE", "DELIVERIES", "ORDERING", "KEY", "DATA"];
    assert_eq!(cells[0], heads);
    assert_eq!(cells[1][1..], ["outstanding", "1", "one"]);
    assert_eq!(cells[3][1..], ["available", "0", "three"]);
    let words = ["subscription", "peek", "bills", "--state", "available"];
    let found = json_of(&server, &[&words[..], &["--contains", "tw"]].concat());
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!(found[0]["text"], "two");
    let id = pulled[0]["ackId"].as_str().unwrap();
    prints(
        &server,
        &["subscription", "keep", "bills", id, "--seconds", "60"],
    );
    prints(&server, &["subscription", "ack", "bills", id]);
    assert_eq!(
        json_of(&server, &["subscription", "backlog"])[0]["outstanding"],
        0
    );
    assert_eq!(
        prints(&server, &["subscription", "purge", "bills"]),
        "subscription bills is empty\n"
    );
    let after = json_of(&server, &["subscription", "backlog"]);
    assert_eq!(
        (&after[0]["available"], &after[0]["oldest_age_ms"]),
        (&json!(0), &Value::Null)
    );
    prints(&server, &["subscription", "detach", "bills"]);
    server.stop();
}

/// A command that goes on.
struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Running {
    /// Starts it and waits until it follows.
    fn start(server: &Server, words: &[&str]) -> Self {
        let mut child = lclq(server, words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary under test can be run");
        let mut said = String::new();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        stderr.read_line(&mut said).unwrap();
        assert_eq!(said, "following\n");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("a line").unwrap()
    }
}

#[test]
fn a_tail_prints_what_passes() {
    let server = started();
    prints(&server, &["queue", "create", "orders"]);
    prints(&server, &["topic", "create", "events"]);
    let mut tail = Running::start(&server, &["tail", "orders", "--max", "2"]);
    let id = prints(
        &server,
        &["message", "send", "orders", "first\nline", "-o", "name"],
    );
    let line = tail.line();
    assert!(
        line.ends_with(&format!("Z  {}  first line", id.trim())),
        "{line}"
    );
    prints(
        &server,
        &["message", "send", "orders", "second", "--group", "g"],
    );
    assert!(tail.line().ends_with("  [g]  second"));
    assert!(tail.child.wait().unwrap().success(), "it has seen enough");
    let words = ["tail", "projects/local/topics/events"];
    let mut tail = Running::start(&server, &words);
    prints(&server, &["topic", "publish", "events", "told"]);
    assert!(tail.line().ends_with("  told"));
    prints(&server, &["topic", "delete", "events"]);
    assert_eq!(tail.child.wait().unwrap().code(), Some(4), "it is gone");
    let missing = run(&server, &["tail", "nothing"]);
    assert_eq!(missing.status.code(), Some(4), "{missing:?}");
    assert_eq!(missing.stderr, b"lclq: there is no queue nothing\n");
    let mut child = lclq(
        &server,
        &["events", "--max", "1", "-o", "json", "--kinds", "stats"],
    );
    let event: Value = serde_json::from_slice(&child.output().unwrap().stdout).unwrap();
    assert_eq!(
        (&event["event"], &event["data"]["queues"]),
        (&json!("stats"), &json!(1))
    );
    server.stop();
}

/// A terminal that tmux keeps, on a server of its own.
struct Tmux {
    socket: String,
}

impl Tmux {
    fn start(name: &str, command: &str) -> Self {
        let tmux = Self {
            socket: format!("lclq-{name}-{}", std::process::id()),
        };
        tmux.run(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            "110",
            "-y",
            "24",
            command,
        ]);
        tmux
    }

    fn run(&self, words: &[&str]) -> Output {
        Command::new("tmux")
            .args(["-L", &self.socket])
            .args(words)
            .output()
            .expect("tmux can be run")
    }

    fn screen(&self) -> String {
        let output = self.run(&["capture-pane", "-p"]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    /// Waits until the screen is as wanted, and gives it.
    fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return screen;
            }
            assert!(Instant::now() < until, "no {what}:\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
    }
}

#[test]
fn top_is_a_live_view() {
    let server = started();
    let mut client = server.client();
    for (queue, messages) in [("few", 2), ("many", 9)] {
        client.ok("CreateQueue", &json!({ "QueueName": queue }));
        let url = format!("http://localhost/000000000000/{queue}");
        for _ in 0..messages {
            client.ok(
                "SendMessage",
                &json!({ "QueueUrl": url, "MessageBody": "x" }),
            );
        }
    }
    prints(&server, &["topic", "create", "orders"]);
    prints(
        &server,
        &["subscription", "create", "bills", "--topic", "orders"],
    );
    let command = format!(
        "{} top --url http://{}; echo ended $?; sleep 60",
        support::binary().display(),
        server.admin_address()
    );
    let tmux = Tmux::start("top", &command);
    let screen = tmux.until("queues", |screen| {
        screen.contains("QUEUE") && screen.contains("few")
    });
    assert!(screen.contains("by backlog"), "{screen}");
    assert!(
        screen.contains("queues 2  topics 1  subscriptions 1"),
        "{screen}"
    );
    let row = |screen: &str, name: &str| screen.lines().position(|line| line.starts_with(name));
    assert!(row(&screen, "many") < row(&screen, "few"), "{screen}");
    // It follows what goes on, and tells how fast.
    let url = "http://localhost/000000000000/few";
    for _ in 0..100 {
        client.ok(
            "SendMessage",
            &json!({ "QueueUrl": url, "MessageBody": "x" }),
        );
    }
    let screen = tmux.until("new counts", |screen| screen.contains("visible 111"));
    assert!(row(&screen, "few") < row(&screen, "many"), "{screen}");
    for _ in 0..4 {
        tmux.keys(&["s"]);
    }
    let screen = tmux.until("order by name", |screen| screen.contains("by name"));
    assert!(row(&screen, "few") < row(&screen, "many"), "{screen}");
    tmux.keys(&["Tab"]);
    tmux.until("subscriptions", |screen| {
        screen.contains("BACKLOG") && screen.contains("projects/local/subscriptions/bills")
    });
    tmux.keys(&["3"]);
    tmux.until("shards", |screen| screen.contains("RECEIVED/S"));
    tmux.keys(&["4"]);
    tmux.until("operations", |screen| {
        screen.contains("P99") && screen.contains("sqs SendMessage")
    });
    tmux.keys(&["5"]);
    tmux.until("cores", |screen| {
        screen.contains("BUSY") && screen.contains('%')
    });
    tmux.keys(&["q"]);
    let screen = tmux.until("its end", |screen| screen.contains("ended 0"));
    assert!(
        !screen.contains("BUSY"),
        "the terminal is as it was: {screen}"
    );
    let refused = run(&server, &["top"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("needs a terminal"));
    server.stop();
}

/// zsh with its functions, without being installed: unpacked into the build directory once.
fn zsh() -> std::path::PathBuf {
    let tools = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("zsh");
    let bin = tools.join("bin/zsh-static");
    if bin.exists() {
        return tools;
    }
    let fresh = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let script = "apt-get download zsh-static zsh-common && for package in *.deb; do dpkg -x $package .; done";
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(fresh.path())
        .output()
        .expect("sh can be run");
    assert!(output.status.success(), "{output:?}");
    // Another run may have been first.
    let _ = std::fs::rename(fresh.path(), &tools);
    assert!(bin.exists());
    tools
}

#[test]
fn zsh_completes_commands_flags_and_values() {
    let tools = zsh();
    let directory = tempfile::tempdir().unwrap();
    let functions = directory.path().join("functions");
    std::fs::create_dir(&functions).unwrap();
    let completions = Command::new(support::binary())
        .args(["generate", "completions", "zsh"])
        .output()
        .expect("the binary under test can be run");
    std::fs::write(functions.join("_lclq"), completions.stdout).unwrap();
    let setup = format!(
        "fpath=({} {}/usr/share/zsh/functions/**/*(/) {}/usr/share/zsh/functions)\n\
         autoload -Uz compinit\ncompinit -u -D\nPS1='ready> '\n",
        functions.display(),
        tools.display(),
        tools.display(),
    );
    std::fs::write(directory.path().join(".zshrc"), setup).unwrap();
    let command = format!(
        "env ZDOTDIR={} TERM=screen {}/bin/zsh-static -d -i",
        directory.path().display(),
        tools.display()
    );
    let tmux = Tmux::start("zsh", &command);
    tmux.until("a prompt", |screen| screen.contains("ready>"));
    for (typed, completed) in [
        ("lclq subs", "lclq subscription"),
        ("lclq connection cl", "lclq connection close"),
        ("lclq start --durab", "lclq start --durability"),
        (
            "lclq queue list --sort old",
            "lclq queue list --sort oldest-age",
        ),
    ] {
        tmux.keys(&["-l", typed]);
        tmux.keys(&["Tab"]);
        tmux.until(completed, |screen| screen.contains(completed));
        tmux.keys(&["C-u"]);
        tmux.keys(&["C-l"]);
    }
    // All that there is, with what it is for.
    tmux.keys(&["-l", "lclq message "]);
    tmux.keys(&["Tab"]);
    let screen = tmux.until("a list", |screen| screen.contains("receive"));
    assert!(
        screen.contains("move") && screen.contains("-- "),
        "{screen}"
    );
}
