//! A local HTTP server that messages are pushed to.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// One request that was pushed; the names of its headers are in lower case.
#[derive(Debug)]
pub struct Pushed {
    pub request_line: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Pushed {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    /// The data of the wrapped message.
    pub fn data(&self) -> String {
        use base64::Engine;
        let json = self.json();
        let data = json["message"]["data"].as_str().expect("there is data");
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(data)
            .expect("the data is base64");
        String::from_utf8(bytes).expect("the data is text")
    }
}

pub struct PushEndpoint {
    pub url: String,
    pushed: UnboundedReceiver<Pushed>,
    server: tokio::task::JoinHandle<()>,
}

impl PushEndpoint {
    /// Answers with these statuses in turn, and with 204 from then on.
    pub async fn answering(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/push?token=secret", listener.local_addr().unwrap());
        let (sender, pushed) = unbounded_channel();
        let statuses = Arc::new(Mutex::new(VecDeque::from(statuses.to_vec())));
        let server = tokio::spawn(async move {
            let mut connections = JoinSet::new(); // end with this task
            while let Ok((connection, _)) = listener.accept().await {
                connections.spawn(serve(connection, sender.clone(), Arc::clone(&statuses)));
            }
        });
        Self { url, pushed, server }
    }

    pub async fn next(&mut self) -> Pushed {
        crate::within(crate::PATIENCE, "a push comes", self.pushed.recv())
            .await
            .unwrap()
    }

    pub async fn stays_empty(&mut self, time: Duration, why: &str) {
        if let Ok(got) = tokio::time::timeout(time, self.pushed.recv()).await {
            panic!("{got:?} came: {why}");
        }
    }
}

impl Drop for PushEndpoint {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Serves one connection until the client closes it.
async fn serve(connection: TcpStream, pushed: UnboundedSender<Pushed>, statuses: Arc<Mutex<VecDeque<u16>>>) {
    let mut connection = BufReader::new(connection);
    while let Ok(Some(request)) = read_request(&mut connection).await {
        let status = statuses.lock().unwrap().pop_front().unwrap_or(204);
        let answer = match status {
            204 => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            other => format!("HTTP/1.1 {other} Status\r\ncontent-length: 0\r\n\r\n"),
        };
        if connection.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        // Once it is answered: a test that has seen it may close the endpoint.
        if pushed.send(request).is_err() {
            return;
        }
    }
}

async fn read_request(connection: &mut BufReader<TcpStream>) -> io::Result<Option<Pushed>> {
    let mut request_line = String::new();
    if connection.read_line(&mut request_line).await? == 0 {
        return Ok(None);
    }
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().expect("a number"));
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await?;
    Ok(Some(Pushed {
        request_line: request_line.trim_end().to_owned(),
        headers,
        body,
    }))
}
