//! Whoever comes to a node's port and isn't a node.

use crate::frames::hello;
use crate::nodes::{Store, create, send};
use lclq::cluster::Identity;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

/// Longer than a node waits for anybody to say who it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a node answers to these words of one who shows a certificate of its own making.
fn answer(address: SocketAddr, hash: &[u8], words: &[u8]) -> Vec<u8> {
    let identity = Identity::new().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let connector = TlsConnector::from(identity.client(hash).unwrap());
        let name = rustls::pki_types::ServerName::try_from("any.invalid").unwrap();
        let mut stream = connector.connect(name, stream).await.unwrap();
        stream.write_all(words).await.unwrap();
        stream.flush().await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        // It ends the connection, one way or another.
        let _ = read.expect("it ends the connection");
        answer
    })
}

#[test]
fn strangers_are_not_answered() {
    let store = Store::postgres();
    let nodes = store.nodes(2);
    let known = store.members();
    let (to, other) = (&known[0], &known[1]);
    let one = nodes
        .iter()
        .find(|node| node.node_address().to_string() == *to.address);
    let address = one.expect("a node of the store").node_address();
    // By the name of a node, of somebody, and without a word that is known.
    for words in [
        hello(&other.node, &to.node),
        hello("somebody", &to.node),
        hello(&other.node, "somebody"),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0xff; 1_000],
    ] {
        assert_eq!(answer(address, &to.key_hash, &words), b"", "{words:?}");
    }
    // In clear text, and saying nothing.
    for words in [&b"GET / HTTP/1.1\r\n\r\n"[..], b""] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(words).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (began, mut answer) = (Instant::now(), Vec::new());
        let _ = stream.read_to_end(&mut answer);
        assert!(began.elapsed() < PATIENCE, "it waits for a stranger");
        assert!(answer.len() < 100, "an alert at most: {answer:?}");
    }
    for node in nodes.iter() {
        let mut client = node.client();
        create(&mut client, "queue");
        send(&mut client, "queue", "still there");
    }
    nodes.stop();
}
