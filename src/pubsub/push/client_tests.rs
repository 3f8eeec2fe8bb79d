use super::*;
use crate::pubsub::testing::on_each_driver;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};

/// One request as a server saw it.
struct Seen {
    head: String,
    body: Vec<u8>,
}

/// A server that answers every request of every connection with `answer`, and reports them.
fn server(answer: &'static str) -> (SocketAddr, Receiver<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (report, seen) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, report) = (stream.expect("a connection"), report.clone());
            std::thread::spawn(move || {
                let mut reader = BufReader::new(&stream);
                while let Some(request) = read_request(&mut reader) {
                    if report.send(request).is_err() {
                        return;
                    }
                    let _ = (&stream).write_all(answer.as_bytes());
                }
            });
        }
    });
    (address, seen)
}

fn read_request(reader: &mut impl BufRead) -> Option<Seen> {
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Seen { head, body })
}

fn post(address: SocketAddr) -> HttpRequest {
    HttpRequest {
        method: Method::POST,
        uri: format!("http://{address}/push?a=b").parse().expect("a URL"),
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"hello"),
        timeout: Duration::from_secs(60),
        token: None,
    }
}

fn client() -> PushClient {
    PushClient::new(PushConfig::default()).expect("a valid configuration")
}

#[test]
fn requests_arrive_and_statuses_come_back() {
    on_each_driver(|| async {
        let (address, seen) = server("HTTP/1.1 204 No Content\r\n\r\n");
        let push = client().on_core();
        let mut request = post(address);
        request
            .headers
            .insert("x-test", HeaderValue::from_static("y"));
        assert_eq!(push.send(request).await, HttpOutcome::Status(204));
        let request = seen.recv().expect("a request");
        assert!(request.head.starts_with("POST /push?a=b HTTP/1.1\r\n"));
        let head = request.head.to_ascii_lowercase();
        assert!(head.contains("\r\nx-test: y\r\n"), "{head}");
        assert!(head.contains(&format!("\r\nhost: {address}\r\n")), "{head}");
        assert_eq!(request.body, b"hello");
    });
}

#[test]
fn many_at_once_come_back_one_by_one() {
    on_each_driver(|| async {
        let (address, _seen) = server("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        let push = client().on_core();
        let all = (0..200).map(|_| push.send(post(address)));
        for outcome in futures_util::future::join_all(all).await {
            assert_eq!(outcome, HttpOutcome::Status(200));
        }
    });
}

#[test]
fn processing_counts_as_an_answer() {
    on_each_driver(|| async {
        let (address, _seen) = server("HTTP/1.1 102 Processing\r\n\r\n");
        assert_eq!(
            client().on_core().send(post(address)).await,
            HttpOutcome::Status(102)
        );
    });
}

#[test]
fn redirects_are_not_followed() {
    on_each_driver(|| async {
        let (address, _seen) =
            server("HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(
            client().on_core().send(post(address)).await,
            HttpOutcome::Status(302)
        );
    });
}

#[test]
fn silence_times_out_and_nobody_is_a_failure() {
    on_each_driver(|| async {
        let (address, _seen) = server("");
        let push = client().on_core();
        let mut request = post(address);
        request.timeout = Duration::from_millis(200);
        assert_eq!(push.send(request).await, HttpOutcome::TimedOut);
        let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = nobody.local_addr().expect("an address");
        drop(nobody);
        assert!(matches!(
            push.send(post(address)).await,
            HttpOutcome::Failed(_)
        ));
        let (address, _seen) = server("not HTTP at all\r\n\r\n");
        assert!(matches!(
            push.send(post(address)).await,
            HttpOutcome::Failed(_)
        ));
    });
}

#[test]
fn tokens_are_sent_and_kept() {
    on_each_driver(|| async {
        let (address, seen) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        let push = client().on_core();
        let mut headers = Vec::new();
        for _ in 0..2 {
            let mut request = post(address);
            request.token = Some(TokenFor {
                email: "a@b".to_owned(),
                audience: "http://audience".to_owned(),
            });
            assert_eq!(push.send(request).await, HttpOutcome::Status(200));
            let head = seen.recv().expect("a request").head;
            let token = head
                .lines()
                .find_map(|line| line.strip_prefix("authorization: Bearer "));
            headers.push(token.expect("a token").to_owned());
        }
        assert_eq!(headers[0], headers[1]);
        let claims = headers[0].split('.').nth(1).expect("three parts");
        let claims = base64_simd::URL_SAFE_NO_PAD
            .decode_to_vec(claims)
            .expect("base64");
        let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
        assert_eq!(claims["aud"], "http://audience");
        assert_eq!(claims["iss"], ISSUER_DEFAULT);
        let jwks: serde_json::Value =
            serde_json::from_str(&push.jwks().await.expect("a key")).expect("JSON");
        assert_eq!(jwks["keys"][0]["kty"], "RSA");
    });
}

#[test]
fn a_bad_authorities_file_is_refused_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("ca.pem");
    let config = PushConfig {
        ca_file: Some(path.clone()),
        ..PushConfig::default()
    };
    assert!(PushClient::new(config.clone()).is_err());
    std::fs::write(&path, "nothing").expect("written");
    assert!(PushClient::new(config).is_err());
}
