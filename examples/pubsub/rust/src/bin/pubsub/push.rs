//! A subscription that pushes to an HTTP server, and comes again after an answer that isn't a success.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use google_cloud_pubsub::model::{Message, PushConfig};

use crate::Outcome;
use crate::service::{PATIENCE, Service};

const STATUSES: [u16; 2] = [503, 204];

pub async fn run(service: &mut Service) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let config = PushConfig::new().set_push_endpoint(format!("http://{}/push", listener.local_addr()?));
    let pushed = serve(listener);

    let topic = service.topic("webhooks", |topic| topic).await?;
    service.subscribe(&topic, "webhooks", |s| s.set_push_config(config)).await?;
    service.publish(&topic, [Message::new().set_data("order-1")]).await?;
    for status in STATUSES {
        let got = pushed.recv_timeout(PATIENCE)?;
        assert_eq!(got, (status, "order-1".to_owned()));
        println!("pushed {}, answered {}", got.1, got.0);
    }
    Ok(())
}

/// Answers a request with each of the statuses, where others would use a web framework.
fn serve(listener: TcpListener) -> Receiver<(u16, String)> {
    let (sender, pushed) = channel();
    std::thread::spawn(move || {
        for status in STATUSES {
            let (connection, _) = listener.accept().expect("a connection");
            let text = answer(connection, status).expect("a push request");
            sender.send((status, text)).expect("the example waits");
        }
    });
    pushed
}

/// The data of the message that is pushed.
fn answer(mut connection: TcpStream, status: u16) -> Outcome<String> {
    let mut reader = BufReader::new(connection.try_clone()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse()?,
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    write!(connection, "HTTP/1.1 {status} Status\r\nconnection: close\r\n\r\n")?;
    let envelope: serde_json::Value = serde_json::from_slice(&body)?;
    let data = envelope["message"]["data"].as_str().ok_or("no data")?;
    Ok(String::from_utf8(STANDARD.decode(data)?)?)
}
