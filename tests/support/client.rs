//! A small HTTP/1.1 client for SQS's JSON protocol and REST: one connection, kept alive, no
//! cleverness.

use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Longer than any long poll.
const READ_TIMEOUT: Duration = Duration::from_secs(40);

/// One connection, opened when it is needed.
pub struct Client {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
    opened: Option<Instant>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Status line and header lines as they came.
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body; null where there is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as it is.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The JSON of an answer that must be a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            stream: None,
            opened: None,
        }
    }

    /// Whom it asks.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// When its last connection was opened.
    pub fn opened(&self) -> Option<Instant> {
        self.opened
    }

    /// Calls an SQS action.
    pub fn call(&mut self, action: &str, body: &Value) -> io::Result<Answer> {
        self.send(action, body)?;
        self.receive()
    }

    /// Calls an action that must succeed.
    #[track_caller]
    pub fn ok(&mut self, action: &str, body: &Value) -> Value {
        self.call(action, body).expect("an answer").ok()
    }

    /// Sends an action's request without waiting for the answer.
    pub fn send(&mut self, action: &str, body: &Value) -> io::Result<()> {
        let body = body.to_string();
        let request = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.{action}\r\n\
             Content-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.write(request.as_bytes())
    }

    /// Gets a path.
    pub fn get(&mut self, path: &str) -> io::Result<Answer> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.write(request.as_bytes())?;
        self.receive()
    }

    /// Sends JSON to a path, as REST clients do.
    pub fn rest(&mut self, method: &str, path: &str, body: &Value) -> io::Result<Answer> {
        let body = body.to_string();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.write(request.as_bytes())?;
        self.receive()
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let result = self.connection().and_then(|c| c.get_mut().write_all(bytes));
        self.note(result)
    }

    /// Reads one answer.
    pub fn receive(&mut self) -> io::Result<Answer> {
        let result = self.connection().and_then(read_answer);
        self.note(result)
    }

    fn connection(&mut self) -> io::Result<&mut BufReader<TcpStream>> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(READ_TIMEOUT))?;
            self.stream = Some(BufReader::new(stream));
            self.opened = Some(Instant::now());
        }
        Ok(self.stream.as_mut().expect("just made"))
    }

    /// A connection that failed is not used again.
    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if result.is_err() {
            self.stream = None;
        }
        result
    }
}

fn read_answer(stream: &mut BufReader<TcpStream>) -> io::Result<Answer> {
    let mut head = String::new();
    let mut length = 0;
    loop {
        let start = head.len();
        if stream.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = head[start..].trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| io::Error::other(format!("not HTTP: {head:?}")))?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Answer { status, head, body })
}
