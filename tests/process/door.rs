//! The browser's door: which requests of web pages pass, on both ports and in all dialects.

use super::*;
use support::Answer;
use support::streaming::Stream;

const PAGE: &str = "https://app.example";

fn ask(client: &mut Client, request: &str) -> Answer {
    client.write(request.as_bytes()).unwrap();
    client.receive().unwrap()
}

/// A request in each dialect, with some more header lines.
fn requests(host: &str, lines: &str) -> Vec<(&'static str, bool, String)> {
    let head = format!("Host: {host}\r\n{lines}");
    let json = "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.ListQueues";
    vec![
        (
            "json",
            true,
            format!("POST / HTTP/1.1\r\n{head}{json}\r\nContent-Length: 2\r\n\r\n{{}}"),
        ),
        (
            "query",
            true,
            format!("GET /?Action=ListQueues HTTP/1.1\r\n{head}\r\n"),
        ),
        (
            "health",
            true,
            format!("GET /health HTTP/1.1\r\n{head}\r\n"),
        ),
        (
            "peek",
            true,
            format!("GET /_lclq/sqs/messages?QueueUrl=/000000000000/q HTTP/1.1\r\n{head}\r\n"),
        ),
        (
            "rest",
            false,
            format!("GET /v1/projects/p/topics HTTP/1.1\r\n{head}\r\n"),
        ),
        (
            "rest health",
            false,
            format!("GET /health HTTP/1.1\r\n{head}\r\n"),
        ),
        ("rest root", false, format!("GET / HTTP/1.1\r\n{head}\r\n")),
    ]
}

#[track_caller]
fn check(server: &Server, host: &str, lines: &str, passes: bool, says: &str) {
    for (dialect, sqs, request) in requests(host, lines) {
        let mut client = if sqs {
            server.client()
        } else {
            server.pubsub_client()
        };
        let answer = ask(&mut client, &request);
        let case = format!("{dialect}, {host}, {lines:?}");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let head = answer.head.to_ascii_lowercase();
        if passes {
            assert_eq!(answer.status, 200, "{case}: {text}");
            continue;
        }
        assert_eq!(answer.status, 403, "{case}: {text}");
        assert!(!head.contains("access-control-"), "{case}: {head}");
        assert!(text.contains(says), "{case}: {text}");
        match dialect {
            "json" => {
                let kind = answer.json()["__type"].as_str().unwrap().to_owned();
                assert!(kind.ends_with("#AccessDeniedException"), "{case}: {kind}");
                assert!(head.contains("accessdenied;sender"), "{case}: {head}");
            }
            "query" => assert!(text.contains("<Code>AccessDenied</Code>"), "{case}: {text}"),
            "rest" => {
                let error = &answer.json()["error"];
                assert_eq!(error["status"], "PERMISSION_DENIED", "{case}: {text}");
            }
            _ => {}
        }
    }
}

fn served(launch: Launch) -> Server {
    let server = launch.start();
    create(&mut server.client(), "q");
    server
}

#[test]
fn the_machine_itself_passes_and_strangers_pages_do_not() {
    let server = served(Launch::new());
    for host in ["localhost", "127.0.0.1:9324", "[::1]:8085", "192.168.1.5"] {
        check(&server, host, "", true, "");
    }
    check(
        &server,
        "evil.example",
        "",
        false,
        "--allow-host evil.example",
    );
    check(&server, "lclq:9324", "", false, "--allow-host lclq");
    let page = format!("Origin: {PAGE}\r\n");
    check(&server, "localhost", &page, false, "--allow-origin");
    let local = "Origin: http://localhost:3000\r\nSec-Fetch-Site: same-site\r\n";
    check(&server, "localhost", local, true, "");
    for site in ["cross-site", "same-site"] {
        let marked = format!("Sec-Fetch-Site: {site}\r\n");
        check(&server, "localhost", &marked, false, "--allow-origin");
    }
    check(&server, "localhost", "Sec-Fetch-Site: none\r\n", true, "");
    server.stop();
}

#[test]
fn a_page_and_a_name_may_be_let_in_to_one_port_alone() {
    let launch = Launch::new().flag("--sqs-allow-origin", PAGE);
    let server = served(launch.flag("--admin-allow-host", "console.test"));
    let status = |mut client: Client, path: &str, host: &str, headers: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n");
        client.write(request.as_bytes()).unwrap();
        client.receive().unwrap().status
    };
    let page = format!("Origin: {PAGE}\r\n");
    let topics = "/v1/projects/project/topics";
    assert_eq!(
        status(server.client(), "/?Action=ListQueues", "localhost", &page),
        200
    );
    assert_eq!(
        status(server.pubsub_client(), topics, "localhost", &page),
        403
    );
    assert_eq!(
        status(server.admin_client(), "/api/v1/queues", "localhost", &page),
        403
    );
    assert_eq!(
        status(server.admin_client(), "/api/v1/queues", "console.test", ""),
        200
    );
    assert_eq!(
        status(server.client(), "/?Action=ListQueues", "console.test", ""),
        403
    );
    server.stop();
}

#[test]
fn configured_names_and_origins_pass() {
    let launch = Launch::new().flag("--allow-host", "lclq");
    let launch = launch.flag("--allow-host", "*.queues.test");
    let server = served(launch.flag("--allow-origin", PAGE));
    for host in ["lclq:9324", "eu.queues.test", "localhost"] {
        check(&server, host, "", true, "");
    }
    check(&server, "other", "", false, "--allow-host other");
    let page = format!("Origin: {PAGE}\r\nSec-Fetch-Site: cross-site\r\n");
    check(&server, "lclq", &page, true, "");
    let other = "Origin: https://other.example\r\n";
    check(
        &server,
        "lclq",
        other,
        false,
        "--allow-origin https://other.example",
    );
    server.stop();

    let mut launch = Launch::new();
    launch.command.env("LCLQ_ALLOW_HOST", "*");
    launch
        .command
        .env("LCLQ_ALLOW_ORIGIN", "https://one.example,*");
    let server = served(launch);
    check(
        &server,
        "any.thing",
        "Origin: https://b.example\r\n",
        true,
        "",
    );
    check(
        &server,
        "any.thing",
        "Sec-Fetch-Site: cross-site\r\n",
        true,
        "",
    );
    server.stop();
}

#[test]
fn a_preflight_is_for_origins_that_pass() {
    let server = served(Launch::new().flag("--allow-origin", PAGE));
    for sqs in [true, false] {
        let mut client = if sqs {
            server.client()
        } else {
            server.pubsub_client()
        };
        for (origin, status) in [
            (PAGE, 204),
            ("http://localhost:1", 204),
            ("https://x.example", 403),
        ] {
            let request = format!(
                "OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n\
                 Access-Control-Request-Method: POST\r\n\
                 Access-Control-Request-Private-Network: true\r\n\r\n"
            );
            let answer = ask(&mut client, &request);
            assert_eq!(answer.status, status, "{origin}");
            let head = answer.head.to_ascii_lowercase();
            for line in [
                format!("access-control-allow-origin: {origin}\r\n"),
                "access-control-allow-private-network: true\r\n".to_owned(),
            ] {
                assert_eq!(head.contains(&line), status == 204, "{origin}: {head}");
            }
        }
    }
    server.stop();
}

#[test]
fn an_image_on_a_page_purges_nothing() {
    let server = Launch::new().start();
    let mut client = server.client();
    create(&mut client, "q");
    client.ok("SendMessage", &send_request("q", "kept"));
    let image = "GET /000000000000/q?Action=PurgeQueue HTTP/1.1\r\nHost: 127.0.0.1:9324\r\n\
                 Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n\
                 Sec-Fetch-Dest: image\r\nReferer: https://evil.example/\r\n\r\n";
    assert_eq!(ask(&mut client, image).status, 403);
    // A form's target can be no other page's either, though forms may be posted anywhere.
    let form = "POST /000000000000/q HTTP/1.1\r\nHost: 127.0.0.1:9324\r\n\
                Origin: https://evil.example\r\nContent-Length: 17\r\n\
                Content-Type: application/x-www-form-urlencoded\r\n\r\nAction=PurgeQueue";
    assert_eq!(ask(&mut client, form).status, 403);
    let mut client = server.client();
    assert_eq!(drain(&mut client, "q"), ["kept"]);
    server.stop();
}

#[test]
fn grpc_calls_name_their_host_as_authority() {
    let first = Default::default();
    let patience = Duration::from_secs(10);
    for (authority, allowed, status) in [
        ("localhost:8085", None, "3"),
        ("lclq:8085", None, "7"),
        ("lclq:8085", Some("lclq"), "3"),
    ] {
        let mut launch = Launch::new();
        if let Some(host) = allowed {
            launch = launch.flag("--allow-host", host);
        }
        let server = launch.start();
        let mut stream = Stream::open_at(server.pubsub_address(), authority, &first).unwrap();
        let error = stream.next(patience).unwrap_err().to_string();
        // An empty first request is INVALID_ARGUMENT, if it is read at all.
        assert!(
            error.contains(&format!("\"{status}\"")),
            "{authority}: {error}"
        );
        server.stop();
    }
}

#[test]
fn flags_that_make_no_sense_are_refused() {
    for (flag, value) in [
        ("--allow-host", "http://lclq"),
        ("--allow-host", "lclq:9324"),
        ("--allow-origin", "app.example"),
        ("--allow-origin", "https://app.example/path"),
    ] {
        let refused = Launch::new().flag(flag, value).refused();
        assert!(refused.stderr.contains(flag), "{}", refused.stderr);
    }
}
